//! Erasing, telling and printing, through the program as people run it.
#![cfg(test)]

#[path = "../support/desk.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod shared;

use shared::{Desk, of_repository};

const STAFF: &str = "\
id;name;organisation;email;sms;sms_label;sms_purpose;sms_basis;sms_consent;sms_review;webhook;webhook_secret;deputy
mq;Max Quast;Stadtwerke;max.quast@werke.example;0152 28817386;privat;IT-Notfall;einwilligung;01.02.2026;2026-03-01;;;
ab;Anna Bär;Stadtwerke;anna@werke.example;0171 3920000;privat;;;;;;;mq
";
const NEEDLES: [&str; 4] = ["Quast", "max.quast", "28817386", "2881738"];

impl Desk {
    fn new() -> Self {
        let desk = Self::configured(&format!(
            "[instance]\nname = \"Kommunale IT\"\nshort_name = \"KIM\"\npublic_url = \"https://kim.example\"\ntemplates = '{}'\n",
            of_repository("templates").display()
        ));
        desk.write("contacts/staff.csv", STAFF);
        desk
    }

    /// A notice to everybody that has been sent.
    fn send(&self) {
        self.run(&[
            "send",
            "uebung-alarm",
            "--to",
            "staff",
            "--exercise",
            "--channel",
            "email,sms",
            "--yes",
            "--no-wait",
        ]);
        self.run(&["worker", "--drain"]).ok();
    }

    /// Where one of the words stands in the store.
    async fn traces(&self) -> Vec<String> {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.path("var/rundruf.db"));
        let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
        let columns: Vec<(String, String)> = sqlx::query_as(
            "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'",
        )
        .fetch_all(&pool)
        .await
        .unwrap();
        let mut found = Vec::new();
        for (table, column) in columns {
            for needle in NEEDLES {
                let query = format!(
                    "SELECT count(*) FROM \"{table}\" WHERE CAST(\"{column}\" AS TEXT) LIKE '%{needle}%'"
                );
                let (count,): (i64,) =
                    sqlx::query_as(sqlx::AssertSqlSafe(query)).fetch_one(&pool).await.unwrap();
                if count > 0 {
                    found.push(format!("{table}.{column} ({needle})"));
                }
            }
        }
        pool.close().await;
        found
    }
}

#[tokio::test]
async fn after_erasure_the_store_knows_neither_name_nor_address_nor_number() {
    let desk = Desk::new();
    desk.run(&["contacts", "import"]).ok();
    desk.send();
    assert!(desk.traces().await.len() > 5, "there is something to erase");
    desk.run(&["contacts", "erase", "mq", "--reason", "Max Quast wrote"])
        .refused(&["may not name the contact"]);
    let report = |desk: &Desk| desk.run(&["notices", "list", "--json"]).ok().out;
    let before = report(&desk);

    desk.run(&["retention", "hold", "--everything", "--reason", "file 12"]).ok();
    desk.run(&["contacts", "erase", "mq", "--reason", "request"]).refused(&["legal hold on everything"]);
    desk.run(&["retention", "lift", "--everything", "--reason", "closed"]).ok();

    let said = desk.run(&["contacts", "erase", "mq", "--reason", "request of 20 November"]).ok();
    assert!(said.err.contains("STILL IN THE FILES"), "{said:?}");
    assert_eq!(desk.traces().await, Vec::<String>::new());
    assert_eq!(report(&desk), before, "the figures are as they were");
    desk.run(&["audit", "verify"]).ok();
    let listed = desk.run(&["deliveries", "list", "--json"]).ok().out;
    assert!(listed.contains("erased-") && !listed.contains("Quast"), "{listed}");

    desk.run(&["contacts", "import"]).refused(&["mq was erased"]);
    desk.run(&["contacts", "import", "--dry-run"]).refused(&["mq was erased"]);
    desk.run(&["contacts", "import", "--dry-run", "--again"]).ok();
    desk.run(&["contacts", "import"]).refused(&["mq was erased"]);
    desk.run(&["contacts", "import", "--again"]).ok();
    assert!(desk.run(&["contacts", "list", "--json"]).ok().out.contains("Max Quast"));
}

