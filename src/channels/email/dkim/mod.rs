//! DKIM signatures (RFC 6376, RFC 8463), relaxed/relaxed, with several keys side by side: many receivers do
//! not verify ed25519 yet, so an instance that has such a key signs with RSA as well.

mod canonical;
mod key;

use std::fmt::Write as _;

use aws_lc_rs::digest;
use data_encoding::BASE64;

use crate::domain::clock::Timestamp;

pub use key::{KeyError, Signer};

/// What is signed where it is present. Not `Content-Type`: relays re-encode multiparts and rewrite it.
const SIGNED_HEADERS: [&str; 15] = [
    "From",
    "To",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "Auto-Submitted",
    "Content-Language",
    "Feedback-ID",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Precedence",
];

impl Signer {
    /// The `DKIM-Signature` headers of all `signers` over `message` (CRLF line ends), to be put in front of
    /// it. `date` becomes their `t=`.
    ///
    /// # Errors
    /// The selector of the key that did not sign.
    pub(super) fn sign_all(signers: &[Self], message: &[u8], date: Timestamp) -> Result<String, String> {
        let (headers, body) = canonical::split(message);
        let body_hash = BASE64.encode(digest::digest(&digest::SHA256, &canonical::body(body)).as_ref());
        let headers = canonical::headers(headers);
        let mut names = String::with_capacity(200);
        let mut signed = Vec::with_capacity(1_024);
        for name in SIGNED_HEADERS {
            if let Some(header) = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)) {
                names.push_str(name);
                names.push(':');
                signed.extend_from_slice(&header.line);
            }
        }
        // Named once more than there are, a second From cannot be added unnoticed (RFC 6376, section 8.15).
        names.push_str("From");

        let mut signatures = String::with_capacity(signers.len() * 800);
        for signer in signers {
            signer.append_signature(&mut signatures, &names, &signed, &body_hash, date)?;
        }
        Ok(signatures)
    }

    fn append_signature(
        &self,
        out: &mut String,
        names: &str,
        signed: &[u8],
        body_hash: &str,
        date: Timestamp,
    ) -> Result<(), String> {
        let mut header = String::with_capacity(700);
        let _ = write!(
            header,
            "DKIM-Signature: v=1; a={}; c=relaxed/relaxed;\r\n d={};\r\n s={}; t={};\r\n h=",
            self.algorithm(),
            self.domain(),
            self.selector(),
            date.0.div_euclid(1_000).max(0),
        );
        append_folded_names(&mut header, names);
        let _ = write!(header, ";\r\n bh={body_hash};\r\n b=");

        let mut input = Vec::with_capacity(signed.len() + header.len());
        input.extend_from_slice(signed);
        if let Some(own) = canonical::headers(header.as_bytes()).first() {
            // The signature's own header comes last, without a value of b= and without its line end
            // (RFC 6376, section 3.7).
            input.extend_from_slice(own.line.strip_suffix(b"\r\n").unwrap_or(&own.line));
        }
        let signature = self.sign(&input).ok_or_else(|| self.selector().to_owned())?;

        out.push_str(&header);
        for (position, chunk) in BASE64.encode(&signature).as_bytes().chunks(72).enumerate() {
            out.push_str(if position == 0 { "" } else { "\r\n " });
            out.extend(chunk.iter().copied().map(char::from));
        }
        out.push_str("\r\n");
        Ok(())
    }
}

fn append_folded_names(header: &mut String, names: &str) {
    let mut width = 3;
    for name in names.split_inclusive(':') {
        if width + name.len() > 76 {
            header.push_str("\r\n ");
            width = 1;
        }
        header.push_str(name);
        width += name.len();
    }
}

#[cfg(test)]
mod tests;
