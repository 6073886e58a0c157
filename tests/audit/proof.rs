//! The printable proof of a notice.

use super::desk::{Desk, contains};

fn desk_with_notice() -> (Desk, String) {
    let desk = Desk::new();
    desk.run(&["contacts", "import"]).ok();
    desk.send();
    let number =
        desk.run(&["notices", "list", "--json"]).ok().json()[0]["notice"].as_str().unwrap().to_owned();
    (desk, number)
}

#[test]
fn a_proof_shows_wording_course_and_result_and_names_nobody() {
    let (desk, number) = desk_with_notice();
    let said = desk.run(&["audit", "proof", &number, "--file-number", "KIM 4711/2026"]).ok();
    contains(&said.err, &["masked", "--reveal"]);
    let html = desk.read(&format!("proof-{number}.html"));
    contains(
        &html,
        &[
            "lang=\"de\"",
            "Nachweis der Mitteilung",
            "KIM 4711/2026",
            "20.11.2026, 05:40",
            "Maren Sievert",
            "kein Nachweis des Empfangs",
            "erst-presse",
            "@page",
        ],
    );
    let released = html.split("Freigegeben").nth(1).unwrap();
    assert!(released[..200].contains("von shell:anna"), "{}", &released[..200]);
    let head = desk.log().last().unwrap()["hash"].as_str().unwrap().to_owned();
    contains(&html, &[&head]);
    assert!(!html.contains("http-equiv=\"refresh\"") && !html.contains("<script") && !html.contains("src="));
    let contacts = desk.run(&["contacts", "list", "--group", "press", "--json"]).ok().json();
    for contact in &contacts {
        for field in ["name", "email"] {
            let Some(word) = contact[field].as_str() else { continue };
            assert!(!html.contains(word), "{word:?} is not masked");
        }
    }
}

#[test]
fn names_are_shown_for_a_reason_and_that_is_written_down() {
    let (desk, number) = desk_with_notice();
    desk.run(&["audit", "proof", &number, "--reveal", " "]).refused(&["reason"]);
    desk.run(&["audit", "proof", &number, "--reveal", "Anfrage der Aufsicht", "--output", "akte.html"]).ok();
    let html = desk.read("akte.html");
    let contacts = desk.run(&["contacts", "list", "--group", "press", "--json"]).ok().json();
    let email = contacts.iter().find_map(|contact| contact["email"].as_str()).unwrap();
    contains(&html, &[email, "Anfrage der Aufsicht"]);
    let revealed = desk.log().into_iter().find(|entry| entry["action"] == "contacts.revealed").unwrap();
    assert_eq!(revealed["reason"], "Anfrage der Aufsicht");
    assert_eq!(revealed["subject"], format!("proof/{number}"));
}

#[test]
fn a_call_stands_in_the_proof() {
    let (desk, number) = desk_with_notice();
    let contacts = desk.run(&["contacts", "list", "--group", "press", "--json"]).ok().json();
    let id = contacts[0]["id"].as_str().unwrap();
    desk.run(&["notices", "reached", &number, id, "--by", "phone", "--note", "sprach mit <b>Otto</b>"]).ok();
    desk.run(&["audit", "proof", &number]).ok();
    let html = desk.read(&format!("proof-{number}.html"));
    contains(&html, &["erreicht: Telefon", "Erreichen vermerkt", "anna"]);
    assert!(!html.contains("Otto"), "a note may name people");
    let again = desk.run(&["audit", "proof", &number, "--reveal", "Akte"]).ok();
    contains(&again.err, &["took the place of a file of that name"]);
    let html = desk.read(&format!("proof-{number}.html"));
    assert!(html.contains("Otto") && !html.contains("<b>"), "what people type is text");
}

#[test]
fn a_proof_speaks_the_instances_language() {
    let desk = Desk::new();
    let configuration = desk.read("rundruf.toml").replace("[instance]\n", "[instance]\nlanguage = \"en\"\n");
    std::fs::write(desk.path("rundruf.toml"), configuration).unwrap();
    desk.run(&["contacts", "import"]).ok();
    desk.send();
    let number =
        desk.run(&["notices", "list", "--json"]).ok().json()[0]["notice"].as_str().unwrap().to_owned();
    desk.run(&["audit", "proof", &number]).ok();
    contains(
        &desk.read(&format!("proof-{number}.html")),
        &["lang=\"en\"", "Proof of notice", "no proof of receipt", "What was done"],
    );
    desk.run(&["audit", "proof", "2026-9999"]).refused(&["there is no notice"]);
}
