//! The same calls by nothing but the client library.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::hmac;
use data_encoding::BASE64;
use reqwest::{Client, RequestBuilder};

/// The argument by which this program is told to be the bare loop.
const BARE: &str = "--bare";

/// What a bare loop is to call.
pub struct Orders {
    method: String,
    at_once: usize,
    urls: std::path::PathBuf,
    _folder: Option<tempfile::TempDir>,
}

impl Orders {
    /// Calls all `urls`, `at_once` at a time.
    pub fn new(method: &str, at_once: usize, urls: &[String]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("urls");
        std::fs::write(&file, urls.join("\n")).expect("a file");
        Self { method: method.to_owned(), at_once, urls: file, _folder: Some(folder) }
    }

    /// What this process was started for, if it is a bare loop.
    pub fn of_this_process() -> Option<Self> {
        let mut arguments = std::env::args().skip_while(|argument| argument != BARE).skip(1);
        let (method, at_once, urls) = (arguments.next()?, arguments.next()?, arguments.next()?);
        let at_once = at_once.parse().expect("a number");
        Some(Self { method, at_once, urls: urls.into(), _folder: None })
    }

    /// Starts a process that carries them out, and waits for its end.
    pub fn run(&self) {
        let program = std::env::current_exe().expect("this program");
        let status = std::process::Command::new(program)
            .args([BARE, &self.method, &self.at_once.to_string()])
            .arg(&self.urls)
            .status()
            .expect("the bare loop runs");
        assert!(status.success(), "the bare loop failed");
    }

    /// Does it.
    pub fn carry_out(&self) {
        let text = std::fs::read_to_string(&self.urls).expect("the URLs");
        let urls: Vec<String> = text.lines().map(str::to_owned).collect();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            if self.method == "POST" {
                post_all(&urls, self.at_once).await;
            } else {
                get_all(&urls, self.at_once).await;
            }
        });
    }
}

fn client() -> Client {
    // Rundruf has a provider of its own for each client; the library alone wants one for the whole process.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::builder().no_proxy().build().expect("a client")
}

/// A body as a notice's is, and as long.
fn body() -> String {
    let text = "Diese Mitteilung misst, wie schnell viele davon hinausgehen. ".repeat(15);
    let data = serde_json::json!({
        "code": "K7M3QX9P", "contact": "c10000", "exercise": false, "expires_at": "2026-11-22T05:34:17.000Z",
        "incident": null, "language": "de", "next_update_at": null, "number": "2026-0001", "phase": null,
        "services": [], "supersedes": null, "text": text, "title": "Messung",
        "url": "https://notfall.mb.example/n/2026-0001", "visibility": "internal",
    });
    let timestamp = "2026-11-22T05:34:17.000Z";
    serde_json::json!({"type": "notice.published", "timestamp": timestamp, "data": data}).to_string()
}

/// Posts a body to every URL, `at_once` at a time, each with an id, a fresh time and a signature of its own, as
/// Standard Webhooks wants it.
async fn post_all(urls: &[String], at_once: usize) {
    let (client, body) = (client(), body());
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"0123456789abcdef01234567");
    let call = move |url: &str| {
        let id = format!("msg_{url}");
        let time = seconds().to_string();
        let mut context = hmac::Context::with_key(&key);
        for part in [&id, ".", &time, ".", &body] {
            context.update(part.as_bytes());
        }
        let signature = format!("v1,{}", BASE64.encode(context.sign().as_ref()));
        client
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", time)
            .header("webhook-signature", signature)
            .body(body.clone())
    };
    all(urls, at_once, call).await;
}

fn seconds() -> u64 {
    std::time::UNIX_EPOCH.elapsed().expect("a time after 1970").as_secs()
}

/// Gets every URL, `at_once` at a time.
async fn get_all(urls: &[String], at_once: usize) {
    let client = client();
    all(urls, at_once, move |url: &str| client.get(url)).await;
}

async fn all(urls: &[String], at_once: usize, call: impl Fn(&str) -> RequestBuilder + Send + Sync + 'static) {
    let (urls, call) = (Arc::new(urls.to_vec()), Arc::new(call));
    let next = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..at_once)
        .map(|_| {
            let (urls, call, next) = (urls.clone(), call.clone(), next.clone());
            tokio::spawn(async move {
                while let Some(url) = urls.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let answer = call(url).send().await.expect("an answer");
                    assert!(answer.status().is_success(), "{}", answer.status());
                    answer.bytes().await.expect("all of it");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a task");
    }
}

/// The calls of Kannel's `sendsms` that hand over one message for each number.
pub fn sendsms(port: u16, reports: &str, telephones: &[String]) -> Vec<String> {
    let address = format!("http://127.0.0.1:{port}/cgi-bin/sendsms");
    let url = |telephone: &String| {
        let mut url = url::Url::parse(&address).expect("a URL");
        url.query_pairs_mut()
            .append_pair("username", "rundruf")
            .append_pair("password", "geheim")
            .append_pair("from", "MB")
            .append_pair("to", telephone)
            .append_pair("charset", "UTF-8")
            .append_pair("coding", "0")
            .append_pair("dlr-mask", "19")
            .append_pair("dlr-url", reports)
            .append_pair(
                "text",
                "MB 2026-0001: Diese Mitteilung misst, wie schnell viele davon hinausgehen.",
            );
        url.to_string()
    };
    telephones.iter().map(url).collect()
}
