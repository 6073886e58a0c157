//! `suppressions …`

use anyhow::bail;

use crate::app::suppressions::{self, Blockable};
use crate::domain::clock::Timestamp;
use crate::domain::template::{Labels, Value, Variable, VariableType, parse_value};
use crate::store::{Purpose, Suppression};

use super::arguments::{ListFormat, SuppressArguments, SuppressionsCommand};
use super::lookup::{open_existing, time_cell};
use super::output::counted;
use super::session::{Exit, Session, out, say};
use super::table::{Cell, ListWriter};

const COLUMNS: &[&str] = &["channel", "address", "reason", "detail", "since", "until"];

pub(super) async fn run(session: &Session, command: SuppressionsCommand) -> anyhow::Result<Exit> {
    match command {
        SuppressionsCommand::List { format } => list(session, format).await?,
        SuppressionsCommand::Add(arguments) => add(session, arguments).await?,
        SuppressionsCommand::Lift { address } => lift(session, &address).await?,
    }
    Ok(Exit::Done)
}

async fn list(session: &Session, format: ListFormat) -> anyhow::Result<()> {
    let format = format.format();
    let store = session.open_store(Purpose::Read).await?;
    let mut out = out();
    let mut list = ListWriter::new(&mut out, format, COLUMNS);
    for Suppression { channel, address, reason, detail, since, until } in store.suppressions().await? {
        list.row(vec![
            ("channel", channel.into()),
            ("address", address.into()),
            ("reason", reason.into()),
            ("detail", detail.into()),
            ("since", time_cell(session, format, Timestamp(since))),
            ("until", until.map_or(Cell::Nothing, |at| time_cell(session, format, Timestamp(at)))),
        ])?;
    }
    list.finish()?;
    Ok(())
}

async fn add(session: &Session, arguments: SuppressArguments) -> anyhow::Result<()> {
    let what = Blockable::parse(&arguments.address)?;
    // A store is not made for what is refused.
    let reason = suppressions::checked(&arguments.reason)?;
    let until = arguments.until.as_deref().map(|text| end(session, text)).transpose()?;
    let store = session.open_store(Purpose::Write).await?;
    let instance = session.open_instance(&store).await?;
    let stopped = suppressions::add(&instance, &session.actor(), &what, reason, until).await?;
    let until = until.map_or("until it is lifted".to_owned(), |at| format!("until {}", session.local(at)));
    say(format_args!("{} ({}) is not used {until}: {reason}", what.address, what.channel));
    if stopped > 0 {
        let stopped =
            counted(stopped as i128, "delivery that waited for it is", "deliveries that waited for it are");
        say(format_args!("{stopped} stopped."));
    }
    store.close().await;
    Ok(())
}

async fn lift(session: &Session, address: &str) -> anyhow::Result<()> {
    let what = Blockable::parse(address)?;
    let store = open_existing(session).await?;
    let instance = session.open_instance(&store).await?;
    let lifted = suppressions::lift(&instance, &session.actor(), &what).await?;
    store.close().await;
    let Blockable { channel, address } = what;
    if !lifted {
        bail!(
            "{address} ({channel}) is not blocked: \"suppressions list\" shows what is; nothing was changed"
        );
    }
    say(format_args!(
        "{address} ({channel}) is used again, from the next notice on. \"notices retry\" reaches it with an earlier one."
    ));
    Ok(())
}

/// The end of a block: a day ends when it is over.
///
/// # Errors
/// When it is no time, or past.
fn end(session: &Session, text: &str) -> anyhow::Result<Timestamp> {
    let zone = &session.settings.instance.timezone;
    let read = |kind| parse_value(&untitled(kind), text.trim(), zone);
    let at = match (read(VariableType::Date), read(VariableType::Datetime)) {
        (Ok(Value::Date(day)), _) => {
            day.tomorrow().and_then(|next| next.to_zoned(zone.clone())).map(|next| next.timestamp().into())?
        }
        (_, Ok(Value::Datetime(at))) => at,
        _ => bail!(
            "--until \"{}\" is no time: write 2026-12-31 or 2026-12-31T18:00; nothing was changed",
            text.escape_debug()
        ),
    };
    if at <= session.clock.now() {
        bail!("--until {text} is past: name a later time, or leave it out; nothing was changed");
    }
    Ok(at)
}

/// A variable of which only the type counts.
fn untitled(kind: VariableType) -> Variable {
    Variable {
        name: "until".to_owned(),
        label: Labels::new(),
        kind,
        required: true,
        default: None,
        example: None,
        open: false,
        choices: Vec::new(),
    }
}
