//! `contacts …`

mod export;
mod import;
mod list;
mod show;

use super::arguments::ContactsCommand;
use super::session::{Exit, Session};

pub(super) async fn run(session: &Session, command: ContactsCommand) -> anyhow::Result<Exit> {
    match command {
        ContactsCommand::Import(arguments) => return import::import(session, arguments).await,
        ContactsCommand::Check(files) => return import::check(session, files).await,
        ContactsCommand::List { group, format } => list::run(session, group.as_deref(), format).await?,
        ContactsCommand::Show { id, json } => show::run(session, &id, json).await?,
        ContactsCommand::Export { group, output } => {
            export::run(session, group.as_deref(), output.as_deref()).await?;
        }
    }
    Ok(Exit::Done)
}
