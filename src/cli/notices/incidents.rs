//! Which incident each notice of a list belongs to, and whether more was to be said by now.

use std::collections::{BTreeSet, HashMap};

use crate::cli::table::Cell;
use crate::domain::clock::Timestamp;
use crate::domain::ids::NoticeId;
use crate::domain::key::IncidentKey;
use crate::store::{Store, StoreError};

/// The incidents of all notices.
pub(super) struct Incidents {
    of: HashMap<NoticeId, IncidentKey>,
    overdue: BTreeSet<IncidentKey>,
}

impl Incidents {
    /// As they stand at `now`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) async fn read(store: &Store, now: Timestamp) -> Result<Self, StoreError> {
        let overdue = store.incidents().await?.into_iter().filter(|incident| incident.is_overdue(now));
        Ok(Self {
            of: store.incidents_of_notices().await?,
            overdue: overdue.map(|incident| incident.key).collect(),
        })
    }

    /// The columns `incident` and `overdue` of a notice.
    pub(super) fn cells(&self, notice: NoticeId) -> [(&'static str, Cell); 2] {
        let key = self.of.get(&notice);
        [
            ("incident", key.map_or(Cell::Nothing, |key| key.as_str().into())),
            ("overdue", key.is_some_and(|key| self.overdue.contains(key)).into()),
        ]
    }
}
