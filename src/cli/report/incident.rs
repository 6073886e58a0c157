//! Where a notice's incident stands, and what was found in the notice's words.

use crate::cli::session::Session;
use crate::store::{NoticeSummary, Store};

/// A line each, without a line end; none for a notice that belongs to no incident and claims nothing.
///
/// # Errors
/// When the store cannot be read.
pub(in crate::cli) async fn incident_lines(
    session: &Session,
    store: &Store,
    notice: &NoticeSummary,
) -> anyhow::Result<Vec<String>> {
    let mut lines = Vec::new();
    if let Some(link) = store.notice_incident(notice.id).await? {
        let incident = store.incident(&link.key).await?;
        let phase = incident.as_ref().map_or(link.phase, |incident| incident.phase);
        lines.push(format!("incident {}: {}, {phase}", link.key, link.title));
        lines.extend(
            link.promised_at.map(|at| format!("it promises the next update for {}", session.local(at))),
        );
        if let Some(incident) = incident
            && incident.is_overdue(session.clock.now())
            && let Some(at) = incident.next_update_at
        {
            lines.push(format!("! the next update of {} is OVERDUE since {}", link.key, session.local(at)));
        }
    }
    let wording = store.notice_wording(notice.id).await?;
    let seen = if wording.accepted { "meant so" } else { "not ticked" };
    lines.extend(wording.hints.iter().map(|hint| format!("wording ({seen}): {hint}")));
    Ok(lines)
}
