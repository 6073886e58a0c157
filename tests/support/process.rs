//! The program while it runs: started, watched, killed.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the program said, and how it ended.
#[derive(Debug)]
pub struct Said {
    /// The exit status; `None` when a signal ended it.
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    /// It ended with this status.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    /// All these words are on standard error.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.err.contains(word), "{word:?} is missing on standard error:\n{}", self.err);
        }
        self
    }

    /// Each line of standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> Vec<serde_json::Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }
}

/// The process, shared with whoever may kill it.
pub type Shared = Arc<Mutex<Child>>;

/// A run of the program that is under way. It is killed when the test ends.
pub struct Run {
    child: Shared,
    out: PathBuf,
    err: PathBuf,
}

/// How long anything that is waited for may take.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// How often it is looked at.
pub const GLANCE: Duration = Duration::from_millis(2);

impl Drop for Run {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap();
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Run {
    /// Starts `command`; what it says goes into files in `folder`.
    pub fn start(mut command: Command, folder: &Path) -> Self {
        let said = tempfile::TempDir::with_prefix_in("said-", folder).unwrap().keep();
        let (out, err) = (said.join("out"), said.join("err"));
        command.stdout(std::fs::File::create(&out).unwrap()).stderr(std::fs::File::create(&err).unwrap());
        Self { child: Arc::new(Mutex::new(command.spawn().unwrap())), out, err }
    }

    pub fn child(&self) -> Shared {
        self.child.clone()
    }

    pub fn id(&self) -> u32 {
        self.child.lock().unwrap().id()
    }

    /// What it has said on standard error so far.
    pub fn err(&self) -> String {
        std::fs::read_to_string(&self.err).unwrap()
    }

    /// Sends it a signal, by name.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// `kill -9`
    pub fn kill(&self) {
        self.child.lock().unwrap().kill().unwrap();
    }

    pub fn has_ended(&self) -> bool {
        self.child.lock().unwrap().try_wait().unwrap().is_some()
    }

    /// Waits until it has said `words` on standard error.
    pub async fn until_it_says(&self, words: &str) {
        until(|| self.err().contains(words) || self.has_ended(), &|| self.err()).await;
        assert!(self.err().contains(words), "{words:?} was never said:\n{}", self.err());
    }

    /// Waits for its end.
    pub async fn end(self) -> Said {
        until(|| self.has_ended(), &|| self.err()).await;
        let code = self.child.lock().unwrap().try_wait().unwrap().and_then(|status| status.code());
        let out = std::fs::read_to_string(&self.out).unwrap();
        Said { code, out, err: self.err() }
    }
}

/// Waits until `holds`; if it never does, fails with what `tell` tells.
pub async fn until(holds: impl Fn() -> bool, tell: &dyn Fn() -> String) {
    let late = tokio::time::Instant::now() + PATIENCE;
    while !holds() {
        assert!(tokio::time::Instant::now() < late, "waited in vain; {}", tell());
        tokio::time::sleep(GLANCE).await;
    }
}

/// [`until`] for what has to be asked of a store.
pub async fn until_store(holds: impl AsyncFn() -> bool, tell: &dyn Fn() -> String) {
    let late = tokio::time::Instant::now() + PATIENCE;
    while !holds().await {
        assert!(tokio::time::Instant::now() < late, "waited in vain; {}", tell());
        tokio::time::sleep(GLANCE).await;
    }
}
