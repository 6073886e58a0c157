//! Every mistake is named with its place and what to do about it.

use super::*;

/// One mistake each: the file, and what must be said.
const MISTAKES: &[(&str, &str)] = &[
    ("[instnace]\nname = \"x\"", "rundruf.toml:1: instnace: unknown section (did you mean \"instance\"?)"),
    ("name = \"x\"", "rundruf.toml:1: name: unknown section"),
    ("instance = 3", "instance: must be a section: write [instance]"),
    ("[instance]\nname = 3", "rundruf.toml:2: instance.name: is a number, must be a text in quotes"),
    ("[instance]\nname = \"\"", "instance.name: is missing or empty"),
    ("[instance]\nname = \"a\\nb\"", "instance.name: contains a line break"),
    ("[instance]\ntimezone = \"Europe/Berln\"", "no time zone (did you mean \"Europe/Berlin\"?)"),
    ("[instance]\nlanguage = \"deutsch\"", "must be two small letters"),
    ("[instance]\npublic_url = \"notfall.example\"", "write it as https://notfall.example"),
    ("[instance]\npublic_url = \"https://u:p@notfall.example\"", "may not stand in it"),
    ("[database]\nurl = \"mysql://x\"", "must begin with sqlite:// or postgres://"),
    ("[database]\nurl = \"sqlite://\"", "the path of a file"),
    ("[database]\nurl = \"postgres://u:p/w@h/d\"", "no address of a PostgreSQL server"),
    ("[database]\nurl_file = \"missing\"", "missing cannot be read"),
    ("[database]\nurl = \"sqlite://a\"\nurl_file = \"b\"", "url and url_file are both given"),
    ("[http]\nlisten = \"8080\"", "no address with port"),
    ("[email]\nfrom = \"kim\"", "there is no @ in it"),
    ("[email]\nbounce_address = \"unzustellbar-zurueck@kim.example\"", "more than 16 characters"),
    ("[email]\nfrom = \"notfallmitteilungen@kim.example\"", "email.bounce_address: is not set"),
    ("[email]\nbounce_mailbox = \"https://u:p@h\"", "email.bounce_mailbox: must begin with imaps://"),
    ("[email]\nbounce_mailbox_file = \"nowhere\"", "cannot be read"),
    ("[email]\nbounce_poll = \"10ms\"", "must lie between"),
    ("[email]\nhosted_domains = [\"kein domain\"]", "is no domain name"),
    ("[email]\nhosted_domains = \"a.example\"", "must be a list"),
    ("[email]\nhosted_domains = [3]", "must hold texts"),
    ("[email]\nprovider = []", "at least one [[email.provider]]"),
    ("[email.provider]\nname = \"a\"", "write [[email.provider]]"),
    ("[[email.provider]]\nname = \"a\"", "email.provider[1].url: is missing"),
    ("[[email.provider]]\nurl = \"outbox:x\"", "email.provider[1].name: is missing"),
    (
        "[[email.provider]]\nname = \"a\"\nurl = \"smtp://h\"",
        "email.from: a relay is configured, but not whom",
    ),
    ("[[email.provider]]\nname = \"a\"\nurl = \"http://h\"", "must begin with smtp://"),
    ("[[email.provider]]\nname = \"a\"\nurl = \"outbox:\"", "must stand a folder"),
    (
        "[[email.provider]]\nname = \"a\"\nurl = \"smtp://h?tls=maybe\"",
        "write required, opportunistic or none",
    ),
    ("[[email.provider]]\nname = \"a\"\nurl = \"smtps://h?tls=none\"", "leave out ?tls="),
    ("[[email.provider]]\nname = \"a\"\nurl = \"smtp://h?tsl=none\"", "only ?tls="),
    ("[[email.provider]]\nname = \"a\"\nurl = \"smtp://u@h\"", "a user name but no password"),
    ("[[email.provider]]\nname = \"a\"\nurl = \"smtp://h\"\npassword = \"x\"", "a password but no user name"),
    ("[[email.provider]]\nname = \"a\"\nurl = \"outbox:x\"\nconnections = 0", "from 1 to 500"),
    ("[[email.provider]]\nname = \"a\"\nurl = \"outbox:x\"\nconnections = 501", "from 1 to 500"),
    ("[[email.provider]]\nname = \"a\"\nurl = \"outbox:x\"\nconnections = 1.5", "from 1 to 500"),
    (
        "[[email.provider]]\nname = \"a\"\nurl = \"outbox:x\"\n[[email.provider]]\nname = \"a\"\nurl = \"outbox:y\"",
        "rundruf.toml:5: email.provider[2].name: two providers are named \"a\"",
    ),
    ("[[email.provider]]\nname = \"a b\"\nurl = \"outbox:x\"", "is no name"),
    ("[[email.destination]]\nrate = \"5/s\"", "names no mail domain"),
    ("[[email.destination]]\ndomains = [\"a.example\"]", "has no limit"),
    (
        "[[email.destination]]\ndomains = [\"a.example\", \"A.example\"]\nconnections = 1",
        "a.example stands here a second time",
    ),
    (
        "[[email.dkim]]\ndomain = \"a.example\"\nselector = \"s\"\nkey_file = \"missing.pem\"",
        "rundruf.toml:4: email.dkim[1].key_file",
    ),
    (
        "[[email.dkim]]\ndomain = \"a.example\"\nselector = \"s\"\nkey_file = \"rundruf.toml\"",
        "holds no private key as PEM",
    ),
    ("[[email.dkim]]\ndomain = \"a.example\"\nselector = \"s t\"\nkey_file = \"x\"", "is no selector"),
    ("[sms]\nsender = \"Kommunale IT Musterland\"", "no sender of a text message"),
    ("[sms]\ntransliterate = \"yes\"", "must be true or false"),
    ("[[sms.provider]]\nname = \"a\"\nkind = \"kanel\"", "no kind of gateway (did you mean \"kannel\"?)"),
    ("[[sms.provider]]\nname = \"a\"\nkind = \"kannel\"", "sms.provider[1].username: is missing"),
    ("[[sms.provider]]\nname = \"a\"\nkind = \"http\"", "sms.provider[1].url: is missing"),
    ("[[sms.provider]]\nname = \"a\"\nkind = \"http\"\nurl = \"http://u:p@h/\"", "write them as username"),
    ("[[sms.provider]]\nname = \"a\"\nkind = \"outbox\"\nurl = \"x\"", "must name a folder"),
    ("[sms]\nsender = \"INFO\"", "says nothing about who sends"),
    (
        "[[sms.provider]]\nname = \"a\"\nkind = \"twilio\"\nusername = \"AC1\"\npassword = \"x\"",
        "sms.sender: is missing: Twilio wants one",
    ),
    (
        "[[sms.provider]]\nname = \"a\"\nkind = \"outbox\"\nurl = \"outbox:x\"\nrate_counts = \"letters\"",
        "must be",
    ),
    ("[[sms.provider]]\nname = \"a\"\nkind = \"seven\"\npassword = \"x\"\nmax_segments = 0", "from 1 to 255"),
    (
        "[[sms.provider]]\nname = \"a\"\nkind = \"seven\"\npassword = \"x\"\nbody = \"x\"",
        "belongs to kind = \"http\"",
    ),
    (
        "[[sms.provider]]\nname = \"a\"\nkind = \"http\"\nsigning_secret = \"x\"",
        "belongs to kind = \"seven\"",
    ),
    ("[webhook]\ntimeout = \"1h\"", "must lie between"),
    ("[webhook]\nallow_networks = [\"127.0.0.1/33\"]", "is no network"),
    ("[webhook]\nrate_per_host = \"fast\"", "is no rate"),
    ("[delivery]\nafter_crash = \"retry\"", "must be \"resend\" or \"ask\""),
    ("[delivery]\nthen = \"0s\"", "no time at all"),
    ("[delivery]\nretry = [\"1m\", \"6\"]", "\"6\" is no duration"),
    ("[approval]\nrequired = 1", "must be true or false"),
    ("[instance\nname = \"x\"", "rundruf.toml:1: this is no TOML"),
    ("[instance]\nname = \"a\"\nname = \"b\"", "rundruf.toml:3: this is no TOML"),
];

