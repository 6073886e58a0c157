//! Numbers of things, in words.

/// `1 contact`, `2 contacts`.
pub fn counted(count: impl Into<i128>, one: &str, many: &str) -> String {
    let count = count.into();
    format!("{count} {}", if count == 1 { one } else { many })
}
