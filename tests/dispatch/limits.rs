//! Limits are limits, and one destination's trouble is not another's.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rundruf::dispatch::{Finish, Goal};
use rundruf::domain::delivery::DeliveryState;
use rundruf::domain::notice::Priority;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::bench::{Bench, Engine, addresses, on_both_engines};
use crate::smtp_server::{Action, Command, Options, SmtpServer};

on_both_engines!(
    everybody_gets_it_once,
    a_rate_is_kept_in_every_window_by_two_processes_together,
    a_destination_has_its_own_quota_and_connections,
    a_domain_that_says_not_now_holds_one_connection,
    a_domain_that_stalls_holds_half_and_then_one_connection,
    a_changed_limit_takes_effect_and_loses_nothing,
    an_urgent_notice_overtakes,
);

async fn everybody_gets_it_once(engine: Engine) {
    let server = SmtpServer::start(Options::default()).await;
    let bench = Bench::new(engine).await;
    let settings = bench.settings(&format!("smtp://{}?tls=none", server.address), "", "");
    let to = addresses(1_000, &["a.example", "b.example", "c.example"]);
    let notice = bench.notice(&to, &settings, Priority::Normal).await;
    assert_eq!(bench.dispatch(settings, Goal::Notice(notice)).end().await, Finish::Reached);
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sent, 1_000)]);
    let mut got = server.recipients();
    got.sort();
    let mut expected = to;
    expected.sort();
    assert_eq!(got, expected);
    assert!(server.record(|record| record.most_open) <= 10);
}

async fn a_rate_is_kept_in_every_window_by_two_processes_together(engine: Engine) {
    let server = SmtpServer::start(Options::default()).await;
    let bench = Bench::new(engine).await;
    let settings = bench.settings(&format!("smtp://{}?tls=none", server.address), "rate = \"50/s\"", "");
    let notice = bench.notice(&addresses(400, &["a.example"]), &settings, Priority::Normal).await;
    let one = bench.dispatch(settings.clone(), Goal::Notice(notice));
    let two = bench.dispatch(settings, Goal::Notice(notice));
    assert_eq!((one.end().await, two.end().await), (Finish::Reached, Finish::Reached));
    let times: Vec<Instant> =
        server.record(|record| record.received.iter().map(|received| received.at).collect());
    assert_eq!(times.len(), 400);
    for (at, start) in times.iter().enumerate() {
        let within = times[at..].iter().take_while(|time| **time - *start < Duration::from_secs(5)).count();
        assert!(within <= 255, "{within} messages within five seconds of message {at}");
    }
}

async fn a_destination_has_its_own_quota_and_connections(engine: Engine) {
    let server = SmtpServer::start(Options::scripted(|moment| match moment.command {
        Command::Body => Action::after(Duration::from_millis(20), Action::Accept),
        _ => Action::Accept,
    }))
    .await;
    let bench = Bench::new(engine).await;
    let group = "[[email.destination]]\ndomains = [\"slow.example\", \"slow2.example\"]\nrate = \"20/s\"\nconnections = 2";
    let settings = bench.settings(&format!("smtp://{}?tls=none", server.address), "", group);
    let to = addresses(120, &["slow.example", "free.example", "slow2.example", "open.example"]);
    let notice = bench.notice(&to, &settings, Priority::Normal).await;
    assert_eq!(bench.dispatch(settings, Goal::Notice(notice)).end().await, Finish::Reached);
    server.record(|record| {
        let slow: Vec<_> =
            record.received.iter().filter(|received| received.recipient.contains("slow")).collect();
        assert_eq!(slow.len(), 60);
        let most: usize = ["slow.example", "slow2.example"]
            .iter()
            .map(|domain| record.most_in_flight[*domain])
            .max()
            .unwrap();
        assert!(most <= 2, "{most} connections");
        for (at, first) in slow.iter().enumerate() {
            let within =
                slow[at..].iter().take_while(|later| later.at - first.at < Duration::from_secs(1)).count();
            assert!(within <= 22, "{within} messages within a second");
        }
        let last_free =
            record.received.iter().rposition(|received| !received.recipient.contains("slow")).unwrap();
        assert!(last_free < 90, "the open road waited for the limited destination: {last_free}");
    });
}

