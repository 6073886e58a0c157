//! `suppressions …`

use anyhow::bail;

use crate::domain::address::{Address, Channel};
use crate::domain::clock::Timestamp;
use crate::domain::template::{Labels, Value, Variable, VariableType, parse_value};
use crate::store::{Purpose, Suppression};

use super::arguments::{ListFormat, SuppressArguments, SuppressionsCommand};
use super::lookup::{open_existing, time_cell};
use super::session::{Exit, Session, out, say};
use super::table::{Cell, ListWriter};

const COLUMNS: &[&str] = &["channel", "address", "reason", "detail", "since", "until"];

/// The reason's code when a person has said so.
const MANUAL: &str = "manual";

/// The longest reason that is taken, in characters.
const LONGEST_REASON: usize = 300;

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
    let (channel, address) = recognised(&arguments.address)?;
    let reason = arguments.reason.trim();
    if reason.is_empty() || reason.chars().any(char::is_control) || reason.chars().count() > LONGEST_REASON {
        bail!("--reason must be one line of 1 to {LONGEST_REASON} characters; nothing was changed");
    }
    let until = arguments.until.as_deref().map(|text| end(session, text)).transpose()?;
    let store = session.open_store(Purpose::Write).await?;
    store.suppress(channel.as_str(), &address, MANUAL, reason, until).await?;
    let until = until.map_or("until it is lifted".to_owned(), |at| format!("until {}", session.local(at)));
    say(format_args!("{address} ({channel}) is not used {until}: {reason}"));
    store.close().await;
    Ok(())
}

async fn lift(session: &Session, address: &str) -> anyhow::Result<()> {
    let (channel, address) = recognised(address)?;
    let store = open_existing(session).await?;
    let lifted = store.lift_suppression(channel.as_str(), &address).await?;
    store.close().await;
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

/// The channel that `text` is an address of, and the form under which its block is kept.
///
/// # Errors
/// When it is an address of no channel.
fn recognised(text: &str) -> anyhow::Result<(Channel, String)> {
    let channel = if text.contains("://") {
        Channel::Webhook
    } else if text.contains('@') {
        Channel::Email
    } else if text.contains(|c: char| c.is_ascii_digit()) {
        Channel::Sms
    } else {
        bail!(
            "\"{}\" is no address: write an e-mail address, a telephone number with country code, or a webhook's URL",
            text.escape_debug()
        );
    };
    let address =
        Address::parse(channel, text).map_err(|why| anyhow::anyhow!("{why}; nothing was changed"))?;
    // Blocks are compared with addresses in lower case, a webhook's too.
    Ok((channel, address.normalised().to_ascii_lowercase()))
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
        choices: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_its_channel() {
        let cases = [
            ("Rathaus@Musterdorf.EXAMPLE", Channel::Email, "rathaus@musterdorf.example"),
            ("0152 28817386", Channel::Sms, "+4915228817386"),
            ("https://hooks.example/Rundruf", Channel::Webhook, "https://hooks.example/rundruf"),
        ];
        for (text, channel, kept) in cases {
            assert_eq!(recognised(text).unwrap(), (channel, kept.to_owned()));
        }
        for wrong in ["", "rathaus", "a@b", "110", "https://"] {
            assert!(recognised(wrong).is_err(), "{wrong:?}");
        }
    }
}
