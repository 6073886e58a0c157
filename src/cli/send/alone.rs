//! Release by one person: a reason by a key press, and a word about who is told.

use std::io::{BufRead, Write};

use anyhow::bail;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::app::instance::Instance;
use crate::app::notices::break_glass;
use crate::app::release::Submitted;
use crate::domain::approval::BreakGlass;
use crate::domain::notice::NoticeState;

use super::super::arguments::SendArguments;
use super::super::output::program;
use super::super::session::{Session, say};

/// Why a notice that waits for a second person is to be released by one; `None`: it is not. Whoever wants to stop
/// meanwhile has answered that, too: it waits.
///
/// # Errors
/// When the terminal cannot be read.
pub(super) async fn reason(
    session: &Session,
    arguments: &SendArguments,
    submitted: &Submitted,
    asked: &CancellationToken,
) -> anyhow::Result<Option<(BreakGlass, String)>> {
    if let Some(reason) = arguments.break_glass {
        return Ok(Some((reason, arguments.note.clone())));
    }
    if arguments.yes || !session.is_interactive() {
        return Ok(None);
    }
    say(format_args!(
        "Notice {} needs a second person: {}. If nobody can be waited for, release it alone; every approver is told at \
         once, and one of them looks at it afterwards.",
        submitted.number, submitted.second_person
    ));
    let Some(answer) = unless_stopped(asked, ask).await? else {
        // The question stands on that line.
        say("");
        return Ok(None);
    };
    answer
}

/// What `question` gives, or nothing when the program is `asked` to stop before. A thread of its own waits for the
/// terminal, and nobody waits for it: a read cannot be broken off.
async fn unless_stopped<T: Send + 'static>(
    asked: &CancellationToken,
    question: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<Option<T>> {
    let (sender, answer) = oneshot::channel();
    std::thread::Builder::new().name("question".to_owned()).spawn(move || drop(sender.send(question())))?;
    Ok(tokio::select! {
        answer = answer => answer.ok(),
        () = asked.cancelled() => None,
    })
}

/// Asks for a reason by one key; anything else means: wait for the second person.
///
/// # Errors
/// When the terminal cannot be read.
pub(in crate::cli) fn ask() -> anyhow::Result<Option<(BreakGlass, String)>> {
    let mut terminal = std::io::stderr().lock();
    for (number, reason) in (1..).zip(BreakGlass::ALL) {
        writeln!(terminal, "  {number}  {}", reason.words())?;
    }
    write!(terminal, "Release it alone, because (1-4, words behind it if you like; Enter: wait): ")?;
    terminal.flush()?;
    // Whatever is said while the answer is waited for must not wait, too.
    drop(terminal);
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    let mut keys = answer.trim().chars();
    let reason = keys.next().and_then(BreakGlass::from_key);
    Ok(reason.map(|reason| (reason, keys.as_str().trim().to_owned())))
}

/// Releases the notice with this number alone.
///
/// # Errors
/// When that is refused.
pub(in crate::cli) async fn release(
    session: &Session,
    instance: &Instance,
    number: &str,
    reason: BreakGlass,
    note: &str,
) -> anyhow::Result<NoticeState> {
    let broken = break_glass::release(instance, &session.actor(), number, reason, note).await?;
    match broken.untold {
        None => say(format_args!(
            "{number} is released by you alone ({reason}). The approvers are told; one of them reviews it with: {} \
             notices review {number}",
            program(session)
        )),
        Some(why) => say(format_args!(
            "{number} is released by you alone ({reason}). NOBODY WAS TOLD: {why}. Tell the approvers yourself; one of \
             them reviews it with: {} notices review {number}",
            program(session)
        )),
    }
    if let Some(why) = &broken.promise {
        say(format_args!("! It leaves all the same, but {why}"));
    }
    if let Some(group) = &broken.missing_group {
        say(format_args!("There is no group {group}, which [approval] tell names: nobody was told by it."));
    }
    if !broken.without_contact.is_empty() {
        say(format_args!(
            "Tell these approvers yourself, unless they are in the group of [approval] tell: {}. Their accounts name no \
             contact (users contact NAME CONTACT).",
            broken.without_contact.join(", ")
        ));
    }
    Ok(broken.state)
}

/// The reason that a command needs: named, or asked for at the terminal.
///
/// # Errors
/// When none is given and nobody can be asked.
pub(in crate::cli) fn required(
    session: &Session,
    named: Option<BreakGlass>,
    note: &str,
) -> anyhow::Result<Option<(BreakGlass, String)>> {
    match named {
        Some(reason) => Ok(Some((reason, note.to_owned()))),
        None if session.is_interactive() => ask(),
        None => bail!(
            "say why you release it alone: --break-glass {}",
            BreakGlass::ALL.map(BreakGlass::as_str).join("|")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_question_that_nobody_answers_does_not_keep_the_program_from_stopping() {
        let asked = CancellationToken::new();
        let (held, never) = std::sync::mpsc::channel::<()>();
        let waiting = asked.clone();
        let question = tokio::spawn(async move { unless_stopped(&waiting, move || never.recv()).await });
        asked.cancel();
        assert!(question.await.unwrap().unwrap().is_none());
        drop(held);
    }

    #[tokio::test]
    async fn an_answer_is_heard() {
        let answer = unless_stopped(&CancellationToken::new(), || 7).await;
        assert_eq!(answer.unwrap(), Some(7));
    }
}
