//! `workers`: the processes that send.

use crate::store::Purpose;

use super::arguments::ListFormat;
use super::lookup::time_cell;
use super::output::counted;
use super::session::{Exit, Session, out, say};
use super::table::{Format, ListWriter};

const COLUMNS: &[&str] = &["process", "name", "version", "started_at", "leased_to", "state", "sending"];

pub(super) async fn run(session: &Session, format: ListFormat) -> anyhow::Result<Exit> {
    let store = session.open_store(Purpose::Read).await?;
    let processes = store.running_processes().await?;
    let now = session.clock.now();
    let time = |at| time_cell(session, format.format(), at);
    let mut out = out();
    let mut list = ListWriter::new(&mut out, format.format(), COLUMNS);
    for process in &processes {
        // Within a second another takes over what it held.
        let state = if process.leased_to > now { "alive" } else { "dead" };
        list.row(vec![
            ("process", process.id.to_string().as_str().into()),
            ("name", process.name.as_str().into()),
            ("version", process.version.as_str().into()),
            ("started_at", time(process.started_at)),
            ("leased_to", time(process.leased_to)),
            ("state", state.into()),
            ("sending", process.sending.into()),
        ])?;
    }
    list.finish()?;
    if format.format() == Format::Table {
        say(match processes.len() {
            0 => "Nothing is sending: start \"rundruf serve\" or \"rundruf worker\".".to_owned(),
            count => counted(count as i128, "process", "processes"),
        });
    }
    Ok(Exit::Done)
}
