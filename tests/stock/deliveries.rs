//! `deliveries`

use rundruf::domain::outcome::Reason;
use rundruf::store::Move;

use super::{Desk, contains, deliver, fan_out, notice, unknown_user};

fn broken() -> (Move, Reason) {
    (Move::Unclear, Reason::new("connection", "the connection to the relay broke"))
}

/// A desk with one notice: a was sent, b failed, c and d are unclear.
async fn desk() -> (Desk, Vec<String>) {
    let desk = Desk::new();
    let store = desk.store().await;
    let id = notice(&store, &["a", "b", "c", "d"], &[], &[]).await;
    fan_out(&store, id).await;
    let (failed, unknown) = unknown_user();
    deliver(&store, &[("b", failed, unknown), ("c", broken().0, broken().1), ("d", broken().0, broken().1)])
        .await;
    store.close().await;
    let listed = desk.run(&["deliveries", "list", "--json"]).ok().json();
    let ids = listed.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    (desk, ids)
}

fn states(desk: &Desk) -> Vec<String> {
    let rows = desk.run(&["deliveries", "list", "--json"]).ok().json();
    rows.iter().map(|row| row["state"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_list_has_the_promised_fields_and_filters() {
    let (desk, ids) = desk().await;
    let row = &desk.run(&["deliveries", "list", "--state", "failed", "--json"]).ok().json()[0];
    let mut expected = row.clone();
    for (name, value) in [
        ("id", ids[1].as_str()),
        ("notice", "2026-0001"),
        ("contact", "b"),
        ("channel", "email"),
        ("address", "b@musterdorf.example"),
        ("state", "failed"),
        ("reason", "550 5.1.1 unknown user"),
        ("provider", "relay"),
    ] {
        expected[name] = value.into();
    }
    expected["attempts"] = 1.into();
    expected["provider_ref"] = serde_json::Value::Null;
    assert_eq!(*row, expected);
    assert!(row["updated_at"].as_str().unwrap().ends_with('Z'));

    let count = |arguments: &[&str]| {
        let line: Vec<&str> = ["deliveries", "list", "--json"].iter().chain(arguments).copied().collect();
        desk.run(&line).ok().json().len()
    };
    assert_eq!(count(&["--state", "failed,unclear"]), 3);
    assert_eq!(count(&["--state", "failed", "--state", "sent"]), 2);
    assert_eq!(count(&["--channel", "sms,webhook"]), 0);
    assert_eq!(count(&["--channel", "sms,email", "--notice", "2026-0001"]), 4);
    desk.run(&["deliveries", "list", "--notice", "2026-0002"]).refused(&["there is no notice 2026-0002"]);
    let csv = desk.run(&["deliveries", "list", "--format", "csv", "--state", "sent"]).ok().out;
    assert!(csv.starts_with(
        "id,notice,contact,channel,address,state,attempts,reason,provider,provider_ref,updated_at\n"
    ));
    contains(&csv, &["a@musterdorf.example", "4F3B21"]);
}

#[tokio::test]
async fn a_long_list_is_whole_and_in_order() {
    let desk = Desk::new();
    let store = desk.store().await;
    let names: Vec<String> = (0..2_500).map(|n| format!("c{n}")).collect();
    let to: Vec<&str> = names.iter().map(String::as_str).collect();
    let id = notice(&store, &to, &[], &[]).await;
    fan_out(&store, id).await;
    store.close().await;
    let rows = desk.run(&["deliveries", "list", "--json"]).ok().json();
    let listed: Vec<&str> = rows.iter().map(|row| row["contact"].as_str().unwrap()).collect();
    assert_eq!(listed, to);
}

#[tokio::test]
async fn one_delivery_shows_its_tries() {
    let (desk, ids) = desk().await;
    let shown = desk.run(&["deliveries", "show", &ids[2]]).ok().out;
    contains(
        &shown,
        &[
            "unclear: may have left or not",
            "c@musterdorf.example",
            "Tries:\n  1. ",
            "unclear by relay",
            "resolve",
        ],
    );
    let line = &desk.run(&["deliveries", "show", &ids[1], "--json"]).ok().json()[0];
    assert_eq!(line["tries"][0]["code"], "5.1.1");
    assert_eq!(line["state"], "failed");
    let nobody = "00000000-0000-7000-8000-000000000000";
    desk.run(&["deliveries", "show", nobody]).refused(&["there is no delivery", "deliveries list"]);
    for typed in ["7", "nonsense"] {
        let said = desk.run(&["deliveries", "show", typed]).ends(2);
        contains(&said.err, &["this is no id", "as a list shows it"]);
    }
}

#[tokio::test]
async fn unclear_deliveries_are_resolved_all_or_none() {
    let (desk, ids) = desk().await;
    let wrong = desk.run(&["deliveries", "resolve", &ids[2], &ids[0], "--as", "sent"]);
    wrong.refused(&["is sent, not unclear", "nothing was changed"]);
    let nobody = "00000000-0000-7000-8000-000000000000";
    desk.run(&["deliveries", "resolve", &ids[2], nobody, "--as", "sent"]).refused(&["there is no delivery"]);
    assert_eq!(states(&desk), ["sent", "failed", "unclear", "unclear"]);

    let said = desk.run(&["deliveries", "resolve", &ids[2], &ids[2], "--as", "sent"]).ok();
    contains(&said.err, &["1 delivery is written down as sent"]);
    let said = desk.run(&["deliveries", "resolve", &ids[3], "--as", "resend"]).ok();
    contains(&said.err, &["1 delivery is sent again", "worker --drain"]);
    assert_eq!(states(&desk), ["sent", "failed", "sent", "queued"]);
}

#[tokio::test]
async fn replaying_uses_a_blocked_endpoint_again() {
    let (desk, _) = desk().await;
    let endpoint = "https://hooks.stadtwerke.example/Rundruf";
    desk.run(&["suppressions", "add", endpoint, "--reason", "Umbau"]).ok();
    let said = desk.run(&["deliveries", "replay", endpoint, "--since", "7d"]).ok();
    contains(&said.err, &["was blocked and is used again", "Nothing to send again", "since"]);
    assert!(desk.run(&["suppressions", "list", "--json"]).ok().json().is_empty());
    let said = desk.run(&["deliveries", "replay", endpoint, "--since", "7d"]).ok();
    assert!(!said.err.contains("blocked"), "{}", said.err);
    assert_eq!(desk.run(&["deliveries", "replay", "hooks.example", "--since", "7d"]).code, 2);
    assert_eq!(desk.run(&["deliveries", "replay", endpoint]).code, 2);
}
