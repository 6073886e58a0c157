//! Every route, and what it needs. The router and the description are made of this table, and a test walks it with
//! every role and scope: a route that does not stand here does not exist.

use crate::domain::actor::Right;

use super::accounts::{own, session, sessions, setup, tokens, users};
use super::route::{Needs, Route, route};
use super::{
    contacts, contacts_import, deliveries, domains, groups, incident_deadlines, incidents, instance,
    notice_report, notices, services, suppressions, templates,
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
        route!(Needs::Nothing, setup::set_up).harmless(),
        route!(Needs::Nothing, session::begin).harmless(),
        route!(Needs::SignedIn, session::show),
        route!(Needs::SignedIn, session::end),
        route!(Needs::SignedIn, own::show),
        // These have a password in their body: not even a hash of that is kept, as keys of repetitions would need.
        route!(Needs::SignedIn, own::change_password),
        route!(Needs::SignedIn, own::offer_factor).harmless(),
        route!(Needs::SignedIn, own::renew_codes).harmless(),
        route!(Needs::SignedIn, own::drop_factor).harmless(),
        route!(Needs::SignedIn, own::confirm_factor).with_secret_answer(),
        route!(Needs::SignedIn, sessions::own),
        route!(Needs::SignedIn, sessions::end_own),
        route!(Needs::Right(Right::AccountsWrite), sessions::list),
        route!(Needs::Right(Right::AccountsWrite), sessions::end),
        route!(Needs::Right(Right::AuditRead), users::list),
        route!(Needs::Right(Right::AuditRead), users::show),
        route!(Needs::Right(Right::AccountsWrite), users::add).with_secret_answer(),
        route!(Needs::Right(Right::AccountsWrite), users::set_roles),
        route!(Needs::Right(Right::AccountsWrite), users::disable),
        route!(Needs::Right(Right::AccountsWrite), users::enable),
        route!(Needs::Right(Right::AccountsWrite), users::reset).with_secret_answer(),
        route!(Needs::Right(Right::AuditRead), tokens::list),
        route!(Needs::Right(Right::AccountsWrite), tokens::create).with_secret_answer(),
        route!(Needs::Right(Right::AccountsWrite), tokens::revoke),
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
