//! `deliveries …`

use super::arguments::DeliveriesCommand;
use super::session::{Exit, Session};

pub(super) async fn run(_session: &Session, _command: DeliveriesCommand) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
