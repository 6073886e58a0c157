//! Typed words become values, or a fault that says what would be right.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::spec::{TemplateSpec, Variable, VariableType};
use super::value::{Value, Values};
use crate::domain::clock::Timestamp;
use crate::domain::duration::parse_duration;
use crate::domain::nearest::hint;

const TEXT_LIMIT: usize = 500;
const LONG_TEXT_LIMIT: usize = 20_000;

/// Why what was typed cannot stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueFault {
    /// The variable it was typed for, or the name that is none.
    pub variable: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl fmt::Display for ValueFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.variable.escape_debug(), self.reason)
    }
}

/// Reads everything that was typed for one notice. A blank counts as not typed; where nothing was typed the
/// declared default holds. A time without an offset is one on clocks in `zone`.
///
/// # Errors
/// All faults at once: unknown variables, missing required ones, words that do not fit their type.
pub fn parse_values(
    spec: &TemplateSpec,
    raw: &BTreeMap<String, String>,
    zone: &TimeZone,
) -> Result<Values, Vec<ValueFault>> {
    let names = || spec.variables.iter().map(|variable| variable.name.as_str());
    let mut faults: Vec<ValueFault> = raw
        .keys()
        .filter(|name| spec.variable(name).is_none())
        .map(|name| ValueFault { variable: name.clone(), reason: unknown(spec, name, names()) })
        .collect();
    let mut values = Values::default();
    for variable in &spec.variables {
        let typed = raw.get(&variable.name).filter(|typed| !typed.trim().is_empty());
        let Some(typed) = typed.or(variable.default.as_ref()) else {
            if variable.required {
                faults.push(ValueFault { variable: variable.name.clone(), reason: missing(variable) });
            }
            continue;
        };
        match parse_value(variable, typed, zone) {
            Ok(value) => values.set(&variable.name, value),
            Err(reason) => faults.push(ValueFault { variable: variable.name.clone(), reason }),
        }
    }
    if faults.is_empty() { Ok(values) } else { Err(faults) }
}

fn unknown<'a>(spec: &TemplateSpec, name: &str, names: impl Iterator<Item = &'a str> + Clone) -> String {
    let hint = hint(name, names.clone());
    let known: Vec<&str> = names.collect();
    if known.is_empty() {
        return format!("template {} has no variables", spec.name);
    }
    format!("template {} has no such variable{hint}; it has {}", spec.name, known.join(", "))
}

fn missing(variable: &Variable) -> String {
    let example = variable.example.as_ref().map(|example| format!(", such as {example}")).unwrap_or_default();
    format!("is required and was not given: {}=…{example}", variable.name)
}

/// Reads what was typed for one variable.
///
/// # Errors
/// Says what is wrong and what would be right.
pub fn parse_value(variable: &Variable, typed: &str, zone: &TimeZone) -> Result<Value, String> {
    match variable.kind {
        VariableType::Text => text(typed),
        VariableType::LongText => long_text(typed),
        VariableType::Date => date(typed.trim()).map(Value::Date),
        VariableType::Datetime => datetime(typed.trim(), zone).map(Value::Datetime),
        VariableType::Duration => duration(typed.trim()).map(Value::Duration),
        VariableType::Choice => choice(variable, typed.trim()),
        VariableType::Flag => flag(typed.trim()).map(Value::Flag),
        VariableType::Number => number(typed.trim()).map(Value::Number),
    }
}

fn text(typed: &str) -> Result<Value, String> {
    let typed = typed.trim();
    if typed.contains(['\n', '\r']) {
        return Err(
            "a line break cannot stand in it: write one line, or declare the variable as long_text".into()
        );
    }
    within(typed, TEXT_LIMIT)?;
    Ok(Value::Text(typed.to_owned()))
}

fn long_text(typed: &str) -> Result<Value, String> {
    let lines = typed.replace("\r\n", "\n").replace('\r', "\n");
    let lines = lines.trim();
    within(lines, LONG_TEXT_LIMIT)?;
    Ok(Value::LongText(lines.to_owned()))
}

fn within(typed: &str, limit: usize) -> Result<(), String> {
    let length = typed.chars().count();
    if length > limit {
        return Err(format!("it has {length} characters; at most {limit} are allowed"));
    }
    let invisible = |c: &char| (c.is_control() && !matches!(c, '\n' | '\t')) || is_private(*c);
    match typed.chars().find(invisible) {
        Some(c) => Err(format!("the control character {} cannot stand in it", c.escape_unicode())),
        None => Ok(()),
    }
}

/// Characters without a meaning of their own, which templates use as marks.
fn is_private(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..)
}

