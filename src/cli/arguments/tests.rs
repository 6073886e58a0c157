//! What may be typed, and what it means.

use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use super::*;
use crate::domain::address::Channel;
use crate::domain::delivery::DeliveryState;
use crate::domain::notice::{Priority, Visibility};

fn parse(line: &[&str]) -> Result<Command, clap::Error> {
    Arguments::try_parse_from(std::iter::once(&"rundruf").chain(line)).map(|arguments| arguments.command)
}

fn send(line: &[&str]) -> SendArguments {
    match parse(line) {
        Ok(Command::Send(arguments)) => *arguments,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_commands_are_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn send_takes_everything_that_is_promised() {
    let arguments = send(&[
        "send",
        "erst-kommune",
        "--to",
        "municipalities,schools",
        "--to",
        "staff",
        "--contact",
        "anna",
        "--except",
        "press",
        "--where",
        "district=North=East",
        "--channel",
        "email,sms",
        "--set",
        "beginn=a=b",
        "--set",
        "leer=",
        "--vars",
        "values.toml",
        "--visibility",
        "public",
        "--priority",
        "urgent",
        "--expires",
        "4h",
        "--at",
        "18:00",
        "--exercise",
        "--dry-run",
        "--yes",
        "--accept-findings",
        "--wait",
        "10m",
        "--json",
    ]);
    let audience = arguments.audience();
    assert_eq!(audience.groups, ["municipalities", "schools", "staff"]);
    assert_eq!((audience.contacts, audience.except), (vec!["anna".to_owned()], vec!["press".to_owned()]));
    assert_eq!(
        (audience.filters[0].attribute.as_str(), audience.filters[0].value.as_str()),
        ("district", "North=East")
    );
    assert_eq!(arguments.channel, [Channel::Email, Channel::Sms]);
    assert_eq!((arguments.values[0].name.as_str(), arguments.values[0].value.as_str()), ("beginn", "a=b"));
    assert_eq!(arguments.values[1].value, "");
    assert_eq!((arguments.visibility, arguments.priority), (Visibility::Public, Priority::Urgent));
    assert_eq!(
        (arguments.expires, arguments.wait),
        (Some(Duration::from_secs(14_400)), Some(Duration::from_secs(600)))
    );
    assert!(
        arguments.exercise
            && arguments.dry_run
            && arguments.yes
            && arguments.accept_findings
            && arguments.json
    );
}

#[test]
fn a_value_with_commas_stays_one_value() {
    let arguments = send(&["send", "t", "--to", "staff", "--set", "dienste=Mail, Telefon, Netz"]);
    assert_eq!(arguments.values.len(), 1);
    assert_eq!(arguments.values[0].value, "Mail, Telefon, Netz");
}

#[test]
fn wrong_usage_exits_2_and_says_what_would_be_right() {
    let cases: &[(&[&str], &str)] = &[
        (&["sned"], "'send'"),
        (&["send", "t"], "--to"),
        (&["send", "t", "--to", "g", "--channel", "fax"], "write email, sms or webhook"),
        (&["send", "t", "--to", "g", "--set", "beginn"], "name=value"),
        (&["send", "t", "--to", "g", "--where", "=x"], "attribute=value"),
        (&["send", "t", "--to", "g", "--expires", "soon"], "such as 90s"),
        (&["send", "t", "--to", "g", "--at", "24.11."], "20.11.2026 05:40"),
        (&["notices", "schedule", "2026-0001", "--at", "soon"], "is no time"),
        (&["send", "t", "--to", "g", "--wait", "1m", "--no-wait"], "cannot be used with"),
        (&["send", "t", "--to", "g", "--priority", "high"], "write urgent or normal"),
        (&["deliveries", "list", "--state", "lost"], "queued, sending, sent"),
        (&["deliveries", "list", "--json", "--format", "csv"], "cannot be used with"),
        (&["deliveries", "resolve", "--as", "sent"], "<ID>"),
        (&["deliveries", "show", "7"], "invalid value '7'"),
        (&["suppressions", "add", "a@b.example"], "--reason"),
        (&["notices", "pause"], "NOTICE"),
        (&["completions", "dosbox"], "powershell"),
    ];
    for (line, expected) in cases {
        let error = parse(line).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{line:?}");
        assert!(error.to_string().contains(expected), "{line:?}: {error}");
    }
}

#[test]
fn the_configuration_file_may_be_named_before_or_behind_the_command() {
    for line in [["rundruf", "-c", "a.toml", "doctor"], ["rundruf", "doctor", "--config", "a.toml"]] {
        let arguments = Arguments::try_parse_from(line).unwrap();
        assert_eq!(arguments.config.as_deref(), Some(std::path::Path::new("a.toml")));
    }
}

#[test]
fn every_list_takes_a_format_and_json() {
    for command in ["contacts", "groups", "templates", "notices", "deliveries", "suppressions"] {
        for option in [["--format", "csv"].as_slice(), &["--json"], &["--format", "json"], &[]] {
            let line: Vec<&str> = [command, "list"].iter().chain(option).copied().collect();
            assert!(parse(&line).is_ok(), "{line:?}");
        }
    }
    let Ok(Command::Deliveries(DeliveriesCommand::List { filter, format })) =
        parse(&["deliveries", "list", "--state", "failed,unclear", "--notice", "2026-0007", "--json"])
    else {
        panic!("a list of deliveries")
    };
    assert_eq!(filter.state, [DeliveryState::Failed, DeliveryState::Unclear]);
    assert_eq!(format.format(), Format::Json);
}

#[test]
fn help_names_an_example_where_work_begins() {
    for line in [&["send", "--help"][..], &["contacts", "import", "--help"]] {
        let error = parse(line).unwrap_err();
        assert_eq!((error.kind(), error.exit_code()), (ErrorKind::DisplayHelp, 0));
        assert!(error.to_string().contains("Example"), "{error}");
    }
}
