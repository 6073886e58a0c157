//! The line for programs.

use super::*;
use crate::domain::ids::NoticeId;
use crate::domain::notice::{NoticeState, Priority};

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
fn what_to_do_depends_on_the_reason() {
    for (code, expected) in [
        ("5.1.1", "does not exist"),
        ("5.2.2", "mailbox is full"),
        ("5.7.26", "SPF"),
        ("wording", "the template"),
        ("550", "read the answer"),
    ] {
        let advice = advice(DeliveryState::Failed, code);
        assert!(advice.contains(expected), "{code}: {advice}");
    }
    for state in [DeliveryState::Failed, DeliveryState::Suppressed, DeliveryState::Cancelled] {
        assert!(advice(state, "erased").contains("nothing to do"), "{state}");
    }
}
