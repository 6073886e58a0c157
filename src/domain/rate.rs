//! How fast a way out may be used: `100/s`, `30/min, burst 5`, `500/h`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A quota: so many in a period, and so many at once after a rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate {
    count: u32,
    period: Period,
    burst: u32,
}

/// The period that a [`Rate`] counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Period {
    /// `/s`
    Second,
    /// `/min`
    Minute,
    /// `/h`
    Hour,
}

impl Period {
    const fn seconds(self) -> u32 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Minute => "min",
            Self::Hour => "h",
        }
    }
}

impl Rate {
    /// `count` in a `period`; the burst is a tenth of a second's worth, at least 1.
    /// `None` for a count of zero.
    pub fn new(count: u32, period: Period) -> Option<Self> {
        let burst = (count / period.seconds() / 10).max(1);
        (count > 0).then_some(Self { count, period, burst })
    }

    /// The same quota with another burst. `None` for a burst of zero.
    pub fn with_burst(self, burst: u32) -> Option<Self> {
        (burst > 0).then_some(Self { burst, ..self })
    }

    /// How many at once after a rest.
    pub const fn burst(self) -> u32 {
        self.burst
    }

    /// How many a second, on average.
    pub fn per_second(self) -> f64 {
        f64::from(self.count) / f64::from(self.period.seconds())
    }

    /// The time between two at full speed.
    pub fn interval(self) -> Duration {
        Duration::from_secs_f64(1.0 / self.per_second())
    }

    /// The time that `count` take from a standing start.
    pub fn time_for(self, count: u64) -> Duration {
        let waiting = count.saturating_sub(u64::from(self.burst));
        Duration::from_secs_f64(waiting as f64 / self.per_second())
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "\"{text}\" is no rate: write N/s, N/min or N/h, with \", burst M\" if wanted, such as 50/s"
            )
        };
        let (quota, burst) = match text.split_once(',') {
            Some((quota, burst)) => (quota, Some(burst)),
            None => (text, None),
        };
        let (count, period) = quota.split_once('/').ok_or_else(wrong)?;
        let count = count.trim();
        let is_number = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
        let too_fast = || format!("\"{text}\" is too fast: {} in one unit at most", u32::MAX);
        let count: u32 = count.parse().map_err(|_| if is_number { too_fast() } else { wrong() })?;
        let period = match period.trim() {
            "s" => Period::Second,
            "min" => Period::Minute,
            "h" => Period::Hour,
            _ => return Err(wrong()),
        };
        let rate = Self::new(count, period).ok_or_else(wrong)?;
        match burst {
            None => Ok(rate),
            Some(burst) => {
                let burst = burst.trim().strip_prefix("burst").ok_or_else(wrong)?;
                let burst: u32 = burst.trim().parse().map_err(|_| wrong())?;
                rate.with_burst(burst).ok_or_else(wrong)
            }
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.period.word())?;
        let usual = Self::new(self.count, self.period).map(Self::burst);
        if usual == Some(self.burst) { Ok(()) } else { write!(f, ", burst {}", self.burst) }
    }
}

impl TryFrom<String> for Rate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_burst_is_a_tenth_of_a_second_unless_said() {
        let rate: Rate = "100/s".parse().unwrap();
        assert_eq!((rate.burst(), rate.per_second()), (10, 100.0));
        assert_eq!("30/min".parse::<Rate>().unwrap().burst(), 1);
        assert_eq!("50/s, burst 200".parse::<Rate>().unwrap().burst(), 200);
        assert_eq!("50/s".parse::<Rate>().unwrap().time_for(1_005), Duration::from_secs(20));
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for wrong in
            ["", "50", "0/s", "-1/s", "50/d", "50/s, 3", "50/s, burst 0", "50/s burst 3", "1e3/s", "50/ms"]
        {
            assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
        }
        let fast = "99999999999999/s".parse::<Rate>().unwrap_err();
        assert!(fast.contains("too fast"), "{fast}");
    }

    proptest! {
        #[test]
        fn a_rate_reads_back_as_it_was_written(count in 1_u32.., burst in 1_u32.., period in 0..3) {
            let period = [Period::Second, Period::Minute, Period::Hour][period as usize];
            let rate = Rate::new(count, period).unwrap().with_burst(burst).unwrap();
            prop_assert_eq!(rate.to_string().parse::<Rate>().unwrap(), rate);
        }
    }
}
