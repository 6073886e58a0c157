//! Every route, and what it needs. The router and the description are made of this table, and a test walks it with
//! every role and scope: a route that does not stand here does not exist.

use crate::domain::actor::Right;

use super::route::{Needs, Route, route};
use super::{
    contacts, contacts_import, deliveries, domains, groups, instance, notice_report, notices, suppressions,
    templates,
};

/// The table. Rows stand by resource; a new resource has a paragraph of its own.
pub(super) fn table() -> Vec<Route> {
    let right = Needs::Right;
    vec![
        // The instance
        route!(Needs::SignedIn, instance::show),
        // Notices and deliveries
        route!(right(Right::NoticesRead), notices::list),
        route!(right(Right::NoticesRead), notices::show),
        route!(right(Right::NoticesRead), notice_report::show),
        route!(right(Right::NoticesRead), deliveries::list),
        route!(right(Right::NoticesRead), deliveries::show),
        route!(right(Right::NoticesRelease), deliveries::resolve),
        // Contacts and groups
        route!(right(Right::ContactsRead), contacts::list),
        route!(right(Right::ContactsRead), contacts::show),
        route!(right(Right::ContactsWrite), contacts_import::import).body_up_to(contacts_import::LARGEST),
        route!(right(Right::ContactsRead), groups::list),
        route!(right(Right::ContactsRead), groups::show),
        // Templates
        route!(right(Right::NoticesRead), templates::list),
        route!(right(Right::NoticesRead), templates::show),
        route!(right(Right::NoticesRead), templates::preview).harmless(),
        // Suppressions and domains
        route!(right(Right::NoticesRead), suppressions::list),
        route!(right(Right::ContactsWrite), suppressions::add),
        route!(right(Right::ContactsWrite), suppressions::lift),
        route!(right(Right::NoticesRead), domains::list),
        route!(right(Right::ContactsWrite), domains::down),
        route!(right(Right::ContactsWrite), domains::up),
        // Accounts, tokens, sessions

        // Incidents and services

        // Audit

        // Data protection

        // Operations
    ]
}
