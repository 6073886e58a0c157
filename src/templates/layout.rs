//! The layout that is compiled in: what stands around every e-mail unless `templates/layout/` says otherwise.

use std::collections::BTreeMap;

/// The HTML document around an e-mail's body.
pub(super) const HTML: &str = "email.html";
/// What stands around an e-mail's body in its plain text part.
pub(super) const TEXT: &str = "email.txt";

/// All files of the built-in layout by name.
pub(super) fn built_in() -> BTreeMap<String, String> {
    [
        (HTML, include_str!("../../templates/layout/email.html")),
        (TEXT, include_str!("../../templates/layout/email.txt")),
        ("exercise.de.md", include_str!("../../templates/layout/exercise.de.md")),
        ("exercise.en.md", include_str!("../../templates/layout/exercise.en.md")),
        ("footer.de.md", include_str!("../../templates/layout/footer.de.md")),
        ("footer.en.md", include_str!("../../templates/layout/footer.en.md")),
    ]
    .map(|(name, text)| (name.to_owned(), text.to_owned()))
    .into()
}
