//! How a text message is encoded, and how many segments it takes (3GPP TS 23.038 and TS 23.040).

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use unicode_width::UnicodeWidthChar;

/// The 7-bit default alphabet, without its escape (3GPP TS 23.038, section 6.2.1): one septet each.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡\
ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// The extension table (section 6.2.1.1): an escape and one more septet each.
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// How the characters travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SmsEncoding {
    /// Seven bits a character.
    #[serde(rename = "GSM-7")]
    Gsm7,
    /// Sixteen bits a character, as soon as one of them is outside the 7-bit alphabet.
    #[serde(rename = "UCS-2")]
    Ucs2,
}

impl SmsEncoding {
    /// How many units fit in a message of one segment.
    pub const fn single(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Ucs2 => 70,
        }
    }

    /// How many units fit in each segment of a longer one, beside its six-octet header.
    pub const fn part(self) -> usize {
        match self {
            Self::Gsm7 => 153,
            Self::Ucs2 => 67,
        }
    }
}

impl fmt::Display for SmsEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gsm7 => "GSM-7",
            Self::Ucs2 => "UCS-2",
        })
    }
}

/// What a text costs to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmsSize {
    /// How it travels.
    pub encoding: SmsEncoding,
    /// Its length: septets in GSM-7, UTF-16 units in UCS-2.
    pub units: usize,
    /// How many messages are paid for; at least 1.
    pub segments: usize,
}

impl SmsSize {
    /// How many units must go at least until `segments` segments hold it; zero if they do. What pairs waste at the
    /// end of a part is not in it.
    pub const fn units_over(self, segments: usize) -> usize {
        if self.segments <= segments {
            return 0;
        }
        let room = match segments {
            0 | 1 => self.encoding.single(),
            _ => self.encoding.part() * segments,
        };
        match self.units.saturating_sub(room) {
            0 => 1,
            over => over,
        }
    }
}

/// The septets that `c` takes in GSM-7: 1 or 2; `None` if it is not in the alphabet.
pub fn septets(c: char) -> Option<usize> {
    match c {
        // Most of every text; the tables say the same.
        'a'..='z' | 'A'..='Z' | ' '..='#' | '%'..='?' => Some(1),
        _ if EXTENSION.contains(c) => Some(2),
        _ if BASIC.contains(c) => Some(1),
        _ => None,
    }
}

/// Encoding, length and segments of `text` as it stands.
pub fn measure(text: &str) -> SmsSize {
    match text.chars().map(septets).sum() {
        Some(units) => sized(SmsEncoding::Gsm7, units, text.chars().filter_map(septets)),
        None => {
            let widths = text.chars().map(char::len_utf16);
            sized(SmsEncoding::Ucs2, widths.clone().sum(), widths)
        }
    }
}

fn sized(encoding: SmsEncoding, units: usize, widths: impl Iterator<Item = usize>) -> SmsSize {
    let segments = if units <= encoding.single() { 1 } else { count_parts(widths, encoding.part()) };
    SmsSize { encoding, units, segments }
}

/// Fills parts of `room` units one after the other; a character of two units goes whole into the next part
/// (an escape is never parted from its character, nor a high surrogate from its low one).
fn count_parts(widths: impl Iterator<Item = usize>, room: usize) -> usize {
    let mut parts = 1;
    let mut used = 0;
    for width in widths {
        if used + width > room {
            parts += 1;
            used = 0;
        }
        used += width;
    }
    parts
}

/// The same text with typographic characters replaced by those of the 7-bit alphabet that stand for them:
/// quotation marks, dashes, the ellipsis, special spaces, bullets, tabs. Invisible characters go, and what was taken
/// apart is put together again (a letter with its accent behind it; Unicode Standard Annex 15, form C).
/// Everything else stays; [`remaining_non_gsm`] names it.
pub fn transliterate(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.nfc() {
        match replacement(c) {
            Some(instead) => plain.push_str(instead),
            None => plain.push(c),
        }
    }
    // What was invisible may have stood between a letter and its accent.
    plain.nfc().collect()
}

fn replacement(c: char) -> Option<&'static str> {
    Some(match c {
        '„' | '“' | '”' | '‟' | '«' | '»' | '″' => "\"",
        '‚' | '‘' | '’' | '‛' | '‹' | '›' | '′' | '´' | '`' => "'",
        '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' => "-",
        '…' => "...",
        '•' | '‣' | '▪' | '●' => "-",
        '·' => ".",
        '×' => "x",
        '→' => "->",
        '\t' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => " ",
        '\u{2028}' | '\u{2029}' | '\u{85}' => "\n",
        '\u{ad}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'
        | '\u{2066}'..='\u{2069}'
        | '\u{fe0f}'
        | '\u{feff}' => "",
        _ => return None,
    })
}

/// How a character is named to people: itself in quotation marks, or its number where it cannot be seen alone.
pub fn named(c: char) -> String {
    let is_seen = UnicodeWidthChar::width(c).is_some_and(|width| width > 0) && !c.is_whitespace();
    if is_seen { format!("\"{c}\"") } else { format!("U+{:04X}", u32::from(c)) }
}

