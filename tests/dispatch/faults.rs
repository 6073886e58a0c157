//! What relays and stores do wrong, and what becomes of deliveries then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rundruf::dispatch::{Event, Finish, Goal};
use rundruf::domain::delivery::DeliveryState;
use rundruf::domain::notice::Priority;
use rundruf::store::DeliveryFilter;

use crate::bench::{Bench, Engine, addresses, on_both_engines};
use crate::smtp_server::{Action, Command, Options, SmtpServer};

on_both_engines!(
    a_relay_that_is_down_is_said_at_once_and_the_next_takes_over,
    a_banner_that_refuses_us_fails_nobody,
    an_unknown_mailbox_fails_and_is_suppressed,
    refusals_for_policy_suppress_nobody_and_hold_the_destination,
    a_connection_that_breaks_after_the_body_is_sent_again_under_the_same_id,
    a_connection_that_breaks_after_the_body_is_unclear_where_a_person_is_to_decide,
    connections_that_are_closed_again_and_again_lose_nobody,
    stopping_gives_back_what_waits,
);

async fn a_relay_that_is_down_is_said_at_once_and_the_next_takes_over(engine: Engine) {
    let server = SmtpServer::start(Options::default()).await;
    let bench = Bench::new(engine).await;
    let second =
        format!("[[email.provider]]\nname = \"second\"\nurl = \"smtp://{}?tls=none\"", server.address);
    let settings = bench.settings("smtp://127.0.0.1:1?tls=none", "", &second);
    let notice = bench.notice(&addresses(50, &["a.example"]), &settings, Priority::Normal).await;
    let mut dispatching = bench.dispatch(settings, Goal::Notice(notice));
    let event = dispatching.events.recv().await.unwrap();
    assert!(matches!(&event, Event::ProviderHeld { provider, .. } if provider == "relay"), "{event}");
    assert!(event.to_string().contains("127.0.0.1:1"), "{event}");
    assert_eq!(dispatching.end().await, Finish::Reached);
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sent, 50)]);
    let row = &bench.store.deliveries(&DeliveryFilter::default(), None, 1).await.unwrap()[0];
    assert_eq!((row.provider.as_deref(), row.attempts), (Some("second"), 1), "a held provider costs no try");
}

async fn a_banner_that_refuses_us_fails_nobody(engine: Engine) {
    let server = SmtpServer::start(Options::scripted(|moment| match moment.command {
        Command::Connect => Action::reply_and_close("554 5.7.1 bad reputation"),
        _ => Action::Accept,
    }))
    .await;
    let bench = Bench::new(engine).await;
    let settings = bench.settings(&format!("smtp://{}?tls=none", server.address), "", "");
    let notice = bench.notice(&addresses(20, &["a.example"]), &settings, Priority::Normal).await;
    let mut dispatching = bench.dispatch(settings, Goal::Drain);
    let event = dispatching.events.recv().await.unwrap();
    assert!(event.to_string().contains("bad reputation"), "{event}");
    assert_eq!(dispatching.end().await, Finish::Held);
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Queued, 20)]);
    assert!(bench.store.suppressions().await.unwrap().is_empty());
}

async fn an_unknown_mailbox_fails_and_is_suppressed(engine: Engine) {
    let server = SmtpServer::start(Options::scripted(|moment| {
        let unknown = moment.command == Command::Rcpt && moment.recipient.starts_with("amt3@");
        if unknown { Action::reply("550 5.1.1 no such user") } else { Action::Accept }
    }))
    .await;
    let bench = Bench::new(engine).await;
    let settings = bench.settings(&format!("smtp://{}?tls=none", server.address), "connections = 1", "");
    let notice = bench.notice(&addresses(30, &["a.example"]), &settings, Priority::Normal).await;
    bench.dispatch(settings, Goal::Notice(notice)).end().await;
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sent, 29), (DeliveryState::Failed, 1)]);
    let suppressions = bench.store.suppressions().await.unwrap();
    assert_eq!(
        (suppressions[0].address.as_str(), suppressions[0].reason.as_str()),
        ("amt3@a.example", "5.1.1")
    );
    assert!(suppressions[0].until.is_some());
    assert_eq!(server.record(|record| record.connections), 1, "a refusal costs no connection");
}

async fn refusals_for_policy_suppress_nobody_and_hold_the_destination(engine: Engine) {
    let server = SmtpServer::start(Options::scripted(|moment| {
        let refused = moment.command == Command::Rcpt && moment.recipient.ends_with("@strict.example");
        if refused { Action::reply("550 5.7.1 message refused by policy") } else { Action::Accept }
    }))
    .await;
    let bench = Bench::new(engine).await;
    let settings = bench.settings(&format!("smtp://{}?tls=none", server.address), "connections = 1", "");
    let notice =
        bench.notice(&addresses(100, &["strict.example", "a.example"]), &settings, Priority::Normal).await;
    let mut dispatching = bench.dispatch(settings, Goal::Drain);
    let event = dispatching.events.recv().await.unwrap();
    assert!(
        matches!(&event, Event::DestinationHeld { destination, .. } if destination == "strict.example"),
        "{event}"
    );
    assert_eq!(dispatching.end().await, Finish::Reached);
    let summary = bench.summary(notice).await.counts();
    assert_eq!(summary.get(DeliveryState::Sent), 50);
    let failed = summary.get(DeliveryState::Failed);
    assert!((3..=12).contains(&failed), "{failed} were tried before the destination was held");
    assert!(bench.store.suppressions().await.unwrap().is_empty());
}