/// One mistake each in a gateway of kind `http`: its keys below name and kind, and what must be said.
const REQUEST_MISTAKES: &[(&str, &str)] = &[
    ("url = \"https://h/{{to}}\"", "neither url nor body holds {{text}}"),
    ("url = \"https://{{to}}/\"", "must begin with https://HOST/"),
    ("url = \"ftp://h/{{to}}/{{text}}\"", "must begin with http:// or https://"),
    (
        "url = \"https://h/{{to}}/{{txet}}\"",
        "rundruf.toml:4: sms.provider[1].url: knows no variable \"txet\"",
    ),
    ("url = \"https://h/{{to}}/{{{text}}}\"", "would let a value break out"),
    ("url = \"https://h/{{to}}/{{text}}\"\nmethod = \"DELETE\"", "write GET, POST or PUT"),
    ("url = \"https://h/{{to}}/{{text}}/{{password}}\"", "a template names {{password}}"),
    ("url = \"https://h/{{to}}/{{text}}\"\npassword = \"x\"", "is used by nothing"),
    ("url = \"https://h/{{to}}\"\nbody = \"{{text}}\"", "needs a Content-Type"),
    (
        "url = \"https://h/{{to}}\"\nheaders = { Content-Type = \"application/json\" }\nbody = \"{ \\\"t\\\": {{text}} }\"",
        "sms.provider[1].body: does not become JSON",
    ),
    ("url = \"https://h/{{to}}/{{text}}\"\nheaders = { X = \"{{text}}\" }", "X may not hold {{text}}"),
    ("url = \"https://h/{{to}}/{{text}}\"\nheaders = { Host = \"x\" }", "Host is no name of a header"),
    ("url = \"https://h/{{to}}/{{text}}\"\nheaders = { X_file = \"missing\" }", "missing cannot be read"),
    ("url = \"https://h/{{to}}/{{text}}\"\nheaders = \"X: y\"", "must be a table"),
    ("url = \"https://h/{{to}}/{{text}}\"\nid_pointer = \"id\"", "write it as /messages/0/id"),
    ("url = \"https://h/{{to}}/{{text}}\"\nsuccess_value = \"ok\"", "says nothing without success_pointer"),
];

