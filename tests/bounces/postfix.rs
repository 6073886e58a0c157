//! A Postfix of its own for one test: its configuration, queue and mailboxes lie in a temporary folder, it listens on
//! one free loopback port, and it ends with the test. It returns what it cannot deliver, as any mail server does.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::process::until;

/// The domain whose mailboxes do not exist.
pub const UNKNOWN: &str = "seeburg.example";
/// The domain whose mailboxes all exist.
pub const KNOWN: &str = "zweiseen.example";
/// The domain that bounces return to.
pub const RETURNS: &str = "bounce.tb.example";

/// What becomes of mail to [`RETURNS`].
pub enum Returns<'a> {
    /// It goes to this command's standard input; the recipient's address is appended to it.
    Pipe(&'a str),
    /// It goes into [`Postfix::maildir`].
    Maildir,
}

/// A running Postfix.
pub struct Postfix {
    folder: tempfile::TempDir,
    master: Child,
    pub port: u16,
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // What was started is only the parent of the mail server, which is asked to end by its own command.
        let _ = command(self.folder.path(), "stop").status();
        let _ = self.master.wait();
    }
}

/// The user that mailboxes belong to, and the pipe runs as.
pub const USER: &str = "nobody";

/// A program that Debian keeps out of the path of users.
pub fn program(name: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{name} is missing: install the package {package}"))
}

/// Mail servers can be run by root alone.
pub fn demand_root() {
    let user = Command::new("id").arg("-u").output().unwrap();
    assert!(
        user.stdout.trim_ascii() == b"0",
        "this test starts a mail server of its own, which only root can: run the tests as root (in a container)"
    );
}

pub fn give_to(user: &str, path: &Path) {
    let status = Command::new("chown").arg("-R").arg(user).arg(path).status().unwrap();
    assert!(status.success());
}

pub fn open_to_all(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Postfix {
    pub async fn start(returns: Returns<'_>) -> Self {
        demand_root();
        let folder = tempfile::tempdir().unwrap();
        open_to_all(folder.path());
        let port = free_port();
        for name in ["conf", "queue", "data", "mail"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        give_to("postfix", &folder.path().join("data"));
        give_to(USER, &folder.path().join("mail"));
        fs::write(folder.path().join("conf/main.cf"), main_cf(folder.path(), &returns)).unwrap();
        fs::write(folder.path().join("conf/master.cf"), master_cf(port, &returns)).unwrap();
        let master = command(folder.path(), "start-fg").spawn().unwrap();
        let postfix = Self { folder, master, port };
        until(|| TcpStream::connect(("127.0.0.1", port)).is_ok(), &|| postfix.log()).await;
        postfix
    }

    /// Where returned mails lie with [`Returns::Maildir`].
    pub fn maildir(&self) -> PathBuf {
        self.folder.path().join("mail/returns")
    }

    /// What Postfix has to say.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("mail.log"))
            .unwrap_or_else(|_| "Postfix has no log".to_owned())
    }
}

/// One of Postfix's own commands, for the instance in `folder`.
fn command(folder: &Path, word: &str) -> Command {
    let mut command = Command::new(program("postfix", "postfix"));
    command.arg("-c").arg(folder.join("conf")).arg(word);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn main_cf(folder: &Path, returns: &Returns<'_>) -> String {
    let folder = folder.display();
    let transports = match returns {
        Returns::Pipe(_) => format!("inline:{{ {{ {RETURNS} = rundruf: }} }}"),
        Returns::Maildir => String::new(),
    };
    format!(
        "compatibility_level = 3.6\n\
         queue_directory = {folder}/queue\n\
         data_directory = {folder}/data\n\
         maillog_file = {folder}/mail.log\n\
         maillog_file_prefixes = {folder}\n\
         inet_interfaces = 127.0.0.1\n\
         inet_protocols = ipv4\n\
         myhostname = mx.{UNKNOWN}\n\
         mydestination = {UNKNOWN}\n\
         mynetworks = 127.0.0.0/8\n\
         local_recipient_maps =\n\
         alias_maps =\n\
         alias_database =\n\
         virtual_mailbox_domains = {KNOWN} {RETURNS}\n\
         virtual_mailbox_maps = inline:{{ {{ @{KNOWN} = known/ }} {{ @{RETURNS} = returns/ }} }}\n\
         virtual_mailbox_base = {folder}/mail\n\
         virtual_uid_maps = static:65534\n\
         virtual_gid_maps = static:65534\n\
         transport_maps = {transports}\n\
         rundruf_destination_recipient_limit = 1\n\
         default_transport = error:this server delivers nothing to others\n\
         smtputf8_enable = no\n"
    )
}

fn master_cf(port: u16, returns: &Returns<'_>) -> String {
    let mut text = format!(
        "127.0.0.1:{port} inet n - n - - smtpd\n\
         cleanup unix n - n - 0 cleanup\n\
         qmgr unix n - n 300 1 qmgr\n\
         rewrite unix - - n - - trivial-rewrite\n\
         bounce unix - - n - 0 bounce\n\
         defer unix - - n - 0 bounce\n\
         trace unix - - n - 0 bounce\n\
         proxymap unix - - n - - proxymap\n\
         error unix - - n - - error\n\
         retry unix - - n - - error\n\
         local unix - n n - - local\n\
         virtual unix - n n - - virtual\n\
         anvil unix - - n - 1 anvil\n\
         postlog unix-dgram n - n - 1 postlogd\n"
    );
    if let Returns::Pipe(command) = returns {
        text.push_str("rundruf unix - n n - - pipe\n");
        text = format!("{text}  flags=Rq user={USER} argv={command} ${{original_recipient}}\n");
    }
    text
}
