//! Every route, and what it needs. The router and the description are made of this table, and a test walks it with
//! every role and scope: a route that does not stand here does not exist.

use super::instance;
use super::route::{Needs, Route, route};

/// The table. Rows stand by resource; a new resource has a paragraph of its own.
pub(super) fn table() -> Vec<Route> {
    vec![
        // The instance
        route!(Needs::SignedIn, instance::show),
        // Notices and deliveries

        // Contacts and groups

        // Templates

        // Suppressions and domains

        // Accounts, tokens, sessions

        // Incidents and services

        // Audit

        // Data protection

        // Operations
    ]
}
