//! The running service, or a worker, tells the crisis staff, each thing once, however many of it run.

use std::time::Duration;

use rundruf::domain::clock::{Clock, SystemClock};

use crate::instance::{Engine, Instance, on_both_engines};
use crate::process::{Run, until_store};
use crate::world::{NOTHING_NEW, incident, open, send, world};

on_both_engines!(two_services_remind_the_crisis_staff_once);

fn reminders(instance: &Instance) -> Vec<serde_json::Value> {
    let mut notices = instance.notices();
    notices.retain(|notice| notice["template"] == "erinnerung-stab");
    notices
}

async fn serve(instance: &Instance) -> Run {
    let run = instance.start(&["serve"]);
    run.until_it_says("Ctrl-C").await;
    run
}

async fn work(instance: &Instance) -> Run {
    let run = instance.start(&["worker"]);
    run.until_it_says("Ctrl-C").await;
    run
}

async fn two_services_remind_the_crisis_staff_once(engine: Engine) {
    let instance = world(engine).await;
    instance.configure("[http]\nlisten = \"127.0.0.1:0\"");
    open(&instance, &[]);
    // A quarter of an hour before it is due, the staff is told: so it is at once of this.
    send(&instance, &NOTHING_NEW, &["--yes", "--next-update", "+5m"]).exits(0);
    let (one, other) = (serve(&instance).await, serve(&instance).await);
    let sent = async || reminders(&instance).iter().any(|notice| notice["counts"]["sent"] == 2);
    until_store(sent, &|| format!("{}\n{}", one.err(), other.err())).await;

    // It passes without a word to the recipients.
    let store = instance.store().await;
    let mut late = store.incident(&"it-ausfall".parse().unwrap()).await.unwrap().unwrap();
    late.next_update_at = Some(SystemClock::new().now().minus(Duration::from_secs(60)));
    let entry = rundruf::domain::audit::NewEntry::new(
        &rundruf::domain::actor::Actor::shell("test"),
        "test.prepared",
        rundruf::domain::audit::Subject::new("test", "clock"),
    );
    assert!(store.change_incident(&late, &entry).await.unwrap());
    assert_eq!(incident(&instance)["overdue"], true);
    let town = instance.notices().into_iter().find(|notice| notice["template"] == "lage-ohne-neues").unwrap();
    assert_eq!(town["overdue"], true, "it shows in the list of notices, too");
    let report = instance.run(&["notices", "report", town["notice"].as_str().unwrap()]).exits(0).out;
    assert!(report.contains("OVERDUE since"), "{report}");
    let doctor = instance.run(&["doctor"]).out;
    assert!(doctor.contains("incident it-ausfall: the next update is overdue since"), "{doctor}");
    for run in [&one, &other] {
        run.signal("TERM");
    }
    one.end().await.exits(0);
    other.end().await.exits(0);
    // Machines that only send do it, too.
    let (one, other) = (work(&instance).await, work(&instance).await);
    let overdue =
        async || reminders(&instance).iter().filter(|notice| notice["counts"]["sent"] == 2).count() == 2;
    until_store(overdue, &|| format!("{}\n{}", one.err(), other.err())).await;
    for run in [&one, &other] {
        run.signal("TERM");
    }
    one.end().await.exits(0);
    other.end().await.exits(0);
    // Once more after the end of all: nothing is left to be told.
    let last = serve(&instance).await;
    last.signal("TERM");
    last.end().await.exits(0);
    let reminders = reminders(&instance);
    assert_eq!(reminders.len(), 2, "{reminders:?}");
    for reminder in &reminders {
        let number = reminder["notice"].as_str().unwrap();
        let told = instance.run(&["deliveries", "list", "--notice", number, "--json"]).exits(0).json();
        assert!(told.iter().all(|row| row["contact"] == "chefin"), "never everybody: {told:?}");
        assert_eq!(told.len(), 2, "by e-mail and by SMS");
    }
}
