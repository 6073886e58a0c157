//! What a relay said.

use std::fmt;

/// One SMTP reply (RFC 5321, section 4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The three digits.
    pub code: u16,
    /// The text of all lines, joined by spaces, the enhanced status code in front where there is one.
    pub text: String,
}

/// Class, subject and detail of an enhanced status code (RFC 3463).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnhancedStatus {
    /// 2, 4 or 5.
    pub class: u16,
    /// What it is about: 1 addresses, 2 mailbox, 3 mail system, 4 network, 5 protocol, 6 content, 7 policy.
    pub subject: u16,
    /// Which of that subject's conditions.
    pub detail: u16,
}

impl Reply {
    /// A reply of `code` and `text`.
    pub fn new(code: u16, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    /// 2yz.
    pub const fn is_completion(&self) -> bool {
        self.code / 100 == 2
    }

    /// The enhanced status code that the text starts with. One whose class contradicts the reply's code does
    /// not count (RFC 2034, section 4).
    pub fn enhanced(&self) -> Option<EnhancedStatus> {
        let word = self.text.split_ascii_whitespace().next()?;
        let mut parts = word.split('.');
        let mut number = || {
            let part = parts.next()?;
            let digits = (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| part.parse::<u16>().ok()).flatten()
        };
        let status = EnhancedStatus { class: number()?, subject: number()?, detail: number()? };
        (parts.next().is_none() && status.class == self.code / 100).then_some(status)
    }

    /// What reports group by: the enhanced status code, or the reply code where there is none.
    pub fn group(&self) -> String {
        self.enhanced().map_or_else(|| self.code.to_string(), |status| status.to_string())
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.text.trim())
    }
}

impl fmt::Display for EnhancedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_group_by_the_enhanced_code_if_it_agrees_with_the_reply() {
        for (code, text, group) in [
            (550, "5.1.1 <a@b.example> User unknown", "5.1.1"),
            (550, "User unknown", "550"),
            (550, "4.2.0 contradicts itself", "550"),
            (550, "5.1.1.1 no such form", "550"),
            (550, "5.1.x nor this", "550"),
            (550, "5.1111.1 nor this", "550"),
            (450, "4.7.1", "4.7.1"),
            (250, "", "250"),
        ] {
            assert_eq!(Reply::new(code, text).group(), group, "{code} {text}");
        }
    }
}
