//! Makes what relays write readable for lettre, which is stricter than relays are.

/// Translates a relay's bytes as they come in, in pieces of any size:
///
/// - a line that is a bare code, which RFC 5321 (section 4.2) allows, gets the space that lettre wants;
/// - a bare LF, which old relays end lines with, becomes CRLF;
/// - a byte beyond ASCII becomes `?`: text in Latin-1 must not look like a broken connection.
#[derive(Debug, Default)]
pub(super) struct ReplyBytes {
    column: usize,
    after_cr: bool,
}

impl ReplyBytes {
    /// Appends the translation of `raw` to `out`.
    pub(super) fn translate(&mut self, raw: &[u8], out: &mut Vec<u8>) {
        for &byte in raw {
            let ends_line = byte == b'\r' || (byte == b'\n' && !self.after_cr);
            if ends_line && self.column == 3 {
                out.push(b' ');
            }
            match byte {
                b'\n' => {
                    if !self.after_cr {
                        out.push(b'\r');
                    }
                    self.column = 0;
                }
                b'\r' => {}
                _ => self.column += 1,
            }
            self.after_cr = byte == b'\r';
            out.push(if byte.is_ascii() { byte } else { b'?' });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_translation_does_not_depend_on_where_the_pieces_end() {
        let raw = b"250-a\r\n250\r\n354\n550 unzul\xe4ssig\r\n220 \r\n";
        let expected = b"250-a\r\n250 \r\n354 \r\n550 unzul?ssig\r\n220 \r\n";
        for size in 1..raw.len() {
            let mut translator = ReplyBytes::default();
            let mut out = Vec::new();
            raw.chunks(size).for_each(|piece| translator.translate(piece, &mut out));
            assert_eq!(out, expected, "in pieces of {size}");
        }
    }
}
