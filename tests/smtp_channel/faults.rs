//! What becomes of messages when the relay goes away, falls silent, or talks nonsense.

use std::time::Duration;

use rundruf::channels::email::{Limits, SessionEnd};
use rundruf::domain::outcome::Outcome;

use crate::client::{impatient, send, send_again};
use crate::list_feed::Said::{self, Accepted, Ours, Returned, Transient, Unclear};
use crate::list_feed::{ListFeed, mail};
use crate::smtp_server::{Action, Command, Options, SmtpServer};

/// Does `action` when the second message of a connection is at `command`.
fn at_second(command: Command, action: Action) -> Options {
    Options::scripted(move |moment| {
        let now = moment.command == command && moment.accepted == 1 && moment.connection == 1;
        if now { action.clone() } else { Action::Accept }
    })
}

/// Sends three messages, of which the second meets `action` at `command`.
async fn three(options: Options, limits: Limits) -> (SmtpServer, Vec<Said>, String) {
    let mut feed = ListFeed::many(3);
    let (server, end) = send(options, limits, &mut feed).await;
    let SessionEnd::Broken { reason } = end else { panic!("{end:?}") };
    (server, feed.said(), reason.code)
}

#[tokio::test]
async fn a_connection_that_ends_behind_the_body_leaves_that_one_message_unclear() {
    for action in [Action::Close, Action::WhenMoreCame(Box::new(Action::Close))] {
        let (server, said, code) = three(at_second(Command::Body, action), Limits::default()).await;
        // The third one's envelope was under way; its body was not.
        assert_eq!(said, [Accepted, Unclear, Returned]);
        assert_eq!(code, "connection");
        assert_eq!(server.record(|record| record.received.iter().filter(|one| one.answered).count()), 1);
        assert_eq!(server.recipients(), ["r1@a.example", "r2@a.example"]);
    }
}

#[tokio::test]
async fn no_answer_to_the_body_in_time_is_unclear() {
    let (_, said, code) = three(at_second(Command::Body, Action::Silence), impatient()).await;
    assert_eq!((said, code.as_str()), (vec![Accepted, Unclear, Returned], "timeout"));
}

#[tokio::test]
async fn nonsense_for_an_answer_to_the_body_is_unclear() {
    for nonsense in ["354 go on", "Guten Tag", "250-a\r\n251 b", "999 9.9.9 what", ""] {
        let (_, said, code) = three(at_second(Command::Body, Action::reply(nonsense)), impatient()).await;
        assert_eq!(said, [Accepted, Unclear, Returned], "{nonsense}");
        assert_eq!(code, "protocol", "{nonsense}");
    }
}

#[tokio::test]
async fn before_the_body_nothing_is_unclear() {
    for (command, action, second, code) in [
        (Command::Mail, Action::Close, Returned, "connection"),
        (Command::Rcpt, Action::Close, Transient, "connection"),
        (Command::Data, Action::Close, Transient, "connection"),
        (Command::Mail, Action::Silence, Transient, "timeout"),
        (Command::Rcpt, Action::Silence, Transient, "timeout"),
        (Command::Data, Action::Silence, Transient, "timeout"),
        (Command::Mail, Action::Endless, Returned, "connection"),
        (Command::Rcpt, Action::reply("Guten Tag"), Transient, "protocol"),
        (Command::Data, Action::reply("250 2.0.0 ok"), Transient, "protocol"),
    ] {
        let what = format!("{action:?} at {command:?}");
        for pipelining in [true, false] {
            let options = Options { pipelining, ..at_second(command, action.clone()) };
            let mut feed = ListFeed::many(3);
            // What never ends is cut by its length; a busy machine must not let the clock come first.
            let is_silent = matches!(action, Action::Silence);
            let limits = if is_silent { impatient() } else { Limits::default() };
            let (server, end) = send(options, limits, &mut feed).await;
            let SessionEnd::Broken { reason } = end else { panic!("{what}: {end:?}") };
            assert_eq!(reason.code, code, "{what}");
            assert_eq!(feed.said(), [Accepted, second.clone()], "{what}");
            assert_eq!(server.recipients(), ["r1@a.example"], "{what}");
        }
    }
}

#[tokio::test]
async fn the_first_message_of_a_connection_is_not_returned_for_ever() {
    let options = Options::scripted(|moment| match moment.command {
        Command::Mail => Action::Close,
        _ => Action::Accept,
    });
    let mut feed = ListFeed::many(1);
    let (_, end) = send(options, Limits::default(), &mut feed).await;
    assert!(matches!(end, SessionEnd::Broken { .. }));
    assert_eq!(feed.said(), [Transient]);
}

