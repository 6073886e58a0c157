//! Addresses as logs may show them.

/// `rathaus@musterdorf.example` → `r…@musterdorf.example`; `+4915228817386` → `+49…386`;
/// a URL keeps only scheme and host. Anything else shows its first character.
pub fn mask_address(address: &str) -> String {
    if let Some((scheme, rest)) = address.split_once("://") {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = host.rsplit('@').next().unwrap_or_default();
        return format!("{scheme}://{host}/…");
    }
    if let Some((local, domain)) = address.rsplit_once('@') {
        return format!("{}…@{domain}", first(local));
    }
    if address.starts_with('+') && address.len() > 6 && address.is_ascii() {
        return format!("{}…{}", &address[..3], &address[address.len() - 3..]);
    }
    format!("{}…", first(address))
}

fn first(text: &str) -> String {
    text.chars().take(1).collect()
}

#[cfg(test)]
mod tests {
    use super::mask_address;

    #[test]
    fn nothing_that_identifies_a_person_remains() {
        assert_eq!(mask_address("rathaus@musterdorf.example"), "r…@musterdorf.example");
        assert_eq!(mask_address("+4915228817386"), "+49…386");
        assert_eq!(mask_address("https://user:pass@hooks.example/T0/secret?x=1"), "https://hooks.example/…");
        assert_eq!(mask_address("umlaut"), "u…");
        assert_eq!(mask_address(""), "…");
    }
}
