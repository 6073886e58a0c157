//! Points in time as people write them: in the instance's zone, right across the changes of its clocks.

use jiff::civil::{DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::clock::Timestamp;
use super::template::parse_civil;

/// Reads `2026-11-20T05:40`, `2026-11-20 05:40`, the same with an offset, `20.11.2026 05:40`, or `05:40`, the next after
/// `least`, in `zone`.
/// In the hour that comes twice when clocks are put back the first is meant; see [`clock_change`].
///
/// # Errors
/// Says what would be right; the hour that is left out when clocks are put forward does not exist.
pub fn read_time(text: &str, zone: &TimeZone, least: Timestamp) -> Result<Timestamp, String> {
    let text = text.trim();
    let wrong = || format!("\"{text}\" is no time: write 2026-11-20T05:40, 20.11.2026 05:40 or 05:40");
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp::from(at));
    }
    let iso = text.parse::<DateTime>().ok().filter(|_| text.contains(':'));
    if let Some(civil) = iso.or_else(|| parse_civil(text)) {
        return in_zone(civil, zone);
    }
    // Only now: the time of a whole date would be read, too, and the date left aside.
    next_at(text.parse::<Time>().map_err(|_| wrong())?, zone, least)
}

/// `text` as it is, if it has one of the forms that [`read_time`] reads, wherever and whenever that is.
///
/// # Errors
/// Says what would be right.
pub fn time_form(text: &str) -> Result<String, String> {
    read_time(text, &TimeZone::UTC, Timestamp(0)).map(|_| text.to_owned())
}

/// What has to be said beside a local time that comes twice; `None`: it comes once.
pub fn clock_change(at: Timestamp, zone: &TimeZone) -> Option<&'static str> {
    let zoned = at.in_zone(zone);
    let ambiguous = zone.to_ambiguous_timestamp(zoned.datetime());
    let AmbiguousOffset::Fold { before, .. } = ambiguous.offset() else { return None };
    Some(if zoned.offset() == before {
        "the clocks are put back then, and this hour comes twice: the first is meant"
    } else {
        "the clocks are put back then, and this hour comes twice: the second is meant"
    })
}

fn next_at(time: Time, zone: &TimeZone, least: Timestamp) -> Result<Timestamp, String> {
    let today = least.in_zone(zone).date();
    let at = in_zone(today.to_datetime(time), zone)?;
    if at > least {
        return Ok(at);
    }
    let tomorrow = today.tomorrow().map_err(|error| error.to_string())?;
    in_zone(tomorrow.to_datetime(time), zone)
}

fn in_zone(civil: DateTime, zone: &TimeZone) -> Result<Timestamp, String> {
    let ambiguous = zone.to_ambiguous_timestamp(civil);
    if matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. }) {
        return Err(format!("{civil} does not exist: the clocks are put forward then"));
    }
    // Of the two that a clock put back gives, the earlier: nobody waits an hour longer than they thought.
    ambiguous.earlier().map(Timestamp::from).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin() -> TimeZone {
        TimeZone::get("Europe/Berlin").unwrap()
    }

    fn read(text: &str, least: &str) -> Result<Timestamp, String> {
        read_time(text, &berlin(), Timestamp::from(least.parse::<jiff::Timestamp>().unwrap()))
    }

    #[test]
    fn the_hour_that_is_left_out_in_march_does_not_exist() {
        let noon = "2026-03-28T12:00:00Z";
        for text in ["2026-03-29T02:00", "2026-03-29T02:59", "02:30"] {
            assert!(read(text, noon).unwrap_err().contains("put forward"), "{text}");
        }
        assert_eq!(read("2026-03-29T01:59", noon).unwrap().to_string(), "2026-03-29T00:59:00.000Z");
        assert_eq!(read("2026-03-29T03:00", noon).unwrap().to_string(), "2026-03-29T01:00:00.000Z");
    }

    #[test]
    fn a_time_is_read_as_templates_read_it_too() {
        let noon = "2026-11-20T12:00:00Z";
        for text in ["24.11.2026 18:00", "24.11.2026, 18:00 Uhr"] {
            assert_eq!(read(text, noon), read("2026-11-24T18:00", noon), "{text}");
            assert_eq!(time_form(text).unwrap(), text);
        }
        assert!(time_form("24.11.2026").unwrap_err().contains("is no time"));
    }

    #[test]
    fn the_hour_that_comes_twice_in_october_is_the_first_and_says_so() {
        let noon = "2026-10-24T12:00:00Z";
        let first = read("2026-10-25T02:30", noon).unwrap();
        assert_eq!(first.to_string(), "2026-10-25T00:30:00.000Z");
        assert!(clock_change(first, &berlin()).unwrap().contains("the first is meant"));
        let second = read("2026-10-25T02:30+01:00", noon).unwrap();
        assert_eq!(second.to_string(), "2026-10-25T01:30:00.000Z");
        assert!(clock_change(second, &berlin()).unwrap().contains("the second is meant"));
        for once in ["2026-10-25T01:59", "2026-10-25T03:00"] {
            assert_eq!(clock_change(read(once, noon).unwrap(), &berlin()), None, "{once}");
        }
    }
}
