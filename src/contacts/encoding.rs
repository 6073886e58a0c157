//! From a file's bytes to text: UTF-8, or Windows-1252 as German Excel writes it.

use std::borrow::Cow;

/// Bytes that Windows-1252 leaves undefined. A text that has them was written in another encoding.
const UNDEFINED: [u8; 5] = [0x81, 0x8d, 0x8f, 0x90, 0x9d];

/// Reads `bytes` as UTF-8, with or without byte order mark, else as Windows-1252.
///
/// # Errors
/// Says what the bytes are instead, and how to save the file rightly.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, String> {
    if bytes.starts_with(b"PK\x03\x04") {
        return Err("this is an Excel workbook under the name of a CSV file: rename it to .xlsx".to_owned());
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err("this is UTF-16, which Excel calls \"Unicode text\": save it as \"CSV UTF-8\"".to_owned());
    }
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(format!(
            "line {} holds a zero byte, so this is no plain text (UTF-16 or a binary file): save it as \"CSV UTF-8\"",
            line_of(bytes, at)
        ));
    }
    let (marked, body) = bytes.strip_prefix(b"\xef\xbb\xbf").map_or((false, bytes), |body| (true, body));
    match std::str::from_utf8(body) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(error) if marked => Err(format!(
            "the file says that it is UTF-8, but line {} is not: save it again as \"CSV UTF-8\"",
            line_of(body, error.valid_up_to())
        )),
        Err(_) => decode_windows_1252(body),
    }
}

fn decode_windows_1252(bytes: &[u8]) -> Result<Cow<'_, str>, String> {
    let implausible = |byte: &u8| UNDEFINED.contains(byte) || (*byte < b' ' && !b"\t\n\r".contains(byte));
    if let Some(at) = bytes.iter().position(implausible) {
        return Err(format!(
            "line {} holds the byte 0x{:02x}, so this is neither UTF-8 nor Windows-1252: save it as \"CSV UTF-8\"",
            line_of(bytes, at),
            bytes.get(at).copied().unwrap_or_default()
        ));
    }
    // 0xc3 begins ä, ö, ü, ß in UTF-8. In Windows-1252 the same two bytes read "Ã¤", which no German text has:
    // two files of different encodings were put together, and half the names would come out garbled.
    if let Some(at) = bytes.windows(2).position(|pair| pair[0] == 0xc3 && (0x80..0xc0).contains(&pair[1])) {
        return Err(format!(
            "line {} is UTF-8, but other lines are not: bring all rows to one encoding, best by saving the file \
             as \"CSV UTF-8\"",
            line_of(bytes, at)
        ));
    }
    Ok(encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0)
}

/// The line that holds the byte at `position`; the first is 1.
fn line_of(bytes: &[u8], position: usize) -> usize {
    1 + bytes.iter().take(position).filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf_8_is_read_with_and_without_its_mark() {
        assert_eq!(decode("id,Müller".as_bytes()).unwrap(), "id,Müller");
        assert_eq!(decode("\u{feff}id,Müller".as_bytes()).unwrap(), "id,Müller");
    }

    #[test]
    fn what_german_excel_writes_keeps_umlauts_dashes_and_the_euro() {
        assert_eq!(decode(b"Stra\xdfe \x96 K\xf6ln \x80").unwrap(), "Straße – Köln €");
    }

    #[test]
    fn other_encodings_are_named_and_not_guessed() {
        let reason = |bytes: &[u8]| decode(bytes).unwrap_err();
        assert!(reason(b"\xff\xfei\0d\0").contains("UTF-16"));
        assert!(reason(b"\xfe\xff\0i\0d").contains("UTF-16"));
        assert!(reason(b"i\0d\0").contains("zero byte"));
        assert!(reason(b"PK\x03\x04rest").contains("rename it to .xlsx"));
        for byte in UNDEFINED {
            let reason = reason(&[b'a', b'\n', 0xe4, byte]);
            assert!(reason.starts_with(&format!("line 2 holds the byte 0x{byte:02x}")), "{reason}");
        }
        assert!(reason(b"\xe4\x07").contains("0x07"));
        assert!(reason(b"\xef\xbb\xbfid\nM\xfcller").contains("line 2 is not"));
        assert!(reason(b"M\xfcller\nM\xc3\xbcller").contains("line 2 is UTF-8, but other lines are not"));
    }
}
