//! `partners …`

use std::time::Duration;

use anyhow::bail;
use secrecy::ExposeSecret;

use crate::app::partners::{self, EVENTS_KEPT, ListedPartner, PartnerWish};
use crate::domain::account::{AccountName, comma_separated};
use crate::domain::clock::Timestamp;
use crate::domain::mask::mask_address;
use crate::store::Purpose;

use super::arguments::{AddPartnerArguments, ListFormat, PartnersCommand};
use super::lookup::{open_existing, time_cell};
use super::output::write_text;
use super::session::{Exit, Session, out, say};
use super::table::{Cell, ListWriter};

const COLUMNS: &[&str] = &[
    "name",
    "address",
    "topics",
    "visibility",
    "groups",
    "waiting",
    "told_at",
    "answer",
    "failing_since",
    "switched_off_at",
    "created_at",
    "created_by",
];

pub(super) async fn run(session: &Session, command: PartnersCommand) -> anyhow::Result<Exit> {
    match command {
        PartnersCommand::Add(arguments) => add(session, arguments).await?,
        PartnersCommand::List { format } => list(session, format).await?,
        PartnersCommand::Secret { name } => rotate_secret(session, &name).await?,
        PartnersCommand::Remove { name } => remove(session, &name).await?,
        PartnersCommand::Replay { name, since } => replay(session, &name, since).await?,
    }
    Ok(Exit::Done)
}

async fn add(session: &Session, arguments: AddPartnerArguments) -> anyhow::Result<()> {
    let AddPartnerArguments { name, url, topics, visibility, groups } = arguments;
    let store = session.open_store(Purpose::Write).await?;
    let instance = session.open_instance(&store).await?;
    let wish = PartnerWish {
        name: name.clone(),
        url,
        topics: topics.into_iter().collect(),
        visibility,
        groups: (!groups.is_empty()).then(|| groups.into_iter().map(|group| group.to_lowercase()).collect()),
    };
    let secret = partners::add(&instance, &session.actor(), wish).await?;
    store.close().await;
    say(format_args!(
        "{name} is told what happens from now on, as long as \"serve\" or a worker runs. Hand this secret over by a safe way; it \
         is shown this once:"
    ));
    write_text(&mut out(), &format!("{}\n", secret.expose_secret()))?;
    Ok(())
}

async fn list(session: &Session, format: ListFormat) -> anyhow::Result<()> {
    let format = format.format();
    let store = session.open_store(Purpose::Read).await?;
    let instance = session.open_instance(&store).await?;
    let mut out = out();
    let mut list = ListWriter::new(&mut out, format, COLUMNS);
    for ListedPartner { partner, waiting } in partners::list(&instance, &session.actor()).await? {
        let time = |at: Option<Timestamp>| at.map_or(Cell::Nothing, |at| time_cell(session, format, at));
        let groups = partner.interest.groups.as_ref();
        list.row(vec![
            ("name", partner.name.into()),
            ("address", mask_address(&partner.url).into()),
            ("topics", comma_separated(&partner.interest.topics).into()),
            ("visibility", partner.interest.visibility.as_str().into()),
            ("groups", groups.map_or(Cell::Nothing, |groups| comma_separated(groups).into())),
            ("waiting", waiting.into()),
            ("told_at", time(partner.told.told_at)),
            ("answer", partner.told.last_text.into()),
            ("failing_since", time(partner.told.failing_since)),
            ("switched_off_at", time(partner.told.switched_off_at)),
            ("created_at", time(Some(partner.created_at))),
            ("created_by", partner.created_by.into()),
        ])?;
    }
    list.finish()?;
    Ok(())
}

async fn rotate_secret(session: &Session, name: &AccountName) -> anyhow::Result<()> {
    let store = open_existing(session).await?;
    let instance = session.open_instance(&store).await?;
    let secret = partners::rotate_secret(&instance, &session.actor(), name).await?;
    store.close().await;
    let Some(secret) = secret else {
        bail!("there is no partner called {name}: \"partners list\" shows all");
    };
    say(format_args!(
        "From now on this secret signs what {name} is told; the old one signs nothing more. Hand it over by a safe way; \
         it is shown this once:"
    ));
    write_text(&mut out(), &format!("{}\n", secret.expose_secret()))?;
    Ok(())
}

async fn remove(session: &Session, name: &AccountName) -> anyhow::Result<()> {
    let store = open_existing(session).await?;
    let instance = session.open_instance(&store).await?;
    let removed = partners::remove(&instance, &session.actor(), name).await?;
    store.close().await;
    if !removed {
        bail!("there is no partner called {name}: \"partners list\" shows all");
    }
    say(format_args!("{name} is told nothing more."));
    Ok(())
}

async fn replay(session: &Session, name: &AccountName, back: Duration) -> anyhow::Result<()> {
    let store = open_existing(session).await?;
    let instance = session.open_instance(&store).await?;
    let since = session.clock.now().minus(back.min(EVENTS_KEPT));
    let found = partners::replay(&instance, &session.actor(), name, since).await?;
    store.close().await;
    if !found {
        bail!("there is no partner called {name}: \"partners list\" shows all");
    }
    say(format_args!(
        "{name} is told again what happened since {}; what it has had it knows by its webhook-id.",
        session.local(since)
    ));
    Ok(())
}
