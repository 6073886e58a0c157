//! An SMS gateway that speaks Kannel's `sendsms` (Kannel user guide, section "Using the HTTP interface to send SMS
//! messages"), with the network and the telephones behind it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use url::Url;

use super::http::{Answer, Request, Site, call};
use super::mailbox::file_name;
use super::people::People;
use super::world::{DEAD_TELEPHONE, SILENT_TELEPHONE};

/// The path of `sendsms`.
pub(in crate::cli::demo) const PATH: &str = "/cgi-bin/sendsms";

/// How clients log in.
pub(in crate::cli::demo) const USERNAME: &str = "rundruf";
/// The password that belongs to it; it guards nothing but the demo.
pub(in crate::cli::demo) const PASSWORD: &str = "demo";

/// How long the network needs until it reports.
const NETWORK: Duration = Duration::from_millis(600);

/// The gateway.
pub(super) struct Gateway {
    folder: PathBuf,
    people: Arc<People>,
    taken: AtomicU64,
    stop: CancellationToken,
}

impl Gateway {
    /// A gateway that keeps each message as a file in `folder`, which must be there.
    pub(super) fn new(folder: PathBuf, people: Arc<People>, stop: CancellationToken) -> Self {
        Self { folder, people, taken: AtomicU64::new(0), stop }
    }

    /// How many messages it has taken.
    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::SeqCst)
    }

    fn take(&self, to: &str, text: &str) -> std::io::Result<()> {
        let number = self.taken.load(Ordering::SeqCst) + 1;
        let name = format!("{number:04}-{}.txt", file_name(to));
        std::fs::write(self.folder.join(name), format!("{text}\n"))?;
        self.taken.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    /// What the network does with a message: a report to `report_to` a moment later, unless it keeps silent.
    fn deliver(&self, to: String, text: String, report_to: String) {
        let (status, answer) = match to.as_str() {
            DEAD_TELEPHONE => ("2", "stat:UNDELIV err:027"),
            _ => ("1", "stat:DELIVRD err:000"),
        };
        if to == SILENT_TELEPHONE {
            return;
        }
        let Ok(report_to) = Url::parse(&filled(&report_to, status, answer)) else { return };
        let people = self.people.clone();
        let stop = self.stop.clone();
        tokio::spawn(stop.run_until_cancelled_owned(async move {
            tokio::time::sleep(NETWORK).await;
            if status == "1" {
                people.read(&to, &text);
            }
            match call(&report_to, None).await {
                Ok(200) => {}
                refused => tracing::warn!(target: "rundruf::demo", ?refused, "a report was not taken"),
            }
        }));
    }
}

impl Site for Gateway {
    fn answer(&self, request: &Request) -> Answer {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let query: HashMap<String, String> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let given = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
        if path != PATH {
            return (404, "Unknown request.".to_owned());
        }
        if (given("username"), given("password")) != (USERNAME, PASSWORD) {
            return (403, "Authorization failed for sendsms".to_owned());
        }
        let (to, text) = (given("to"), given("text"));
        if to.is_empty() {
            return (400, "Missing receiver number, rejected".to_owned());
        }
        if let Err(error) = self.take(to, text) {
            return (503, format!("Temporal failure, try again later. ({error})"));
        }
        self.deliver(to.to_owned(), text.to_owned(), given("dlr-url").to_owned());
        (202, "0: Accepted for delivery".to_owned())
    }
}

/// Kannel's placeholders in the address of a report, in one pass: `%d` the kind of report, `%A` the network's answer,
/// `%%` a percent sign.
fn filled(report_to: &str, status: &str, answer: &str) -> String {
    let mut filled = String::new();
    let mut rest = report_to;
    while let Some((before, behind)) = rest.split_once('%') {
        filled.push_str(before);
        let mut characters = behind.chars();
        match characters.next() {
            Some('d') => filled.push_str(status),
            Some('A') => filled.extend(url::form_urlencoded::byte_serialize(answer.as_bytes())),
            Some('%') => filled.push('%'),
            _ => {}
        }
        rest = characters.as_str();
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_placeholders_of_a_report_are_filled_as_kannel_does() {
        assert_eq!(
            filled("http://127.0.0.1:1/a%%20b?delivery=n.m&status=%d&answer=%A", "2", "stat:X err:1"),
            "http://127.0.0.1:1/a%20b?delivery=n.m&status=2&answer=stat%3AX+err%3A1"
        );
    }
}
