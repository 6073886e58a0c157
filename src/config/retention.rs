//! `[retention]`: how long what is kept.

use crate::domain::retention::Keep;
use crate::domain::settings::Retention;

use super::section::Section;

pub(super) fn read(section: &Section<'_>) -> Option<Retention> {
    let acknowledgements = section.required("acknowledgements", Keep::parse);
    let deliveries = section.required("deliveries", Keep::parse);
    let receipts = section.required("receipts", Keep::parse);
    let notices = section.required("notices", Keep::parse);
    let sessions = section.required("sessions", Keep::parse);
    let callbacks = section.required("callbacks", Keep::parse);
    Some(Retention {
        acknowledgements: acknowledgements?,
        deliveries: deliveries?,
        receipts: receipts?,
        notices: notices?,
        sessions: sessions?,
        callbacks: callbacks?,
    })
}
