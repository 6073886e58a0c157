//! A look at JSON as text, before anything is built of it: how deep it goes, and which field stands where.

/// What is wrong with a text whatever it is read as.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Lists and objects stand too deep in each other.
    TooDeep,
    /// A text in this field has the character U+0000, which stores do not keep.
    NullCharacter(String),
}

/// Where the reading is, from the outermost list or object inwards.
enum Place {
    Object { key: String, reads_key: bool },
    List { index: usize },
}

/// Looks whether `bytes` stays within `deepest` and has no null character.
pub(super) fn look_over(bytes: &[u8], deepest: usize) -> Result<(), Fault> {
    let mut walk = Walk::new(bytes);
    while walk.step() {
        if walk.places.len() > deepest {
            return Err(Fault::TooDeep);
        }
        if walk.last_text.contains('\0') {
            return Err(Fault::NullCharacter(walk.field()));
        }
    }
    Ok(())
}

/// The field at a place that a parser named, as `audience.groups[1]`; empty at the outermost level. Lines and columns
/// count from 1, columns in bytes.
pub(super) fn field_at(bytes: &[u8], line: usize, column: usize) -> String {
    let before: usize =
        bytes.split_inclusive(|byte| *byte == b'\n').take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    let end = (before + column).min(bytes.len());
    let mut walk = Walk::new(&bytes[..end]);
    while walk.step() {}
    walk.field()
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    places: Vec<Place>,
    last_text: String,
}

impl<'a> Walk<'a> {
    const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, places: Vec::new(), last_text: String::new() }
    }

    /// Reads one more sign or text; `false` at the end.
    fn step(&mut self) -> bool {
        self.last_text.clear();
        let Some(byte) = self.bytes.get(self.at).copied() else { return false };
        self.at += 1;
        match byte {
            b'"' => self.text(),
            b'{' => self.places.push(Place::Object { key: String::new(), reads_key: true }),
            b'[' => self.places.push(Place::List { index: 0 }),
            b'}' | b']' => {
                self.places.pop();
            }
            b':' => {
                if let Some(Place::Object { reads_key, .. }) = self.places.last_mut() {
                    *reads_key = false;
                }
            }
            b',' => match self.places.last_mut() {
                Some(Place::Object { reads_key, .. }) => *reads_key = true,
                Some(Place::List { index }) => *index += 1,
                None => {}
            },
            _ => {}
        }
        true
    }

    fn text(&mut self) {
        let start = self.at - 1;
        let mut escaped = false;
        while let Some(byte) = self.bytes.get(self.at).copied() {
            self.at += 1;
            match byte {
                b'\\' if !escaped => escaped = true,
                b'"' if !escaped => break,
                _ => escaped = false,
            }
        }
        let text: String = serde_json::from_slice(&self.bytes[start..self.at]).unwrap_or_default();
        if let Some(Place::Object { key, reads_key: true }) = self.places.last_mut() {
            key.clone_from(&text);
        }
        self.last_text = text;
    }

    fn field(&self) -> String {
        let mut field = String::new();
        for place in &self.places {
            match place {
                Place::Object { key, .. } => {
                    if !field.is_empty() && !key.is_empty() {
                        field.push('.');
                    }
                    field.push_str(key);
                }
                Place::List { index } => field.push_str(&format!("[{index}]")),
            }
        }
        field
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn brackets_within_texts_do_not_count() {
        assert_eq!(look_over(br#"{"a":"[[[[{{{{\"[[["}"#, 1), Ok(()));
        assert_eq!(look_over(b"[[]]", 1), Err(Fault::TooDeep));
    }

    #[test]
    fn a_place_on_a_later_line_is_found() {
        assert_eq!(field_at(b"{\n \"a\": [1,\n  2x]}", 3, 4), "a[1]");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_stumble(bytes in prop::collection::vec(any::<u8>(), 0..200), line in 0..5_usize, column in 0..300_usize) {
            let _ = look_over(&bytes, 8);
            let _ = field_at(&bytes, line, column);
        }
    }
}