async fn a_domain_that_says_not_now_holds_one_connection(engine: Engine) {
    const PAUSE: Duration = Duration::from_millis(50);
    let tries: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let seen = tries.clone();
    let server = SmtpServer::start(Options::scripted(move |moment| {
        if moment.command == Command::Rcpt && moment.recipient.ends_with("@busy.example") {
            seen.lock().unwrap().push(Instant::now());
            return Action::after(PAUSE, Action::reply("451 4.7.1 later"));
        }
        Action::Accept
    }))
    .await;
    let bench = Bench::new(engine).await;
    let settings = bench.settings(&format!("smtp://{}?tls=none", server.address), "", "");
    let notice =
        bench.notice(&addresses(200, &["busy.example", "free.example"]), &settings, Priority::Normal).await;
    assert_eq!(bench.dispatch(settings, Goal::Drain).end().await, Finish::Reached);
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Queued, 100), (DeliveryState::Sent, 100)]);
    let reasons = bench.store.reasons(notice).await.unwrap();
    assert_eq!((reasons[0].code.as_str(), reasons[0].count), ("4.7.1", 100));
    // Half of the ten connections may have asked before the first answer, and again while the other answers came in.
    let tries = tries.lock().unwrap();
    for (at, pair) in tries.windows(2).enumerate().skip(10) {
        let apart = pair[1] - pair[0];
        assert!(apart >= PAUSE, "two connections asked at once: try {at} and the next are {apart:?} apart");
    }
}

async fn a_domain_that_stalls_holds_half_and_then_one_connection(engine: Engine) {
    let (all_free, told) = watch::channel(false);
    let free = AtomicUsize::new(0);
    let server = SmtpServer::start(Options::scripted(move |moment| {
        if moment.command == Command::Body {
            if moment.recipient.ends_with("@slow.example") {
                return Action::Once(told.clone(), Box::new(Action::Accept));
            }
            if free.fetch_add(1, Ordering::Relaxed) + 1 == 600 {
                let _ = all_free.send(true);
            }
        }
        Action::Accept
    }))
    .await;
    let bench = Bench::new(engine).await;
    let settings = bench.settings(&format!("smtp://{}?tls=none", server.address), "", "");
    let mut to = addresses(6, &["slow.example"]);
    to.extend(addresses(600, &["free.example"]));
    let notice = bench.notice(&to, &settings, Priority::Normal).await;
    // The slow domain answers when the free one has everything: if it could hold up the free one, nobody would get on.
    let dispatching = bench.dispatch(settings, Goal::Notice(notice));
    assert_eq!(dispatching.end().await, Finish::Reached);
    assert_eq!(bench.counts(notice).await, [(DeliveryState::Sent, 606)]);
    server.record(|record| {
        assert!(record.most_in_flight["slow.example"] <= 5, "{:?}", record.most_in_flight);
        assert_eq!(record.received.iter().filter(|received| received.recipient.contains("slow")).count(), 6);
    });
}

async fn a_changed_limit_takes_effect_and_loses_nothing(engine: Engine) {
    let server = SmtpServer::start(Options::default()).await;
    let bench = Bench::new(engine).await;
    let relay = format!("smtp://{}?tls=none", server.address);
    let slow = bench.settings(&relay, "rate = \"10/min\"", "");
    let to = addresses(500, &["a.example"]);
    let notice = bench.notice(&to, &slow, Priority::Normal).await;
    let dispatching = bench.dispatch(slow, Goal::Notice(notice));
    while server.record(|record| record.received.is_empty()) {
        tokio::task::yield_now().await;
    }
    assert!(server.record(|record| record.received.len()) < 10);
    dispatching.settings.send(Bench::running(bench.settings(&relay, "", ""))).unwrap();
    assert_eq!(dispatching.end().await, Finish::Reached);
    let mut got = server.recipients();
    got.sort();
    got.dedup();
    assert_eq!((got.len(), server.recipients().len()), (500, 500));
}

async fn an_urgent_notice_overtakes(engine: Engine) {
    let server = SmtpServer::start(Options::default()).await;
    let bench = Bench::new(engine).await;
    let settings = bench.settings(&format!("smtp://{}?tls=none", server.address), "connections = 1", "");
    let normal = bench.notice(&addresses(300, &["a.example"]), &settings, Priority::Normal).await;
    let urgent = bench.notice(&addresses(20, &["a.example"]), &settings, Priority::Urgent).await;
    assert_eq!(bench.dispatch(settings, Goal::Drain).end().await, Finish::Reached);
    let (normal, urgent) = (bench.summary(normal).await.number, bench.summary(urgent).await.number);
    server.record(|record| {
        let is_urgent = |data: &str| data.contains(&urgent) && !data.contains(&normal);
        let last = record.received.iter().rposition(|received| is_urgent(&received.data)).unwrap();
        assert!(last < 360, "the last urgent message came at place {last}");
        let first_normal = record.received.iter().position(|received| !is_urgent(&received.data)).unwrap();
        assert!(last < first_normal, "urgent before normal");
    });
}
