//! `domains …`

use anyhow::bail;

use crate::app::domains;
use crate::domain::address::Address;
use crate::domain::clock::Timestamp;
use crate::store::{DeadDomain, Purpose, SetAside, Store, StoreError};

use super::arguments::{DomainNames, DomainsCommand, DownArguments, ListFormat};
use super::lookup::{open_existing, time_cell};
use super::output::{counted, program};
use super::session::{Exit, Session, out, say};
use super::table::{Cell, ListWriter};

const COLUMNS: &[&str] = &["domain", "state", "hosted", "since", "reason", "by", "held"];

/// What stands for a person where the configuration says so.
const CONFIGURATION: &str = "unreachable_domains";

pub(super) async fn run(session: &Session, command: DomainsCommand) -> anyhow::Result<Exit> {
    match command {
        DomainsCommand::List { format } => list(session, format).await?,
        DomainsCommand::Down(arguments) => down(session, arguments).await?,
        DomainsCommand::Up(names) => up(session, names).await?,
    }
    Ok(Exit::Done)
}

async fn list(session: &Session, format: ListFormat) -> anyhow::Result<()> {
    let format = format.format();
    let email = &session.settings.email;
    let (mut dead, held) = match session.open_store(Purpose::Read).await {
        Ok(store) => (store.dead_domains().await?, store.waiting_for_domains(None).await?),
        // What the configuration says can be listed without one.
        Err(StoreError::NotThere { .. }) => Default::default(),
        Err(error) => return Err(error.into()),
    };
    for domain in &email.unreachable_domains {
        if !dead.iter().any(|known| known.domain == *domain) {
            dead.push(configured(domain, email.hosted_domains.contains(domain)));
        }
    }
    let up = email.hosted_domains.iter().filter(|domain| !dead.iter().any(|dead| dead.domain == **domain));
    let mut out = out();
    let mut list = ListWriter::new(&mut out, format, COLUMNS);
    for row in &dead {
        let by = if row.entered_by.is_empty() { CONFIGURATION } else { &row.entered_by };
        let since =
            if row.since == 0 { Cell::Nothing } else { time_cell(session, format, Timestamp(row.since)) };
        list.row(vec![
            ("domain", row.domain.as_str().into()),
            ("state", "down".into()),
            ("hosted", row.hosted.into()),
            ("since", since),
            ("reason", row.reason.as_str().into()),
            ("by", by.into()),
            ("held", held.get(&row.domain).copied().unwrap_or_default().into()),
        ])?;
    }
    for domain in up {
        list.row(vec![
            ("domain", domain.as_str().into()),
            ("state", "up".into()),
            ("hosted", true.into()),
            ("since", Cell::Nothing),
            ("reason", "".into()),
            ("by", Cell::Nothing),
            ("held", 0.into()),
        ])?;
    }
    list.finish()?;
    Ok(())
}

/// A domain that the settings call dead and that no running process has written down yet.
fn configured(domain: &str, hosted: bool) -> DeadDomain {
    DeadDomain {
        domain: domain.to_owned(),
        hosted,
        since: 0,
        reason: String::new(),
        entered_by: String::new(),
    }
}

async fn down(session: &Session, arguments: DownArguments) -> anyhow::Result<()> {
    let email = &session.settings.email;
    // A store is not made for what is refused.
    let reason = domains::checked(&arguments.reason)?;
    let names = named(session, arguments.names)?;
    let store = session.open_store(Purpose::Write).await?;
    let instance = session.open_instance(&store).await?;
    let done = domains::down(&instance, &session.actor(), &names, reason).await?;
    say(format_args!("{} down: {}.", are(&names), what_becomes(done)));
    for domain in nobody_there(&store, &names).await? {
        say(format_args!("! no contact has an address in {domain}: is it spelt right?"));
    }
    let (hosted, others): (Vec<_>, Vec<_>) =
        names.iter().partition(|domain| email.hosted_domains.contains(*domain));
    if !hosted.is_empty() {
        say(
            "Hosted domains are waited for: what goes to somebody who has no other address is held until they are up.",
        );
    }
    if !others.is_empty() {
        say(
            "Whoever has an address in a domain alone that is not among [email] hosted_domains is unreachable: the \
             plan of the next notice names them.",
        );
    }
    say(format_args!("When it is over: {} domains up …", program(session)));
    store.close().await;
    Ok(())
}

async fn up(session: &Session, names: DomainNames) -> anyhow::Result<()> {
    let names = named(session, names)?;
    domains::not_configured(&session.settings, &names)?;
    let store = open_existing(session).await?;
    let instance = session.open_instance(&store).await?;
    let (up, released) = domains::up(&instance, &session.actor(), &names).await?;
    store.close().await;
    if up.is_empty() {
        say(format_args!(
            "{} not down before; nothing was changed.",
            if names.len() == 1 { "It was" } else { "They were" }
        ));
        return Ok(());
    }
    let deliveries = counted(released, "delivery that was held leaves", "deliveries that were held leave");
    say(format_args!("{} up again: {deliveries} now.", are(&up)));
    if released > 0 {
        say(format_args!(
            "A running service sends them; if there is none: {} worker --drain",
            program(session)
        ));
    }
    Ok(())
}

/// The domains that are meant, each once.
///
/// # Errors
/// When `--hosted` means none.
fn named(session: &Session, names: DomainNames) -> anyhow::Result<Vec<String>> {
    let mut domains = names.domains;
    if names.hosted {
        let hosted = &session.settings.email.hosted_domains;
        if hosted.is_empty() {
            bail!(
                "[email] hosted_domains is empty: list the domains there that are down when you are, or name them here; nothing was changed"
            );
        }
        domains.extend(hosted.iter().cloned());
    }
    let mut seen = std::collections::BTreeSet::new();
    domains.retain(|domain| seen.insert(domain.clone()));
    Ok(domains)
}

/// `a.example is`, `a.example and b.example are`.
fn are(domains: &[String]) -> String {
    match domains {
        [one] => format!("{one} is"),
        [first @ .., last] => format!("{} and {last} are", first.join(", ")),
        [] => String::new(),
    }
}

fn what_becomes(done: SetAside) -> String {
    let goes = counted(
        done.rerouted as i128,
        "delivery goes to another address of its contact",
        "deliveries go to other addresses of their contacts",
    );
    let held = counted(done.held as i128, "is held", "are held");
    let waits = match (done.rerouted, done.held) {
        (0, 0) => "no delivery waits there".to_owned(),
        (0, held) => counted(held as i128, "delivery is held", "deliveries are held"),
        (_, 0) => goes,
        _ => format!("{goes}, {held}"),
    };
    if done.unblocked == 0 {
        return waits;
    }
    let free = counted(done.unblocked as i128, "address there is", "addresses there are");
    format!("{waits}; {free} free again that failures of the last day had blocked")
}

/// Those of `domains` in which no contact has an address.
async fn nobody_there(store: &Store, domains: &[String]) -> Result<Vec<String>, StoreError> {
    let contacts = store.contacts().await?;
    if contacts.is_empty() {
        return Ok(Vec::new());
    }
    let used: std::collections::BTreeSet<String> = contacts
        .iter()
        .flat_map(|known| &known.contact.points)
        .filter(|point| matches!(point.address, Address::Email(_)))
        .map(|point| point.address.natural_destination())
        .collect();
    Ok(domains.iter().filter(|domain| !used.contains(*domain)).cloned().collect())
}
