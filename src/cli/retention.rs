//! `retention`: what is kept for how long, what goes now, and what must stay.

use std::fmt::Write as _;

use crate::app::retention::{Due, due, hold, holds, lift, run as let_go};
use crate::domain::retention::DataKind;
use crate::store::{LegalHold, Purpose};

use super::arguments::RetentionCommand;
use super::lookup::open_existing;
use super::output::{counted, write_text};
use super::session::{Exit, Session, out, say};
use super::table::{Cell, json_object};

/// How many notices are named before the rest is only counted.
const MOST_NAMED: usize = 10;

/// Runs one of its commands.
pub(super) async fn run(session: &Session, command: RetentionCommand) -> anyhow::Result<Exit> {
    match command {
        RetentionCommand::Show { json } => show(session, json).await?,
        RetentionCommand::Run { dry_run: true } => show(session, false).await?,
        RetentionCommand::Run { dry_run: false } => now(session).await?,
        RetentionCommand::Hold(arguments) => {
            let store = open_existing(session).await?;
            let instance = session.open_instance(&store).await?;
            let scope = arguments.scope.scope();
            hold(&instance, &session.actor(), &scope, &arguments.reason).await?;
            say(format_args!("nothing about {scope} is deleted or erased until the hold is lifted"));
            store.close().await;
        }
        RetentionCommand::Lift(arguments) => {
            let store = open_existing(session).await?;
            let instance = session.open_instance(&store).await?;
            let scope = arguments.scope.scope();
            lift(&instance, &session.actor(), &scope, &arguments.reason).await?;
            say(format_args!(
                "the hold on {scope} is lifted: what has been kept for its time goes with the next run"
            ));
            store.close().await;
        }
    }
    Ok(Exit::Done)
}

async fn show(session: &Session, json: bool) -> anyhow::Result<()> {
    let store = session.open_store(Purpose::Read).await?;
    let instance = session.open_instance(&store).await?;
    let actor = session.actor();
    let due = due(&instance, &actor).await?;
    let holds = holds(&instance, &actor).await?;
    let text = if json { lines(&due) } else { words(session, &due, &holds)? };
    write_text(&mut out(), &text)?;
    store.close().await;
    Ok(())
}

fn lines(all: &[Due]) -> String {
    let line = |due: &Due| {
        let numbers: Vec<String> = due.notices.iter().map(|notice| notice.number.clone()).collect();
        let row = vec![
            ("kind", Cell::from(due.kind.as_str())),
            ("keep", due.keep.to_string().into()),
            ("notices", numbers.into()),
            ("others", due.others.into()),
        ];
        format!("{}\n", json_object(&row))
    };
    all.iter().map(line).collect()
}

fn words(session: &Session, all: &[Due], holds: &[LegalHold]) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for due in all {
        writeln!(text, "{:<17}{:<15}{}", due.kind.as_str(), due.keep.to_string(), due.kind.meaning())?;
    }
    writeln!(
        text,
        "\nTimes are counted from the end of the incident, or of the notice where there is none."
    )?;
    let waiting: Vec<&Due> = all.iter().filter(|due| !due.is_empty()).collect();
    if waiting.is_empty() {
        writeln!(text, "Nothing would go now.")?;
    }
    for due in waiting {
        let what = if due.kind == DataKind::Sessions {
            counted(due.others, "session", "sessions")
        } else if due.kind == DataKind::Callbacks {
            counted(due.others, "count", "counts")
        } else {
            let names: Vec<&str> =
                due.notices.iter().take(MOST_NAMED).map(|notice| notice.number.as_str()).collect();
            let more = due.notices.len().saturating_sub(MOST_NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{}{more}", names.join(", "))
        };
        writeln!(text, "would go now: {} of {what}", due.kind)?;
    }
    for hold in holds {
        writeln!(
            text,
            "LEGAL HOLD on {} since {} by {}: {}",
            hold.scope,
            session.local(hold.set_at),
            hold.set_by,
            hold.reason
        )?;
    }
    Ok(text)
}

async fn now(session: &Session) -> anyhow::Result<()> {
    let store = open_existing(session).await?;
    let instance = session.open_instance(&store).await?;
    let mut text = String::new();
    for gone in let_go(&instance, &session.actor(), &|| true).await? {
        if gone.notices > 0 {
            writeln!(
                text,
                "{:<17}gone of {}",
                gone.kind.as_str(),
                counted(gone.notices as i128, "notice", "notices")
            )?;
        }
        if gone.others > 0 {
            writeln!(text, "{:<17}{} gone", gone.kind.as_str(), gone.others)?;
        }
    }
    if text.is_empty() {
        text.push_str("Nothing has been kept for its time yet.\n");
    }
    write_text(&mut out(), &text)?;
    store.close().await;
    Ok(())
}
