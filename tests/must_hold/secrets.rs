//! Secrets never appear, and recipients' addresses are masked in logs.

use crate::instance::{Engine, Instance, TEMPLATE, relay};
use crate::relay::Relay;
use crate::smtp_server::{Action, Command};

const SECRETS: [&str; 5] =
    ["geheim-url-5b1", "geheim-datei-7c2", "geheim-sms-9d3", "geheim-db-1e4", "geheim-hook-2f6"];

/// An instance full of secrets, whose relay is not there.
async fn instance() -> Instance {
    let instance = Instance::new(Engine::Sqlite).await;
    instance.write("password", "geheim-datei-7c2\n");
    instance.configure(
        "[[email.provider]]\nname = \"one\"\nurl = \"smtp://rundruf:geheim-url-5b1@127.0.0.1:1?tls=none\"\n\
         [[email.provider]]\nname = \"two\"\nurl = \"smtp://127.0.0.1:1?tls=none\"\nusername = \"rundruf\"\n\
         password_file = \"password\"\n\
         [[sms.provider]]\nname = \"gate\"\nkind = \"kannel\"\nurl = \"http://127.0.0.1:1/sendsms\"\n\
         username = \"rundruf\"\npassword = \"geheim-sms-9d3\"\n",
    );
    instance.write(
        "contacts/all.csv",
        "id;name;email;webhook;webhook_secret\n\
         a;Amt A;rathaus.a@a.example;https://hooks.example/a;geheim-hook-2f6-geheim-hook-2f6\n",
    );
    instance
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_in_no_output_and_in_no_log() {
    let instance = instance().await;
    let mut all = String::new();
    let database = ("RUNDRUF_DATABASE__URL", "postgres://rundruf:geheim-db-1e4@127.0.0.1:1/rundruf");
    let broken = ("RUNDRUF_DATABASE__URL", "postgres:/rundruf:geheim-db-1e4@127.0.0.1:1/rundruf");
    for (arguments, variable) in [
        (&["contacts", "import"][..], None),
        (&["contacts", "list"], None),
        (&["contacts", "show", "a"], None),
        (&["doctor"], None),
        (&["send", TEMPLATE, "--to", "all", "--yes", "--wait", "1s"], None),
        (&["send", TEMPLATE, "--to", "nobody", "--yes"], None),
        (&["worker", "--drain"], None),
        (&["deliveries", "list", "--json"], None),
        (&["notices", "list"], Some(database)),
        (&["doctor"], Some(database)),
        (&["notices", "list"], Some(broken)),
    ] {
        for log in ["debug", "trace", "sqlx=trace,rustls=trace,rundruf=trace"] {
            let output = instance
                .command(arguments)
                .envs(variable)
                .env("RUNDRUF_LOG", log)
                .env("RUST_BACKTRACE", "1")
                .output()
                .unwrap();
            all.push_str(&String::from_utf8(output.stdout).unwrap());
            all.push_str(&String::from_utf8(output.stderr).unwrap());
        }
    }
    // Faults in the very places where secrets stand.
    for (right, wrong) in
        [(":1?tls=none", ":99999?tls=none"), ("?tls=none", "?tsl=none"), ("smtp://", "smpt://")]
    {
        let text = std::fs::read_to_string(instance.path("rundruf.toml")).unwrap();
        instance.write("wrong.toml", text.replace(right, wrong));
        let said = instance.run(&["-c", "wrong.toml", "doctor"]);
        assert_ne!(said.code, Some(0), "{wrong}");
        all.push_str(&said.out);
        all.push_str(&said.err);
    }
    for secret in SECRETS {
        let at = all.lines().find(|line| line.contains(secret));
        assert_eq!(at, None, "{secret} was shown");
    }
    assert!(all.contains("127.0.0.1:1"), "nothing was tried:\n{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_shows_no_full_address_even_where_the_relay_repeats_them() {
    let server = Relay::scripted(|moment| match moment.command {
        Command::Rcpt if moment.recipient.ends_with("@d1.example") => {
            Action::Reply(format!("550 5.7.1 <{}>: Recipient address rejected: policy", moment.recipient))
        }
        Command::Rcpt if moment.recipient.ends_with("@d2.example") => {
            Action::Reply(format!("451 4.2.0 <{}>: later", moment.recipient))
        }
        Command::Rcpt if moment.recipient.ends_with("@d3.example") => {
            Action::Reply(format!("550 5.1.1 <{}>: unknown", moment.recipient))
        }
        _ => Action::Accept,
    })
    .await;
    let instance = Instance::new(Engine::Sqlite).await;
    instance.configure(&relay(server.port(), ""));
    let everybody = instance.import(140);
    instance.release(&[]);
    let output = instance.command(&["worker", "--drain"]).env("RUNDRUF_LOG", "trace").output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("d1.example refuses our messages"), "{log}");
    assert!(log.contains("rundruf::dispatch"), "there is no log: {log}");
    for address in everybody {
        assert!(
            !log.contains(&format!("<{address}")) && !log.contains(&format!(" {address}")),
            "{address}:\n{log}"
        );
    }
    assert!(!log.contains('\u{1b}'), "control sequences off a terminal");
}
