//! Header fields, of a message and of a delivery report, which is written in the same way (RFC 5322, section 2.2).

/// More fields than any header has.
const MOST_FIELDS: usize = 1_000;
/// Longer than any value that is looked at, in characters.
const LONGEST_VALUE: usize = 4_000;

/// One header field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// In lower case.
    pub(super) name: String,
    /// On one line.
    pub(super) value: String,
}

/// The fields that `bytes` begin with, up to the first empty line. Continued lines are joined; what is no field is
/// passed over; bytes that are no UTF-8 become U+FFFD.
pub(super) fn read(bytes: &[u8]) -> Vec<Field> {
    groups(bytes).next().unwrap_or_default()
}

/// All groups of fields in `bytes`, parted by empty lines.
pub(super) fn groups(bytes: &[u8]) -> impl Iterator<Item = Vec<Field>> {
    let mut lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut ended = false;
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let mut fields = Vec::new();
        loop {
            match lines.next() {
                None => {
                    ended = true;
                    break;
                }
                Some(line) if line.trim_ascii().is_empty() => break,
                Some(line) => add(&mut fields, line),
            }
        }
        Some(fields)
    })
}

fn add(fields: &mut Vec<Field>, line: &[u8]) {
    let text = String::from_utf8_lossy(&line[..line.len().min(LONGEST_VALUE)]);
    if text.starts_with([' ', '\t']) {
        if let Some(field) = fields.last_mut()
            && field.value.len() < LONGEST_VALUE
        {
            field.value.push(' ');
            field.value.push_str(text.trim());
        }
        return;
    }
    let Some((name, value)) = text.split_once(':') else { return };
    let name = name.trim_end();
    if fields.len() < MOST_FIELDS && !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()) {
        fields.push(Field { name: name.to_ascii_lowercase(), value: value.trim().to_owned() });
    }
}

/// The values of the fields called `name` (in lower case).
pub(super) fn values<'a>(fields: &'a [Field], name: &'a str) -> impl Iterator<Item = &'a str> {
    fields.iter().filter(move |field| field.name == name).map(|field| field.value.as_str())
}

/// Everything in `text` that could be an address, as it stands there.
pub(super) fn addresses(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || "<>,;\"()".contains(c)).filter(|word| word.contains('@'))
}
