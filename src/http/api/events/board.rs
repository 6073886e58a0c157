//! What is known of all notices that are watched, and what has become different since the last look.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::audit::Entry;
use crate::store::ListedNotice;

use super::event::{Event, News};

/// How things stood at the last look.
#[derive(Debug, Default)]
pub(super) struct Board {
    /// The last audit entry that was seen.
    pub(super) last: i64,
    /// By number: the last event of each notice, and what it said.
    notices: BTreeMap<String, Stand>,
    /// All those events: whoever begins is told them.
    stands: Arc<News>,
}

#[derive(Debug)]
struct Stand {
    says: String,
    event: Arc<Event>,
}

impl Board {
    /// Takes a look in, and gives what is new: first what was done, then how the notices stand. Notices that are not
    /// watched any more are forgotten.
    pub(super) fn update(&mut self, entries: &[Entry], watched: &[ListedNotice]) -> Vec<Arc<Event>> {
        let mut news: Vec<Arc<Event>> = Vec::new();
        for entry in entries.iter().filter(|entry| entry.sequence > self.last) {
            news.push(Arc::new(Event::of_entry(entry)));
        }
        self.last = entries.last().map_or(self.last, |entry| entry.sequence.max(self.last));
        let mut before = std::mem::take(&mut self.notices);
        for listed in watched {
            let number = listed.summary.number.clone();
            let says = format!("{:?}", (&listed.head, &listed.summary));
            let stand = match before.remove(&number) {
                Some(known) if known.says == says => known,
                _ => {
                    let event = Arc::new(Event::of_notice(self.last, listed));
                    news.push(event.clone());
                    Stand { says, event }
                }
            };
            self.notices.insert(number, stand);
        }
        if !news.is_empty() || !before.is_empty() {
            self.stands =
                Arc::new(News::new(self.notices.values().map(|stand| stand.event.clone()).collect()));
        }
        news
    }

    /// How every watched notice stands: written out once for all who begin, a thousand of them when the service was
    /// away.
    pub(super) fn stands(&self) -> Arc<News> {
        self.stands.clone()
    }
}
