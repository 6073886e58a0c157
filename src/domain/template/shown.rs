//! Values as a text in one language shows them: German for `de`, English for all others.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::spec::Variable;
use super::value::Value;
use crate::domain::clock::Timestamp;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// `value` of `variable` in the words of `language`; times as clocks in `zone` show them.
pub fn shown(value: &Value, variable: &Variable, language: &str, zone: &TimeZone) -> String {
    match value {
        Value::Text(text) | Value::LongText(text) => text.clone(),
        Value::Date(date) => shown_date(*date, language),
        Value::Datetime(at) => shown_datetime(*at, language, zone),
        Value::Duration(seconds) => shown_duration(*seconds, language),
        Value::Choice(chosen) => {
            let option = variable.choices.iter().find(|option| option.value == *chosen);
            option.and_then(|option| option.label.get(language)).unwrap_or(chosen).clone()
        }
        Value::Flag(true) => if language == "de" { "ja" } else { "yes" }.to_owned(),
        Value::Flag(false) => if language == "de" { "nein" } else { "no" }.to_owned(),
        Value::Number(digits) => shown_number(digits, language),
    }
}

/// `20.11.2026`, `20 November 2026`
pub fn shown_date(date: Date, language: &str) -> String {
    if language == "de" {
        return format!("{:02}.{:02}.{}", date.day(), date.month(), date.year());
    }
    let month = usize::try_from(date.month() - 1).ok().and_then(|index| MONTHS.get(index));
    format!("{} {} {}", date.day(), month.copied().unwrap_or_default(), date.year())
}

/// `20.11.2026, 05:40 Uhr`, `20 November 2026, 05:40`
pub fn shown_datetime(at: Timestamp, language: &str, zone: &TimeZone) -> String {
    let zoned = at.in_zone(zone);
    let date = shown_date(zoned.date(), language);
    let clock = if language == "de" { " Uhr" } else { "" };
    format!("{date}, {:02}:{:02}{clock}", zoned.hour(), zoned.minute())
}

/// `2 Stunden 30 Minuten`, `2 hours 30 minutes`
fn shown_duration(seconds: u64, language: &str) -> String {
    let units: [(u64, [&str; 2], [&str; 2]); 4] = [
        (86_400, ["Tag", "Tage"], ["day", "days"]),
        (3_600, ["Stunde", "Stunden"], ["hour", "hours"]),
        (60, ["Minute", "Minuten"], ["minute", "minutes"]),
        (1, ["Sekunde", "Sekunden"], ["second", "seconds"]),
    ];
    let mut rest = seconds;
    let mut words = Vec::new();
    for (length, german, english) in units {
        let count = rest / length;
        rest %= length;
        if count > 0 || (length == 1 && words.is_empty()) {
            let forms = if language == "de" { german } else { english };
            words.push(format!("{count} {}", forms[usize::from(count != 1)]));
        }
    }
    words.join(" ")
}

/// `12.500,5`, `12,500.5`
fn shown_number(digits: &str, language: &str) -> String {
    let (group, point) = if language == "de" { ('.', ',') } else { (',', '.') };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |whole| ("-", whole));
    let mut text = sign.to_owned();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            text.push(group);
        }
        text.push(digit);
    }
    if !fraction.is_empty() {
        text.push(point);
        text.push_str(fraction);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_each_language_writes_them_in_the_instances_zone() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let at = Timestamp("2026-11-20T04:40:00Z".parse::<jiff::Timestamp>().unwrap().as_millisecond());
        assert_eq!(shown_datetime(at, "de", &zone), "20.11.2026, 05:40 Uhr");
        assert_eq!(shown_datetime(at, "en", &zone), "20 November 2026, 05:40");
        assert_eq!(shown_date(jiff::civil::date(2026, 1, 2), "de"), "02.01.2026");
        assert_eq!(shown_date(jiff::civil::date(2026, 1, 2), "en"), "2 January 2026");
    }

    #[test]
    fn durations_have_their_singular_and_leave_out_what_is_zero() {
        assert_eq!(shown_duration(9_000, "de"), "2 Stunden 30 Minuten");
        assert_eq!(shown_duration(9_000, "en"), "2 hours 30 minutes");
        assert_eq!(shown_duration(90_060, "de"), "1 Tag 1 Stunde 1 Minute");
        assert_eq!(shown_duration(0, "en"), "0 seconds");
    }

    #[test]
    fn numbers_are_grouped_as_the_language_does() {
        assert_eq!(shown_number("-1234567.25", "de"), "-1.234.567,25");
        assert_eq!(shown_number("1250", "en"), "1,250");
        assert_eq!(shown_number("999", "de"), "999");
    }
}
