//! `doctor`

use super::session::{Exit, Session};

pub(super) async fn run(_session: &Session) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
