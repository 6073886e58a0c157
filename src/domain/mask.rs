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

/// `Uwe Poggensee` → `U. P.`: enough for whoever knows the list, and for nobody else.
pub fn mask_name(name: &str) -> String {
    let initials = name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    initials.map(|initial| format!("{initial}.")).collect::<Vec<_>>().join(" ")
}

/// A sentence of another program, such as an SMTP reply, with every e-mail address, URL and telephone number in it
/// masked: `550 5.7.1 <rathaus@musterdorf.example>: no` → `550 5.7.1 <r…@musterdorf.example>: no`.
pub fn mask_addresses_in(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut word = String::new();
    for (at, c) in text.char_indices() {
        let in_url = word.contains("://") || text[at..].starts_with("://");
        let ends_word = c.is_whitespace() || "<>\"".contains(c) || (!in_url && "()[]',;:".contains(c));
        if ends_word {
            masked.push_str(&mask_word(&word));
            word.clear();
            masked.push(c);
        } else {
            word.push(c);
        }
    }
    masked.push_str(&mask_word(&word));
    masked
}

/// A word of such a sentence.
fn mask_word(word: &str) -> String {
    if word.contains("://") || word.contains('@') {
        return mask_address(word);
    }
    let number = word.trim_end_matches(['.', '!', '?']);
    if is_number(number) {
        return format!("{}…{}", &number[..3], &word[number.len() - 3..]);
    }
    word.to_owned()
}

/// Whether that may be a telephone number with its country's code: 7 to 15 digits (E.164), without a sign 11 at least.
fn is_number(word: &str) -> bool {
    let international = word.strip_prefix('+').or_else(|| word.strip_prefix("00"));
    let digits = international.unwrap_or(word);
    let least = if international.is_some() { 7 } else { 11 };
    (least..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn first(text: &str) -> String {
    text.chars().take(1).collect()
}

#[cfg(test)]
mod tests {
    use super::{mask_address, mask_addresses_in, mask_name};

    #[test]
    fn a_name_keeps_its_initials() {
        assert_eq!(mask_name("Uwe  Poggensee"), "U. P.");
        assert_eq!(mask_name("Jana Mertens (Vertretung) -"), "J. M. V.");
        assert_eq!(mask_name(""), "");
    }

    #[test]
    fn addresses_in_a_sentence_are_masked_and_the_rest_stays() {
        let said = "550 5.7.1 <rathaus@musterdorf.example>: Recipient address rejected: by policy";
        let masked = "550 5.7.1 <r…@musterdorf.example>: Recipient address rejected: by policy";
        assert_eq!(mask_addresses_in(said), masked);
        assert_eq!(mask_addresses_in("a@b.example,c@d.example"), "a…@b.example,c…@d.example");
        assert_eq!(mask_addresses_in("451 4.3.0 later, please"), "451 4.3.0 later, please");
    }

    #[test]
    fn nothing_that_identifies_a_person_remains() {
        assert_eq!(mask_address("rathaus@musterdorf.example"), "r…@musterdorf.example");
        assert_eq!(mask_address("+4915228817386"), "+49…386");
        assert_eq!(mask_address("https://user:pass@hooks.example/T0/secret?x=1"), "https://hooks.example/…");
        assert_eq!(mask_address("umlaut"), "u…");
        assert_eq!(mask_address(""), "…");
    }

    #[test]
    fn what_a_gateway_or_a_partners_server_says_shows_no_number_and_no_path() {
        for (said, masked) in [
            ("The 'To' number +4915228817386 is not valid.", "The 'To' number +49…386 is not valid."),
            ("004915228817386: unknown", "004…386: unknown"),
            ("4915228817386 is barred", "491…386 is barred"),
            (
                "error for url (https://u:p@hooks.example:8443/T0geheim?x=1): 500",
                "error for url (https://hooks.example:8443/… 500",
            ),
            ("530 5.7.0 at 12:30:05, id 1234567890", "530 5.7.0 at 12:30:05, id 1234567890"),
        ] {
            assert_eq!(mask_addresses_in(said), masked);
        }
    }
}
