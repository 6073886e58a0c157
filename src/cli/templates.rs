//! `templates …`

use super::arguments::TemplatesCommand;
use super::session::{Exit, Session};

pub(super) async fn run(_session: &Session, _command: TemplatesCommand) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
