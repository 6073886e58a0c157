//! What a file, the environment and mistakes in both lead to.

use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::domain::settings::{
    DatabaseUrl, EmailTransport, SmsGatewayKind, SmsRequestMethod, SmsTransport, SmtpTls,
};

/// A folder with `files`, read with `environment`.
fn load_with(
    files: &[(&str, &str)],
    environment: &[(&str, &str)],
) -> (TempDir, Result<Configuration, ConfigError>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let variables: Vec<(String, String)> =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let result = Configuration::load(None, folder.path(), variables.into_iter());
    (folder, result)
}

fn load_file(text: &str) -> Result<Configuration, ConfigError> {
    load_with(&[(FILE_NAME, text)], &[]).1
}

/// The settings that `text` gives.
fn settings(text: &str) -> Settings {
    load_file(text).unwrap_or_else(|error| panic!("{error}")).settings
}

/// All that is said about `text`.
fn refusal(text: &str) -> String {
    load_file(text).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn with_no_file_the_defaults_serve() {
    let (folder, result) = load_with(&[], &[]);
    let settings = result.unwrap().settings;
    assert_eq!(settings.file, None);
    assert_eq!(settings.instance.contacts, folder.path().join("contacts"));
    assert!(
        matches!(&settings.database.url, DatabaseUrl::Sqlite(path) if *path == folder.path().join("var/rundruf.db"))
    );
    let [provider] = settings.email.providers.as_slice() else { panic!("one provider") };
    assert_eq!(provider.name, "outbox");
    assert!(
        matches!(&provider.transport, EmailTransport::Outbox(path) if *path == folder.path().join("var/outbox"))
    );
    assert!(matches!(settings.sms.providers[0].transport, SmsTransport::Outbox(_)));
    assert_eq!(settings.email.from.address.domain(), "rundruf.example");
    assert_eq!(settings.delivery.retry.pauses.len(), 5);
    assert!(!settings.approval.required);
}

#[test]
fn a_file_named_must_exist() {
    let folder = tempfile::tempdir().unwrap();
    let error =
        load(Some(Path::new("other.toml")), folder.path(), std::iter::empty()).unwrap_err().to_string();
    assert!(error.contains("other.toml") && error.contains("no such configuration file"), "{error}");
}

#[test]
fn paths_start_from_the_folder_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("etc")).unwrap();
    fs::write(
        folder.path().join("etc/my.toml"),
        "[instance]\ncontacts = \"../kontakte\"\ntemplates = \"/srv/t\"",
    )
    .unwrap();
    let settings = load(Some(Path::new("etc/my.toml")), folder.path(), std::iter::empty()).unwrap();
    assert_eq!(settings.instance.contacts, folder.path().join("etc/../kontakte"));
    assert_eq!(settings.instance.templates, Path::new("/srv/t"));
    assert_eq!(settings.file, Some(folder.path().join("etc/my.toml")));
}

#[test]
fn a_full_file_becomes_settings() {
    let pem = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let text = r#"
        [instance]
        name = "Kommunale IT Musterland"
        short_name = "KIM"
        public_url = "https://notfall.kim.example/"
        [email]
        from = "KIM Notfall <notfall@kim.example>"
        bounce_address = "rueck@kim.example"
        unreachable_domains = ["Grünau.example"]
        [[email.provider]]
        name = "first"
        url = "smtp://user:p%40ss@relay.example?tls=opportunistic"
        connections = 50
        rate = "100/s, burst 200"
        [[email.provider]]
        name = "second"
        url = "smtps://[2001:db8::1]"
        username = "other"
        password_file = "secret"
        [[email.destination]]
        domains = ["t-online.de", "magenta.de"]
        rate = "5/s"
        connections = 2
        [[email.dkim]]
        domain = "kim.example"
        selector = "s1"
        key_file = "key.pem"
        [sms]
        sender = "KIM Notfall"
        [[sms.provider]]
        name = "kannel"
        kind = "kannel"
        url = "http://127.0.0.1:13013/cgi-bin/sendsms"
        username = "rundruf"
        password = "geheim"
        [webhook]
        allow_networks = ["127.0.0.0/8", "10.20.0.7"]
        [delivery]
        after_crash = "ask"
        retry = ["1s"]
    "#;
    let (_folder, result) = load_with(&[(FILE_NAME, text), ("secret", "hush\n"), ("key.pem", pem)], &[]);
    let settings = result.unwrap_or_else(|error| panic!("{error}")).settings;

    assert_eq!(settings.instance.public_url.host_str(), Some("notfall.kim.example"));
    let networks: Vec<String> = settings.webhook.allow_networks.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["127.0.0.0/8", "10.20.0.7/32"]);
    assert_eq!(settings.email.unreachable_domains, ["xn--grnau-lva.example"]);
    let relays: Vec<_> = settings
        .email
        .providers
        .iter()
        .map(|provider| match &provider.transport {
            EmailTransport::Smtp(relay) => relay.clone(),
            EmailTransport::Outbox(_) => panic!("a relay was configured"),
        })
        .collect();
    let login = |relay: &crate::domain::settings::SmtpRelay| {
        use secrecy::ExposeSecret;
        let login = relay.credentials.as_ref().unwrap();
        (login.username.clone(), login.password.expose_secret().to_owned())
    };
    assert_eq!((relays[0].port, relays[0].tls), (587, SmtpTls::Opportunistic));
    assert_eq!(login(&relays[0]), ("user".to_owned(), "p@ss".to_owned()));
    assert_eq!(
        (relays[1].host.as_str(), relays[1].port, relays[1].tls),
        ("2001:db8::1", 465, SmtpTls::Implicit)
    );
    assert_eq!(login(&relays[1]), ("other".to_owned(), "hush".to_owned()));
    assert_eq!(settings.email.providers[0].rate.unwrap().burst(), 200);
    assert_eq!(settings.email.destinations[0].name, "t-online.de");
    assert_eq!(settings.email.dkim.len(), 1);
    assert_eq!(settings.sms.providers[0].rate.unwrap().to_string(), "10/s");
    assert_eq!(settings.delivery.after_crash, crate::domain::delivery::AfterCrash::Ask);
    assert_eq!(settings.delivery.retry.pauses, [std::time::Duration::from_secs(1)]);
}

