//! The people behind telephones and mailboxes: who is asked to confirm opens the link and presses the button, as most
//! do; some do not.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use url::Url;

use super::http::call;
use super::world::confirms;

/// How long somebody needs to read and confirm.
const READING: Duration = Duration::from_millis(700);

/// Everybody who reads messages.
pub(super) struct People {
    /// What links to confirm begin with.
    link: String,
    unmoved: Mutex<Vec<Unmoved>>,
    stop: CancellationToken,
}

/// Somebody who was asked to confirm, and does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli::demo) struct Unmoved {
    /// The telephone number or mail address.
    pub(in crate::cli::demo) address: String,
    /// The page by which it can be confirmed.
    pub(in crate::cli::demo) link: String,
}

impl People {
    /// People who are asked by the instance at `instance`, until `stop`.
    pub(super) fn new(instance: &Url, stop: CancellationToken) -> Self {
        let link = format!("{}/a/", instance.as_str().trim_end_matches('/'));
        Self { link, unmoved: Mutex::default(), stop }
    }

    /// Those who do not confirm, in the order in which they were asked.
    pub(super) fn unmoved(&self) -> Vec<Unmoved> {
        self.unmoved.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// `text` has arrived at `address`, and is read.
    pub(super) fn read(&self, address: &str, text: &str) {
        let Some(link) = self.link_in(text) else { return };
        if !confirms(address) {
            let mut unmoved = self.unmoved.lock().unwrap_or_else(PoisonError::into_inner);
            unmoved.push(Unmoved { address: address.to_owned(), link });
            return;
        }
        let Ok(link) = Url::parse(&link) else { return };
        let stop = self.stop.clone();
        tokio::spawn(stop.run_until_cancelled_owned(async move {
            tokio::time::sleep(READING).await;
            // As a browser sends the page's form.
            let form = Some(("application/x-www-form-urlencoded", b"".as_slice()));
            match call(&link, form).await {
                Ok(200) => {}
                refused => tracing::warn!(target: "rundruf::demo", ?refused, "a confirmation was not taken"),
            }
        }));
    }

    fn link_in(&self, text: &str) -> Option<String> {
        let start = text.find(&self.link)?;
        let is_token = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let token = &text[start + self.link.len()..];
        let token = &token[..token.find(|c| !is_token(c)).unwrap_or(token.len())];
        Some(format!("{}{token}", self.link))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_does_not_confirm_is_remembered_with_the_link() {
        let instance = Url::parse("http://127.0.0.1:8080/").unwrap();
        let people = People::new(&instance, CancellationToken::new());
        people.read("+491713920032", "Lage: http://127.0.0.1:8080/n/2026-0005");
        people.read("+491713920032", "ALARM! http://127.0.0.1:8080/a/abc-_9 Code X");
        let link = "http://127.0.0.1:8080/a/abc-_9".to_owned();
        assert_eq!(people.unmoved(), [Unmoved { address: "+491713920032".to_owned(), link }]);
    }
}
