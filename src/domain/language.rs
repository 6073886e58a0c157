//! Tags of languages (BCP 47): `de`, `en-gb`, `de-ls`.

/// `tag` and what it falls back to, subtag after subtag cut from its end (RFC 4647, section 3.4): `en-gb`, then `en`.
pub fn lookup(tag: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(tag), |tag| {
        let (shorter, _) = tag.rsplit_once('-')?;
        // A single letter only introduces what was cut: x-…
        Some(match shorter.rsplit_once('-') {
            Some((rest, single)) if single.len() == 1 => rest,
            _ => shorter,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_cut_from_its_end() {
        assert_eq!(
            lookup("zh-hant-cn-x-private").collect::<Vec<_>>(),
            ["zh-hant-cn-x-private", "zh-hant-cn", "zh-hant", "zh"]
        );
        assert_eq!(lookup("en").collect::<Vec<_>>(), ["en"]);
        assert_eq!(lookup("").collect::<Vec<_>>(), [""]);
    }
}
