//! The head of the log in a second place: where it is kept, and what it shows.

use super::desk::{Desk, contains};

const HEADS: &str = "var/audit-heads.log";

#[test]
fn the_head_is_kept_when_a_notice_has_ended_and_stands_on_its_report() {
    let desk = Desk::new();
    desk.run(&["contacts", "import"]).ok();
    assert!(!desk.path(HEADS).exists(), "an import is no reason");
    desk.send();
    let kept = desk.read(HEADS);
    let head: Vec<&str> = kept.lines().last().unwrap().split(' ').collect();
    let said = desk.run(&["audit", "verify"]).ok();
    contains(&said.out, &["The audit log holds", "agree", &format!("It ends at {}:{}", head[1], head[2])]);

    let number =
        desk.run(&["notices", "list", "--json"]).ok().json()[0]["notice"].as_str().unwrap().to_owned();
    let report = desk.run(&["notices", "report", &number]).ok().out;
    contains(&report, &[&format!("Audit log: entry {}, hash {}", head[1], &head[2][..16])]);
    assert_eq!(desk.read(HEADS), kept, "nothing has happened since that would have to be kept");
    let on_paper = format!("{}:{}", head[1], &head[2][..16]);
    desk.run(&["audit", "verify", "--head", &on_paper]).ok();
    desk.run(&["audit", "verify", "--head", &format!("{}:{}", head[1], "0".repeat(16))])
        .refused(&["another hash", "--head"]);
    assert_eq!(desk.run(&["audit", "verify", "--head", "1"]).code, 2);
}

#[test]
fn the_head_also_goes_to_a_mailbox_and_to_several_files() {
    let desk = Desk::with(
        "[audit]\nheads = [\"file:one.log\", \"file:elsewhere/two.log\", \"mail:revision@pruefung.example\"]\n",
    );
    desk.run(&["contacts", "import"]).ok();
    desk.send();
    let one = desk.read("one.log");
    assert_eq!(desk.read("elsewhere/two.log").lines().count(), one.lines().count());
    let hash = one.lines().last().unwrap().split(' ').nth(2).unwrap();
    let mails: Vec<String> = std::fs::read_dir(desk.path("var/outbox"))
        .unwrap()
        .filter_map(|entry| std::fs::read_to_string(entry.unwrap().path()).ok())
        .filter(|mail| mail.contains("To: revision@pruefung.example"))
        .collect();
    assert_eq!(mails.len(), 1);
    // Long lines are folded by the encoding.
    let mail = mails[0].replace("=\r\n", "");
    contains(&mail, &["Subject: KIM: audit log", hash, "audit verify --head"]);
    contains(&desk.run(&["audit", "verify"]).ok().err, &["revision@pruefung.example", "--head"]);
}

#[test]
fn a_place_that_cannot_be_used_is_said_and_stops_nothing() {
    let desk = Desk::with("[audit]\nheads = [\"file:no/such/disk/heads.log\", \"file:one.log\"]\n");
    desk.run(&["contacts", "import"]).ok();
    let said = desk.send();
    contains(&said.err, &["could not be kept at file:", "no/such/disk"]);
    assert!(desk.path("one.log").exists());
    let wrong = Desk::with("[audit]\nheads = [\"one.log\"]\n");
    wrong.run(&["audit", "verify"]).refused(&["audit.heads", "file:PATH"]);
}

#[tokio::test]
async fn a_log_that_was_cut_off_or_written_anew_shows_by_what_was_kept() {
    let desk = Desk::new();
    desk.run(&["contacts", "import"]).ok();
    desk.send();
    let log = desk.log();
    let (last, before) = (log.last().unwrap(), &log[log.len() - 2]);

    // Cut off, and the store's own note of its end made to fit.
    desk.tamper(&[
        &format!("DELETE FROM audit_entries WHERE sequence = {}", last["sequence"]),
        &format!(
            "UPDATE audit_head SET sequence = {}, hash = '{}'",
            before["sequence"],
            before["hash"].as_str().unwrap()
        ),
    ])
    .await;
    desk.run(&["audit", "verify"]).refused(&[
        &format!("ends at entry {}", before["sequence"]),
        "cut off",
        "audit-heads.log",
        " hold",
    ]);

    // Something else is written in its place: the log has its length again.
    desk.run(&["domains", "down", "nirgends.example"]).ok();
    desk.run(&["audit", "verify"]).refused(&["another hash", "written anew", "audit-heads.log"]);
}

#[tokio::test]
async fn an_entry_that_was_changed_is_named() {
    let desk = Desk::new();
    for domain in ["a.example", "b.example", "c.example"] {
        desk.run(&["domains", "down", domain]).ok();
    }
    desk.run(&["audit", "verify"]).ok();
    desk.tamper(&["UPDATE audit_entries SET actor = 'shell:otto' WHERE sequence = 2"]).await;
    desk.run(&["audit", "verify"]).refused(&["entry 2 was changed", "Entry 1 holds"]);
    desk.tamper(&["DELETE FROM audit_entries WHERE sequence = 2"]).await;
    desk.run(&["audit", "verify"]).refused(&["entry 2 is missing"]);
}