#[tokio::test]
async fn after_421_the_connection_is_over_and_the_rest_goes_over_the_next_one() {
    let closing = || Action::reply_and_close("421 4.3.2 shutting down");
    for (command, said, then) in [
        (Command::Mail, vec![Accepted, Transient], 1),
        (Command::Rcpt, vec![Accepted, Transient], 1),
        (Command::Data, vec![Accepted, Transient], 1),
        (Command::Body, vec![Accepted, Transient, Returned], 0),
    ] {
        let server = SmtpServer::start(at_second(command, closing())).await;
        let mut feed = ListFeed::many(3);
        let end = send_again(&server, Limits::default(), &mut feed).await;
        let SessionEnd::Broken { reason } = end else { panic!("{end:?}") };
        assert_eq!((reason.code.as_str(), feed.said()), ("4.3.2", said), "{command:?}");
        assert_eq!(feed.ready.len(), then);
        assert_eq!(send_again(&server, Limits::default(), &mut feed).await, SessionEnd::Finished);
        assert_eq!(server.record(|record| record.connections), 2);
    }
}

#[tokio::test]
async fn a_refused_sender_is_ours_and_stops_the_session_before_the_next_message() {
    for pipelining in [true, false] {
        let options = Options::scripted(|moment| match moment.command {
            Command::Mail => Action::reply("550 5.7.1 sender not allowed"),
            _ => Action::Accept,
        });
        let mut feed = ListFeed::many(3);
        let (server, end) = send(Options { pipelining, ..options }, Limits::default(), &mut feed).await;
        let SessionEnd::Ours { reason } = end else { panic!("{end:?}") };
        assert_eq!((reason.code.as_str(), feed.said()), ("5.7.1", vec![Ours]));
        assert_eq!(feed.ready.len(), 2);
        assert_eq!(server.commands(1).last().unwrap(), "QUIT");
    }
}

#[tokio::test]
async fn a_refusal_of_ours_at_the_body_does_not_complete_the_next_envelope() {
    let refusal = Action::reply("535 5.7.8 authentication expired");
    let mut feed = ListFeed::many(3);
    let (server, end) = send(at_second(Command::Body, refusal), Limits::default(), &mut feed).await;
    assert!(matches!(end, SessionEnd::Ours { .. }), "{end:?}");
    assert_eq!(feed.said(), [Accepted, Ours, Returned]);
    assert_eq!(server.recipients(), ["r1@a.example"]);
}

#[tokio::test]
async fn a_relay_that_lost_patience_while_we_waited_costs_no_try() {
    for farewell in
        [Action::reply_and_close("250 2.0.0 ok\r\n421 4.4.2 idle"), Action::reply_and_close("250 ok")]
    {
        let options = Options::scripted(move |moment| match moment.command {
            Command::Body => farewell.clone(),
            _ => Action::Accept,
        });
        let server = SmtpServer::start(options).await;
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        let late = async {
            while server.record(|record| record.received.is_empty() || record.open > 0) {
                tokio::task::yield_now().await;
            }
            sender.send(mail(2, "r2@a.example")).await.unwrap();
        };
        let mut feed = ListFeed { later: Some(receiver), ..ListFeed::many(1) };
        let (end, ()) = tokio::join!(send_again(&server, Limits::default(), &mut feed), late);
        assert!(matches!(end, SessionEnd::Broken { .. }), "{end:?}");
        assert_eq!(feed.said(), [Accepted, Returned]);
    }
}

#[tokio::test]
async fn replies_that_bend_the_rules_are_understood() {
    let options = Options::scripted(|moment| match moment.command {
        Command::Mail => Action::reply("250"),
        Command::Rcpt => Action::reply("250-2.1.5\r\n250 ok"),
        Command::Body if moment.accepted == 1 => Action::reply("550 5.7.1 unzul\u{e4}ssig"),
        Command::Body => Action::reply("250"),
        _ => Action::Accept,
    });
    let mut feed = ListFeed::many(2);
    let (_, end) = send(options, Limits::default(), &mut feed).await;
    assert_eq!((end, feed.said()), (SessionEnd::Finished, vec![Accepted, Said::Policy]));
    let Outcome::Permanent { reason, .. } = &feed.outcomes[1].1 else { panic!("refused") };
    assert_eq!(reason.text, "550 5.7.1 unzul??ssig");
}

#[tokio::test]
async fn a_slow_relay_is_waited_for() {
    let options = Options::scripted(|moment| match moment.command {
        Command::Rcpt | Command::Body => Action::after(Duration::from_millis(60), Action::Accept),
        _ => Action::Accept,
    });
    let mut feed = ListFeed::many(3);
    let (server, end) = send(options, impatient(), &mut feed).await;
    assert_eq!((end, feed.said()), (SessionEnd::Finished, vec![Accepted; 3]));
    assert!(server.record(|record| record.received.is_sorted_by_key(|one| one.at)));
}
