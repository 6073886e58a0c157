//! Erasing, holding and deleting: what they are tried on, and where traces of somebody are looked for.

mod erasing;
mod letting_go;

use std::time::Duration;

use super::*;
use crate::domain::actor::Actor;
use crate::domain::audit::{NewEntry, Subject, Walk};

fn entry(action: &'static str) -> NewEntry {
    NewEntry::new(&Actor::shell("anna"), action, Subject::new("contact", "key")).because("asked for it")
}

/// Every value in the store, as text, with where it stands.
async fn everything(bench: &Bench) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let columns: Vec<(String, String)> = match &bench.store.db {
        Db::Sqlite { write, .. } => sqlx::query_as(
            "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'",
        )
        .fetch_all(write)
        .await
        .unwrap(),
        Db::Postgres { pool, .. } => sqlx::query_as(
            "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns c
             WHERE table_schema = 'public'
               AND EXISTS (SELECT 1 FROM information_schema.tables t
                           WHERE t.table_name = c.table_name AND t.table_type = 'BASE TABLE')",
        )
        .fetch_all(pool)
        .await
        .unwrap(),
    };
    assert!(columns.len() > 150, "only {} columns were found", columns.len());
    for (table, column) in columns {
        let query = sqlx::AssertSqlSafe(format!(
            "SELECT CAST(\"{column}\" AS TEXT) FROM \"{table}\" WHERE \"{column}\" IS NOT NULL"
        ));
        let values: Vec<(String,)> = match &bench.store.db {
            Db::Sqlite { write, .. } => {
                let query = sqlx::AssertSqlSafe(format!(
                    "SELECT CASE typeof(\"{column}\") WHEN 'blob' THEN hex(\"{column}\")
                            ELSE CAST(\"{column}\" AS TEXT) END FROM \"{table}\" WHERE \"{column}\" IS NOT NULL"
                ));
                sqlx::query_as(query).fetch_all(write).await.unwrap()
            }
            Db::Postgres { pool, .. } => sqlx::query_as(query).fetch_all(pool).await.unwrap(),
        };
        found.extend(values.into_iter().map(|(value,)| (format!("{table}.{column}"), value)));
    }
    found
}

/// Where one of `needles` stands, without regard to case.
async fn traces(bench: &Bench, needles: &[&str]) -> Vec<String> {
    let found = everything(bench).await;
    let hit = |value: &str| {
        let value = value.to_lowercase();
        needles.iter().any(|needle| value.contains(&needle.to_lowercase()))
    };
    found
        .into_iter()
        .filter(|(_, value)| hit(value))
        .map(|(place, value)| format!("{place}: {value}"))
        .collect()
}

const NEEDLES: [&str; 4] = ["quast", "max-q", "28817386", "T0geheim"];

fn quast() -> Contact {
    let point = |channel, address: &str, rank| ContactPoint {
        address: Address::parse(channel, address).unwrap(),
        rank,
        webhook_secret: None,
        webhook_format: WebhookFormat::Standard,
        grounds: crate::domain::grounds::Grounds {
            label: "privat Quast".to_owned(),
            ..crate::domain::grounds::Grounds::default()
        },
    };
    Contact {
        name: "Max Quast".to_owned(),
        salutation: "Sehr geehrter Herr Quast".to_owned(),
        points: vec![
            point(Channel::Email, "max.quast@x.example", 1),
            point(Channel::Sms, "+4915228817386", 1),
            point(Channel::Webhook, "https://hooks.example/T0geheim", 1),
        ],
        attributes: [("mobil", "0152 28817386")].into(),
        ..contact("max-q", "max.quast@x.example", &["all"])
    }
}

async fn with_quast(bench: &Bench) -> Vec<KnownContact> {
    let mut other = contact("other", "other@x.example", &["all"]);
    other.deputy = Some("max-q".to_owned());
    bench
        .store
        .import_contacts(&book(vec![quast(), other]), &bench.ids, false, &entry("contacts.imported"))
        .await
        .unwrap();
    bench.store.contacts().await.unwrap()
}

fn key(known: &[KnownContact], id: &str) -> ContactKey {
    known.iter().find(|known| known.contact.id == id).unwrap().key
}

/// A notice to both by e-mail, on which everything about them stands that can.
async fn notice_to_both(bench: &Bench, known: &[KnownContact]) -> NoticeId {
    let id = NoticeId(bench.ids.next());
    let recipients: Vec<Recipient> = known
        .iter()
        .map(|known| Recipient {
            delivery: DeliveryId(bench.ids.next()),
            channel: Channel::Email,
            contact: known.key,
            card: known.contact.card().into(),
            address: known.contact.points_of(Channel::Email).next().unwrap().address.as_str().to_owned(),
            destination: "x.example".to_owned(),
            units: 1,
        })
        .collect();
    let person = |known: &KnownContact| Person {
        contact: known.key,
        id: known.contact.id.clone(),
        name: known.contact.name.clone(),
        organisation: known.contact.organisation.clone(),
        group: "all".to_owned(),
        deputy: known.contact.deputy.clone(),
    };
    let mut new = bench.new_notice(id, Priority::Normal);
    new.audience.contacts = vec!["max-q".to_owned()];
    new.following =
        Following { people: known.iter().map(person).map(Into::into).collect(), ..Following::default() };
    let lost = UnreachableRecipient {
        contact: key(known, "max-q"),
        id: "max-q".to_owned(),
        name: "Max Quast".to_owned(),
        reason: "no telephone number".to_owned(),
    };
    bench.store.submit_notice(&new, &recipients, &[], &[lost], &entry("notice.submitted")).await.unwrap();
    bench.store.release_notice(id, &entry("notice.released")).await.unwrap();
    id
}

/// Sends what is due; what goes to `failing` fails with its address in the answer.
async fn deliver(bench: &Bench, failing: &str) {
    bench.fan_out_all().await;
    let process = bench.running().await;
    let ends: Vec<Attempted> = bench
        .claim(process, 100)
        .await
        .iter()
        .map(|claimed| match claimed.card.id == failing {
            true => Attempted {
                reason: Reason::new("5.1.1", "550 <max.quast@x.example>: unknown"),
                suppress_until: Some(bench.clock.now().plus(Duration::from_secs(86_400))),
                ..ended(claimed, Move::Failed)
            },
            false => sent(claimed),
        })
        .collect();
    bench.record(process, &ends).await;
}

/// How often the audit log, which must be whole, says `action`.
async fn entries_of(bench: &Bench, action: &str) -> usize {
    let entries = bench.store.audit_entries(0, 1_000).await.unwrap();
    let mut walk = Walk::default();
    entries.iter().for_each(|entry| walk.step(entry).unwrap());
    assert_eq!(*walk.head(), bench.store.audit_head().await.unwrap());
    entries.iter().filter(|entry| entry.action == action).count()
}
