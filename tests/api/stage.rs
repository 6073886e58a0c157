//! A service with something in it, and tokens to ask it with.

use std::collections::BTreeSet;
use std::sync::Arc;

use rundruf::domain::actor::{Actor, Right};
use rundruf::domain::audit::{NewEntry, Subject};
use rundruf::domain::chance::Chance;
use rundruf::domain::credential::{Credential, token_hash};
use rundruf::store::NewToken;
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::client::{Answer, Serving};
use crate::instance::{Engine, Instance};

/// A service that runs, and a token that may do everything.
pub struct Stage {
    pub serving: Serving,
    pub token: String,
}

impl Stage {
    /// With `contacts` in a group `all`, and as many notices to them.
    pub async fn new(engine: Engine, contacts: usize, notices: usize) -> Self {
        Self::configured(engine, contacts, notices, "").await
    }

    /// The same, with these sections in its configuration.
    pub async fn configured(engine: Engine, contacts: usize, notices: usize, sections: &str) -> Self {
        let instance = Instance::new(engine).await;
        if contacts > 0 {
            instance.import(contacts);
        }
        for _ in 0..notices {
            instance.release(&[]);
        }
        let serving = Serving::start(instance, sections).await;
        let token = make_token(&serving.instance, "stage-of-the-tests", &Right::ALL, None).await;
        Self { serving, token }
    }

    /// A further token.
    pub async fn token(&self, name: &str, rights: &[Right], groups: Option<&[&str]>) -> String {
        make_token(&self.serving.instance, name, rights, groups).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", b"").await
    }

    /// Posts JSON.
    pub async fn post(&self, path: &str, headers: &str, body: &str) -> Answer {
        let headers = format!("Content-Type: application/json\r\n{headers}");
        self.ask("POST", path, &headers, body.as_bytes()).await
    }

    pub async fn ask(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        self.ask_as(&self.token, method, path, headers, body).await
    }

    pub async fn ask_as(&self, token: &str, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let headers = format!("Authorization: Bearer {token}\r\n{headers}");
        self.serving.ask(method, path, &headers, body).await
    }

    /// How many entries of the audit log have this reason.
    pub async fn entries_because(&self, reason: &str) -> usize {
        let store = self.serving.instance.store().await;
        let entries = store.audit_entries(0, 10_000).await.unwrap();
        store.close().await;
        entries.iter().filter(|entry| entry.reason == reason).count()
    }

    /// How many entries the audit log has.
    pub async fn entries(&self) -> i64 {
        let store = self.serving.instance.store().await;
        let head = store.audit_head().await.unwrap();
        store.close().await;
        head.sequence
    }
}

async fn make_token(instance: &Instance, name: &str, rights: &[Right], groups: Option<&[&str]>) -> String {
    let store = instance.store().await;
    let token = Credential::ApiToken.issue(&Arc::new(Chance::from_system()));
    let entry = NewEntry::new(&Actor::shell("test"), "token.created", Subject::new("token", name));
    let new = NewToken {
        name: name.parse().unwrap(),
        hash: token_hash(&token),
        account: None,
        rights: rights.iter().copied().collect(),
        groups: groups.map(|groups| groups.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>()),
        created_by: "shell:test".to_owned(),
        expires_at: None,
    };
    store.add_token(&new, &entry).await.unwrap();
    store.close().await;
    token.expose_secret().to_owned()
}

impl Answer {
    /// The body as JSON, after looking at the status.
    pub fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The problem that it tells of, after looking at the status.
    pub fn problem(&self, status: u16) -> Value {
        let problem = self.json(status);
        assert!(self.head.contains("content-type: application/problem+json"), "{self:?}");
        assert_eq!(problem["status"], status, "{self:?}");
        for name in ["type", "title", "detail"] {
            assert!(problem[name].as_str().is_some_and(|text| !text.is_empty()), "{name}: {self:?}");
        }
        assert!(self.head.contains("x-request-id: ") || status == 408, "{self:?}");
        problem
    }

    /// The same, about this field.
    pub fn problem_about(&self, status: u16, field: &str) {
        let problem = self.problem(status);
        let fields: Vec<&str> = problem["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|error| error["field"].as_str())
            .collect();
        assert!(fields.contains(&field), "no {field:?} in {fields:?}: {self:?}");
    }
}
