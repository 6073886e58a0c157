//! The line for programs, and what readers are advised to do.

use super::*;
use crate::domain::ids::NoticeId;
use crate::domain::notice::{NoticeState, Priority};
use crate::store::{ADDRESS_GONE, ERASED_CODE};

fn notice() -> NoticeSummary {
    let mut email = Counts::default();
    email.add(DeliveryState::Sent, 2);
    email.add(DeliveryState::Failed, 1);
    NoticeSummary {
        supersedes: None,
        superseded_by: None,
        review_open: false,
        id: NoticeId(uuid::Uuid::nil()),
        number: "2026-0007".to_owned(),
        template: "erst-kommune".to_owned(),
        title: "Erstmeldung".to_owned(),
        state: NoticeState::Completed,
        priority: Priority::Normal,
        exercise: false,
        created_at: Timestamp(0),
        created_by: "anna".to_owned(),
        released_at: None,
        scheduled_at: None,
        expires_at: Timestamp(0),
        completed_at: None,
        recipients: 3,
        fanned_out: 3,
        alarm: false,
        cascade_after: None,
        cascade_open: 0,
        channels: [(Channel::Email, email), (Channel::Sms, Counts::default())].into(),
    }
}

#[test]
fn the_line_for_programs_has_all_states_and_only_channels_in_use() {
    assert_eq!(
        result_line(&notice()),
        "{\"notice\":\"2026-0007\",\"id\":\"00000000-0000-0000-0000-000000000000\",\"state\":\"completed\",\
         \"total\":3,\"counts\":{\"queued\":0,\"sending\":0,\"sent\":2,\"delivered\":0,\"failed\":1,\"expired\":0,\
         \"suppressed\":0,\"cancelled\":0,\"unclear\":0},\"channels\":{\"email\":{\"total\":3,\"sent\":2,\"failed\":1}}}"
    );
}

#[test]
fn what_to_do_about_a_failure_depends_on_its_code() {
    const UNKNOWN: &str =
        "the address does not exist: correct it in the contact file, import it, and send again";
    const FULL: &str = "the mailbox is full or takes no message of this size: reach them another way";
    const POLICY: &str =
        "refused for reasons of policy: check SPF, DKIM and the relay's reputation, then send again";
    const ANYTHING: &str = "read the answer; if it has been mended, send again";
    const LONG: &str = "the endpoint takes no text of this size: send another notice with a shorter one";
    for (codes, expected) in [
        (&["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.4", "5.7.13"][..], UNKNOWN),
        (&["5.2.2", "4.2.2", "5.2.3", "5.3.4"], FULL),
        (&["5.7.1", "5.7.26", "5.6.7"], POLICY),
        (&["5.0.0", "5.1.8", "5.5.1", "550", "16", "timeout", ""], ANYTHING),
        (&["too large", "413"], LONG),
        (&["manual"], "decided by a person"),
        (&["bounce"], "it came back: correct the address in the contact file, import it, and send again"),
        (&["secret"], "correct webhook_secret in the contact file, import it, and send again"),
    ] {
        for code in codes {
            assert_eq!(advice(DeliveryState::Failed, code), expected, "{code:?}");
        }
    }
    for (code, words) in [
        ("wording", ["correct the template, the contact's columns or max_segments", "send another notice"]),
        ("410", ["is not called any more: take it out of the contact file", "deliveries replay"]),
        ("guard", ["may not be called: correct it in the contact file", "[webhook] allow_networks"]),
    ] {
        let advice = advice(DeliveryState::Failed, code);
        assert!(words.iter().all(|word| advice.contains(word)), "{code}: {advice}");
    }
}

#[test]
fn what_to_do_depends_on_where_a_delivery_stands() {
    for (state, code, expected) in [
        (DeliveryState::Queued, "4.7.1", "tried again by itself; nothing to do now"),
        (DeliveryState::Queued, "503", "tried again by itself; nothing to do now"),
        (DeliveryState::Queued, "", "tried again by itself; nothing to do now"),
        (DeliveryState::Queued, "301", "ask its owner for the final address"),
        (DeliveryState::Queued, "308", "ask its owner for the final address"),
        (DeliveryState::Unclear, "interrupted", "look into the relay's log), then resolve it"),
        (DeliveryState::Unclear, "5.1.1", "find out whether it arrived"),
        (DeliveryState::Suppressed, ADDRESS_GONE, "no longer have this address: tell them another way"),
        (DeliveryState::Suppressed, "5.1.1", "if the address is right, lift the block"),
        (DeliveryState::Suppressed, "failing", "if the address is right, lift the block"),
        (DeliveryState::Expired, "503", "send it again with more time"),
        (DeliveryState::Expired, "", "reach them another way"),
    ] {
        let advice = advice(state, code);
        assert!(advice.contains(expected), "{state} {code:?}: {advice}");
    }
    for code in ["3", "30003", "3.1.1", "3xx"] {
        let advice = advice(DeliveryState::Queued, code);
        assert!(advice.ends_with("nothing to do now"), "{code} is no redirect: {advice}");
    }
}

#[test]
fn nothing_is_to_be_done_about_whoever_was_erased() {
    for state in DeliveryState::ALL {
        assert_eq!(advice(state, ERASED_CODE), "the contact was erased: nothing to do", "{state}");
    }
}
