//! An instance that people may sign in to by a provider, and a browser.

use serde_json::{Value, json};

use crate::client::{Answer, Serving};
use crate::instance::{Engine, Instance};

pub const PASSWORD: &str = "kanne rost dienstag ufer";

pub struct Stage {
    pub serving: Serving,
}

/// What a browser keeps, as it sends it.
#[derive(Debug, Default, Clone)]
pub struct Browser(pub String);

impl Browser {
    /// Keeps what `answer` sets; an empty value is forgotten.
    fn keep(&mut self, head: &str) {
        let mut kept: Vec<(String, String)> = self
            .0
            .split("; ")
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        // Heads are in small letters here, which a sealed value is not: so it is taken from the raw one.
        for line in head.lines() {
            let Some((name, value)) =
                line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
            else {
                continue;
            };
            let _ = name;
            let (name, value) = value.split(';').next().unwrap().split_once('=').unwrap();
            kept.retain(|(known, _)| known != name);
            if !value.is_empty() {
                kept.push((name.to_owned(), value.to_owned()));
            }
        }
        self.0 = kept.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
    }
}

impl Stage {
    /// With an admin `root` and, by their password, `anna` (author).
    pub async fn new(engine: Engine, oidc: &str) -> Self {
        Self::with(engine, &format!("[oidc]\nclient_id = \"rundruf\"\n{oidc}")).await
    }

    pub async fn with(engine: Engine, sections: &str) -> Self {
        let instance = Instance::new(engine).await;
        for (name, roles) in [("root", "admin"), ("anna", "author")] {
            make_user(&instance, name, roles);
        }
        Self { serving: Serving::start(instance, sections).await }
    }

    pub async fn get(&self, path: &str, browser: &mut Browser) -> Answer {
        self.ask("GET", path, browser, &Value::Null).await
    }

    pub async fn ask(&self, method: &str, path: &str, browser: &mut Browser, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.ask_as(method, path, browser, "Content-Type: application/json\r\n", &body).await
    }

    /// The same with these headers, whole lines.
    pub async fn ask_as(
        &self,
        method: &str,
        path: &str,
        browser: &mut Browser,
        headers: &str,
        body: &str,
    ) -> Answer {
        use tokio::io::AsyncWriteExt;
        let mut stream = self.serving.connect().await;
        let cookie = if browser.0.is_empty() { String::new() } else { format!("Cookie: {}\r\n", browser.0) };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{cookie}{headers}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let text = crate::client::read_rest(&mut stream).await;
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        browser.keep(head);
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// Begins: where the browser is sent.
    pub async fn begin(&self, browser: &mut Browser) -> String {
        let answer = self.get("/api/v1/session/oidc", browser).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        let cookie =
            answer.head.lines().find(|line| line.to_lowercase().starts_with("set-cookie: ")).unwrap();
        for word in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/api/v1/session/oidc", "Max-Age=600"] {
            assert!(cookie.contains(word), "{word} in {cookie}");
        }
        let location = answer.head.lines().find_map(|line| {
            line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("location")).map(|(_, to)| to)
        });
        location.unwrap().to_owned()
    }

    /// Comes back with `query`.
    pub async fn come_back(&self, browser: &mut Browser, query: &str) -> Answer {
        self.get(&format!("/api/v1/session/oidc/callback?{query}"), browser).await
    }

    pub async fn by_password(&self, name: &str) -> Answer {
        let body = json!({"name": name, "password": PASSWORD});
        self.ask("POST", "/api/v1/session", &mut Browser::default(), &body).await
    }

    /// Who the session in `answer` belongs to.
    pub async fn whose(&self, answer: &Answer) -> Value {
        let token = json_of(answer)["token"].as_str().unwrap().to_owned();
        let headers = format!("Authorization: Bearer {token}\r\n");
        let who = self.serving.ask("GET", "/api/v1/session", &headers, b"").await;
        assert_eq!(who.status, 200, "{who:?}");
        json_of(&who)
    }

    pub fn run(&self, arguments: &[&str]) -> crate::process::Said {
        self.serving.instance.run(arguments)
    }

    /// The audit log as text.
    pub async fn log(&self) -> String {
        let store = self.serving.instance.store().await;
        let entries = store.audit_entries(0, 10_000).await.unwrap();
        store.close().await;
        entries.iter().map(|entry| format!("{entry:?}")).collect::<Vec<_>>().join("\n")
    }
}

pub fn json_of(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

pub fn make_user(instance: &Instance, name: &str, roles: &str) {
    use std::io::Write;
    use std::process::Stdio;
    let mut command = instance.command(&["users", "add", name, "--role", roles, "--password-stdin"]);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}
