//! A walk of the whole table: every route with every role, every scope of a token, and nobody.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::caller::SignedIn;
use super::route::Needs;
use super::routes;
use crate::app::instance::Instance;
use crate::app::serving::{ConfigurationSource, HeldProviders, HttpParts};
use crate::domain::actor::{Actor, Right, Role, Way};
use crate::domain::chance::Chance;
use crate::domain::clock::SystemClock;
use crate::domain::ids::IdSource;
use crate::domain::seal::Seal;
use crate::domain::settings::DatabaseUrl;
use crate::store::{Purpose, Store};

struct House {
    instance: Instance,
    router: TowerToHyperService<axum::Router>,
    _folder: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(SystemClock::new());
        let url = DatabaseUrl::Sqlite(folder.path().join("rundruf.db"));
        let store = Store::open(&url, Purpose::Write, clock.clone()).await.unwrap();
        let chance = Arc::new(Chance::from_system());
        let settings = Arc::new(crate::config::defaults().unwrap());
        let instance = Instance {
            store,
            settings: watch::channel(settings).1,
            seal: Seal::new(&[7; 32]),
            ids: Arc::new(IdSource::new(clock.clone(), chance.clone())),
            clock,
            chance,
            checked: crate::templates::CheckedTemplates::default(),
        };
        let parts = HttpParts {
            instance: instance.clone(),
            dispatcher_ended: CancellationToken::new(),
            held: HeldProviders::default(),
            tls: None,
            configuration: ConfigurationSource::Defaults,
            program: "rundruf".to_owned(),
        };
        let router = crate::http::router(parts, CancellationToken::new());
        Self { instance, router: TowerToHyperService::new(router), _folder: folder }
    }

    /// The status of a request by `actor`; nobody without one.
    async fn ask(&self, method: &str, path: &str, actor: Option<&Actor>) -> StatusCode {
        self.ask_with(method, path, actor, "{}").await
    }

    async fn ask_with(&self, method: &str, path: &str, actor: Option<&Actor>, body: &str) -> StatusCode {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{}", filled(path)))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::IF_MATCH, "*")
            .body(Body::from(body.to_owned()))
            .unwrap();
        if let Some(actor) = actor {
            request.extensions_mut().insert(SignedIn(actor.clone()));
        }
        let response = self.router.call(request).await.unwrap();
        assert!(response.headers().contains_key("x-request-id"));
        response.status()
    }

    async fn entries(&self) -> i64 {
        self.instance.store.audit_head().await.unwrap().sequence
    }
}

/// The path with a name for each `{…}`.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "2026-0001" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

fn with(rights: impl IntoIterator<Item = Right>, groups: Option<&str>) -> Actor {
    Actor {
        name: "walker".to_owned(),
        way: Way::Token,
        rights: rights.into_iter().collect(),
        groups: groups.map(|group| BTreeSet::from([group.to_owned()])),
        origin: "test".to_owned(),
        request: "test".to_owned(),
    }
}

/// Everybody whom the table could meet: each role, each right alone, each right missing, nobody's rights; each also
/// limited to a group.
fn walkers() -> Vec<Actor> {
    let mut walkers = Vec::new();
    for groups in [None, Some("press")] {
        walkers.push(with([], groups));
        for role in Role::ALL {
            walkers.push(with(role.rights().iter().copied(), groups));
        }
        for right in Right::ALL {
            walkers.push(with([right], groups));
            walkers.push(with(Right::ALL.into_iter().filter(|other| *other != right), groups));
        }
    }
    walkers
}