#[test]
fn somebody_who_asks_is_told_everything() {
    let desk = Desk::new();
    desk.run(&["contacts", "import"]).ok();
    desk.send();
    let said = desk.run(&["contacts", "show", "mq", "--everything"]).ok().out;
    for word in
        ["Max Quast", "IT-Notfall", "consent 2026-02-01", "deputy of", "Notices sent: 1", "contacts.imported"]
    {
        assert!(said.contains(word), "{word:?} is missing:\n{said}");
    }
    let json = desk.run(&["contacts", "show", "mq", "--everything", "--json"]).ok().out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["notices"].as_array().unwrap().len(), 1);
    assert_eq!(json["points"][1]["grounds"]["basis"], "consent");
}

#[test]
fn nobody_believes_that_a_hold_protects_what_is_not_there() {
    let desk = Desk::new();
    desk.run(&["contacts", "import"]).ok();
    for typed in ["nope", "It Ausfall", "  "] {
        desk.run(&["retention", "hold", "--incident", typed, "--reason", "file 12"])
            .refused(&["there is no incident", "incidents list"]);
    }
    desk.run(&["retention", "hold", "--notice", "2026-0009", "--reason", "file 12"])
        .refused(&["there is no notice"]);
    let open = ["incidents", "open", "it-ausfall", "--title", "IT-Ausfall"];
    desk.run(&open).ok();
    desk.run(&["retention", "hold", "--incident", "it-ausfall", "--reason", "file 12"]).ok();
}

