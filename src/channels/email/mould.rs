//! The frame of a message, cast once by lettre and filled for every recipient.
//!
//! The messages of one notice differ in recipient, id and a few lines of their texts. lettre formats one specimen; this
//! remembers where those stand in it.

use lettre::message::header::{ContentTransferEncoding, ContentType, Headers};
use lettre::message::{Body, MultiPart, SinglePart};

/// Quoted-printable never contains `=_` (RFC 2045, section 6.7): no text can be taken for these.
const TEXT: &str = "=_text";
const HTML: &str = "=_html";

/// A message with gaps.
#[derive(Debug)]
pub(super) struct Mould {
    pieces: Vec<Piece>,
}

#[derive(Debug)]
enum Piece {
    Literal(String),
    Gap(Gap),
}

#[derive(Debug, Clone, Copy)]
enum Gap {
    To,
    Id,
    Text,
    Html,
}

/// What fills the gaps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filling<'a> {
    /// The whole `To` header with its line end.
    pub(super) to: &'a str,
    /// The delivery's id as it stands in Message-ID and boundaries.
    pub(super) id: &'a str,
    /// The plain text, encoded.
    pub(super) text: &'a str,
    /// The HTML, encoded.
    pub(super) html: &'a str,
}

impl Mould {
    /// Casts a multipart/alternative with `headers`, in which the recipient stands as `to` and the id as `id`.
    pub(super) fn cast(mut headers: Headers, to: &str, id: &str) -> Self {
        let mut message = MultiPart::alternative()
            .boundary(format!("=_{id}"))
            .singlepart(part(ContentType::TEXT_PLAIN, TEXT))
            .singlepart(part(ContentType::TEXT_HTML, HTML));
        if let Some(content_type) = message.headers().get::<ContentType>() {
            headers.set(content_type);
        }
        *message.headers_mut() = headers;
        // lettre formats headers as ASCII; should it ever not, the message is still text.
        let specimen = String::from_utf8_lossy(&message.formatted()).into_owned();
        let mut pieces = vec![Piece::Literal(specimen)];
        // The recipient first: nothing in a name may be taken for an id.
        for (mark, gap) in [(to, Gap::To), (id, Gap::Id), (TEXT, Gap::Text), (HTML, Gap::Html)] {
            pieces = pieces.into_iter().flat_map(|piece| piece.part_at(mark, gap)).collect();
        }
        Self { pieces }
    }

    /// The message with its gaps filled.
    pub(super) fn fill(&self, filling: Filling<'_>) -> String {
        let mut message = String::with_capacity(2_048 + filling.text.len() + filling.html.len());
        for piece in &self.pieces {
            message.push_str(match piece {
                Piece::Literal(text) => text,
                Piece::Gap(Gap::To) => filling.to,
                Piece::Gap(Gap::Id) => filling.id,
                Piece::Gap(Gap::Text) => filling.text,
                Piece::Gap(Gap::Html) => filling.html,
            });
        }
        message
    }
}

impl Piece {
    fn part_at(self, mark: &str, gap: Gap) -> Vec<Self> {
        let Self::Literal(text) = self else { return vec![self] };
        let mut pieces = Vec::new();
        for (at, literal) in text.split(mark).enumerate() {
            if at > 0 {
                pieces.push(Self::Gap(gap));
            }
            if !literal.is_empty() {
                pieces.push(Self::Literal(literal.to_owned()));
            }
        }
        pieces
    }
}

fn part(content_type: ContentType, mark: &str) -> SinglePart {
    let encoding = ContentTransferEncoding::QuotedPrintable;
    let body = Body::dangerous_pre_encoded(mark.as_bytes().to_vec(), encoding);
    SinglePart::builder().content_type(content_type).body(body)
}
