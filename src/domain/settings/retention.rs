//! `[retention]`

use crate::domain::retention::{DataKind, Keep};

/// How long each kind of data is kept after the end of its incident, or of its notice where there is no incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// See [`DataKind::Acknowledgements`].
    pub acknowledgements: Keep,
    /// See [`DataKind::Deliveries`].
    pub deliveries: Keep,
    /// See [`DataKind::Receipts`].
    pub receipts: Keep,
    /// See [`DataKind::Notices`].
    pub notices: Keep,
    /// See [`DataKind::Sessions`].
    pub sessions: Keep,
    /// See [`DataKind::Callbacks`].
    pub callbacks: Keep,
}

impl Retention {
    /// How long `kind` is kept.
    pub const fn of(&self, kind: DataKind) -> Keep {
        match kind {
            DataKind::Acknowledgements => self.acknowledgements,
            DataKind::Deliveries => self.deliveries,
            DataKind::Receipts => self.receipts,
            DataKind::Notices => self.notices,
            DataKind::Sessions => self.sessions,
            DataKind::Callbacks => self.callbacks,
        }
    }
}
