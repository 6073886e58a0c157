//! `users` and `tokens`.

use std::io::{Read, Write};
use std::process::Stdio;

use crate::instance::{Engine, Instance, on_both_engines};

on_both_engines!(accounts_are_made_listed_disabled_and_given_a_new_start);

async fn accounts_are_made_listed_disabled_and_given_a_new_start(engine: Engine) {
    let instance = Instance::new(engine).await;
    let added = instance.run(&["users", "add", "anna.berger", "--role", "admin,author"]).exits(0);
    let password = added.out.trim().to_owned();
    assert_eq!(password.len(), 19, "{password}");
    added.says(&["Hand this password over to anna.berger", "shown this once"]);
    let users = instance.run(&["users", "list", "--json"]).exits(0).json();
    assert_eq!(users[0]["name"], "anna.berger");
    assert_eq!(users[0]["roles"], "author,admin");
    assert_eq!(users[0]["must_change"], "yes");
    assert_eq!(users[0]["created_by"], "shell:anna");
    assert!(!instance.run(&["users", "list", "--format", "csv"]).exits(0).out.contains(&password));

    instance.run(&["users", "disable", "anna.berger"]).exits(1).says(&["last admin"]);
    instance.run(&["users", "add", "berta", "--role", "admin"]).exits(0);
    instance.run(&["users", "disable", "anna.berger"]).exits(0);
    instance.run(&["users", "enable", "anna.berger"]).exits(0);
    instance.run(&["users", "roles", "anna.berger", "--role", "auditor"]).exits(0);
    let reset = instance.run(&["users", "reset", "anna.berger", "--second-factor"]).exits(0);
    assert_ne!(reset.out.trim(), password);
    instance.run(&["users", "add", "anna.berger", "--role", "author"]).exits(1).says(&["already"]);
    instance.run(&["users", "disable", "nobody"]).exits(1).says(&["no account called nobody"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_name_no_role_or_no_password_is_refused_before_anything_is_made() {
    let instance = Instance::new(Engine::Sqlite).await;
    instance.run(&["users", "add", "shell:anna", "--role", "admin"]).exits(2).says(&["no name"]);
    instance.run(&["users", "add", "anna", "--role", "cook"]).exits(2).says(&["no role \"cook\""]);
    instance.run(&["users", "add", "anna"]).exits(2).says(&["--role"]);
    instance.run(&["tokens", "create", "t", "--right", "notices:read"]).exits(2).says(&["no name"]);
    instance.run(&["tokens", "create", "tt", "--right", "notices:eat"]).exits(2).says(&["no right"]);
    instance.run(&["users", "list"]).exits(1).says(&["there is no store"]);
    assert!(!instance.path("var").exists());
    for (password, why) in [("kurz\n", "too short"), ("\n", "no password"), ("anna-anna-anna\n", "name")] {
        let refused = with_password(&instance, password);
        assert_eq!(refused.status.code(), Some(1));
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(said.contains(why) && !said.contains("anna-anna"), "{said}");
    }
    let made = with_password(&instance, "kanne rost dienstag ufer\n");
    assert_eq!((made.status.code(), made.stdout.len()), (Some(0), 0), "nothing is to be handed over");
}

fn with_password(instance: &Instance, password: &str) -> std::process::Output {
    let mut command = instance.command(&["users", "add", "anna", "--role", "admin", "--password-stdin"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// `script` (util-linux) gives the program a terminal of its own, and what stands on it.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_typed_at_a_terminal_does_not_stand_on_it() {
    let instance = Instance::new(Engine::Sqlite).await;
    let program = instance.command(&["users", "add", "anna", "--role", "admin", "--password-stdin"]);
    let words: Vec<_> = std::iter::once(program.get_program()).chain(program.get_args()).collect();
    let line: Vec<String> = words.iter().map(|word| format!("'{}'", word.to_str().unwrap())).collect();
    let mut command = std::process::Command::new("script");
    command.args(["--quiet", "--return", "--command", &line.join(" "), "/dev/null"]);
    command.current_dir(program.get_current_dir().unwrap());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut typed, mut shown) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut screen = String::new();
    for question in ["Password", "Once more"] {
        until_shown(&mut shown, &mut screen, question);
        typed.write_all(b"kanne rost dienstag ufer\n").unwrap();
    }
    shown.read_to_string(&mut screen).unwrap();
    assert!(child.wait().unwrap().success(), "{screen}");
    assert!(screen.contains("The account anna is made") && !screen.contains("kanne"), "{screen}");
}

/// Reads until the screen ends with a question that has these words in it.
fn until_shown(shown: &mut impl Read, screen: &mut String, words: &str) {
    let mut byte = [0];
    while !(screen.contains(words) && screen.ends_with(": ")) {
        assert_eq!(shown.read(&mut byte).unwrap(), 1, "it ended: {screen}");
        screen.push(char::from(byte[0]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_shown_once_listed_and_revoked_for_ever() {
    let instance = Instance::new(Engine::Sqlite).await;
    instance.import(2);
    let create = ["tokens", "create", "leitstelle", "--right", "notices:read,audit:read", "--expires", "90d"];
    let made = instance.run(&[&create[..], &["--group", "all"]].concat()).exits(0);
    let token = made.out.trim().to_owned();
    assert!(token.starts_with("rdt_") && token.len() == 47, "{token}");
    let listed = instance.run(&["tokens", "list", "--json"]).exits(0);
    assert!(!listed.out.contains(&token));
    let listed = listed.json();
    assert_eq!(listed[0]["rights"], "notices:read,audit:read");
    assert_eq!((&listed[0]["groups"], &listed[0]["revoked_at"]), (&"all".into(), &serde_json::Value::Null));
    let elsewhere = ["tokens", "create", "other", "--right", "notices:read", "--group", "nowhere"];
    instance.run(&elsewhere).exits(1).says(&["no group \"nowhere\""]);
    instance.run(&["tokens", "revoke", "leitstelle"]).exits(0);
    instance.run(&["tokens", "revoke", "leitstelle"]).exits(1).says(&["no token called leitstelle"]);
    instance.run(&create).exits(1).says(&["there is, or was, a token called leitstelle"]);
    let file = std::fs::read(instance.path("var/rundruf.db")).unwrap();
    let wal = std::fs::read(instance.path("var/rundruf.db-wal")).unwrap_or_default();
    let kept = [file, wal].concat();
    assert!(!kept.windows(token.len()).any(|window| window == token.as_bytes()), "the store has no token");
}
