//! `bounce`: reads one returned message, for a mail server's pipe.

use std::io::Read;

use anyhow::Context;

use crate::app::receive::receive_receipt;
use crate::channels::email::{ReturnPath, bounce};
use crate::domain::receipt::{CallbackVerdict, Receipt};
use crate::store::Purpose;

use super::arguments::BounceArguments;
use super::dispatching::instance_seal;
use super::session::{Exit, Session, say};

/// Variables in which a mail server tells for whom it accepted the message, the most faithful first.
const RECIPIENT_VARIABLES: [&str; 2] = ["ORIGINAL_RECIPIENT", "RECIPIENT"];

/// Whatever the message turns out to be, it was understood and the mail server is rid of it: a pipe that failed would
/// make it return a returned message. Every error means that the message must be offered again.
pub(super) async fn run(session: &Session, arguments: BounceArguments) -> anyhow::Result<Exit> {
    let raw = read(&mut std::io::stdin().lock()).context("the message on standard input broke off")?;
    let store = session.open_store(Purpose::Read).await?;
    let seal = instance_seal(session, &store).await?;
    let return_path = ReturnPath::new(&session.settings.email.bounce_address, seal);
    let recipient = arguments.recipient.or_else(|| recipient_in(&(session.environment)()));

    let read = bounce::read(&raw, recipient.as_deref(), &return_path);
    let receipt = read.clone().ok();
    let verdict = receive_receipt(&store, &session.ids, read, bounce::SOURCE).await?;
    let unassigned = bounce::failure_in(&raw).filter(|_| verdict == CallbackVerdict::NoReceipt);
    match unassigned {
        Some(reason) => say(format_args!(
            "rundruf: a mail that came back ({}: {}), but not to a return path of this instance: nobody can tell which \
             delivery it was, and nothing was changed; look at it yourself, and whether [email] bounce_address is what \
             the mail server passes on",
            reason.code, reason.text
        )),
        None => say(format_args!("rundruf: {}", words(verdict, receipt.as_ref()))),
    }
    store.close().await;
    Ok(Exit::Done)
}

/// What counts of the message. The rest is read as well, or the mail server would take the pipe for broken.
fn read(from: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut raw = Vec::new();
    let most = u64::try_from(bounce::LARGEST).unwrap_or(u64::MAX);
    from.by_ref().take(most).read_to_end(&mut raw)?;
    std::io::copy(from, &mut std::io::sink())?;
    Ok(raw)
}

fn recipient_in(environment: &[(String, String)]) -> Option<String> {
    RECIPIENT_VARIABLES.iter().find_map(|wanted| {
        let found = environment.iter().find(|(name, value)| name == wanted && !value.is_empty());
        found.map(|(_, value)| value.clone())
    })
}

/// What the message was, for the mail server's log.
fn words(verdict: CallbackVerdict, receipt: Option<&Receipt>) -> String {
    let said = receipt.map_or_else(String::new, |Receipt { delivery, kind, reason, .. }| {
        format!("delivery {delivery} is reported {}: {} ({})", kind.as_str(), reason.code, reason.text)
    });
    match verdict {
        CallbackVerdict::Taken => format!("{said}; written down"),
        CallbackVerdict::Repeated => format!("{said}; known already"),
        CallbackVerdict::Forged => {
            "not accepted: the return path is not one that this instance made; nothing was changed".to_owned()
        }
        CallbackVerdict::Unreadable => {
            "returned to us, but it gives no reason that can be understood; nothing was changed, look at it yourself"
                .to_owned()
        }
        CallbackVerdict::NoReceipt => {
            "no returned message: an answer, an out-of-office reply, or a note that delivery takes longer; nothing \
             was changed"
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recipient_is_the_one_before_aliases_if_the_server_tells() {
        let variables = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let both = variables(&[("RECIPIENT", "b@kse.example"), ("ORIGINAL_RECIPIENT", "a@kse.example")]);
        assert_eq!(recipient_in(&both).as_deref(), Some("a@kse.example"));
        let one = variables(&[("ORIGINAL_RECIPIENT", ""), ("RECIPIENT", "b@kse.example")]);
        assert_eq!(recipient_in(&one).as_deref(), Some("b@kse.example"));
        assert_eq!(recipient_in(&variables(&[("HOME", "/")])), None);
    }

    #[test]
    fn a_message_beyond_the_limit_is_read_to_its_end_and_cut() {
        let mut long = std::io::repeat(b'x').take(bounce::LARGEST as u64 + 7);
        assert_eq!(read(&mut long).unwrap().len(), bounce::LARGEST);
        assert_eq!(long.limit(), 0, "nothing is left for a broken pipe");
    }
}
