//! What a file, the environment and mistakes in both lead to.

use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::domain::settings::{
    DatabaseUrl, EmailTransport, SmsGatewayKind, SmsRequestMethod, SmsTransport, SmtpTls,
};

mod mistakes;
mod printing;

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
