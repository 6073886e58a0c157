//! Every route, and what it needs. The router and the description are made of this table, and a test walks it with
//! every role and scope: a route that does not stand here does not exist.

use crate::domain::actor::Right;

use super::accounts::{own, session, sessions, setup, tokens, users};
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

        // Audit

        // Data protection

        // Operations
    ]
}
