//! Durations as people write them: `90s`, `45m`, `4h`, `2d`, `500ms`.

use std::time::Duration;

/// The longest duration that anybody may type: ten years.
const LONGEST: u64 = 3_660 * 86_400_000;

/// Reads one number with one unit: `ms`, `s`, `m` or `min`, `h`, `d`.
///
/// # Errors
/// Says what is allowed when `text` is anything else, negative, or longer than ten years.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let wrong =
        || format!("\"{text}\" is no duration: write a number and a unit, such as 90s, 45m, 4h or 2d");
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let number = &text[..unit_at];
    if number.is_empty() {
        return Err(wrong());
    }
    let factor: u64 = match text[unit_at..].trim_start() {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    // Of digits alone, a number is only unreadable where it is too large.
    let millis = number.parse().ok().and_then(|number: u64| number.checked_mul(factor));
    match millis.filter(|millis| *millis <= LONGEST) {
        Some(millis) => Ok(Duration::from_millis(millis)),
        None => Err(format!("\"{text}\" is too long: ten years (3660d) at most")),
    }
}

/// The same of a time that must not be over at once.
///
/// # Errors
/// As [`parse_duration`], and when it is no time at all.
pub fn parse_some_time(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        Duration::ZERO => Err(format!("\"{text}\" is no time at all: write at least 1s")),
        duration => Ok(duration),
    }
}

/// The shortest words for a duration that a person waits for: `8 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`.
pub fn format_duration(duration: Duration) -> String {
    let seconds = duration.as_secs() + u64::from(duration.subsec_millis() >= 500);
    let pair = |big: u64, big_unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{big} {big_unit}"),
        _ => format!("{big} {big_unit} {small} {small_unit}"),
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => pair(seconds / 60, "min", seconds % 60, "s"),
        3_600..86_400 => pair(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        _ => pair(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit_make_a_duration() {
        assert_eq!(parse_duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration(" 4 h "), Ok(Duration::from_secs(14_400)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("12min"), parse_duration("12m"));
    }

    #[test]
    fn anything_else_is_refused_with_what_would_be_right() {
        for wrong in ["", "4", "h", "-1h", "4 hours", "1.5h"] {
            let error = parse_duration(wrong).unwrap_err();
            assert!(error.contains("45m"), "{wrong}: {error}");
        }
        for long in ["99999999999999999999s", "4000d", "18446744073709551615d"] {
            let error = parse_duration(long).unwrap_err();
            assert!(error.contains("is too long"), "{long}: {error}");
        }
        assert!(parse_some_time("0s").unwrap_err().contains("no time at all"));
        assert_eq!(parse_some_time("1s"), Ok(Duration::from_secs(1)));
    }

    #[test]
    fn durations_read_as_people_say_them() {
        assert_eq!(format_duration(Duration::from_millis(8_400)), "8 s");
        assert_eq!(format_duration(Duration::from_secs(200)), "3 min 20 s");
        assert_eq!(format_duration(Duration::from_secs(7_500)), "2 h 5 min");
        assert_eq!(format_duration(Duration::from_secs(273_600)), "3 d 4 h");
    }
}
