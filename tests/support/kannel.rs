//! The real Kannel with its fake SMSC, on ports of its own.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Where Debian puts the fake SMSC.
const FAKE_SMSC: &str = "/usr/lib/kannel/test/fakesmsc";
/// How often a box is asked whether it answers, and the pause between: a minute together.
const LOOKS: u32 = 1_200;
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// `bearerbox`, `smsbox` and `fakesmsc`. They are killed when the test ends.
pub struct Kannel {
    /// Where `sendsms` answers.
    pub port: u16,
    boxes: Vec<Child>,
    folder: tempfile::TempDir,
}

impl Drop for Kannel {
    fn drop(&mut self) {
        for child in self.boxes.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Kannel {
    /// Starts all three and waits until the fake SMSC is connected.
    pub fn start() -> Self {
        let [admin, boxes, smsc, send] = free_ports();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("kannel.conf"), configuration(admin, boxes, smsc, send)).unwrap();
        let mut kannel = Self { port: send, boxes: Vec::new(), folder };
        kannel.run("bearerbox", &["kannel.conf"]);
        wait_for(boxes, "bearerbox");
        kannel.run("smsbox", &["kannel.conf"]);
        wait_for(send, "smsbox");
        kannel.run(FAKE_SMSC, &["-H", "127.0.0.1", "-r", &smsc.to_string(), "-m", "0", "1 2 text nop"]);
        wait_for_smsc(admin);
        kannel
    }

    fn run(&mut self, program: &str, arguments: &[&str]) {
        let name = Path::new(program).file_name().unwrap().to_str().unwrap();
        let log = std::fs::File::create(self.folder.path().join(format!("{name}.log"))).unwrap();
        let child = Command::new(program)
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{program} cannot be started ({error}): install kannel and kannel-extras")
            });
        self.boxes.push(child);
    }
}

/// Until then Kannel would take messages and let them lie.
fn wait_for_smsc(admin: u16) {
    let online = || status(admin).contains("online");
    assert!(comes_true(online), "the fake SMSC never came online:\n{}", status(admin));
}

/// Whether `holds` comes true in time.
fn comes_true(holds: impl Fn() -> bool) -> bool {
    (0..LOOKS).any(|_| {
        let true_now = holds();
        if !true_now {
            std::thread::sleep(BETWEEN_LOOKS);
        }
        true_now
    })
}

fn configuration(admin: u16, boxes: u16, smsc: u16, send: u16) -> String {
    format!(
        "group = core\nadmin-port = {admin}\nadmin-interface = 127.0.0.1\nadmin-password = admin\n\
         status-password = status\nsmsbox-port = {boxes}\nsmsbox-interface = 127.0.0.1\n\
         box-allow-ip = \"127.0.0.1\"\nlog-level = 2\ndlr-storage = internal\n\n\
         group = smsc\nsmsc = fake\nsmsc-id = fake\nport = {smsc}\nconnect-allow-ip = 127.0.0.1\n\n\
         group = smsbox\nbearerbox-host = 127.0.0.1\nsendsms-port = {send}\nsendsms-interface = 127.0.0.1\n\
         log-level = 2\n\n\
         group = sendsms-user\nusername = rundruf\npassword = geheim\nmax-messages = 10\nconcatenation = true\n\n\
         group = sms-service\nkeyword = default\ntext = \"no service\"\n"
    )
}

fn free_ports() -> [u16; 4] {
    let listeners: Vec<TcpListener> = (0..4).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    std::array::from_fn(|n| listeners[n].local_addr().unwrap().port())
}

fn wait_for(port: u16, name: &str) {
    let answers = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    assert!(comes_true(answers), "{name} does not answer on port {port}");
}

/// What bearerbox says of itself.
fn status(admin: u16) -> String {
    use std::io::{Read, Write};
    let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", admin)) else { return String::new() };
    let request = "GET /status.txt?password=status HTTP/1.0\r\nHost: localhost\r\n\r\n";
    let mut answer = String::new();
    if stream.write_all(request.as_bytes()).is_ok() {
        let _ = stream.read_to_string(&mut answer);
    }
    answer
}
