//! What is in force as it is printed: no secret in it, and nothing that does not read back.

use super::*;

#[test]
fn no_secret_shows_in_debug_in_print_or_in_faults() {
    let file = "[email]\nfrom = \"a@kim.example\"\nbounce_mailbox = \"imaps://u:geheim7@h/INBOX\"\n\
        [[email.provider]]\nname = \"a\"\nurl = \"smtp://u:geheim1@h\"\n\
        [[email.provider]]\nname = \"b\"\nurl = \"smtp://h\"\nusername = \"u\"\npassword = \"geheim2\"\n\
        [[sms.provider]]\nname = \"c\"\nkind = \"http\"\nurl = \"https://h/?key=geheim3&to={{to}}&p={{password}}\"\n\
        password = \"geheim4\"\nbody = \"geheim7 {{text}}\"\n\
        headers = { Content-Type = \"text/plain\", X-Key = \"geheim8\", X-Other_file = \"secret\" }\n\
        [[sms.provider]]\nname = \"d\"\nkind = \"seven\"\npassword_file = \"secret\"\nsigning_secret = \"geheim9\"\n\
        [database]\nurl = \"postgres://u:geheim6@h/d\"\n";
    let (_folder, result) = load_with(&[(FILE_NAME, file), ("secret", "geheim5")], &[]);
    let configuration = result.unwrap_or_else(|error| panic!("{error}"));
    let debug = format!("{configuration:?}");
    assert!(debug.contains("kim.example") && !debug.contains("geheim"), "{debug}");
    let printed = configuration.to_toml();
    assert!(printed.contains("smtp://u:•••@h") && !printed.contains("geheim"), "{printed}");

    for wrong in [
        "[[email.provider]]\nname = \"a\"\nurl = \"smtp://u:geheim/x@h\"",
        "[[email.provider]]\nname = \"a\"\nurl = \"smtp//u:geheim@h\"",
        "[database]\nurl = \"postgres//u:geheim@h\"",
        "[[sms.provider]]\nname = \"a\"\nkind = \"http\"\nurl = \"geheim\"",
        "[[email.provider]]\nname = \"a\"\npassword = \"geheim",
    ] {
        let error = refusal(wrong);
        assert!(!error.contains("geheim"), "{error}");
    }
}

#[test]
fn what_is_printed_reads_back_and_says_where_each_value_was_written() {
    let printed = load_file("[instance]\nname = \"Gr\\\"ünau\"").unwrap().to_toml();
    assert!(printed.contains("name = \"Gr\\\"ünau\"  # rundruf.toml:2"), "{printed}");
    assert!(printed.contains("language = \"de\"  # default"), "{printed}");
    assert_eq!(settings(&printed).instance.name, "Gr\"ünau");
}

#[test]
fn the_commented_keys_of_the_defaults_are_keys() {
    // Uncommented, the defaults must be understood: no key in them may be unknown.
    let uncommented: String = DEFAULTS
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(key)
                if key.starts_with("[[") || key.split_once(" = ").is_some_and(|(key, _)| is_key(key)) =>
            {
                format!("{key}\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    let error = refusal(&uncommented);
    assert!(!error.contains("unknown"), "{error}");
    assert!(!error.contains("no TOML"), "{error}");
}

fn is_key(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}
