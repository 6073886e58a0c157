//! Partners' systems that are told how things stand.

use crate::domain::count::counted;
use crate::store::{Store, StoreError};

use super::{Examination, Finding};

/// Those that take nothing, each by itself; nothing where there is no partner.
pub(super) async fn lines(examination: &Examination, store: &Store) -> Result<Vec<Finding>, StoreError> {
    let partners = store.partners().await?;
    let mut lines = Vec::new();
    for partner in &partners {
        let subject = format!("partner {}", partner.name);
        if let Some(at) = partner.told.switched_off_at {
            let state =
                format!("switched off since {}, last: {}", examination.local(at), partner.told.last_text);
            lines.push(Finding::warning(subject, state, "tell them; when it works again: partners replay"));
        } else if let Some(at) = partner.told.failing_since {
            let state = format!(
                "has taken nothing since {}, last: {}",
                examination.local(at),
                partner.told.last_text
            );
            lines.push(Finding::warning(subject, state, "it is called again by itself"));
        }
    }
    if lines.is_empty() && !partners.is_empty() {
        lines.push(Finding::good(
            "partners",
            counted(partners.len() as i128, "system is told", "systems are told"),
        ));
    }
    Ok(lines)
}
