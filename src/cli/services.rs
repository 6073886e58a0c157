//! `services …`

use crate::app::services::{ServiceChange, list as list_services, set};
use crate::domain::service::Service;
use crate::store::Purpose;

use super::arguments::{ListFormat, ServicesCommand};
use super::lookup::time_cell;
use super::session::{Exit, Session, out, say};
use super::table::{Cell, ListWriter};

const COLUMNS: &[&str] = &["service", "title", "state", "groups", "updated_at"];

pub(super) async fn run(session: &Session, command: ServicesCommand) -> anyhow::Result<Exit> {
    match command {
        ServicesCommand::List { format } => list(session, format).await?,
        ServicesCommand::Set { key, state, title, groups } => {
            let store = session.open_store(Purpose::Write).await?;
            let instance = session.open_instance(&store).await?;
            let change = ServiceChange { title, state, groups, version: None };
            let service = set(&instance, &session.actor(), &key, change).await?;
            say(format_args!("{}: {}, {}{}.", service.key, service.title, service.state, used_by(&service)));
            store.close().await;
        }
    }
    Ok(Exit::Done)
}

fn used_by(service: &Service) -> String {
    if service.groups.is_empty() { String::new() } else { format!(", used by {}", service.groups.join(", ")) }
}

async fn list(session: &Session, format: ListFormat) -> anyhow::Result<()> {
    let format = format.format();
    let store = session.open_store(Purpose::Read).await?;
    let instance = session.open_instance(&store).await?;
    let mut out = out();
    let mut list = ListWriter::new(&mut out, format, COLUMNS);
    for service in list_services(&instance, &session.actor()).await? {
        list.row(vec![
            ("service", service.key.as_str().into()),
            ("title", service.title.into()),
            ("state", service.state.as_str().into()),
            ("groups", Cell::List(service.groups)),
            ("updated_at", time_cell(session, format, service.updated_at)),
            ("version", service.version.into()),
        ])?;
    }
    list.finish()?;
    Ok(())
}
