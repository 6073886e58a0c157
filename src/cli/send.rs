//! `send`

use super::arguments::SendArguments;
use super::session::{Exit, Session};

pub(super) async fn run(_session: &Session, _arguments: SendArguments) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