#[test]
fn keys_of_a_provider_win_over_its_url() {
    let settings = settings(
        "[email]\nfrom = \"a@kim.example\"\n[[email.provider]]\nname = \"a\"\nurl = \"smtp://u:p@h\"\nusername = \"v\"",
    );
    let EmailTransport::Smtp(relay) = &settings.email.providers[0].transport else { panic!("a relay") };
    assert_eq!(relay.credentials.as_ref().unwrap().username, "v");
}

#[test]
fn the_environment_wins_and_loses_no_zero() {
    let (_folder, result) = load_with(
        &[(FILE_NAME, "[instance]\nname = \"Aus der Datei\"\nlanguage = \"en\"")],
        &[
            ("RUNDRUF_INSTANCE__NAME", "0123"),
            ("RUNDRUF_EMAIL__HOSTED_DOMAINS", "a.example, b.example"),
            ("RUNDRUF_WEBHOOK__CONNECTIONS", "7"),
            ("RUNDRUF_APPROVAL__REQUIRED", "true"),
            ("RUNDRUF_DELIVERY__RETRY", "1m,6m"),
            ("RUNDRUF_LOG", "debug"),
            ("RUNDRUF_TEST_POSTGRES", "x"),
            ("PATH", "/bin"),
        ],
    );
    let settings = result.unwrap_or_else(|error| panic!("{error}")).settings;
    assert_eq!((settings.instance.name.as_str(), settings.instance.language.as_str()), ("0123", "en"));
    assert_eq!(settings.email.hosted_domains, ["a.example", "b.example"]);
    assert_eq!(settings.webhook.connections, 7);
    assert!(settings.approval.required);
    assert_eq!(settings.delivery.retry.pauses.len(), 2);
}

#[test]
fn a_variable_that_names_no_setting_is_named() {
    let (_folder, result) = load_with(
        &[],
        &[
            ("RUNDRUF_EMAIL__FORM", "a@b.example"),
            ("RUNDRUF_EMIAL__FROM", "a@b.example"),
            ("RUNDRUF_FROM", "a@b.example"),
            ("RUNDRUF_EMAIL__PROVIDER", "smtp://h"),
            ("RUNDRUF_WEBHOOK__CONNECTIONS", "many"),
        ],
    );
    let error = result.unwrap_err().to_string();
    for expected in [
        "5 faults",
        "environment variable RUNDRUF_EMAIL__FORM: email.form: unknown key (did you mean \"from\"?)",
        "environment variable RUNDRUF_EMIAL__FROM: emial: unknown section (did you mean \"email\"?)",
        "environment variable RUNDRUF_FROM: this names no setting",
        "environment variable RUNDRUF_EMAIL__PROVIDER: email.provider: cannot be set in the environment",
        "environment variable RUNDRUF_WEBHOOK__CONNECTIONS: webhook.connections: must be a whole number from 1 to 500",
    ] {
        assert!(error.contains(expected), "{expected}\n{error}");
    }
}

#[test]
fn all_faults_are_told_at_once_with_their_lines() {
    let error = refusal(
        "[email]\nfrom = \"a@kim.example\"\n[[email.provider]]\nname = \"a\"\nurl = \"smtp://h\"\nconections = 3\n\
         rate = \"50/d\"\n[delivery]\nlease = \"soon\"\n",
    );
    for expected in [
        "3 faults",
        "rundruf.toml:6: email.provider[1].conections: unknown key (did you mean \"connections\"?)",
        "rundruf.toml:7: email.provider[1].rate: \"50/d\" is no rate: write N/s",
        "rundruf.toml:9: delivery.lease: \"soon\" is no duration: write a number and a unit",
    ] {
        assert!(error.contains(expected), "{expected}\n{error}");
    }
}

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

#[test]
fn a_file_in_another_encoding_is_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(FILE_NAME), b"[instance]\nname = \"Gr\xfcnau\"").unwrap();
    let error = load(None, folder.path(), std::iter::empty()).unwrap_err().to_string();
    assert!(error.contains("line 2 is not UTF-8"), "{error}");
}

#[test]
fn a_byte_order_mark_from_an_editor_does_no_harm() {
    assert_eq!(settings("\u{feff}[instance]\nname = \"KIM\"").instance.short_name, "KIM");
}

#[test]
fn a_url_in_a_file_replaces_the_one_of_a_lower_layer() {
    let (_folder, result) = load_with(
        &[
            (FILE_NAME, "[database]\nurl_file = \"url\""),
            ("url", "postgres://u:geheim@db.example/rundruf\r\n"),
        ],
        &[],
    );
    let configuration = result.unwrap_or_else(|error| panic!("{error}"));
    assert!(matches!(configuration.settings.database.url, DatabaseUrl::Postgres(_)));
    assert!(!configuration.to_toml().contains("sqlite://"));
}

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
