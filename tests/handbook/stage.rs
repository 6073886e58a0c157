//! The folder in which a page is worked through, and what stands around it. A clone of the repository lies in it under
//! the name `rundruf`.
//!
//! With `relays` three mail relays exist, and stand in for their names wherever a page writes them:
//!
//! | name on the page | what it does |
//! |---|---|
//! | `relay.kse.example:587` | does not know `rathaus@neufoehrde.example` (550), puts `zweiseen.example` off (451), hangs up after a mail to `uwe.poggensee@moosbruecke.example` without having answered |
//! | `relay-1.kse.example:587` | is down |
//! | `relay-2.kse.example:587` | takes everything |
//! | `relay-3.kse.example:587` | takes everything, but never answers to the mail to `uwe.poggensee@moosbruecke.example` |
//!
//! They speak no TLS, which the urls that are written for them say; nothing leaves the machine.
//!
//! With `gateways` two SMS gateways of kind `http` exist: `https://gateway-1.kse.example` is down,
//! `https://gateway-2.kse.example` takes everything.

use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rundruf::domain::clock::{Clock, SystemClock};

use super::compare::{Ids, compare};
use super::page::{Block, Kind, Page};
use super::script::{Answer, Server};
use super::smtp_server::{Action, Command as Said, Options, SmtpServer};

/// Does what `page` says.
///
/// # Errors
/// The first thing that is not as the page says, with its place.
pub fn work_through(page: &Page) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let relays =
        page.fixtures.iter().any(|fixture| fixture == "relays").then(|| runtime.block_on(Relays::start()));
    let gateway =
        page.fixtures.iter().any(|fixture| fixture == "gateways").then(|| runtime.block_on(gateway()));
    let mut stage = Stage::new(relays.as_ref(), gateway.as_ref());
    for fixture in &page.fixtures {
        match fixture.as_str() {
            "samples" => stage.lay_out_samples(),
            "relays" | "gateways" => {}
            other => return Err(format!("docs/{}: \"{other}\" is nothing that can lie ready", page.name)),
        }
    }
    for block in &page.blocks {
        stage.perform(block).map_err(|fault| format!("docs/{}, line {}: {fault}", page.name, block.line))?;
    }
    Ok(())
}

/// Takes every text message.
async fn gateway() -> Server {
    let taken = r#"{"messages":[{"id":"m-1","status":"accepted"}]}"#;
    Server::start([Answer::new("200 OK", "Content-Type: application/json\r\n", taken)]).await
}

struct Relays {
    troubled: SmtpServer,
    good: SmtpServer,
    silent: SmtpServer,
}

impl Relays {
    async fn start() -> Self {
        let troubled = Options::scripted(|moment| match (moment.command, moment.recipient) {
            (Said::Rcpt, "rathaus@neufoehrde.example") => Action::reply("550 5.1.1 user unknown"),
            (Said::Rcpt, zweiseen) if zweiseen.ends_with("@zweiseen.example") => {
                Action::reply("451 4.7.1 Greylisting in action, please come back later")
            }
            (Said::Body, "uwe.poggensee@moosbruecke.example") => Action::Close,
            _ => Action::Accept,
        });
        let silent = Options::scripted(|moment| match (moment.command, moment.recipient) {
            (Said::Body, "uwe.poggensee@moosbruecke.example") => Action::Silence,
            _ => Action::Accept,
        });
        Self {
            troubled: SmtpServer::start(troubled).await,
            good: SmtpServer::start(Options::default()).await,
            silent: SmtpServer::start(silent).await,
        }
    }
}

struct Stage {
    folder: tempfile::TempDir,
    /// Where the page stands.
    at: PathBuf,
    /// What the page writes, and what it stands for.
    names: Vec<(String, String)>,
    ids: Ids,
    /// What the commands before wrote.
    written: String,
}

