//! `groups …`

use super::arguments::GroupsCommand;
use super::session::{Exit, Session};

pub(super) async fn run(_session: &Session, _command: GroupsCommand) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
