//! `audit verify`

use crate::app::audit::verify::{Verified, Violation, Witness, add_file, kept_heads, verify};
use crate::cli::arguments::VerifyArguments;
use crate::cli::output::{counted, write_text};
use crate::cli::session::{Exit, Session, out, say};
use crate::store::Purpose;

/// Walks the log, and says whether it holds.
pub(super) async fn run(session: &Session, arguments: VerifyArguments) -> anyhow::Result<Exit> {
    let store = session.open_store(Purpose::Read).await?;
    let instance = session.open_instance(&store).await?;
    let mut kept = kept_heads(&instance).await?;
    for file in &arguments.files {
        if !file.exists() {
            anyhow::bail!("there is no file {}: check the path behind --heads", file.display());
        }
        add_file(&mut kept, file, &file.display().to_string()).await;
    }
    kept.witnesses.extend(arguments.heads.into_iter().map(|mark| Witness {
        mark,
        place: "--head".to_owned(),
        at: None,
    }));
    let result = verify(&instance, &session.actor(), &kept.witnesses).await?;
    store.close().await;
    let exit = match result {
        Ok(verified) => {
            write_text(&mut out(), &holds(session, &verified))?;
            if kept.lost.is_empty() { Exit::Done } else { Exit::Refused }
        }
        Err(violation) => {
            say(broken(session, &violation));
            Exit::Refused
        }
    };
    kept.lost.iter().for_each(|lost| say(format_args!("! {lost}.")));
    kept.remarks.iter().for_each(|remark| say(format_args!("! {remark}")));
    Ok(exit)
}

fn holds(session: &Session, verified: &Verified) -> String {
    let Some(at) = verified.last_at else {
        return "The audit log is empty: nothing has been done yet.\n".to_owned();
    };
    let head = &verified.head;
    let vouched = match verified.agreed {
        0 => "No head that was kept elsewhere was compared.".to_owned(),
        agreed => format!(
            "{} with it, the last at entry {}.",
            counted(
                agreed as i128,
                "head that was kept elsewhere agrees",
                "heads that were kept elsewhere agree"
            ),
            verified.vouched
        ),
    };
    format!(
        "The audit log holds: {}, the last of {}.\n{vouched}\nIt ends at {}:{}\n",
        counted(head.sequence, "entry", "entries"),
        session.local(at),
        head.sequence,
        head.hash
    )
}

fn broken(session: &Session, violation: &Violation) -> String {
    let whose = violation.witness.as_ref().map_or_else(String::new, |witness| {
        let when = witness.at.map_or_else(String::new, |at| format!(", kept {}", session.local(at)));
        format!("\n  So says {} (entry {}{when}).", witness.place, witness.mark.sequence)
    });
    let sound = match violation.sound {
        0 => "No entry can be relied on.".to_owned(),
        1 => "Entry 1 holds.".to_owned(),
        last => format!("Entries 1 to {last} hold."),
    };
    format!(
        "The audit log does not hold: {}.{whose}\n  {sound} Save the store and every place that heads were kept in \
         before anything else is done.",
        violation.broken
    )
}
