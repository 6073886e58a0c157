//! `suppressions …`

use super::arguments::SuppressionsCommand;
use super::session::{Exit, Session};

pub(super) async fn run(_session: &Session, _command: SuppressionsCommand) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
