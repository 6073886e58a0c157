//! The "relaxed" canonical forms (RFC 6376, sections 3.4.2 and 3.4.4).

/// A header field in its canonical form.
pub(super) struct CanonicalHeader {
    /// In lower case.
    pub name: String,
    /// `name:value` and CRLF.
    pub line: Vec<u8>,
}

/// A message's headers (with the last one's CRLF) and its body.
pub(super) fn split(message: &[u8]) -> (&[u8], &[u8]) {
    message
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .map_or((message, &[]), |at| (&message[..at + 2], &message[at + 4..]))
}

/// All header fields, first to last: names in lower case, values unfolded, runs of white space one space.
pub(super) fn headers(headers: &[u8]) -> Vec<CanonicalHeader> {
    let mut fields: Vec<CanonicalHeader> = Vec::with_capacity(24);
    let mut rest = headers;
    while !rest.is_empty() {
        let end = end_of_field(rest);
        let (field, after) = rest.split_at(end);
        rest = after;
        let Some(colon) = field.iter().position(|byte| *byte == b':') else { continue };
        let name = String::from_utf8_lossy(&field[..colon]).trim().to_ascii_lowercase();
        let mut line = Vec::with_capacity(field.len() + 2);
        line.extend_from_slice(name.as_bytes());
        line.push(b':');
        let words = field[colon + 1..].split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        for (position, word) in words.enumerate() {
            if position > 0 {
                line.push(b' ');
            }
            line.extend_from_slice(word);
        }
        line.extend_from_slice(b"\r\n");
        fields.push(CanonicalHeader { name, line });
    }
    fields
}

/// Where a field ends: behind the first line end that no white space follows.
fn end_of_field(text: &[u8]) -> usize {
    let mut from = 0;
    while let Some(at) = text[from..].iter().position(|byte| *byte == b'\n') {
        from += at + 1;
        if !matches!(text.get(from), Some(b' ' | b'\t')) {
            return from;
        }
    }
    text.len()
}

/// The body: runs of white space one space, none at line ends, no empty lines at the end.
pub(super) fn body(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 2);
    let mut empty_lines = 0;
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = line.trim_ascii_end();
        if line.is_empty() {
            empty_lines += 1;
            continue;
        }
        for _ in 0..std::mem::take(&mut empty_lines) {
            out.extend_from_slice(b"\r\n");
        }
        let mut after_space = false;
        for byte in line {
            let space = matches!(byte, b' ' | b'\t');
            if !space {
                out.push(*byte);
            } else if !after_space {
                out.push(b' ');
            }
            after_space = space;
        }
        out.extend_from_slice(b"\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc_comes_out_as_printed_there() {
        // RFC 6376, section 3.4.5
        let message = b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n";
        let (head, text) = split(message);
        let lines: Vec<u8> = headers(head).into_iter().flat_map(|header| header.line).collect();
        assert_eq!(lines, b"a:X\r\nb:Y Z\r\n");
        assert_eq!(body(text), b" C\r\nD E\r\n");
    }

    #[test]
    fn an_empty_body_stays_empty_and_a_missing_line_end_is_added() {
        assert_eq!(body(b""), b"");
        assert_eq!(body(b"\r\n\r\n"), b"");
        assert_eq!(body(b"a\r\n\r\nb"), b"a\r\n\r\nb\r\n");
    }
}
