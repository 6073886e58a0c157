//! `suppressions`

use super::{Desk, contains, fan_out, notice};

#[tokio::test]
async fn an_address_is_blocked_and_used_again() {
    let desk = Desk::new();
    let said = desk.run(&["suppressions", "add", "A@Musterdorf.example", "--reason", "wishes no mail"]).ok();
    contains(&said.err, &["a@musterdorf.example (email) is not used until it is lifted: wishes no mail"]);
    desk.run(&["suppressions", "add", "0152 28817386", "--reason", "lost", "--until", "2126-12-31"]).ok();
    desk.run(&["suppressions", "add", "https://Hooks.example/In", "--reason", "moved"]).ok();

    let rows = desk.run(&["suppressions", "list", "--json"]).ok().json();
    let addresses: Vec<&str> = rows.iter().map(|row| row["address"].as_str().unwrap()).collect();
    assert_eq!(addresses, ["a@musterdorf.example", "+4915228817386", "https://hooks.example/in"]);
    assert_eq!((&rows[0]["reason"], &rows[0]["detail"]), (&"manual".into(), &"wishes no mail".into()));
    assert_eq!(rows[0]["until"], serde_json::Value::Null);
    // A day ends when it is over, in the instance's time zone.
    assert_eq!(rows[1]["until"], "2126-12-31T23:00:00.000Z");

    let store = desk.store().await;
    let id = notice(&store, &["a", "b"], &[], &[]).await;
    fan_out(&store, id).await;
    let blocked = desk.run(&["deliveries", "list", "--state", "suppressed", "--json"]).ok().json();
    assert_eq!((blocked.len(), &blocked[0]["contact"]), (1, &"a".into()));
    contains(
        &desk.run(&["notices", "report", "2026-0001"]).ok().out,
        &["Suppressed: 1", "manual: wishes no mail"],
    );

    desk.run(&["suppressions", "lift", "a@MUSTERDORF.example"]).ok();
    desk.run(&["suppressions", "lift", "a@musterdorf.example"])
        .refused(&["is not blocked", "nothing was changed"]);
    assert_eq!(desk.run(&["suppressions", "list", "--json"]).ok().json().len(), 2);
}

#[tokio::test]
async fn what_is_wrong_is_named_and_nothing_is_blocked() {
    let desk = Desk::new();
    let cases: &[(&[&str], &str)] = &[
        (&["rathaus", "--reason", "x"], "is no address"),
        (&["a@b", "--reason", "x"], "is no e-mail address"),
        (&["110", "--reason", "x"], "is no telephone number"),
        (&["a@b.example", "--reason", " "], "the reason must be one line"),
        (&["a@b.example", "--reason", "x", "--until", "soon"], "--until \"soon\" is no time"),
        (&["a@b.example", "--reason", "x", "--until", "2020-01-01"], "is past"),
    ];
    for (arguments, words) in cases {
        let line: Vec<&str> = ["suppressions", "add"].iter().chain(*arguments).copied().collect();
        desk.run(&line).refused(&[words]);
        assert!(!desk.has_store(), "{line:?} made a store");
    }
    assert_eq!(desk.run(&["suppressions", "add", "a@b.example"]).code, 2);
}
