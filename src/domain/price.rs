//! What a text message costs: an amount of a currency, exact to four decimals.

use std::fmt;
use std::str::FromStr;

/// How many parts a unit of the currency has here: prices of text messages have up to four decimals.
const PARTS: u64 = 10_000;
/// More than this a segment costs nowhere.
const HIGHEST: u64 = 100 * PARTS;

/// A price, such as `0.0750 EUR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    parts: u64,
    currency: String,
}

impl Price {
    /// The price of `count` of them.
    #[must_use]
    pub fn times(&self, count: usize) -> Self {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        Self { parts: self.parts.saturating_mul(count), currency: self.currency.clone() }
    }
}

/// `13.50 EUR`: two decimals, rounded up.
impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = self.parts.div_ceil(PARTS / 100);
        write!(f, "{}.{:02} {}", hundredths / 100, hundredths % 100, self.currency)
    }
}

impl FromStr for Price {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is no price: write it as 0.075 EUR");
        let (amount, currency) = text.trim().split_once(' ').ok_or_else(wrong)?;
        let currency = currency.trim();
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(wrong());
        }
        let amount = amount.replace(',', ".");
        let (whole, decimals) = amount.split_once('.').unwrap_or((&amount, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 4 || decimals.len() > 4 || !digits(whole) || !digits(decimals) {
            return Err(wrong());
        }
        let parts = format!("{whole}{decimals:0<4}").parse::<u64>().map_err(|_| wrong())?;
        if parts > HIGHEST {
            return Err(format!(
                "\"{text}\" is more than a segment costs anywhere: write what one segment costs"
            ));
        }
        Ok(Self { parts, currency: currency.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_read_multiplied_and_rounded_up() {
        let cost = |price: &str, count| price.parse::<Price>().unwrap().times(count).to_string();
        assert_eq!(cost("0.075 EUR", 180), "13.50 EUR");
        assert_eq!(cost("0,0751 EUR", 1), "0.08 EUR");
        assert_eq!(cost("1 CHF", 3), "3.00 CHF");
        assert_eq!(cost("0.0001 EUR", 0), "0.00 EUR");
    }

    #[test]
    fn what_is_no_price_is_refused() {
        for text in
            ["", "0.075", "EUR 0.075", "0.075 eur", "0.07500 EUR", "-1 EUR", ". EUR", "1e3 EUR", "101 EUR"]
        {
            assert!(text.parse::<Price>().is_err(), "{text}");
        }
    }
}
