//! Rendered words, ready for a channel.

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
