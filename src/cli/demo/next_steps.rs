//! What somebody can try after the demo has shown everything.

use std::fmt::Write as _;

use crate::cli::output::{program, program_name};
use crate::cli::session::Session;

use super::first_notices;
use super::folder::Folder;

/// What is only looked at: what it shows, and the command behind the program's name.
const LOOKING: [(&str, &str); 4] = [
    ("All notices, and where they stand", "notices list"),
    ("Who did not get a message", "deliveries list --state failed"),
    ("What a teacher who reads English would get", "templates preview erst-schule --contact isr-rotbuchen"),
    ("All contacts of a group, by its name", "groups show municipalities"),
];

/// Commands to copy when the demo and its folder have gone.
pub(super) fn afterwards() -> String {
    let name = program_name();
    format!(
        "See it again and go on in it, with commands of your own:\n  {name} demo\n\n\
         Keep its folder, with the configuration, the contacts and the messages:\n  \
         {name} demo --directory rundruf-demo\n\n\
         All commands:\n  {name} --help"
    )
}

/// Commands to copy when the folder stays and the mail server goes. `first` is the number of the first notice.
///
/// # Errors
/// None but those of writing into memory.
pub(super) fn in_the_folder(
    session: &Session,
    folder: &Folder,
    first: &str,
) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    looking(&mut text, session, first)?;
    writeln!(text, "The messages lie in {}", folder.received().display())?;
    write!(
        text,
        "To send from this folder, name a relay in {}:\nthe demo's mail server has gone.",
        folder.configuration().display()
    )?;
    Ok(text)
}

/// Commands to copy while the demo runs. `first` is the number of the first notice.
///
/// # Errors
/// None but those of writing into memory.
pub(super) fn meanwhile(session: &Session, folder: &Folder, first: &str) -> Result<String, std::fmt::Error> {
    let mut text = String::from("In a second terminal, while this one runs:\n\n");
    looking(&mut text, session, first)?;
    let values: String = first_notices::following(session.clock.now(), &session.settings.instance.timezone)
        .iter()
        .map(|(name, value)| format!(" \\\n    --set {name}='{value}'"))
        .collect();
    writeln!(
        text,
        "A notice of your own: there is nothing new, and when we will be back\n  {} send lage-ohne-neues --exercise \
         --to municipalities,schools{values}\n",
        program(session)
    )?;
    writeln!(text, "The messages lie in {}", folder.received().display())?;
    writeln!(text, "Limits that you change in {}", folder.configuration().display())?;
    writeln!(text, "are in force a second later, also while messages go out.")?;
    Ok(text)
}

fn looking(text: &mut String, session: &Session, first: &str) -> std::fmt::Result {
    for (purpose, command) in LOOKING {
        writeln!(text, "{purpose}\n  {} {command}\n", program(session))?;
    }
    writeln!(text, "The whole report on the first notice\n  {} notices report {first}\n", program(session))
}
