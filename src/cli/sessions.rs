//! `users sessions`, `users end-session`: who is signed in, and ending that.

use crate::app::accounts;
use crate::domain::account::AccountName;
use crate::domain::clock::Timestamp;
use crate::domain::ids::SessionId;
use crate::store::Purpose;

use super::arguments::ListFormat;
use super::lookup::{open_existing, time_cell};
use super::session::{Session, out, say};
use super::table::ListWriter;

const COLUMNS: &[&str] = &["session", "account", "origin", "agent", "created_at", "last_used_at", "ends_at"];

/// Lists the sessions of `account`, or of everybody.
pub(super) async fn list(
    session: &Session,
    account: Option<&AccountName>,
    format: ListFormat,
) -> anyhow::Result<()> {
    let format = format.format();
    let store = session.open_store(Purpose::Read).await?;
    let instance = session.open_instance(&store).await?;
    let mut out = out();
    let mut list = ListWriter::new(&mut out, format, COLUMNS);
    for row in accounts::sessions(&instance, &session.actor(), account).await? {
        let time = |at| time_cell(session, format, Timestamp(at));
        list.row(vec![
            ("session", row.session_id.to_string().into()),
            ("account", row.account.into()),
            ("origin", row.origin.into()),
            ("agent", row.agent.into()),
            ("created_at", time(row.created_at)),
            ("last_used_at", time(row.last_used_at)),
            ("ends_at", time(row.ends_at)),
        ])?;
    }
    list.finish()?;
    Ok(())
}

/// Ends one session.
pub(super) async fn end(session: &Session, id: SessionId) -> anyhow::Result<()> {
    let store = open_existing(session).await?;
    let instance = session.open_instance(&store).await?;
    accounts::end_session(&instance, &session.actor(), id).await?;
    store.close().await;
    say(format_args!("The session {id} has ended."));
    Ok(())
}
