//! Rendered words, ready for a channel.

use super::sms_text::SmsSize;

/// One e-mail's words for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailContent {
    /// One line.
    pub subject: String,
    /// The plain text part, lines ended by `\n`.
    pub text: String,
    /// The HTML part, a whole document.
    pub html: String,
    /// The language of all three (`de`), for `Content-Language`.
    pub language: String,
}

/// One text message's words for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmsContent {
    /// As it is handed to the gateway.
    pub text: String,
    /// Its encoding, length and segments.
    pub size: SmsSize,
    /// The characters that force UCS-2, each once; empty in GSM-7.
    pub outside_gsm: Vec<char>,
    /// The language it is in (`de`).
    pub language: String,
}