/// The first body is taken, and the connection closed without an answer.
fn breaks_once_after_the_body() -> Options {
    let broken = Arc::new(AtomicBool::new(false));
    Options::scripted(move |moment| {
        if moment.command == Command::Body && !broken.swap(true, Ordering::SeqCst) {
            return Action::Close;
        }
        Action::Accept
    })
}

async fn a_connection_that_breaks_after_the_body_is_sent_again_under_the_same_id(engine: Engine) {
    let server = SmtpServer::start(breaks_once_after_the_body()).await;
    let bench = Bench::new(engine).await;
    let settings = bench.settings(&format!("smtp://{}?tls=none", server.address), "", "");
    let notice = bench.notice(&addresses(5, &["a.example"]), &settings, Priority::Normal).await;
    assert_eq!(bench.dispatch(settings, Goal::Notice(notice)).end().await, Finish::Reached);
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sent, 5)]);
    server.record(|record| {
        let message_id =
            |data: &str| data.lines().find(|line| line.starts_with("Message-ID:")).unwrap().to_owned();
        let broken = record.received.iter().find(|received| !received.answered).unwrap();
        let again = record
            .received
            .iter()
            .find(|received| received.answered && received.recipient == broken.recipient)
            .unwrap();
        assert_eq!(message_id(&broken.data), message_id(&again.data));
        assert_eq!(record.received.len(), 6);
    });
}

async fn a_connection_that_breaks_after_the_body_is_unclear_where_a_person_is_to_decide(engine: Engine) {
    let server = SmtpServer::start(breaks_once_after_the_body()).await;
    let bench = Bench::new(engine).await;
    let ask = "[delivery]\nafter_crash = \"ask\"";
    let settings = bench.settings(&format!("smtp://{}?tls=none", server.address), "", ask);
    let notice = bench.notice(&addresses(5, &["a.example"]), &settings, Priority::Normal).await;
    assert_eq!(bench.dispatch(settings, Goal::Notice(notice)).end().await, Finish::Reached);
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sent, 4), (DeliveryState::Unclear, 1)]);
}

async fn connections_that_are_closed_again_and_again_lose_nobody(engine: Engine) {
    let server = SmtpServer::start(Options::scripted(|moment| {
        if moment.command == Command::Mail && moment.accepted == 3 {
            return Action::reply_and_close("421 4.3.2 enough");
        }
        Action::Accept
    }))
    .await;
    let bench = Bench::new(engine).await;
    let retry = "[delivery]\nretry = [\"1s\"]\nthen = \"1s\"";
    let settings = bench.settings(&format!("smtp://{}?tls=none", server.address), "", retry);
    let to = addresses(100, &["a.example", "b.example"]);
    let notice = bench.notice(&to, &settings, Priority::Normal).await;
    assert_eq!(bench.dispatch(settings, Goal::Notice(notice)).end().await, Finish::Reached);
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sent, 100)]);
    let mut got = server.recipients();
    got.sort();
    got.dedup();
    assert_eq!((got.len(), server.recipients().len()), (100, 100));
}

async fn stopping_gives_back_what_waits(engine: Engine) {
    let server = SmtpServer::start(Options::scripted(|moment| match moment.command {
        Command::Body => Action::after(Duration::from_millis(100), Action::Accept),
        _ => Action::Accept,
    }))
    .await;
    let bench = Bench::new(engine).await;
    let settings = bench.settings(&format!("smtp://{}?tls=none", server.address), "", "");
    let notice = bench.notice(&addresses(300, &["a.example"]), &settings, Priority::Normal).await;
    let dispatching = bench.dispatch(settings.clone(), Goal::Notice(notice));
    while server.record(|record| record.received.len()) < 20 {
        tokio::task::yield_now().await;
    }
    dispatching.stop.cancel();
    assert_eq!(dispatching.end().await, Finish::Stopped);
    let counts = bench.summary(notice).await.counts();
    assert_eq!(counts.get(DeliveryState::Sending), 0, "nothing in flight is abandoned");
    assert_eq!(counts.get(DeliveryState::Sent) as usize, server.recipients().len());
    assert_eq!(bench.dispatch(settings, Goal::Drain).end().await, Finish::Reached);
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sent, 300)]);
    assert_eq!(server.recipients().len(), 300);
}