/// The characters of `text` that force UCS-2, each once, in the order in which they first stand there.
pub fn remaining_non_gsm(text: &str) -> Vec<char> {
    let mut found = Vec::new();
    for c in text.chars() {
        if septets(c).is_none() && !found.contains(&c) {
            found.push(c);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The alphabet written out as its table of codes, independently of the constants above.
    fn naive_septets(c: char) -> Option<usize> {
        let extension = [0x0c, 0x5e, 0x7b, 0x7d, 0x5c, 0x5b, 0x7e, 0x5d, 0x7c, 0x20ac];
        let latin1 = [
            0x40, 0xa3, 0x24, 0xa5, 0xe8, 0xe9, 0xf9, 0xec, 0xf2, 0xc7, 0x0a, 0xd8, 0xf8, 0x0d, 0xc5, 0xe5,
            0x5f, 0xc6, 0xe6, 0xdf, 0xc9, 0xa4, 0xa1, 0xc4, 0xd6, 0xd1, 0xdc, 0xa7, 0xbf, 0xe4, 0xf6, 0xf1,
            0xfc, 0xe0,
        ];
        let greek = [0x394, 0x3a6, 0x393, 0x39b, 0x3a9, 0x3a0, 0x3a8, 0x3a3, 0x398, 0x39e];
        let code = c as u32;
        if extension.contains(&code) {
            return Some(2);
        }
        let ascii = (0x20..0x7f).contains(&code) && code != 0x60;
        (ascii || latin1.contains(&code) || greek.contains(&code)).then_some(1)
    }

    /// Cuts the real sequence of units at every segment's end, stepping back when a pair would be cut.
    fn naive_segments(text: &str) -> usize {
        let gsm = text.chars().all(|c| naive_septets(c).is_some());
        // true: this unit must stay together with the next one
        let units: Vec<bool> = text
            .chars()
            .flat_map(|c| {
                let width = if gsm { naive_septets(c).unwrap() } else { c.len_utf16() };
                if width == 2 { vec![true, false] } else { vec![false] }
            })
            .collect();
        let (single, part) = if gsm { (160, 153) } else { (70, 67) };
        if units.len() <= single {
            return 1;
        }
        let (mut start, mut count) = (0, 0);
        while start < units.len() {
            let mut end = (start + part).min(units.len());
            if units[end - 1] {
                end -= 1;
            }
            (start, count) = (end, count + 1);
        }
        count
    }

    #[test]
    fn the_tables_have_the_size_the_standard_gives_them() {
        assert_eq!(BASIC.chars().count(), 127);
        assert_eq!(EXTENSION.chars().count(), 10);
    }

    #[test]
    fn umlauts_are_free_and_typographic_quotes_are_not() {
        assert_eq!(measure("äöüÄÖÜß§").encoding, SmsEncoding::Gsm7);
        assert_eq!(measure("„Störung“").encoding, SmsEncoding::Ucs2);
        assert_eq!(measure(&transliterate("„Störung“ – bald…")).encoding, SmsEncoding::Gsm7);
        assert_eq!(
            transliterate("\u{202d}030 1\u{202c} fu\u{308}r Ju\u{200b}\u{308}rgen"),
            "030 1 für Jürgen"
        );
        assert_eq!(transliterate("„Störung“ – 3\u{202f}Uhr…"), "\"Störung\" - 3 Uhr...");
        assert_eq!(remaining_non_gsm("😀 ł ł 😀"), ['😀', 'ł']);
    }

    #[test]
    fn the_160_limit_falls_to_153_in_parts() {
        let size = |length: usize| measure(&"a".repeat(length)).segments;
        assert_eq!([size(0), size(160), size(161), size(306), size(307)], [1, 1, 2, 2, 3]);
        assert_eq!(measure(&"a".repeat(163)).units_over(1), 3);
        assert_eq!(measure(&"a".repeat(163)).units_over(2), 0);
    }

    #[test]
    fn an_escaped_character_is_not_cut_in_two() {
        // 152 + the euro's two septets do not fit in 153; it goes whole into the second part.
        let text = format!("{}€{}", "a".repeat(152), "b".repeat(152));
        assert_eq!(measure(&text).units, 306);
        assert_eq!(measure(&text).segments, 3);
        assert_eq!(measure(&text).units_over(2), 1, "306 septets would fit, were it not for the pair");
        let text = format!("{}😀{}", "ł".repeat(66), "ł".repeat(66));
        assert_eq!((measure(&text).units, measure(&text).segments), (134, 3));
    }

    proptest! {
        #[test]
        fn every_character_is_classified_as_the_table_says(c in any::<char>()) {
            prop_assert_eq!(septets(c), naive_septets(c));
        }

        #[test]
        fn segments_agree_with_cutting_the_units_one_by_one(text in "[a-zä€^ł😀]{0,400}") {
            prop_assert_eq!(measure(&text).segments, naive_segments(&text));
        }

        #[test]
        fn any_text_at_all_agrees_and_fits_exactly_its_segments(text in any::<String>(), times in 1_usize..60) {
            let text = text.repeat(times);
            let size = measure(&text);
            prop_assert_eq!(size.segments, naive_segments(&text));
            prop_assert_eq!(size.units_over(size.segments), 0);
            if size.segments > 1 {
                prop_assert!(size.units_over(size.segments - 1) > 0);
            }
        }

        #[test]
        fn gsm_texts_agree_too(text in "[a-zä€{}]{0,500}") {
            let size = measure(&text);
            prop_assert_eq!(size.encoding, SmsEncoding::Gsm7);
            prop_assert_eq!(size.segments, naive_segments(&text));
        }

        #[test]
        fn transliteration_is_done_once_and_only_touches_what_is_outside(text in "\\PC{0,80}") {
            let once = transliterate(&text);
            prop_assert_eq!(transliterate(&once), once.clone());
            for c in text.chars().filter(|c| septets(*c).is_some()) {
                prop_assert!(once.contains(c));
            }
        }
    }
}
