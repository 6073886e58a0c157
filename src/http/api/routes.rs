//! Every route, and what it needs. The router and the description are made of this table, and a test walks it with
//! every role and scope: a route that does not stand here does not exist.

use crate::domain::actor::Right;

use super::incident_deadlines;
use super::incidents;
use super::instance;
use super::route::{Needs, Route, route};
use super::services;

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
        route!(Needs::Right(Right::NoticesRead), incidents::list),
        route!(Needs::Right(Right::IncidentsWrite), incidents::open),
        route!(Needs::Right(Right::NoticesRead), incidents::show),
        route!(Needs::Right(Right::IncidentsWrite), incidents::update),
        route!(Needs::Right(Right::IncidentsWrite), incidents::close),
        route!(Needs::Right(Right::NoticesRead), incidents::timeline),
        route!(Needs::Right(Right::IncidentsWrite), incident_deadlines::decide),
        route!(Needs::Right(Right::NoticesRead), services::list),
        route!(Needs::Right(Right::IncidentsWrite), services::add),
        route!(Needs::Right(Right::NoticesRead), services::show),
        route!(Needs::Right(Right::IncidentsWrite), services::update),
        // Audit

        // Data protection

        // Operations
    ]
}