#[tokio::test]
async fn whoever_may_not_is_told_so_and_changes_nothing() {
    let house = House::new().await;
    for route in routes::table() {
        let (method, path) = (route.method(), route.path());
        for walker in walkers() {
            let before = house.entries().await;
            let status = house.ask(method, path, Some(&walker)).await;
            let may = match route.needs {
                Needs::Nothing | Needs::SignedIn => true,
                Needs::Right(right) => walker.rights.contains(&right),
                Needs::Either(right, other) => [right, other].iter().any(|one| walker.rights.contains(one)),
                Needs::Both(right, other) => [right, other].iter().all(|one| walker.rights.contains(one)),
            };
            if may {
                // What is about one's own account has nothing for a token; a limited one may be too narrow.
                let is_open = walker.groups.is_some() || route.needs == Needs::SignedIn;
                assert!(status != StatusCode::FORBIDDEN || is_open, "{method} {path} {:?}", walker.rights);
            } else {
                assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path} {:?}", walker.rights);
                assert_eq!(house.entries().await, before, "{method} {path} changed something");
            }
            assert!(!status.is_server_error(), "{method} {path}: {status}");
        }
    }
}

/// Both may be the only one who can be reached; the use case lets both.
#[tokio::test]
async fn whoever_may_agree_and_whoever_has_written_may_release_alone() {
    let house = House::new().await;
    for right in [Right::NoticesWrite, Right::NoticesRelease] {
        let status = house.ask("POST", "/notices/{number}/release", Some(&with([right], None))).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{right:?} comes as far as the body");
    }
}

#[tokio::test]
async fn a_token_that_is_limited_to_groups_has_no_say_in_what_is_kept() {
    let house = House::new().await;
    let hold = r#"{"scope":"everything","reason":"file 12 Js 345/26"}"#;
    for (method, path, body) in [
        ("GET", "/retention", ""),
        ("POST", "/retention/run", ""),
        ("POST", "/retention/holds", hold),
        ("POST", "/retention/holds/lift", hold),
    ] {
        let before = house.entries().await;
        let status = house.ask_with(method, path, Some(&with(Right::ALL, Some("press"))), body).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path}");
        assert_eq!(house.entries().await, before, "{method} {path} changed something");
    }
}

#[tokio::test]
async fn whoever_is_nobody_gets_nowhere() {
    let house = House::new().await;
    for route in routes::table() {
        let status = house.ask(route.method(), route.path(), None).await;
        if route.needs == Needs::Nothing {
            assert_ne!(status, StatusCode::UNAUTHORIZED, "{} {}", route.method(), route.path());
        } else {
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{} {}", route.method(), route.path());
        }
    }
}

/// One name stands for one schema: a second type of a name would take the place of the first without a word.
#[test]
fn no_two_types_share_a_name_in_the_description() {
    let mut known = std::collections::BTreeMap::new();
    for route in routes::table() {
        for (name, schema) in route.documented.0 {
            let text = serde_json::to_string(&schema).unwrap();
            let before = known.entry(name.clone()).or_insert_with(|| text.clone());
            assert_eq!(*before, text, "two types are called {name}: give one #[schema(as = …)]");
        }
    }
}

#[test]
fn every_route_stands_once_and_is_described() {
    let table = routes::table();
    let described = super::openapi::describe(&table);
    let mut seen = BTreeSet::new();
    for route in &table {
        let (method, path) = (route.method(), route.path());
        assert!(seen.insert(format!("{method} {path}")), "{method} {path} stands twice");
        let operation = &described["paths"][format!("/api/v1{path}")][method.to_lowercase()];
        assert!(operation["summary"].as_str().is_some_and(|text| text.len() > 5), "{method} {path}");
        assert!(operation["responses"]["500"].is_object(), "{method} {path}");
        // Signing in says 401 too, when a password is wrong.
        assert!(
            operation["responses"]["401"].is_object() || route.needs == Needs::Nothing,
            "{method} {path}"
        );
        assert!(!operation["tags"][0].as_str().unwrap_or_default().is_empty(), "{method} {path}");
    }
    let operations: usize =
        described["paths"].as_object().unwrap().values().map(|item| item.as_object().unwrap().len()).sum();
    assert_eq!(operations, table.len(), "nothing is described that is not there");
}