impl Stage {
    fn new(relays: Option<&Relays>, gateway: Option<&Server>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("work");
        std::fs::create_dir_all(&at).unwrap();
        std::fs::create_dir(folder.path().join("bin")).unwrap();
        symlink(env!("CARGO_BIN_EXE_rundruf"), folder.path().join("bin/rundruf")).unwrap();
        symlink(env!("CARGO_MANIFEST_DIR"), at.join("rundruf")).unwrap();
        let year = SystemClock::new().now().to_string()[..4].to_owned();
        let mut names = vec![("2026-000".to_owned(), format!("{year}-000"))];
        if let Some(relays) = relays {
            let mut name = |name: &str, address: SocketAddr| {
                names.push((format!("{name}:587\""), format!("{address}?tls=none\"")));
                names.push((format!("{name}:587"), address.to_string()));
            };
            name("relay.kse.example", relays.troubled.address);
            name("relay-1.kse.example", SocketAddr::from(([127, 0, 0, 1], 1)));
            name("relay-2.kse.example", relays.good.address);
            name("relay-3.kse.example", relays.silent.address);
        }
        if let Some(gateway) = gateway {
            for (host, port) in [("gateway-1.kse.example", 1), ("gateway-2.kse.example", gateway.port)] {
                names.push((format!("https://{host}"), format!("http://127.0.0.1:{port}")));
                names.push((format!("{host}:443"), format!("127.0.0.1:{port}")));
            }
        }
        Self { folder, at, names, ids: Ids::new(), written: String::new() }
    }

    /// The repository's samples, as somebody copies them to begin with.
    fn lay_out_samples(&self) {
        for folder in ["contacts", "templates"] {
            copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &self.at.join(folder));
        }
    }

    fn perform(&mut self, block: &Block) -> Result<(), String> {
        match &block.kind {
            Kind::Commands { exit } => self.run(&block.text, *exit),
            Kind::Output => compare(&self.translated(&block.text), &self.written, &mut self.ids)
                .map_err(|fault| format!("{fault}\nwhat was written:\n{}", self.written)),
            Kind::File(name) => {
                let path = self.at.join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, self.translated(&block.text))
                    .map_err(|error| format!("{name}: {error}"))
            }
            Kind::Shown => Ok(()),
        }
    }

    fn run(&mut self, commands: &str, exit: i32) -> Result<(), String> {
        let place = self.folder.path().join("place");
        let script =
            format!("exec 2>&1; trap 'pwd > \"{}\"' EXIT\n{}", place.display(), self.translated(commands));
        let mut shell = Command::new("sh");
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("RUNDRUF_")) {
            shell.env_remove(name);
        }
        let path = std::env::var("PATH").unwrap_or_default();
        let output = shell
            .args(["-e", "-c", &script])
            .current_dir(&self.at)
            .env("PATH", format!("{}:{path}", self.folder.path().join("bin").display()))
            .env("HOME", self.folder.path())
            .env("USER", "anna")
            // Whoever runs the tests is called otherwise on every machine.
            .env("RUNDRUF_APPROVAL__SHELL_NAME", "user")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| error.to_string())?;
        self.written = String::from_utf8_lossy(&output.stdout).into_owned();
        if std::env::var_os("HANDBOOK_SHOW").is_some() {
            eprintln!("{commands}{}", self.written);
        }
        self.at = std::fs::read_to_string(place).map_or(self.at.clone(), |place| place.trim().into());
        let status = status(output.status);
        if status == exit {
            return Ok(());
        }
        Err(format!("ended with {status} instead of {exit}:\n{commands}what was written:\n{}", self.written))
    }

    /// The page's names replaced by what they stand for here.
    fn translated(&self, text: &str) -> String {
        let names = self.names.iter().map(|(name, means)| (name, means)).chain(&self.ids);
        names.fold(text.to_owned(), |text, (name, means)| text.replace(name, means))
    }
}

/// As a shell counts it: a signal is 128 and its number.
fn status(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
