//! A backup holds everything, comes back into either engine, and sends nothing by itself.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;
use rundruf::app::backup::archive::{ArchiveReader, ArchiveWriter};
use rundruf::domain::backup::{File, MANIFEST, Manifest, table_of};
use sqlx::{ConnectOptions, Connection, Executor, SqliteConnection};

use crate::instance::{Engine, Instance};
use crate::process::{Said, until_store};

/// An instance with notices in several states: one sent, one that waits.
async fn busy(engine: Engine) -> Instance {
    let instance = Instance::new(engine).await;
    instance.import(30);
    instance.release(&[]);
    instance.run(&["worker", "--drain"]).exits(0);
    instance.release(&[]);
    instance
}

/// How many deliveries of all notices are in `state`.
fn total(instance: &Instance, state: &str) -> u64 {
    instance.notices().iter().map(|notice| notice["counts"][state].as_u64().unwrap()).sum()
}

fn number(said: &Said, column: &str) -> Vec<String> {
    said.json().iter().map(|line| line[column].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_either_engine_comes_back_into_either() {
    for (from, to) in [
        (Engine::Sqlite, Engine::Postgres),
        (Engine::Postgres, Engine::Sqlite),
        (Engine::Sqlite, Engine::Sqlite),
    ] {
        let old = busy(from).await;
        let file = old.path("b.tar").display().to_string();
        old.run(&["backup", "--unencrypted", "b.tar"]).exits(0).says(&["NOT encrypted"]);
        let new = Instance::new(to).await;
        new.run(&["restore", &file])
            .exits(0)
            .says(&["1 notice that was live is paused", "Nothing of it is sent"]);
        let (before, after) =
            (old.run(&["notices", "list", "--json"]), new.run(&["notices", "list", "--json"]));
        assert_eq!(number(&before, "notice"), number(&after, "notice"));
        assert_eq!(number(&after, "state"), ["completed", "paused"]);
        let list = |instance: &Instance| instance.run(&["deliveries", "list", "--json"]).out;
        assert_eq!(list(&old), list(&new), "every delivery with its state, its try and its reference");
        let contacts = |instance: &Instance| instance.run(&["contacts", "list", "--json"]).out;
        assert_eq!(contacts(&old), contacts(&new));

        // Whatever runs, nothing leaves until somebody says so.
        new.run(&["worker", "--drain"]).exits(0);
        assert_eq!(total(&new, "queued"), 30);
        let shown = new.run(&["notices", "show", &number(&after, "notice")[1]]).exits(0);
        assert!(shown.out.contains("restored from the backup of"), "{}", shown.out);
        new.run(&["notices", "resume", &number(&after, "notice")[1]]).exits(0);
        new.run(&["worker", "--drain"]).exits(0);
        assert_eq!(total(&new, "sent"), 60);
        let next = new.run(&["send", "test", "--to", "all", "--yes", "--json"]).exits(0);
        assert!(next.out.contains("-0103\""), "numbers that may have been given are left out: {}", next.out);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_in_flight_is_unclear_afterwards() {
    let instance = busy(Engine::Sqlite).await;
    let file = instance.path("var/rundruf.db");
    let mut store = sqlx::sqlite::SqliteConnectOptions::new().filename(file).connect().await.unwrap();
    for statement in [
        "UPDATE deliveries SET state = 'sending'
         WHERE delivery_id IN (SELECT delivery_id FROM deliveries WHERE state = 'queued' LIMIT 4)",
        "UPDATE notice_counts SET count = count - 4 WHERE state = 'queued' AND count > 0",
        "INSERT INTO notice_counts (notice_id, channel, state, count) SELECT notice_id, 'email', 'sending', 4 FROM notices WHERE state = 'sending'
         ON CONFLICT (notice_id, channel, state) DO UPDATE SET count = count + 4",
    ] {
        store.execute(statement).await.unwrap();
    }
    store.close().await.unwrap();
    instance.run(&["backup", "--unencrypted", "b.tar"]).exits(0);
    instance.run(&["restore", "--replace", "b.tar"]).exits(0).says(&["4 deliveries are unclear"]);
    assert_eq!((total(&instance, "unclear"), total(&instance, "queued")), (4, 26));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_not_empty_is_only_replaced_when_that_is_said() {
    let instance = busy(Engine::Sqlite).await;
    instance.run(&["backup", "--unencrypted", "b.tar"]).exits(0);
    instance.run(&["restore", "b.tar"]).exits(1).says(&["--replace"]);
    instance.run(&["restore", "--check", "b.tar"]).exits(0).says(&["whole", "Nothing was changed"]);
    assert_eq!(total(&instance, "queued"), 30);
    instance.run(&["backup", "--unencrypted", "b.tar"]).exits(1).says(&["there already"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_ran_before_a_restore_sends_nothing_after_it() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let instance = busy(engine).await;
        instance.run(&["backup", "--unencrypted", "b.tar"]).exits(0);
        let worker = instance.start(&["worker"]);
        let all_sent = async || total(&instance, "sent") == 60;
        until_store(all_sent, &|| worker.err()).await;
        instance.run(&["restore", "--replace", "b.tar"]).exits(0);
        worker.until_it_says("a backup was restored").await;
        let notice = number(&instance.run(&["notices", "list", "--json"]), "notice").pop().unwrap();
        instance.run(&["notices", "resume", &notice]).exits(0);
        // A process of the new life sends all of it: the old one has taken none.
        instance.run(&["worker", "--drain"]).exits(0);
        assert_eq!(total(&instance, "sent"), 60);
        assert_eq!(instance.run(&["deliveries", "list", "--json", "--notice", &notice]).json().len(), 30);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bent_backup_is_refused_and_changes_nothing() {
    let instance = busy(Engine::Sqlite).await;
    instance.run(&["backup", "--unencrypted", "b.tar"]).exits(0);
    let whole = std::fs::read(instance.path("b.tar")).unwrap();
    let refused = |bytes: Vec<u8>| {
        instance.write("bent.tar", bytes);
        let said = instance.run(&["restore", "--replace", "bent.tar"]).exits(1);
        assert!(said.err.contains("nothing was changed"), "{}", said.err);
    };
    // One letter of an address.
    let at = whole.windows(11).position(|bytes| bytes == b"amt7@d0.exa").expect("an address is in it");
    let mut changed = whole.clone();
    changed[at] = b'x';
    refused(changed);
    refused(whole[..whole.len() / 2].to_vec());
    refused([whole.clone(), vec![7; 512]].concat());
    assert_eq!(total(&instance, "queued"), 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_age_and_tar_open_what_was_encrypted_for_a_key() {
    let instance = busy(Engine::Sqlite).await;
    let key = run("age-keygen", &instance, &["-o", "key.txt"]);
    let public =
        key.split_whitespace().find(|word| word.starts_with("age1")).expect("a public key").to_owned();
    instance.configure(&format!("[backup]\nrecipients = [\"{public}\"]"));
    let said = instance.run(&["backup", "b.tar.age"]).exits(0);
    assert!(!said.err.contains("The key"), "nothing has been sealed, so there is none: {}", said.err);
    let bytes = std::fs::read(instance.path("b.tar.age")).unwrap();
    assert!(!bytes.windows(4).any(|window| window == b"amt7"), "nothing can be read without the key");
    run("age", &instance, &["-d", "-i", "key.txt", "-o", "plain.tar", "b.tar.age"]);
    std::fs::create_dir(instance.path("out")).unwrap();
    run("tar", &instance, &["-x", "-f", "plain.tar", "-C", "out"]);
    let lines = |table: &str| {
        let text =
            std::fs::read_to_string(instance.path(&format!("out/tables/{table}/000001.jsonl"))).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<serde_json::Value>>()
    };
    assert_eq!((lines("contacts").len(), lines("deliveries").len()), (30, 60));
    assert!(lines("contact_points").iter().any(|point| point["address"] == "amt7@d0.example"));
    assert!(instance.path("out/templates/test/email.de.md").exists());
    assert!(!instance.path("out/rundruf.key").exists());

    instance.run(&["restore", "--replace", "b.tar.age"]).exits(1).says(&["--identity"]);
    let other = run("age-keygen", &instance, &["-o", "other.txt"]);
    assert!(other.contains("age1"));
    instance.run(&["restore", "--replace", "--identity", "other.txt", "b.tar.age"]).exits(1);
    instance.run(&["restore", "--replace", "--identity", "key.txt", "b.tar.age"]).exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passphrase_opens_what_it_closed() {
    let instance = busy(Engine::Sqlite).await;
    instance.run(&["backup", "b.tar.age"]).exits(1).says(&["nothing to encrypt with", "--unencrypted"]);
    instance.write("pass", "ein langer Satz\n");
    instance.write("wrong", "ein anderer\n");
    instance.run(&["backup", "--passphrase-file", "pass", "b.tar.age"]).exits(0);
    instance.run(&["restore", "--check", "--passphrase-file", "wrong", "b.tar.age"]).exits(1);
    instance.run(&["restore", "--check", "--passphrase-file", "pass", "b.tar.age"]).exits(0).says(&["whole"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_legal_hold_keeps_is_not_replaced() {
    let instance = busy(Engine::Sqlite).await;
    instance.run(&["backup", "--unencrypted", "b.tar"]).exits(0);
    instance.run(&["retention", "hold", "--everything", "--reason", "file 12 Js 345/26"]).exits(0);
    instance.run(&["restore", "--replace", "b.tar"]).exits(1).says(&["legal hold", "nothing was changed"]);
    assert_eq!(total(&instance, "queued"), 30);
    instance.run(&["retention", "lift", "--everything", "--reason", "closed"]).exits(0);
    instance.run(&["restore", "--replace", "b.tar"]).exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_and_the_key_come_back_and_what_is_there_stays() {
    let instance = busy(Engine::Sqlite).await;
    instance.run(&["backup", "--unencrypted", "b.tar"]).exits(0);
    let template = instance.path("templates/test/email.de.md");
    let as_it_was = std::fs::read(&template).unwrap();
    std::fs::remove_file(&template).unwrap();
    instance.run(&["restore", "--replace", "b.tar"]).exits(0).says(&["Files that are back", "email.de.md"]);
    assert_eq!(std::fs::read(&template).unwrap(), as_it_was);
    assert!(instance.path("rundruf.restored.toml").exists());
    std::fs::write(&template, "---\nsubject: neu\n---\nneu\n").unwrap();
    instance.run(&["restore", "--replace", "b.tar"]).exits(0).says(&["stayed as they are", "email.de.md"]);
    assert_ne!(std::fs::read(&template).unwrap(), as_it_was);
    instance.run(&["restore", "--replace", "--overwrite-files", "b.tar"]).exits(0);
    assert_eq!(std::fs::read(&template).unwrap(), as_it_was);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_an_older_program_is_brought_up_to_date_on_the_way() {
    for to in [Engine::Sqlite, Engine::Postgres] {
        let old = Instance::new(Engine::Sqlite).await;
        old.import(5);
        old.run(&["backup", "--unencrypted", "b.tar"]).exits(0);
        let file = old.path("older.tar");
        std::fs::write(&file, as_of_step(13, &std::fs::read(old.path("b.tar")).unwrap()).await).unwrap();
        let new = Instance::new(to).await;
        new.run(&["restore", &file.display().to_string()]).exits(0).says(&["It is restored"]);
        assert_eq!(new.run(&["contacts", "list", "--json"]).json().len(), 5);
        new.run(&["send", "test", "--to", "all", "--yes"]).exits(0);
        new.run(&["audit", "verify"]).exits(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_to_replace_a_store_by_a_file_that_is_not_there() {
    let instance = busy(Engine::Sqlite).await;
    let said = instance.run(&["restore", "nowhere.tar"]).exits(1);
    assert!(said.err.contains("nowhere.tar") && !said.err.contains("--replace"), "{said:?}");
    let fresh = Instance::new(Engine::Sqlite).await;
    fresh.run(&["restore", "nowhere.tar"]).exits(1).says(&["nowhere.tar", "cannot be opened"]);
    assert!(!fresh.path("var/rundruf.db").exists(), "no store is made for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_leave_their_entry_in_the_audit_log() {
    let instance = busy(Engine::Sqlite).await;
    instance.run(&["backup", "--unencrypted", "b.tar"]).exits(0);
    instance.run(&["restore", "--replace", "b.tar"]).exits(0);
    let store = instance.store().await;
    let entries = store.audit_entries(0, 1_000).await.unwrap();
    let restored = entries.last().unwrap();
    assert_eq!((restored.action.as_str(), restored.actor.as_str()), ("instance.restored", "shell:anna"));
    let mut walk = rundruf::domain::audit::Walk::default();
    entries.iter().for_each(|entry| walk.step(entry).unwrap());
    assert_eq!(walk.head(), &store.audit_head().await.unwrap());
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_elsewhere_is_told_of_no_tampering_but_a_log_cut_off_later_is_found() {
    let old = busy(Engine::Sqlite).await;
    assert!(old.path("var/audit-heads.log").exists(), "a notice has ended");
    old.run(&["backup", "--unencrypted", "b.tar"]).exits(0);
    let new = Instance::new(Engine::Sqlite).await;
    new.run(&["restore", &old.path("b.tar").display().to_string()]).exits(0);
    new.run(&["audit", "verify"]).exits(0);
    let listed = new.run(&["notices", "list"]).exits(0);
    assert!(!listed.err.contains("audit"), "{listed:?}");

    // The next head is missed as the first ever was.
    new.release(&[]);
    new.run(&["worker", "--drain"]).exits(0);
    new.run(&["audit", "verify"]).exits(0);
    std::fs::remove_file(new.path("var/audit-heads.log")).unwrap();
    new.run(&["audit", "verify"]).exits(1).says(&["removed, emptied or cut off"]);
}

/// The same backup as the program would have made it whose store knew the migrations up to `step` alone.
async fn as_of_step(step: i64, backup: &[u8]) -> Vec<u8> {
    let columns = columns_at(step).await;
    let is_known = |table: &str, column: &str| columns[table].iter().any(|known| known == column);
    let (mut reader, mut writer) = (ArchiveReader::new(backup), ArchiveWriter::new(Vec::new(), 0));
    let mut files = Vec::new();
    while let Some((path, mut bytes)) = reader.next_file().unwrap() {
        if path == MANIFEST {
            let mut manifest: Manifest = serde_json::from_slice(&bytes).unwrap();
            manifest.migration = step;
            manifest.tables.retain(|table| columns.contains_key(&table.name));
            for table in &mut manifest.tables {
                table.columns.retain(|column| is_known(&table.name, &column.name));
            }
            manifest.files = std::mem::take(&mut files);
            writer.add(&path, &serde_json::to_vec(&manifest).unwrap()).unwrap();
            continue;
        }
        if let Some(table) = table_of(&path) {
            if !columns.contains_key(table) {
                continue;
            }
            let rows = String::from_utf8(bytes).unwrap();
            let rows = rows.lines().map(|line| {
                let mut row: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
                row.retain(|name, _| is_known(table, name));
                format!("{}\n", serde_json::Value::Object(row))
            });
            bytes = rows.collect::<String>().into_bytes();
        }
        let sha256 = HEXLOWER.encode(digest(&SHA256, &bytes).as_ref());
        writer.add(&path, &bytes).unwrap();
        files.push(File { path, bytes: bytes.len() as u64, sha256 });
    }
    writer.finish().unwrap()
}

/// The tables and their columns after the migrations up to `step`.
async fn columns_at(step: i64) -> BTreeMap<String, Vec<String>> {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
    let mut migrations: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    migrations.sort();
    for file in migrations {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        if name[..4].parse::<i64>().unwrap() <= step {
            let text = std::fs::read_to_string(&file).unwrap();
            sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&mut connection).await.unwrap();
        }
    }
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let mut columns: BTreeMap<String, Vec<String>> = BTreeMap::new();
    rows.into_iter().for_each(|(table, column)| columns.entry(table).or_default().push(column));
    columns
}

/// Another program in the instance's folder; what it said.
fn run(program: &str, instance: &Instance, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    instance.prepare(&mut command);
    let output = command.args(arguments).stdin(Stdio::null()).output();
    let output =
        output.unwrap_or_else(|error| panic!("{program} cannot be run ({error}): tests/run installs it"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
