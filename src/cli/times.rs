//! Points in time as people type them at the shell.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::domain::clock::Timestamp;
use crate::domain::duration::parse_duration;
use crate::domain::local_time::read_time;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// When more will be said: `17:00`, `2026-11-20T17:00`, or `+4h`, which ends with its minute: people read minutes.
///
/// # Errors
/// Says what would be right.
pub(super) fn parse_next_update(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Timestamp, String> {
    const MINUTE: i64 = 60_000;
    let Some(duration) = text.trim().strip_prefix('+') else {
        let at = read_time(text, zone, now)?;
        return if at > now { Ok(at) } else { Err(format!("{text} has passed: name a time in the future")) };
    };
    let duration = parse_duration(duration)?;
    if duration.as_millis() < 60_000 {
        return Err(format!("\"{text}\" is no time to promise: write at least +1m"));
    }
    let at = now.plus(duration).0;
    Ok(Timestamp(at.div_euclid(MINUTE).saturating_add(i64::from(at.rem_euclid(MINUTE) > 0)) * MINUTE))
}

/// A time that has passed: `2026-11-20T05:40`, or `05:40`, within the last 24 hours.
///
/// # Errors
/// Says what would be right.
pub(super) fn parse_past(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Timestamp, String> {
    let at = read_time(text, zone, now.minus(DAY))?;
    if at > now { Err(format!("{text} has not come yet: name a time that has passed")) } else { Ok(at) }
}

/// Reads `2026-11-20T05:40`, `2026-11-20 05:40`, the same with an offset, or `05:40` (today, or tomorrow if that has
/// passed), in `zone`. It must lie in the future and exist: not in the hour that a clock change leaves out.
///
/// # Errors
/// Says what would be right.
pub(super) fn parse_time(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Timestamp, String> {
    let at = read_time(text, zone, now)?;
    if at <= now {
        return Err(format!("{text} has passed: name a time in the future, or leave --at out to send now"));
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, String> {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let now = Timestamp::from("2026-03-28T12:00:00Z".parse::<jiff::Timestamp>().unwrap());
        parse_time(text, &zone, now).map(|at| at.to_string())
    }

    #[test]
    fn times_are_read_in_the_zone_of_the_instance() {
        assert_eq!(parse("2026-03-28T13:40").unwrap(), "2026-03-28T12:40:00.000Z");
        assert_eq!(parse("2026-03-29 05:40").unwrap(), "2026-03-29T03:40:00.000Z");
        assert_eq!(
            parse("2026-11-20T18:00").unwrap(),
            "2026-11-20T17:00:00.000Z",
            "a date is never left aside"
        );
        assert_eq!(parse("2026-03-29T05:40+02:00").unwrap(), "2026-03-29T03:40:00.000Z");
        assert_eq!(
            parse("12:00").unwrap(),
            "2026-03-29T10:00:00.000Z",
            "tomorrow, for today that has passed"
        );
    }

    #[test]
    fn a_promise_may_be_a_length_of_time_and_what_has_passed_lies_within_a_day() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let now = Timestamp::from("2026-03-28T12:00:30Z".parse::<jiff::Timestamp>().unwrap());
        let promise = |text: &str| parse_next_update(text, &zone, now).map(|at| at.to_string());
        assert_eq!(promise("+4h").unwrap(), "2026-03-28T16:01:00.000Z");
        assert_eq!(promise("17:00").unwrap(), "2026-03-28T16:00:00.000Z");
        assert!(promise("+0m").unwrap_err().contains("at least +1m"));
        assert!(promise("2026-03-28T12:00").unwrap_err().contains("has passed"));
        let past = |text: &str| parse_past(text, &zone, now).map(|at| at.to_string());
        assert_eq!(past("05:40").unwrap(), "2026-03-28T04:40:00.000Z");
        assert_eq!(past("23:00").unwrap(), "2026-03-27T22:00:00.000Z");
        assert!(past("2026-03-29T05:40").unwrap_err().contains("has not come yet"));
    }

    #[test]
    fn the_hour_that_is_left_out_does_not_exist() {
        assert!(parse("2026-03-29T02:30").unwrap_err().contains("does not exist"));
    }

    #[test]
    fn the_past_and_nonsense_are_refused() {
        assert!(parse("2026-03-28T12:59").unwrap_err().contains("has passed"));
        assert!(parse("2020-03-28T18:00").unwrap_err().contains("has passed"));
        assert!(parse("2026-03-29").unwrap_err().contains("is no time"));
        assert!(parse("soon").unwrap_err().contains("is no time"));
    }
}
