//! `deliveries …`

mod replay;
mod show;

use anyhow::bail;

use crate::app::audit::reading::{Looked, Manner};
use crate::app::deliveries::{self, resolve};
use crate::app::failure::Failure;
use crate::domain::clock::Timestamp;
use crate::domain::ids::DeliveryId;
use crate::store::{self, DeliveryRow, Purpose, StoreError};

use super::arguments::{DeliveriesCommand, DeliveryFilter, ListFormat, Resolution, ResolveArguments};
use super::audit::noted;
use super::lookup::{find_notice, open_existing, time_cell};
use super::output::{counted, program};
use super::session::{Exit, Session, out, say};
use super::table::{Format, ListWriter, Row};

/// How many deliveries are read at once.
const PAGE: i64 = 1_000;

const COLUMNS: &[&str] = &[
    "id",
    "notice",
    "contact",
    "channel",
    "address",
    "state",
    "attempts",
    "reason",
    "provider",
    "provider_ref",
    "updated_at",
];

pub(super) async fn run(session: &Session, command: DeliveriesCommand) -> anyhow::Result<Exit> {
    match command {
        DeliveriesCommand::List { filter, format } => list(session, filter, format).await?,
        DeliveriesCommand::Show { id, json } => show::run(session, id, json).await?,
        DeliveriesCommand::Resolve(arguments) => decide(session, arguments).await?,
        DeliveriesCommand::Replay(arguments) => replay::run(session, arguments).await?,
    }
    Ok(Exit::Done)
}

async fn list(session: &Session, filter: DeliveryFilter, format: ListFormat) -> anyhow::Result<()> {
    let format = format.format();
    let store = session.open_store(Purpose::Read).await?;
    if let Some(number) = &filter.notice {
        find_notice(session, &store, number).await?;
    }
    let filter =
        store::DeliveryFilter { notice: filter.notice, states: filter.state, channels: filter.channel };
    let mut out = out();
    let mut list = ListWriter::new(&mut out, format, COLUMNS);
    let mut after = None;
    let mut count = 0;
    loop {
        let page = store.deliveries(&filter, after, PAGE).await?;
        for delivery in &page {
            list.row(row(session, format, delivery))?;
        }
        count += page.len();
        after = page.last().map(|delivery| DeliveryId(delivery.id));
        if (page.len() as i64) < PAGE || list.is_closed() {
            break;
        }
    }
    list.finish()?;
    let looked = Looked::Deliveries { notice: filter.notice.as_deref() };
    noted(session, &store, looked, Manner::Read, count).await;
    Ok(())
}

/// One delivery as a line of a list.
fn row(session: &Session, format: Format, delivery: &DeliveryRow) -> Row {
    vec![
        ("id", delivery.id.to_string().into()),
        ("notice", delivery.notice.as_str().into()),
        ("contact", delivery.contact.as_str().into()),
        ("channel", delivery.channel.as_str().into()),
        ("address", delivery.address.as_str().into()),
        ("state", delivery.state.as_str().into()),
        ("attempts", delivery.attempts.into()),
        ("reason", reason(session, delivery).into()),
        ("provider", delivery.provider.clone().into()),
        ("provider_ref", delivery.provider_ref.clone().into()),
        ("updated_at", time_cell(session, format, Timestamp(delivery.updated_at))),
    ]
}

/// See [`crate::app::deliveries::reason`].
fn reason(session: &Session, delivery: &DeliveryRow) -> Option<String> {
    deliveries::reason(delivery, &session.settings.sms, session.clock.now())
}

async fn decide(session: &Session, arguments: ResolveArguments) -> anyhow::Result<()> {
    let mut ids = arguments.ids;
    ids.sort_unstable();
    ids.dedup();
    let store = open_existing(session).await?;
    let resolution = match arguments.resolution {
        Resolution::Sent => store::Resolution::Sent,
        Resolution::Failed => store::Resolution::Failed,
        Resolution::Resend => store::Resolution::Resend,
    };
    let instance = session.open_instance(&store).await?;
    let expires_at = match resolve(&instance, &session.actor(), &ids, resolution).await {
        Ok(expires_at) => expires_at,
        Err(Failure::Store(StoreError::Conflict(why))) => bail!(
            "{why}; all are resolved or none, so nothing was changed. \"{} deliveries list --state unclear\" shows \
             those that can be resolved",
            program(session)
        ),
        Err(error) => return Err(error.into()),
    };
    let count = ids.len() as i128;
    match arguments.resolution {
        Resolution::Sent => {
            say(format_args!("{} written down as sent.", counted(count, "delivery is", "deliveries are")));
        }
        Resolution::Failed => {
            say(format_args!("{} written down as failed.", counted(count, "delivery is", "deliveries are")));
        }
        Resolution::Resend => say(format_args!(
            "{} sent again, until {}. A running service sends them; if there is none: {} worker --drain",
            counted(count, "delivery is", "deliveries are"),
            session.local(expires_at),
            program(session)
        )),
    }
    store.close().await;
    Ok(())
}
