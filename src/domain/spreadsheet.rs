//! Text that is opened in a spreadsheet.

use std::borrow::Cow;

/// `text` as a cell that no spreadsheet takes for a formula: with an apostrophe before it where one would (OWASP, "CSV
/// Injection"). A telephone number stays as it is.
pub fn no_formula(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_telephone_number(text) {
        return Cow::Owned(format!("'{text}"));
    }
    Cow::Borrowed(text)
}

/// `+` and digits alone.
fn is_telephone_number(text: &str) -> bool {
    text.strip_prefix('+')
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_formula_has_an_apostrophe_before_it() {
        for dangerous in ["=1+1", "+1+1", "+", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(no_formula(dangerous), format!("'{dangerous}"));
        }
        for harmless in ["a=b", "+4915228817386", "rathaus@musterdorf.example", ""] {
            assert_eq!(no_formula(harmless), harmless);
        }
    }
}
