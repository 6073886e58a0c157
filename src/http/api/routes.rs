//! Every route, and what it needs. The router and the description are made of this table, and a test walks it with
//! every role and scope: a route that does not stand here does not exist.

use crate::domain::actor::Right;

use super::accounts::{identities, own, provider, session, sessions, setup, tokens, users};
use super::route::{Needs, Route, route};
use super::{
    alarms, audit, backups, calls, configuration, contact_export, contact_sheet, contacts, contacts_import,
    decisions, deliveries, doctor, domains, drafts, events, groups, incident_deadlines, incidents, instance,
    notice_people, notice_report, notices, partners, previews, privacy, replay, services, steering,
    suppressions, templates, workers,
};

/// The table. Rows stand by resource; a new resource has a paragraph of its own.
#[expect(clippy::too_many_lines, reason = "one table, a row for each route")]
pub(super) fn table() -> Vec<Route> {
    let right = Needs::Right;
    vec![
        // The instance
        route!(Needs::SignedIn, instance::show),
        // Notices and deliveries
        route!(right(Right::NoticesRead), notices::list),
        route!(right(Right::NoticesRead), notices::show),
        route!(right(Right::NoticesRead), notice_report::show),
        route!(right(Right::ContactsRead), notice_people::list),
        route!(right(Right::NoticesRead), deliveries::list),
        route!(right(Right::NoticesRead), deliveries::show),
        route!(right(Right::NoticesRelease), deliveries::resolve),
        route!(right(Right::NoticesRelease), replay::replay),
        route!(right(Right::ContactsReveal), calls::list),
        route!(right(Right::NoticesWrite), calls::reached),
        // Notices before they are sent, and what is decided about them
        route!(right(Right::NoticesWrite), drafts::kept::begin),
        route!(right(Right::NoticesRead), drafts::kept::list),
        route!(right(Right::NoticesRead), drafts::kept::show),
        route!(right(Right::NoticesWrite), drafts::kept::change),
        route!(right(Right::NoticesWrite), drafts::kept::discard),
        route!(right(Right::NoticesRead), drafts::check::check).harmless(),
        route!(right(Right::NoticesRead), drafts::plan::plan).harmless(),
        route!(right(Right::NoticesRead), drafts::check::preview).harmless(),
        route!(right(Right::NoticesWrite), drafts::submit::submit),
        route!(right(Right::NoticesRead), decisions::list),
        route!(right(Right::NoticesRelease), decisions::approve),
        route!(right(Right::NoticesRelease), decisions::reject),
        // Whoever may agree, or has written it: both may be the only one who can be reached.
        route!(Needs::Either(Right::NoticesRelease, Right::NoticesWrite), decisions::release),
        route!(right(Right::NoticesRelease), decisions::review),
        route!(right(Right::NoticesRelease), decisions::accept_wording),
        route!(right(Right::NoticesRelease), steering::schedule),
        route!(right(Right::NoticesRelease), steering::pause),
        route!(right(Right::NoticesRelease), steering::resume),
        // An author may only take back what is their own and waits.
        route!(Needs::Either(Right::NoticesRelease, Right::NoticesWrite), steering::cancel),
        route!(right(Right::NoticesRelease), steering::retry),
        route!(right(Right::NoticesWrite), steering::correct),
        // Alarms that were agreed to beforehand
        route!(right(Right::NoticesRead), alarms::list),
        route!(right(Right::NoticesRead), alarms::show),
        route!(right(Right::NoticesWrite), alarms::prepare),
        route!(right(Right::NoticesRelease), alarms::approve),
        route!(right(Right::NoticesRelease), alarms::remove),
        route!(right(Right::AlarmsFire), alarms::fire),
        // What changes
        route!(right(Right::NoticesRead), events::all),
        route!(right(Right::NoticesRead), events::of_notice),
        // Contacts and groups
        route!(right(Right::ContactsRead), contacts::list),
        route!(right(Right::ContactsRead), contacts::show),
        route!(right(Right::ContactsReveal), contact_sheet::make),
        // Webhook secrets stand in it, which contacts:reveal alone does not show.
        route!(Needs::Both(Right::ContactsReveal, Right::ContactsWrite), contact_export::make),
        route!(right(Right::ContactsWrite), contacts_import::import).body_up_to(contacts_import::LARGEST),
        route!(right(Right::ContactsRead), groups::list),
        route!(right(Right::ContactsRead), groups::show),
        // Templates
        route!(right(Right::NoticesRead), templates::list),
        route!(right(Right::NoticesRead), templates::show),
        route!(right(Right::NoticesRead), previews::check),
        route!(right(Right::NoticesRead), previews::preview).harmless(),
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
        route!(Needs::Nothing, provider::start),
        route!(Needs::Nothing, provider::callback),
        route!(Needs::Nothing, provider::code).harmless(),
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
        route!(right(Right::AccountsWrite), sessions::list),
        route!(right(Right::AccountsWrite), sessions::end),
        route!(right(Right::AuditRead), users::list),
        route!(right(Right::AuditRead), users::show),
        route!(right(Right::AccountsWrite), users::add).with_secret_answer(),
        route!(right(Right::AccountsWrite), users::set_roles),
        route!(right(Right::AccountsWrite), users::set_contact),
        route!(right(Right::AccountsWrite), identities::link),
        route!(right(Right::AccountsWrite), identities::unlink),
        route!(right(Right::AccountsWrite), users::disable),
        route!(right(Right::AccountsWrite), users::enable),
        route!(right(Right::AccountsWrite), users::reset).with_secret_answer(),
        route!(right(Right::AuditRead), tokens::list),
        route!(right(Right::AccountsWrite), tokens::create).with_secret_answer(),
        route!(right(Right::AccountsWrite), tokens::revoke),
        // Incidents and services
        route!(right(Right::NoticesRead), incidents::list),
        route!(right(Right::IncidentsWrite), incidents::open),
        route!(right(Right::NoticesRead), incidents::show),
        route!(right(Right::IncidentsWrite), incidents::update),
        route!(right(Right::IncidentsWrite), incidents::close),
        route!(right(Right::NoticesRead), incidents::timeline),
        route!(right(Right::IncidentsWrite), incident_deadlines::decide),
        route!(right(Right::NoticesRead), services::list),
        route!(right(Right::IncidentsWrite), services::add),
        route!(right(Right::NoticesRead), services::show),
        route!(right(Right::IncidentsWrite), services::update),
        // Partners' systems
        route!(right(Right::AuditRead), partners::list),
        route!(right(Right::SettingsWrite), partners::add).with_secret_answer(),
        route!(right(Right::SettingsWrite), partners::rotate_secret).with_secret_answer(),
        route!(right(Right::SettingsWrite), partners::remove),
        route!(right(Right::SettingsWrite), partners::replay),
        // Audit
        route!(right(Right::AuditRead), audit::entries::list),
        route!(right(Right::AuditRead), audit::head),
        route!(right(Right::AuditRead), audit::verification::verify).harmless(),
        route!(right(Right::AuditRead), audit::export::export),
        route!(right(Right::AuditRead), audit::proof::make),
        // Data protection
        route!(right(Right::ContactsWrite), privacy::erase),
        route!(right(Right::ContactsReveal), privacy::held),
        route!(right(Right::AuditRead), privacy::show),
        route!(right(Right::SettingsWrite), privacy::run),
        route!(right(Right::SettingsWrite), privacy::hold),
        route!(right(Right::SettingsWrite), privacy::lift),
        // Operations
        route!(right(Right::SettingsWrite), configuration::show),
        route!(right(Right::SettingsWrite), doctor::examine).harmless(),
        route!(right(Right::SettingsWrite), backups::make).with_secret_answer(),
        route!(right(Right::NoticesRead), workers::list),
    ]
}
