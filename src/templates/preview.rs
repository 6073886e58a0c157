//! What one contact would get.

use super::compile::Compiled;
use super::reader::Reader;
use super::render::{Prepared, RenderFault};
use crate::domain::address::Channel;
use crate::domain::contact::ContactCard;
use crate::domain::message::{EmailContent, SmsContent};
use crate::domain::sms_text::{SmsEncoding, measure, remaining_non_gsm, transliterate};

/// A notice as one contact would read it; `None` for a channel that the template has no text for.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// Subject, plain text, HTML.
    pub email: Option<EmailContent>,
    /// The text message as it is handed to the gateway.
    pub sms: Option<SmsContent>,
    /// The webhook's own JSON.
    pub webhook: Option<serde_json::Value>,
}

impl Prepared {
    /// What `contact` would get on every channel that the template has a text for.
    ///
    /// # Errors
    /// If a text cannot be rendered, or becomes longer than 1 MB.
    pub fn preview(&self, contact: &ContactCard, transliterated: bool) -> Result<Preview, RenderFault> {
        let has = |channel| Compiled::channels(self.compiled()).any(|of| of == channel);
        Ok(Preview {
            email: has(Channel::Email).then(|| self.render_email(self.specimen(contact))).transpose()?,
            sms: has(Channel::Sms)
                .then(|| self.sms_content(self.specimen(contact), transliterated))
                .transpose()?,
            webhook: self.render_webhook(contact)?,
        })
    }

    /// The text message for `reader` with its encoding and segments; `transliterated` is `[sms] transliterate`.
    ///
    /// # Errors
    /// If the template has no SMS text, or it becomes longer than 1 MB.
    pub fn sms_content<'a>(
        &self,
        reader: impl Into<Reader<'a>>,
        transliterated: bool,
    ) -> Result<SmsContent, RenderFault> {
        let reader = reader.into();
        let text = self.render_sms(reader)?;
        let text = if transliterated { transliterate(&text) } else { text };
        let size = measure(&text);
        let outside_gsm = match size.encoding {
            SmsEncoding::Gsm7 => Vec::new(),
            SmsEncoding::Ucs2 => remaining_non_gsm(&text),
        };
        Ok(SmsContent {
            size,
            outside_gsm,
            language: self.language(Channel::Sms, reader.contact).unwrap_or_default().to_owned(),
            text,
        })
    }
}
