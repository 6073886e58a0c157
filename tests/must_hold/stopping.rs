//! Ctrl-C, a changed limit, and a process that was asleep.

use crate::instance::{Engine, Instance, TEMPLATE, on_both_engines, relay};
use crate::process::until;
use crate::relay::Relay;
use crate::smtp_server::{Action, Command};

on_both_engines!(
    ctrl_c_ends_a_send_cleanly_and_says_how_to_go_on,
    a_changed_rate_takes_effect_while_a_worker_runs,
    a_worker_that_slept_sends_nothing_that_others_took_over,
);

async fn ctrl_c_ends_a_send_cleanly_and_says_how_to_go_on(engine: Engine) {
    for signal in ["INT", "TERM"] {
        let server = Relay::start().await;
        let instance = Instance::new(engine).await;
        instance.configure(&relay(server.port(), "rate = \"500/s\""));
        let everybody = instance.import(1_000);
        let send = instance.start(&["send", TEMPLATE, "--to", "all", "--yes"]);
        until(|| server.received() >= 50 || send.has_ended(), &|| send.err()).await;
        send.signal(signal);
        let said = send.end().await.exits(3).says(&["Stopping", "still wait", "rundruf worker --drain"]);
        for text in [&said.out, &said.err] {
            assert!(!text.contains('\u{1b}') && !text.contains('\r'), "control sequences: {text:?}");
        }
        assert_eq!(instance.count("sending"), 0);
        assert_eq!(instance.count("sent") as usize, server.received());
        assert!(server.received() < everybody.len(), "it had been stopped too late to see anything");

        instance.configure(&relay(server.port(), ""));
        instance.drain().await;
        assert!(server.assert_everybody_got_it(&everybody).is_empty());
        assert_eq!(instance.count("sent"), 1_000);
    }
}

async fn a_changed_rate_takes_effect_while_a_worker_runs(engine: Engine) {
    let server = Relay::start().await;
    let instance = Instance::new(engine).await;
    instance.configure(&relay(server.port(), "rate = \"1/h\""));
    let everybody = instance.import(1_000);
    instance.release(&[]);
    let worker = instance.start(&["worker"]);
    until(|| server.received() == 1 || worker.has_ended(), &|| worker.err()).await;

    instance.configure("[email]\nrate = \"lots\"");
    worker.until_it_says("the old ones stay in force").await;
    // The first of the hour has left; whatever else had left by now would have broken the limit.
    assert_eq!(server.received(), 1);

    instance.configure(&relay(server.port(), ""));
    worker.until_it_says("the changed settings are in force").await;
    until(|| server.received() >= 1_000 || worker.has_ended(), &|| worker.err()).await;
    worker.signal("TERM");
    worker.end().await.exits(0);
    assert!(server.assert_everybody_got_it(&everybody).is_empty());
    assert_eq!(instance.count("sent"), 1_000);
}

async fn a_worker_that_slept_sends_nothing_that_others_took_over(engine: Engine) {
    let server = Relay::scripted(|moment| match moment.command {
        // Slow enough that something is always being exchanged.
        Command::Body => Action::after(std::time::Duration::from_millis(5), Action::Accept),
        _ => Action::Accept,
    })
    .await;
    let instance = Instance::new(engine).await;
    instance.configure(&format!("{}[delivery]\nlease = \"1s\"", relay(server.port(), "")));
    let everybody = instance.import(1_500);
    instance.release(&[]);
    let sleeper = instance.start(&["worker", "--drain"]);
    until(|| server.received() >= 200 || sleeper.has_ended(), &|| sleeper.err()).await;
    sleeper.signal("STOP");
    // With the only writer's lock in its hands nobody could go on, and would say so.
    while !instance.is_writable().await {
        sleeper.signal("CONT");
        sleeper.signal("STOP");
    }
    instance.drain().await.says(&["they are sent again"]);
    sleeper.signal("CONT");
    sleeper.end().await.exits(0);
    let repeated = server.assert_everybody_got_it(&everybody);
    assert!(server.received() <= 1_500 + 80, "{} messages", server.received());
    assert!(repeated.len() <= 80, "{} got it twice", repeated.len());
    assert_eq!((instance.count("sent"), instance.count("unclear")), (1_500, 0));
}
