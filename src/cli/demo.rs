//! `demo`

use super::arguments::DemoArguments;
use super::session::{Exit, Session};

pub(super) async fn run(_session: Session, _arguments: DemoArguments) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