#[test]
fn not_even_the_bytes_of_the_store_know_who_was_erased() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    desk.run(&["contacts", "import"]).ok();
    desk.send();
    let mode = std::fs::metadata(desk.path("var/rundruf.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "nobody else on the machine reads the store");
    let bytes = || {
        let read = |name| std::fs::read(desk.path(name)).unwrap_or_default();
        [read("var/rundruf.db"), read("var/rundruf.db-wal")].concat()
    };
    let stands = |word: &str| bytes().windows(word.len()).any(|bytes| bytes == word.as_bytes());
    assert!(stands("max.quast@werke.example") && stands("28817386"));
    desk.write("contacts/staff.csv", &STAFF.replace("mq;", "xx;").replace(";mq", ";"));
    desk.run(&["contacts", "erase", "mq", "--reason", "request of 20 November"]).ok();
    for needle in ["Max Quast", "max.quast@werke.example", "+4915228817386"] {
        assert!(!stands(needle), "{needle} still stands in the file");
    }
}

#[test]
fn an_export_runs_no_formula_and_comes_back_as_it_was() {
    let desk = Desk::new();
    let file = "id,name,email,bemerkung\nxy,=HYPERLINK(1),xy@werke.example,-2+3\n";
    desk.write("contacts/staff.csv", file);
    desk.run(&["contacts", "import"]).ok();
    let exported = desk.run(&["contacts", "export", "--unencrypted"]).ok().out;
    assert!(exported.contains("'=HYPERLINK(1)") && exported.contains("'-2+3"), "{exported}");
    desk.write("contacts/staff.csv", &exported);
    let again = desk.run(&["contacts", "import"]).ok().out;
    assert!(again.contains("changed    0"), "{again}");
}

#[test]
fn an_export_is_encrypted_unless_told_otherwise() {
    use age::secrecy::ExposeSecret;
    let desk = Desk::new();
    desk.run(&["contacts", "import"]).ok();
    desk.run(&["contacts", "export", "--output", "all.csv"]).refused(&["nothing to encrypt with"]);
    assert!(!desk.path("all.csv").exists());
    desk.run(&["contacts", "export", "--unencrypted", "--output", "all.csv"]).ok();
    let plain = std::fs::read(desk.path("all.csv")).unwrap();
    let text = String::from_utf8(plain.clone()).unwrap();
    assert!(text.contains("sms_purpose") && text.contains("2026-02-01"), "{text}");

    let key = age::x25519::Identity::generate();
    let settings = std::fs::read_to_string(desk.path("rundruf.toml")).unwrap();
    desk.write("rundruf.toml", &format!("{settings}[backup]\nrecipients = [\"{}\"]\n", key.to_public()));
    desk.run(&["contacts", "export", "--output", "all.csv.age"]).ok();
    let encrypted = std::fs::read(desk.path("all.csv.age")).unwrap();
    assert!(!encrypted.windows(5).any(|bytes| bytes == b"Quast"));
    assert_eq!(age::decrypt(&key, &encrypted).unwrap(), plain);
    assert!(!key.to_string().expose_secret().is_empty());
}

#[tokio::test]
async fn secrets_of_webhooks_are_sealed_under_a_key_that_lies_apart() {
    let desk = Desk::new();
    let secret = "whsec_QmVpc3BpZWwsIGtlaW4gZWNodGVzIEdlaGVpbW5pcyAx";
    let file =
        format!("id,name,webhook,webhook_secret\nquast,Quast,https://hooks.werke.example/in,{secret}\n");
    desk.write("contacts/staff.csv", &file);
    desk.run(&["contacts", "import"]).ok();
    let store = std::fs::read(desk.path("var/rundruf.db")).unwrap();
    assert!(!store.windows(secret.len()).any(|bytes| bytes == secret.as_bytes()));
    assert!(desk.path("var/rundruf.key").exists());
    let again = desk.run(&["contacts", "import"]).ok().out;
    assert!(again.contains("changed    0"), "{again}");
    let dry = desk.run(&["contacts", "import", "--dry-run"]).ok().out;
    assert!(dry.contains("changed    0"), "{dry}");
    let exported = desk.run(&["contacts", "export", "--unencrypted"]).ok().out;
    assert!(exported.contains(secret), "{exported}");

    // Without the key everything else works, and nothing is written in the open.
    std::fs::rename(desk.path("var/rundruf.key"), desk.path("elsewhere.key")).unwrap();
    desk.run(&["contacts", "show", "quast"]).ok();
    desk.run(&["contacts", "import"]).refused(&["bring it back"]);
    desk.run(&["contacts", "export", "--unencrypted"]).refused(&["bring it back"]);
}

#[test]
fn the_list_for_the_drawer_opens_without_anything_else() {
    let desk = Desk::new();
    desk.run(&["contacts", "import"]).ok();
    let page = desk.run(&["contacts", "print"]).ok().out;
    for word in ["Kommunale IT", "Max Quast", "+49 1522 8817386", "Anna Bär", "@page", "Stadtwerke"] {
        assert!(page.contains(word), "{word:?} is missing:\n{page}");
    }
    for foreign in ["<script", "http://", "https://", "src=", "url("] {
        assert!(!page.contains(foreign), "{foreign:?}");
    }
    assert!(desk.run(&["audit", "export"]).out.contains("contacts.exported"));
}

#[test]
fn what_should_be_looked_at_is_named_and_stops_nothing() {
    let desk = Desk::new();
    let said = desk.run(&["contacts", "check"]).ok();
    assert!(said.err.contains("look: ab, SMS: it is private and has no purpose"), "{said:?}");
    assert!(said.err.contains("look: mq, SMS: its review was due on 2026-03-01"), "{said:?}");
    let consentless = STAFF.replace("einwilligung;01.02.2026", "einwilligung;");
    desk.write("contacts/staff.csv", &consentless);
    desk.run(&["contacts", "check"]).code.eq(&1).then_some(()).unwrap();
}
