//! `contacts …`

mod erase;
mod everything;
mod export;
mod import;
mod list;
mod print;
mod show;

use super::arguments::ContactsCommand;
use super::session::{Exit, Session};

pub(super) async fn run(session: &Session, command: ContactsCommand) -> anyhow::Result<Exit> {
    match command {
        ContactsCommand::Import(arguments) => return import::import(session, arguments).await,
        ContactsCommand::Check(files) => return import::check(session, files).await,
        ContactsCommand::List { group, format } => list::run(session, group.as_deref(), format).await?,
        ContactsCommand::Show { id, everything, json } => show::run(session, &id, everything, json).await?,
        ContactsCommand::Export(arguments) => export::run(session, arguments).await?,
        ContactsCommand::Print(arguments) => print::run(session, arguments).await?,
        ContactsCommand::Erase(arguments) => erase::run(session, arguments).await?,
    }
    Ok(Exit::Done)
}
