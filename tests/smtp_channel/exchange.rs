//! What goes over a connection when all is well, or a recipient is refused.

use rundruf::channels::email::{Connector, Limits, SessionEnd, session};
use rundruf::domain::outcome::Outcome;

use crate::client::{plain, send};
use crate::list_feed::Said::{Accepted, Address, Policy, Recipient, Returned, Transient};
use crate::list_feed::{ListFeed, id, mail};
use crate::smtp_server::{Action, Command, Options, SmtpServer};

/// Accepts everything, but answers only what was sent together with its successor.
fn only_in_groups(last: usize) -> Options {
    Options::scripted(move |moment| match moment.command {
        Command::Mail | Command::Rcpt => Action::WhenMoreCame(Box::new(Action::Accept)),
        Command::Body if moment.accepted + 1 < last => Action::WhenMoreCame(Box::new(Action::Accept)),
        _ => Action::Accept,
    })
}

#[tokio::test]
async fn an_envelope_is_one_write_and_the_next_one_comes_with_the_body() {
    let mut feed = ListFeed::many(5);
    let (server, end) = send(only_in_groups(5), Limits::default(), &mut feed).await;
    assert_eq!(end, SessionEnd::Finished);
    assert_eq!(feed.said(), vec![Accepted; 5]);
    assert_eq!(server.record(|record| record.connections), 1);
    assert_eq!(server.commands(1).last().unwrap(), "QUIT");
}

#[tokio::test]
async fn a_relay_without_pipelining_gets_one_command_at_a_time() {
    let mut feed = ListFeed::many(5);
    let options = Options { pipelining: false, ..Options::default() };
    let (server, end) = send(options, Limits::default(), &mut feed).await;
    assert_eq!((end, feed.said()), (SessionEnd::Finished, vec![Accepted; 5]));
    assert_eq!(server.record(|record| record.commands_sent_ahead), 0);
}

#[tokio::test]
async fn what_arrives_is_what_was_composed_under_the_envelope_that_was_meant() {
    let mut feed = ListFeed::to(&["rathaus@a.example"]);
    let (server, _) = send(Options::default(), Limits::default(), &mut feed).await;
    let received = server.record(|record| record.received[0].clone());
    assert_eq!(received.data, "Subject: 1\r\n\r\n.\r\n..Text 1\r\n");
    assert_eq!((received.sender.as_str(), received.connection), ("b+1@bounce.example", 1));
    assert_eq!(server.recipients(), ["rathaus@a.example"]);
    let Some((_, Outcome::Accepted { reference, .. })) = feed.outcomes.first() else { panic!("accepted") };
    assert_eq!(reference.as_deref(), Some("4F3B21"));
}

fn refuse_by_name() -> Options {
    Options::scripted(|moment| match (moment.command, moment.recipient.split('@').next()) {
        (Command::Rcpt, Some("weg")) => Action::reply("550 5.1.1 <weg@a.example>: User unknown"),
        (Command::Rcpt, Some("grau")) => Action::reply("451 4.7.1 greylisted"),
        (Command::Rcpt, Some("voll")) => Action::reply("552-5.2.2 mailbox\r\n552 5.2.2 full"),
        (Command::Data, Some("spaeter")) => Action::reply("452 4.3.1 no space"),
        (Command::Body, Some("spam")) => Action::reply("550 5.7.1 looks like spam"),
        _ => Action::Accept,
    })
}

#[tokio::test]
async fn a_refusal_costs_its_own_delivery_and_no_connection() {
    for pipelining in [true, false] {
        for asks_for_body_after_refusal in [true, false] {
            let mut feed = ListFeed::to(&[
                "gut1@a.example",
                "weg@a.example",
                "grau@a.example",
                "gut2@a.example",
                "voll@a.example",
                "spaeter@a.example",
                "spam@a.example",
                "gut3@a.example",
            ]);
            let options = Options { pipelining, asks_for_body_after_refusal, ..refuse_by_name() };
            let (server, end) = send(options, Limits::default(), &mut feed).await;
            assert_eq!(end, SessionEnd::Finished);
            let expected = [Accepted, Address, Transient, Accepted, Recipient, Transient, Policy, Accepted];
            assert_eq!(feed.said(), expected, "pipelining: {pipelining}");
            assert_eq!(server.recipients(), ["gut1@a.example", "gut2@a.example", "gut3@a.example"]);
            assert_eq!(server.record(|record| record.connections), 1);
        }
    }
}

#[tokio::test]
async fn a_thousand_refusals_need_one_connection() {
    let mut feed = ListFeed::many(1_000);
    let options = Options::scripted(|moment| match moment.command {
        Command::Rcpt => Action::reply("550 5.1.1 no such user"),
        _ => Action::Accept,
    });
    let (server, end) = send(options, Limits::default(), &mut feed).await;
    assert_eq!((end, feed.said()), (SessionEnd::Finished, vec![Address; 1_000]));
    assert_eq!(server.record(|record| (record.connections, record.received.len())), (1, 0));
}

#[tokio::test]
async fn what_may_not_be_sent_any_more_is_returned_and_never_seen_by_the_relay() {
    let mut feed = ListFeed::many(5);
    feed.lapsed = [id(1), id(3), id(5)].into();
    let (server, _) = send(Options::default(), Limits::default(), &mut feed).await;
    assert_eq!(feed.said(), [Returned, Accepted, Returned, Accepted, Returned]);
    assert_eq!(server.recipients(), ["r2@a.example", "r4@a.example"]);
}

#[tokio::test]
async fn a_connection_carries_no_more_than_its_share() {
    let mut feed = ListFeed::many(5);
    let limits = Limits { messages_per_connection: Some(2), ..Limits::default() };
    let (server, end) = send(Options::default(), limits, &mut feed).await;
    assert_eq!((end, feed.said()), (SessionEnd::Finished, vec![Accepted; 2]));
    assert_eq!(feed.ready.len(), 3);
    assert_eq!(server.commands(1).last().unwrap(), "QUIT");
}

#[tokio::test]
async fn sessions_run_beside_each_other_and_wait_for_messages() {
    let server = SmtpServer::start(Options::default()).await;
    let connector = std::sync::Arc::new(Connector::new(plain(server.address.port()), Limits::default()));
    let mut tasks = tokio::task::JoinSet::new();
    let mut senders = Vec::new();
    for _ in 0..3 {
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        senders.push(sender);
        let connector = connector.clone();
        tasks.spawn(async move {
            let mut feed = ListFeed { later: Some(receiver), ..ListFeed::default() };
            let mut connection = connector.open().await.unwrap();
            let end = session::run(&mut connection, &mut feed).await;
            (end, feed.said())
        });
    }
    for number in 0..9 {
        senders[number % 3].send(mail(number as u128 + 1, "rathaus@a.example")).await.unwrap();
    }
    drop(senders);
    while let Some(done) = tasks.join_next().await {
        assert_eq!(done.unwrap(), (SessionEnd::Finished, vec![Accepted; 3]));
    }
    assert_eq!(server.record(|record| (record.connections, record.most_open)), (3, 3));
    assert!(server.record(|record| record.most_in_flight["a.example"]) <= 3);
}
