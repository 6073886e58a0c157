//! `worker`

use super::arguments::WorkerArguments;
use super::session::{Exit, Session};

pub(super) async fn run(_session: &Session, _arguments: WorkerArguments) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
