use proptest::prelude::*;

use super::super::spec::{ChoiceOption, Labels};
use super::*;

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

fn variable(name: &str, kind: VariableType) -> Variable {
    let choices = ["beantwortet", "persoenlich"]
        .map(|value| ChoiceOption { value: value.into(), label: Labels::new() })
        .to_vec();
    Variable {
        name: name.into(),
        label: Labels::new(),
        kind,
        required: false,
        default: None,
        example: None,
        open: false,
        choices,
    }
}

fn read(kind: VariableType, typed: &str) -> Result<Value, String> {
    parse_value(&variable("x", kind), typed, &berlin())
}

fn spec() -> TemplateSpec {
    let beginn = Variable { required: true, ..variable("beginn", VariableType::Datetime) };
    let anzahl = Variable { default: Some("3".into()), ..variable("anzahl", VariableType::Number) };
    TemplateSpec {
        name: "probe".into(),
        title: "Probe".into(),
        description: String::new(),
        phase: None,
        declared_kind: None,
        audience: String::new(),
        alarm: false,
        sms_segments: 1,
        variables: vec![beginn, anzahl, variable("dienste", VariableType::LongText)],
    }
}

fn raw(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn an_unknown_variable_names_the_one_that_was_meant() {
    let faults = parse_values(&spec(), &raw(&[("begin", "2026-11-20T05:40")]), &berlin()).unwrap_err();
    assert_eq!(faults.len(), 2, "unknown, and the required one is missing");
    assert!(faults[0].to_string().contains("did you mean \"beginn\""), "{}", faults[0]);
    assert!(faults[1].reason.contains("beginn=…"), "{}", faults[1]);
}

#[test]
fn a_blank_is_not_typed_and_the_default_holds() {
    let values =
        parse_values(&spec(), &raw(&[("beginn", "20.11.2026 05:40"), ("anzahl", " ")]), &berlin()).unwrap();
    assert_eq!(values.get("anzahl"), Some(&Value::Number("3".into())));
    assert_eq!(values.get("dienste"), None);
    let faults = parse_values(&spec(), &raw(&[("beginn", "  ")]), &berlin()).unwrap_err();
    assert_eq!(faults[0].variable, "beginn");
}

#[test]
fn a_time_is_read_in_the_instances_zone_unless_it_has_an_offset() {
    let utc =
        |text: &str| Value::Datetime(Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond()));
    let kind = VariableType::Datetime;
    for typed in [
        "2026-11-20T05:40",
        "2026-11-20 05:40:00",
        "20.11.2026, 05:40 Uhr",
        "20.11.2026 5:40",
        "2026-11-20T04:40Z",
    ] {
        assert_eq!(read(kind, typed), Ok(utc("2026-11-20T04:40:00Z")), "{typed}");
    }
    assert_eq!(read(kind, "2026-11-20T05:40+05:00"), Ok(utc("2026-11-20T00:40:00Z")));
}

#[test]
fn an_hour_that_the_clock_skips_is_refused_with_the_reason() {
    let reason = read(VariableType::Datetime, "2026-03-29T02:30").unwrap_err();
    assert!(reason.contains("clocks were put forward"), "{reason}");
    // The hour that comes twice means its first, in summer time.
    let twice = read(VariableType::Datetime, "2026-10-25T02:30").unwrap();
    assert_eq!(twice, read(VariableType::Datetime, "2026-10-25T00:30Z").unwrap());
}

#[test]
fn a_date_that_is_none_is_refused_with_an_example() {
    for wrong in
        ["", "morgen", "2026-02-30", "31.04.2026", "2026-11-20T05:40", "20.11.26", "0-0-0", "1.2.3.4"]
    {
        let reason = read(VariableType::Date, wrong).unwrap_err();
        assert!(reason.contains("2026-11-20"), "{wrong}: {reason}");
    }
    for wrong in ["", "2026-11-20", "2026-11-20T25:00", "2026-11-20T05", "heute 05:40", "2026-11-20T+5:40"] {
        assert!(read(VariableType::Datetime, wrong).is_err(), "{wrong}");
    }
}

#[test]
fn numbers_flags_choices_and_durations_say_what_they_take() {
    assert_eq!(read(VariableType::Number, "-012,50"), Ok(Value::Number("-12.50".into())));
    for wrong in ["", "1.250", "1e3", "0x1", "--1", "1.", ",5", "1.2.3", "9999999999999999"] {
        assert!(read(VariableType::Number, wrong).is_err(), "{wrong}");
    }
    for (typed, flag) in [("ja", true), ("NEIN", false), ("yes", true), ("no", false), ("True", true)] {
        assert_eq!(read(VariableType::Flag, typed), Ok(Value::Flag(flag)));
    }
    assert!(read(VariableType::Flag, "vielleicht").unwrap_err().contains("ja or nein"));
    assert!(read(VariableType::Choice, "persönlich").unwrap_err().contains("\"persoenlich\""));
    assert_eq!(read(VariableType::Duration, "2h 30m"), Ok(Value::Duration(9_000)));
    for wrong in ["", "2", "h", "2 weeks", "-2h"] {
        assert!(read(VariableType::Duration, wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_text_is_one_line_of_bounded_length() {
    assert!(read(VariableType::Text, "a\r\nBcc: x").unwrap_err().contains("line break"));
    assert!(read(VariableType::Text, &"ä".repeat(500)).is_ok());
    assert!(read(VariableType::Text, &"ä".repeat(501)).unwrap_err().contains("501"));
    assert_eq!(read(VariableType::LongText, "a\r\nb\n"), Ok(Value::LongText("a\nb".into())));
    assert!(read(VariableType::LongText, &"a".repeat(20_001)).is_err());
    assert!(read(VariableType::Text, "a\u{0}b").is_err());
    assert!(read(VariableType::Text, "a\u{e000}b").is_err());
}

#[test]
fn values_are_kept_and_read_back_unchanged() {
    let mut values = Values::default();
    values.set("wann", read(VariableType::Datetime, "2026-11-20T05:40").unwrap());
    values.set("tag", read(VariableType::Date, "2026-11-20").unwrap());
    values.set("ja", Value::Flag(true));
    let json = serde_json::to_string(&values).unwrap();
    assert_eq!(serde_json::from_str::<Values>(&json).unwrap(), values);
}

proptest! {
    #[test]
    fn nothing_that_is_typed_panics(typed in "\\PC{0,40}", index in 0..8_usize) {
        let _ = read(VariableType::ALL[index], &typed);
    }

    #[test]
    fn nearly_right_words_do_not_panic_either(typed in "[0-9TZ:.,+\\- hmdUr]{0,24}", index in 0..8_usize) {
        let _ = read(VariableType::ALL[index], &typed);
    }
}
