//! What is refused before it leaves, because a gateway or a telephone would damage it.

use crate::domain::outcome::{Fault, Outcome, Reason};
use crate::domain::settings::SmsGatewayKind;
use crate::domain::sms_text::measure;

/// Why `text` must not be handed to a gateway of this kind that takes `max_segments`; `None` if it may.
pub(super) fn refuse(text: &str, kind: &SmsGatewayKind, max_segments: u16) -> Option<Outcome> {
    let why = damage(text, kind, usize::from(max_segments))?;
    let reason = Reason::new("wording", format!("not sent: {why}"));
    Some(Outcome::Permanent { reason, fault: Fault::Recipient })
}

fn damage(text: &str, kind: &SmsGatewayKind, max_segments: usize) -> Option<String> {
    if text.trim().is_empty() {
        return Some("the text is empty".to_owned());
    }
    if let Some(c) = text.chars().find(|c| c.is_control() && !"\n\r\t".contains(*c)) {
        return Some(format!(
            "the text holds the control character U+{:04X}, at which gateways cut or stop: remove it from the \
             template or the value",
            c as u32
        ));
    }
    let size = measure(text);
    if size.segments > max_segments {
        return Some(format!(
            "the text takes {} segments ({} in {}), and this gateway takes {max_segments} (max_segments): shorten it \
             by {} characters",
            size.segments,
            size.units,
            size.encoding,
            size.units_over(max_segments)
        ));
    }
    let characters = text.chars().count();
    match kind.most_characters() {
        Some(limit) if characters > limit => Some(format!(
            "the text has {characters} characters, and this gateway takes {limit}: shorten it by {}",
            characters - limit
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(text: &str, max_segments: u16) -> Option<String> {
        match refuse(text, &SmsGatewayKind::Kannel, max_segments)? {
            Outcome::Permanent { reason, fault: Fault::Recipient } if reason.code == "wording" => {
                Some(reason.text)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_text_that_arrives_whole_may_leave() {
        assert_eq!(why("KDM: Störung seit 05:40.\r\nNächste Info 12:00 – 😀", 3), None);
        assert_eq!(why(&"a".repeat(459), 3), None);
    }

    #[test]
    fn a_text_that_would_be_cut_or_changed_stays_here() {
        assert!(why("", 3).unwrap().contains("empty"));
        assert!(why("Lage\0geheim", 3).unwrap().contains("U+0000"));
        assert!(why("a\u{1b}b", 3).unwrap().contains("U+001B"));
        assert!(why(&"a".repeat(460), 3).unwrap().contains("shorten it by 1 characters"));
        assert!(why(&"–".repeat(71), 1).unwrap().contains("2 segments (71 in UCS-2)"));
        let twilio = refuse(&"–".repeat(1601), &SmsGatewayKind::Twilio, 255).unwrap();
        assert!(matches!(twilio, Outcome::Permanent { reason, .. } if reason.text.contains("takes 1600")));
    }
}
