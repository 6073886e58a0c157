//! What somebody can try after the demo has shown everything.

use std::fmt::Write as _;

use crate::cli::output::{program, program_name};
use crate::cli::session::Session;

use super::WIDTH;
use super::first_notices::following;
use super::folder::Folder;

/// Commands to copy when the demo and its folder have gone.
pub(super) fn afterwards() -> String {
    let name = program_name();
    format!(
        "See it again, and go on in it with commands of your own\n  {name} demo\n\n\
         Keep its folder, with the configuration, the contacts and the messages\n  \
         {name} demo --directory rundruf-demo\n\n\
         All commands\n  {name} --help"
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
    write!(
        text,
        "The messages lie in\n  {}\n\nTo send from this folder, name a relay of your own, for the demo's mail server has \
         gone\n  {}",
        folder.received().display(),
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
    let mut words = vec!["send lage-ohne-neues --exercise --to municipalities,schools".to_owned()];
    let values = following(session.clock.now(), &session.settings.instance.timezone);
    words.extend(values.iter().map(|(name, value)| format!("--set {name}='{value}'")));
    writeln!(text, "A notice of your own: nothing new yet, and when you will be back")?;
    writeln!(text, "{}\n", command(session, &words))?;
    writeln!(text, "The messages lie in\n  {}\n", folder.received().display())?;
    writeln!(text, "Rates and limits can be changed while messages go out, in")?;
    writeln!(text, "  {}", folder.configuration().display())?;
    Ok(text)
}

fn looking(text: &mut String, session: &Session, first: &str) -> std::fmt::Result {
    let steps = [
        ("All notices, and where they stand", "notices list".to_owned()),
        ("The whole report on the first one", format!("notices report {first}")),
        ("Who did not get a message", "deliveries list --state failed".to_owned()),
        ("Addresses that are left out from now on, and why", "suppressions list".to_owned()),
        (
            "What a school that reads English gets",
            "templates preview erst-schule --contact isr-rotbuchen".to_owned(),
        ),
    ];
    for (purpose, words) in steps {
        writeln!(text, "{purpose}\n{}\n", command(session, &[words]))?;
    }
    Ok(())
}

/// A command of the program in this session, made of `words`: on one line, or on as many as a terminal's width needs,
/// joined as shells join lines.
fn command(session: &Session, words: &[String]) -> String {
    let mut lines = vec![format!("  {}", program(session))];
    for word in words {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("    {word}")),
        }
    }
    lines.join(" \\\n")
}
