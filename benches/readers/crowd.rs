//! Very many readers in a process of their own.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::process;

/// The argument by which this program is told to be the crowd.
const CROWD: &str = "--crowd";

/// A crowd that listens; it goes when this is dropped.
pub struct Crowd {
    process: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Crowd {
    /// `count` readers, every second of them of the notice `number` alone. All have been told how things stand.
    pub fn gather(address: &str, token: &str, number: &str, count: usize) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut process = Command::new(program)
            .args([CROWD, address, token, number, &count.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the crowd");
        let said = BufReader::new(process.stdout.take().expect("what it says"));
        let mut crowd = Self { process, said };
        crowd.expect("all are listening");
        crowd
    }

    /// What it has taken of the processor so far, in seconds.
    pub fn processor_time(&self) -> f64 {
        process::processor_time(self.process.id())
    }

    /// Waits until every one of them was told that the notice is completed.
    pub fn has_been_told(mut self) {
        self.expect("all have been told");
    }

    fn expect(&mut self, words: &str) {
        let mut line = String::new();
        self.said.read_line(&mut line).expect("what it says");
        assert_eq!(line.trim_end(), words, "the crowd");
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether this process was started to be one.
pub fn is_this_process() -> bool {
    std::env::args().any(|argument| argument == CROWD)
}

/// How far they are.
#[derive(Default)]
struct Progress {
    listening: AtomicUsize,
    told: AtomicUsize,
}

/// Is a crowd until whoever started it goes.
pub fn listen() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip_while(|argument| argument != CROWD).skip(1).collect();
    let [address, token, number, count] = arguments.as_slice() else { return ExitCode::FAILURE };
    let count: usize = count.parse().expect("a number");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    runtime.block_on(async {
        let progress = Arc::new(Progress::default());
        for n in 0..count {
            let path = match n % 2 {
                0 => "/api/v1/events".to_owned(),
                _ => format!("/api/v1/notices/{number}/events"),
            };
            let head = format!(
                "GET {path} HTTP/1.1\r\nHost: notfall.mb.example\r\nAuthorization: Bearer {token}\r\n\r\n"
            );
            let (address, number, progress) = (address.clone(), number.clone(), progress.clone());
            tokio::spawn(async move { read(&address, &head, &number, &progress, count).await });
        }
        std::future::pending::<()>().await;
    });
    ExitCode::SUCCESS
}

/// One reader. Events come whole or in parts: what is looked for may be parted, too.
async fn read(address: &str, head: &str, number: &str, progress: &Progress, count: usize) {
    let mut stream = TcpStream::connect(address).await.expect("the server");
    stream.write_all(head.as_bytes()).await.expect("the request goes out");
    let mut text: Vec<u8> = Vec::new();
    let mut buffer = vec![0; 8 * 1_024];
    let is_out = format!("\"notice\":\"{number}\"");
    let mut is_listening = false;
    let mut is_told = false;
    loop {
        let length = stream.read(&mut buffer).await.expect("the stream");
        assert!(length > 0, "a reader that reads was cut off");
        text.extend_from_slice(&buffer[..length]);
        let Some(end) = text.windows(2).rposition(|two| two == b"\n\n") else { continue };
        let rest = text.split_off(end + 2);
        let events = String::from_utf8_lossy(&std::mem::replace(&mut text, rest)).into_owned();
        if !is_listening && events.contains("event: ready") {
            is_listening = true;
            if progress.listening.fetch_add(1, Ordering::Relaxed) + 1 == count {
                println!("all are listening");
            }
        }
        let completed = |line: &&str| line.contains(&is_out) && line.contains("\"state\":\"completed\"");
        if !is_told && events.lines().any(|line| completed(&line)) {
            is_told = true;
            if progress.told.fetch_add(1, Ordering::Relaxed) + 1 == count {
                println!("all have been told");
            }
        }
    }
}
