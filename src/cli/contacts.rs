//! `contacts …`

use super::arguments::ContactsCommand;
use super::session::{Exit, Session};

pub(super) async fn run(_session: &Session, _command: ContactsCommand) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
