//! As systemd starts, watches and stops it; and who is listed meanwhile.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::instance::{Engine, Instance, on_both_engines};
use crate::process::{PATIENCE, Run, until_store};

on_both_engines!(the_processes_that_send_are_listed, nothing_is_abandoned_when_it_is_stopped_under_load);

/// What the program says to whoever started it.
fn next_word(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 512];
    let count = socket.recv(&mut buffer).expect("the program says something in time");
    String::from_utf8_lossy(&buffer[..count]).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_that_it_is_ready_that_it_lives_and_that_it_stops() {
    let instance = Instance::new(Engine::Sqlite).await;
    instance.configure("[http]\nlisten = \"127.0.0.1:0\"");
    let path = instance.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = instance.command(&["serve"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "200000");
    let run = Run::start(command, instance.folder());
    assert!(next_word(&socket).contains("READY=1"));
    for _ in 0..3 {
        assert!(next_word(&socket).contains("WATCHDOG=1"), "{}", run.err());
    }
    run.signal("TERM");
    while !next_word(&socket).contains("STOPPING=1") {}
    run.end().await.exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_gives_no_sign_of_life_when_its_dispatcher_does_nothing_any_more() {
    let instance = Instance::new(Engine::Sqlite).await;
    instance.import(1);
    instance.run(&["backup", "--unencrypted", "b.tar"]).exits(0);
    instance.configure("[http]\nlisten = \"127.0.0.1:0\"\n[delivery]\nlease = \"500ms\"");
    let path = instance.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = instance.command(&["serve"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "200000");
    let run = Run::start(command, instance.folder());
    while !next_word(&socket).contains("WATCHDOG=1") {}
    // Its place is taken: it may not send any more, and only a new start helps.
    instance.run(&["restore", "--replace", "b.tar"]).exits(0);
    run.until_it_says("a backup was restored").await;
    socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let silent = async || {
        let mut buffer = [0; 512];
        socket.recv(&mut buffer).is_err()
    };
    until_store(silent, &|| run.err()).await;
}

async fn the_processes_that_send_are_listed(engine: Engine) {
    let instance = Instance::new(engine).await;
    instance.import(1);
    instance.run(&["workers"]).exits(0).says(&["Nothing is sending"]);
    let worker = instance.start(&["worker"]);
    let listed = async || instance.run(&["workers", "--json"]).json().len() == 1;
    until_store(listed, &|| worker.err()).await;
    let line = instance.run(&["workers", "--json"]).json().remove(0);
    assert_eq!((line["state"].as_str(), line["sending"].as_i64()), (Some("alive"), Some(0)));
    assert_eq!(line["version"], env!("CARGO_PKG_VERSION"));
    let name = line["name"].as_str().unwrap();
    assert!(name.starts_with("anna@") && name.contains(&worker.id().to_string()), "{name}");
    worker.signal("TERM");
    worker.end().await.exits(0);
    assert_eq!(instance.run(&["workers", "--json"]).json().len(), 0);
}

async fn nothing_is_abandoned_when_it_is_stopped_under_load(engine: Engine) {
    let instance = Instance::new(engine).await;
    instance.import(400);
    instance.configure(
        "[http]\nlisten = \"127.0.0.1:0\"\n[[email.provider]]\nname = \"out\"\nurl = \"outbox:var/out\"\n\
         rate = \"200/s\"",
    );
    instance.release(&[]);
    let run = instance.start(&["serve"]);
    until_store(async || instance.count("sent") > 20, &|| run.err()).await;
    run.signal("TERM");
    run.end().await.exits(0);
    let (sent, queued) = (instance.count("sent"), instance.count("queued"));
    assert_eq!((sent + queued, instance.count("sending"), instance.count("unclear")), (400, 0, 0));
    instance.run(&["worker", "--drain"]).exits(0);
    let written = std::fs::read_dir(instance.path("var/out")).unwrap().count();
    assert_eq!((instance.count("sent"), written), (400, 400), "each once");
}
