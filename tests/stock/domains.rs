//! `domains`

use super::{Desk, contains, fan_out, notice};

#[tokio::test]
async fn the_switch_takes_hosted_domains_down_and_up_again() {
    let desk = Desk::new();
    desk.write(
        "rundruf.toml",
        "[email]\nhosted_domains = [\"musterdorf.example\"]\nunreachable_domains = [\"gone.example\"]\n",
    );
    let rows = desk.run(&["domains", "list", "--json"]).ok().json();
    assert_eq!((&rows[0]["domain"], &rows[0]["state"]), (&"gone.example".into(), &"down".into()));
    assert_eq!((&rows[1]["domain"], &rows[1]["state"]), (&"musterdorf.example".into(), &"up".into()));
    assert!(!desk.has_store());

    let store = desk.store().await;
    let id = notice(&store, &["a", "b"], &[], &[]).await;
    fan_out(&store, id).await;
    let said = desk.run(&["domains", "down", "--hosted", "--reason", "ransomware"]).ok();
    contains(&said.err, &["musterdorf.example is down: 2 deliveries are held.", "domains up"]);
    let rows = desk.run(&["domains", "list", "--json"]).ok().json();
    let row = rows.iter().find(|row| row["domain"] == "musterdorf.example").unwrap();
    assert_eq!((&row["state"], &row["hosted"]), (&"down".into(), &true.into()));
    assert_eq!((&row["by"], &row["reason"]), (&"anna".into(), &"ransomware".into()));
    assert_eq!(row["held"], 2);
    contains(
        &desk.run(&["notices", "show", "2026-0001"]).ok().out,
        &["held        until these mail domains are up: musterdorf.example 2"],
    );
    contains(&desk.run(&["deliveries", "list"]).ok().out, &["musterdorf.example is down: ransomware"]);
    contains(
        &desk.run(&["doctor"]).out,
        &["look    mail domains: down: musterdorf.example (2 deliveries held)"],
    );
    // Nothing is sent while it is down, and all of it when it is up.
    desk.run(&["worker", "--drain"]).ok();
    assert_eq!(desk.run(&["deliveries", "list", "--state", "queued", "--json"]).ok().json().len(), 2);
    contains(
        &desk.run(&["domains", "up", "--hosted"]).ok().err,
        &["musterdorf.example is up again: 2 deliveries that were held leave now.", "worker --drain"],
    );
    contains(&desk.run(&["domains", "up", "musterdorf.example"]).ok().err, &["It was not down before"]);
}

#[tokio::test]
async fn a_plan_says_who_has_to_wait() {
    let desk = Desk::new();
    let text = std::fs::read_to_string(desk.path("rundruf.toml")).unwrap();
    desk.write("rundruf.toml", &format!("{text}[email]\nhosted_domains = [\"ours.example\"]\n"));
    desk.write(
        "contacts/towns.csv",
        "id,name,email,email_2\na,Adorf,a@ours.example,\nb,Bdorf,b@ours.example,b@x.example\nc,Cdorf,c@x.example,\n",
    );
    desk.run(&["contacts", "import"]).ok();
    desk.run(&["domains", "down", "ours.example"]).ok();
    let said = desk
        .run(&[
            "send",
            "lage-ohne-neues",
            "--to",
            "towns",
            "--set",
            "stand=2026-11-20T13:30",
            "--set",
            "naechste=2026-11-20T17:30",
            "--set",
            "hotline=030 23125-100",
            "--dry-run",
        ])
        .ok();
    contains(
        &said.err,
        &[
            "This mail domain is down, and other addresses are used where there are any: ours.example",
            "! held until ours.example is up: Adorf (a)",
        ],
    );
}

#[test]
fn what_is_wrong_is_named_and_nothing_is_changed() {
    let desk = Desk::new();
    assert_eq!(desk.run(&["domains", "down"]).code, 2);
    assert_eq!(desk.run(&["domains", "down", "no domain"]).code, 2);
    desk.run(&["domains", "down", "--hosted"]).refused(&["hosted_domains is empty", "nothing was changed"]);
    desk.run(&["domains", "down", "a.example", "--reason", "two\nlines"])
        .refused(&["the reason must be one line"]);
    assert!(!desk.has_store());
    desk.write("rundruf.toml", "[email]\nunreachable_domains = [\"gone.example\"]\n");
    desk.run(&["domains", "up", "gone.example"]).refused(&["unreachable_domains", "nothing was changed"]);
}

#[tokio::test]
async fn what_is_released_while_a_domain_is_down_goes_to_the_other_address_at_once() {
    let desk = Desk::new();
    let store = desk.store().await;
    let id = notice(&store, &["a", "b"], &[], &[]).await;
    desk.write("contacts/all.csv", "id,name,email,email_2\na,Rathaus a,a@musterdorf.example,a@x.example\n");
    desk.run(&["contacts", "import"]).ok();
    desk.run(&["domains", "down", "musterdorf.example"]).ok();
    fan_out(&store, id).await;
    desk.run(&["worker", "--drain"]).ok();
    let rows = desk.run(&["deliveries", "list", "--json"]).ok().json();
    let of = |address: &str| {
        rows.iter().find(|row| row["address"] == address).map(|row| row["state"].clone()).unwrap_or_default()
    };
    assert_eq!(of("b@musterdorf.example"), "queued", "{rows:?}");
    // Its text cannot be composed in this test; that it was tried shows that it left the queue of the dead domain.
    assert_ne!(of("a@x.example"), serde_json::Value::Null, "{rows:?}");
}
