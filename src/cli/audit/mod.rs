//! `audit …`

mod entries;
mod looked;
mod proof;
mod verify;

use super::arguments::AuditCommand;
use super::session::{Exit, Session, say};

use crate::app::audit::heads;
use crate::store::{Purpose, StoreError};

pub(super) use looked::{noted, say_not_written_down};

pub(super) async fn run(session: &Session, command: AuditCommand) -> anyhow::Result<Exit> {
    match command {
        AuditCommand::Verify(arguments) => return verify::run(session, arguments).await,
        AuditCommand::List { filter, format } => entries::run(session, &filter, format.format()).await?,
        AuditCommand::Export { filter, format } => entries::run(session, &filter, format).await?,
        AuditCommand::Proof(arguments) => proof::run(session, arguments).await?,
    }
    Ok(Exit::Done)
}

/// Keeps the head of the log in its second places after a command that may have released or ended a notice: no service
/// need run. What goes wrong is said, and changes nothing about how the command ended.
pub(super) async fn keep_heads(session: &Session) {
    let kept = async {
        let store = match session.open_store(Purpose::Read).await {
            Ok(store) => store,
            Err(StoreError::NotThere { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(anyhow::Error::from(error)),
        };
        let troubles = heads::keep(&session.open_instance(&store).await?).await?;
        store.close().await;
        Ok(troubles)
    };
    match kept.await {
        Ok(troubles) => troubles.iter().for_each(|trouble| say(format_args!("! {trouble}"))),
        Err(error) => say(format_args!("! the head of the audit log could not be kept: {error:#}")),
    }
}
