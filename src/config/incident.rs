//! `[incident]`

use std::time::Duration;

use jiff::civil::Time;

use crate::domain::incident::{REMIND_BEFORE, UpdateRhythm};

use super::general::between;
use super::section::Section;

pub(super) fn read(section: &Section<'_>) -> Option<UpdateRhythm> {
    let week = Duration::from_secs(7 * 24 * 3_600);
    // A promise that is reminded of as soon as it is given would be no rhythm.
    let after = section.required("next_update", between(REMIND_BEFORE * 2, week));
    let mut hours = section.list("update_hours", hour);
    hours.sort_unstable();
    hours.dedup();
    Some(UpdateRhythm { after: after?, hours })
}

/// `08:00`
fn hour(text: &str) -> Result<Time, String> {
    let wrong = || format!("\"{text}\" is no hour of the day: write it as \"08:00\"");
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let number = |digits: &str| -> Option<i8> {
        let plain = (1..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse().ok()).flatten()
    };
    let time = number(hour).zip(number(minute).filter(|_| minute.len() == 2));
    time.and_then(|(hour, minute)| Time::new(hour, minute, 0, 0).ok()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::hour;

    #[test]
    fn an_hour_of_the_day_is_read_and_nothing_else() {
        assert_eq!(hour("08:00"), Ok(jiff::civil::Time::constant(8, 0, 0, 0)));
        assert_eq!(hour("8:05"), hour("08:05"));
        for wrong in ["8", "24:00", "08:60", "08:5", "+8:00", "morning", ""] {
            assert!(hour(wrong).unwrap_err().contains("08:00"), "{wrong}");
        }
    }
}
