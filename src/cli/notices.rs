//! `notices …`

use super::arguments::NoticesCommand;
use super::session::{Exit, Session};

pub(super) async fn run(_session: &Session, _command: NoticesCommand) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