fn date(typed: &str) -> Result<Date, String> {
    let german = |typed: &str| {
        let mut parts = typed.splitn(3, '.').map(|part| part.trim().parse::<i16>().ok());
        let (day, month, year) = (parts.next()??, parts.next()??, parts.next()??);
        Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
    };
    // The calendar library would also read a date out of a longer timestamp.
    let iso = |typed: &str| (typed.len() == 10).then(|| typed.parse::<Date>().ok()).flatten();
    iso(typed)
        .or_else(|| german(typed))
        .filter(|date| (1900..2200).contains(&date.year()))
        .ok_or_else(|| format!("\"{}\" is no date: write it as 2026-11-20 or 20.11.2026", short(typed)))
}

fn datetime(typed: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    let wrong = || {
        format!(
            "\"{}\" is no date and time: write it as 2026-11-20T05:40 or 20.11.2026, 05:40 Uhr",
            short(typed)
        )
    };
    if let Ok(at) = typed.parse::<jiff::Timestamp>() {
        let year = at.to_zoned(zone.clone()).year();
        return if (1900..2200).contains(&year) { Ok(at.into()) } else { Err(wrong()) };
    }
    let civil = parse_civil(typed).ok_or_else(wrong)?;
    let ambiguous = zone.to_ambiguous_timestamp(civil);
    if matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. }) {
        return Err(format!(
            "{civil} does not exist: the clocks were put forward over it; write a later time, or one with its \
             offset such as {civil}+01:00"
        ));
    }
    // At the end of summer time an hour comes twice; the first one is meant unless an offset says otherwise.
    ambiguous.compatible().map(Into::into).map_err(|_| wrong())
}

/// Reads `2026-11-20T05:40` or `20.11.2026, 05:40 Uhr`, in whatever zone.
pub(in crate::domain) fn parse_civil(typed: &str) -> Option<DateTime> {
    let (day, clock) = typed.split_once(['T', 't', ' ', ','])?;
    let day = date(day).ok()?;
    let clock = clock.trim_start_matches([' ', ',']);
    let clock = clock.strip_suffix("Uhr").unwrap_or(clock).trim();
    time(clock).map(|time| DateTime::from_parts(day, time))
}

fn time(typed: &str) -> Option<Time> {
    let mut parts = typed.splitn(3, ':').map(|part| {
        let digits = (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse::<i8>().ok()).flatten()
    });
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = match parts.next() {
        Some(second) => second?,
        None => 0,
    };
    Time::new(hour, minute, second, 0).ok()
}

fn duration(typed: &str) -> Result<u64, String> {
    let wrong = || format!("\"{}\" is no duration: write it as 45m, 4h, 2d or 2h 30m", short(typed));
    let mut seconds = 0_u64;
    let mut rest = typed;
    while !rest.is_empty() {
        let unit = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let next = rest[unit..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| unit + at);
        let part = parse_duration(&rest[..next]).map_err(|_| wrong())?;
        seconds = seconds.checked_add(part.as_secs()).ok_or_else(wrong)?;
        rest = &rest[next..];
    }
    if typed.is_empty() { Err(wrong()) } else { Ok(seconds) }
}

fn choice(variable: &Variable, typed: &str) -> Result<Value, String> {
    let options = || variable.choices.iter().map(|option| option.value.as_str());
    if options().any(|option| option == typed) {
        return Ok(Value::Choice(typed.to_owned()));
    }
    let listed: Vec<&str> = options().collect();
    let hint = hint(typed, options());
    Err(format!("\"{}\" cannot be chosen{hint}; write one of {}", short(typed), listed.join(", ")))
}

fn flag(typed: &str) -> Result<bool, String> {
    match typed.to_lowercase().as_str() {
        "ja" | "yes" | "true" => Ok(true),
        "nein" | "no" | "false" => Ok(false),
        _ => Err(format!("\"{}\" is neither yes nor no: write ja or nein", short(typed))),
    }
}

fn number(typed: &str) -> Result<String, String> {
    let wrong = |why: &str| Err(format!("\"{}\" is no number: {why}", short(typed)));
    let (sign, digits) = typed.strip_prefix('-').map_or(("", typed), |digits| ("-", digits));
    let (whole, fraction) = match digits.split_once(['.', ',']) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || !fraction.is_none_or(all_digits) || digits.len() > 15 {
        return wrong("write digits, such as 1250 or 12,5");
    }
    if fraction.is_some_and(|fraction| fraction.len() == 3) {
        return wrong("it could be thousands or a fraction; write thousands without a mark, such as 1250");
    }
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    Ok(fraction.map_or_else(|| format!("{sign}{whole}"), |fraction| format!("{sign}{whole}.{fraction}")))
}

fn short(typed: &str) -> String {
    typed.chars().take(60).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests;
