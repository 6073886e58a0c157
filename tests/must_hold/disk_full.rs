//! The store's disk is full in the middle of a send.

use std::process::Command;

use crate::instance::{Engine, Instance, TEMPLATE, relay};
use crate::process::Run;
use crate::relay::Relay;

const COUNT: usize = 4_000;
const SAID: &str = "sending has stopped because nothing can be written down";

async fn instance(server: &Relay) -> (Instance, Vec<String>) {
    let instance = Instance::new(Engine::Sqlite).await;
    instance.configure(&format!("{}[delivery]\nlease = \"1s\"\n", relay(server.port(), "")));
    let everybody = instance.import(COUNT);
    (instance, everybody)
}

/// Kibibytes that the store takes.
fn size(instance: &Instance) -> u64 {
    let files = std::fs::read_dir(instance.path("var")).unwrap();
    files.map(|file| file.unwrap().metadata().unwrap().len()).sum::<u64>() / 1_024
}

/// The program, which may let no file grow beyond `kibibytes`: to a program that is a full disk, and needs no rights.
fn limited(instance: &Instance, kibibytes: u64, arguments: &[&str]) -> Run {
    let mut command = Command::new("sh");
    instance.prepare(&mut command);
    let script = format!("trap '' XFSZ; ulimit -S -f {}; exec \"$0\" \"$@\"", kibibytes * 2);
    command.args(["-c", &script, env!("CARGO_BIN_EXE_rundruf")]).args(arguments);
    Run::start(command, instance.folder())
}

fn lift_the_limit(run: &Run) {
    let status = Command::new("prlimit")
        .args(["--pid", &run.id().to_string(), "--fsize=unlimited:unlimited"])
        .status()
        .unwrap();
    assert!(status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_says_it_keeps_what_it_knows_and_goes_on_when_there_is_room() {
    let server = Relay::start().await;
    let (instance, everybody) = instance(&server).await;
    instance.release(&[]);
    let worker = limited(&instance, size(&instance) + 256, &["worker", "--drain"]);
    worker.until_it_says(SAID).await;
    worker.until_it_says("look whether it is full").await;
    assert!(server.received() < COUNT, "the disk was full too late to see anything");
    lift_the_limit(&worker);
    worker.end().await.exits(0).says(&["sending goes on"]);
    assert!(server.assert_everybody_got_it(&everybody).is_empty(), "what was accepted was not forgotten");
    assert_eq!(instance.count("sent"), COUNT as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_on_a_full_disk_loses_nobody() {
    let server = Relay::start().await;
    let (instance, everybody) = instance(&server).await;
    instance.release(&[]);
    let worker = limited(&instance, size(&instance) + 256, &["worker", "--drain"]);
    worker.until_it_says(SAID).await;
    worker.kill();
    worker.end().await;
    let in_flight = instance.addresses("sending").len();
    assert!(in_flight <= 80, "{in_flight} were in flight");
    instance.drain().await;
    let repeated = server.assert_everybody_got_it(&everybody);
    assert!(repeated.len() <= in_flight, "{} repeats", repeated.len());
    assert_eq!(instance.count("sent"), COUNT as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_cannot_be_written_down_is_not_begun() {
    let server = Relay::start().await;
    let (instance, _) = instance(&server).await;
    let send = limited(&instance, 64, &["send", TEMPLATE, "--to", "all", "--yes"]);
    send.end().await.exits(1).says(&["the disk that holds the store", "look whether it is full"]);
    assert!(instance.notices().is_empty());
    assert_eq!(server.received(), 0);
}

/// A file system of its own that can be made smaller and larger; only root may.
struct SmallDisk<'a> {
    folder: &'a std::path::Path,
}

impl SmallDisk<'_> {
    fn mount(folder: &std::path::Path) -> Option<SmallDisk<'_>> {
        std::fs::create_dir_all(folder).unwrap();
        let output =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=64m", "none"]).arg(folder).output();
        output.is_ok_and(|output| output.status.success()).then_some(SmallDisk { folder })
    }

    fn resize(&self, size: &str) {
        let option = format!("remount,size={size}");
        let status = Command::new("mount").args(["-o", &option]).arg(self.folder).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.folder).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_without_room_is_called_full() {
    let server = Relay::start().await;
    let instance = Instance::new(Engine::Sqlite).await;
    let folder = instance.path("var");
    let Some(disk) = SmallDisk::mount(&folder) else {
        eprintln!(
            "not tested: only root may mount a small disk; the limit on file sizes is tested beside this"
        );
        return;
    };
    instance.configure(&relay(server.port(), ""));
    let everybody = instance.import(COUNT);
    instance.release(&[]);
    disk.resize(&format!("{}k", size(&instance) + 512));
    let worker = instance.start(&["worker", "--drain"]);
    worker.until_it_says(SAID).await;
    worker.until_it_says("is full: make room").await;
    disk.resize("64m");
    worker.end().await.exits(0).says(&["sending goes on"]);
    assert!(server.assert_everybody_got_it(&everybody).is_empty());
    assert_eq!(instance.count("sent"), COUNT as u64);
}
