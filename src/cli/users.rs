//! `users …`

use secrecy::{ExposeSecret, SecretString};

use crate::app::accounts;
use crate::app::instance::Instance;
use crate::domain::account::{AccountName, comma_separated};
use crate::domain::actor::Role;
use crate::store::{Purpose, Store};

use super::arguments::{AddUserArguments, ListFormat, ResetUserArguments, UsersCommand};
use super::lookup::{open_existing, time_cell};
use super::output::write_text;
use super::password::password_on_stdin;
use super::session::{Exit, Session, out, say};
use super::sessions;
use super::table::{Cell, ListWriter};

const COLUMNS: &[&str] = &[
    "name",
    "roles",
    "second_factor",
    "linked",
    "must_change",
    "signed_in_at",
    "created_at",
    "created_by",
    "disabled_at",
    "contact",
    "handed_over_by",
    "handed_over_at",
];

pub(super) async fn run(session: &Session, command: UsersCommand) -> anyhow::Result<Exit> {
    match command {
        UsersCommand::Add(arguments) => add(session, arguments).await?,
        UsersCommand::List { format } => list(session, format).await?,
        UsersCommand::Disable { name } => set_disabled(session, &name, true).await?,
        UsersCommand::Enable { name } => set_disabled(session, &name, false).await?,
        UsersCommand::Reset(arguments) => reset(session, arguments).await?,
        UsersCommand::Sessions { name, format } => sessions::list(session, name.as_ref(), format).await?,
        UsersCommand::EndSession { session: id } => sessions::end(session, id).await?,
        UsersCommand::Contact { name, contact } => set_contact(session, &name, contact).await?,
        UsersCommand::Link { name, subject, issuer } => {
            link(session, &name, &subject, issuer.as_deref()).await?;
        }
        UsersCommand::Unlink { name } => unlink(session, &name).await?,
        UsersCommand::Roles { name, roles } => set_roles(session, &name, roles).await?,
    }
    Ok(Exit::Done)
}

async fn add(session: &Session, arguments: AddUserArguments) -> anyhow::Result<()> {
    let AddUserArguments { name, roles, password_stdin } = arguments;
    let password = if password_stdin { Some(password_on_stdin()?) } else { None };
    let store = session.open_store(Purpose::Write).await?;
    let instance = session.open_instance(&store).await?;
    let roles = roles.into_iter().collect();
    let made_up = accounts::add_user(&instance, &session.actor(), &name, roles, password).await?;
    store.close().await;
    say(format_args!("The account {name} is made."));
    hand_over(&name, made_up)
}

async fn list(session: &Session, format: ListFormat) -> anyhow::Result<()> {
    let format = format.format();
    let store = session.open_store(Purpose::Read).await?;
    let instance = session.open_instance(&store).await?;
    let mut out = out();
    let mut list = ListWriter::new(&mut out, format, COLUMNS);
    for account in accounts::users(&instance, &session.actor()).await? {
        let time = |at: Option<_>| at.map_or(Cell::Nothing, |at| time_cell(session, format, at));
        list.row(vec![
            ("name", account.name.to_string().into()),
            ("roles", comma_separated(&account.roles).into()),
            ("second_factor", if account.totp_since.is_some() { "yes" } else { "no" }.into()),
            ("linked", if account.linked.is_some() { "yes" } else { "no" }.into()),
            ("must_change", if account.must_change { "yes" } else { "no" }.into()),
            ("signed_in_at", time(account.signed_in_at)),
            ("created_at", time(Some(account.created_at))),
            ("created_by", account.created_by.into()),
            ("disabled_at", time(account.disabled_at)),
            ("contact", account.contact.map_or(Cell::Nothing, Cell::from)),
            ("handed_over_by", account.handed_over.as_ref().map(|(by, _)| by.as_str()).into()),
            ("handed_over_at", time(account.handed_over.as_ref().map(|(_, at)| *at))),
        ])?;
    }
    list.finish()?;
    Ok(())
}

async fn set_disabled(session: &Session, name: &AccountName, disabled: bool) -> anyhow::Result<()> {
    let (store, instance) = existing(session).await?;
    accounts::set_disabled(&instance, &session.actor(), name, disabled, None).await?;
    store.close().await;
    if disabled {
        say(format_args!("{name} cannot sign in any more; their sessions and API tokens have ended."));
    } else {
        say(format_args!("{name} can sign in again."));
    }
    Ok(())
}

async fn reset(session: &Session, arguments: ResetUserArguments) -> anyhow::Result<()> {
    let ResetUserArguments { name, second_factor, keep_password } = arguments;
    let (store, instance) = existing(session).await?;
    let made_up = accounts::reset(&instance, &session.actor(), &name, !keep_password, second_factor).await?;
    store.close().await;
    if second_factor {
        say(format_args!("{name} has no second factor and no recovery codes any more."));
    }
    say(format_args!("Their sessions and API tokens have ended."));
    hand_over(&name, made_up)
}

async fn set_contact(session: &Session, name: &AccountName, contact: Option<String>) -> anyhow::Result<()> {
    let (store, instance) = existing(session).await?;
    let words = contact.as_ref().map_or_else(
        || "no contact of their own".to_owned(),
        |id| format!("{id}, by which they are told when one person has released a notice alone"),
    );
    accounts::set_contact(&instance, &session.actor(), name, contact, None).await?;
    store.close().await;
    say(format_args!("{name} has {words}."));
    Ok(())
}

async fn set_roles(session: &Session, name: &AccountName, roles: Vec<Role>) -> anyhow::Result<()> {
    let (store, instance) = existing(session).await?;
    let roles = roles.into_iter().collect();
    let words = comma_separated(&roles);
    accounts::set_roles(&instance, &session.actor(), name, roles, None).await?;
    store.close().await;
    say(format_args!("{name} is {words} from now on."));
    Ok(())
}

async fn link(
    session: &Session,
    name: &AccountName,
    subject: &str,
    issuer: Option<&str>,
) -> anyhow::Result<()> {
    let (store, instance) = existing(session).await?;
    accounts::link(&instance, &session.actor(), name, subject, issuer).await?;
    store.close().await;
    say(format_args!("{name} can sign in by the identity provider too; the password goes on to work."));
    Ok(())
}

async fn unlink(session: &Session, name: &AccountName) -> anyhow::Result<()> {
    let (store, instance) = existing(session).await?;
    accounts::unlink(&instance, &session.actor(), name).await?;
    store.close().await;
    say(format_args!(
        "{name} signs in with the password alone from now on; their sessions and API tokens have ended."
    ));
    Ok(())
}

async fn existing(session: &Session) -> anyhow::Result<(Store, Instance)> {
    let store = open_existing(session).await?;
    let instance = session.open_instance(&store).await?;
    Ok((store, instance))
}

/// Shows a password that was made up: the only time that it is to be seen.
fn hand_over(name: &AccountName, made_up: Option<SecretString>) -> anyhow::Result<()> {
    let Some(password) = made_up else { return Ok(()) };
    say(format_args!(
        "Hand this password over to {name}. It is shown this once, and must be replaced at the first sign-in:"
    ));
    write_text(&mut out(), &format!("{}\n", password.expose_secret()))?;
    Ok(())
}