#[test]
fn a_file_with_a_secret_that_cannot_be_read_is_the_only_fault() {
    let sms = |kind: &str, keys: &str| format!("[[sms.provider]]\nname = \"a\"\nkind = \"{kind}\"\n{keys}");
    for text in [
        "[[email.provider]]\nname = \"a\"\nurl_file = \"nowhere\"\nusername = \"u\"".to_owned(),
        "[email]\nfrom = \"KIM <notfall@kim.example>\"\n[[email.provider]]\nname = \"a\"\nurl = \"smtp://u@h\"\n\
         password_file = \"nowhere\""
            .to_owned(),
        "[email]\nbounce_mailbox_file = \"nowhere\"".to_owned(),
        "[database]\nurl_file = \"nowhere\"\nkey_file = \"k\"".to_owned(),
        sms("kannel", "url_file = \"nowhere\"\nusername = \"u\"\npassword = \"p\""),
        sms("seven", "password_file = \"nowhere\""),
        sms("outbox", "url_file = \"nowhere\""),
        sms("http", "url = \"https://h/{{to}}/{{text}}/{{password}}\"\npassword_file = \"nowhere\""),
        "[backup]\npassphrase_file = \"nowhere\"".to_owned(),
    ] {
        let error = refusal(&text);
        assert!(error.starts_with("the configuration has a fault;"), "{text}\n  {error}");
        assert!(error.contains("nowhere cannot be read"), "{text}\n  {error}");
    }
    let poll = refusal("[email]\nbounce_poll = \"10ms\"\nbounce_mailbox = \"imaps://u:p@h\"");
    assert!(poll.starts_with("the configuration has a fault;"), "{poll}");
}

#[test]
fn every_mistake_in_a_described_gateway_is_named() {
    for (keys, expected) in REQUEST_MISTAKES {
        let error = refusal(&format!("[[sms.provider]]\nname = \"a\"\nkind = \"http\"\n{keys}"));
        assert!(error.contains(expected), "{keys}\n  expected: {expected}\n  {error}");
    }
}

#[test]
fn a_gateway_can_be_described() {
    let settings = settings(
        "[sms]\nsender = \"KIM Notfall\"\n[[sms.provider]]\nname = \"a\"\nkind = \"http\"\nusername = \"u\"\n\
         password = \"p\"\nurl = \"https://sms.example:8443/v1?to={{to}}\"\nbody = '{\"text\":\"{{text}}\"}'\n\
         headers = { content-type = \"application/json\" }\nsuccess_pointer = \"/ok\"\nmax_segments = 4\n\
         [[sms.provider]]\nname = \"b\"\nkind = \"kannel\"\nurl = \"http://h/\"\nusername = \"u\"\npassword = \"p\"",
    );
    let [described, kannel] = settings.sms.providers.as_slice() else { panic!("two providers") };
    let SmsTransport::Gateway(gateway) = &described.transport else { panic!("a gateway") };
    assert_eq!((gateway.url.host_str(), gateway.url.port()), (Some("sms.example"), Some(8443)));
    let SmsGatewayKind::Http(request) = &gateway.kind else { panic!("a request") };
    assert_eq!(request.method, SmsRequestMethod::Post);
    assert_eq!(gateway.max_segments, 4);
    assert!(!described.counts_segments && kannel.counts_segments);
}

#[test]
fn every_mistake_is_named_with_its_place_and_its_mend() {
    for (text, expected) in MISTAKES {
        let error = refusal(text);
        assert!(error.contains(expected), "{text}\n  expected: {expected}\n  {error}");
    }
}
