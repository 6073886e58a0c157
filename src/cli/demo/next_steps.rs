//! What somebody can try after the demo has shown everything.

use std::fmt::Write as _;

use crate::cli::output::{program, program_name};
use crate::cli::session::Session;

use super::WIDTH;
use super::first_notices::following;
use super::folder::Folder;
use super::receiver::Unmoved;

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

/// Commands to copy when the folder stays and the world outside goes. `alarm` is the number of the alarm.
///
/// # Errors
/// None but those of writing into memory.
pub(super) fn in_the_folder(
    session: &Session,
    folder: &Folder,
    alarm: &str,
) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    looking(&mut text, session, alarm)?;
    write!(
        text,
        "The messages lie in\n  {}\n\nTo send from this folder, name a relay and a gateway of your own, for those of the \
         demo have\ngone\n  {}",
        folder.received().display(),
        folder.configuration().display()
    )?;
    Ok(text)
}

/// Commands to copy while the demo runs. `alarm` is the number of the alarm, `unmoved` are those who do not confirm it,
/// and `gone_endpoint` is the endpoint that was gone.
///
/// # Errors
/// None but those of writing into memory.
pub(super) fn meanwhile(
    session: &Session,
    folder: &Folder,
    alarm: &str,
    unmoved: &[Unmoved],
    gone_endpoint: &str,
) -> Result<String, std::fmt::Error> {
    let mut text = String::from("Confirm for those who did not: open a link of theirs in a browser\n");
    for Unmoved { address, link } in unmoved.iter().filter(|unmoved| unmoved.address.starts_with('+')) {
        writeln!(text, "  {address}  {link}")?;
    }
    text.push_str("\nIn a second terminal, while this one runs:\n\n");
    looking(&mut text, session, alarm)?;
    let doing = [
        (
            "You have reached one of them by telephone",
            format!("notices reached {alarm} {} --by phone", super::alarm::ABSENT[0]),
        ),
        (
            "A town's mail has died: who is there is told by other addresses",
            "domains down altgruenau.example --reason ransomware".to_owned(),
        ),
        (
            "The endpoint that was gone is back: send it what it missed",
            format!("deliveries replay {gone_endpoint} --since 1h"),
        ),
    ];
    for (purpose, words) in doing {
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        writeln!(text, "{purpose}\n{}\n", command(session, &words))?;
    }
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

fn looking(text: &mut String, session: &Session, alarm: &str) -> std::fmt::Result {
    let steps = [
        ("All notices, and where they stand", "notices list".to_owned()),
        ("The whole report on the alarm", format!("notices report {alarm}")),
        ("Whom to telephone", format!("notices report {alarm} --call-list")),
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
