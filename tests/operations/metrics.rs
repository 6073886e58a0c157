//! What is measured, read by an independent program; and who may read it.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::client::Serving;
use crate::instance::{Engine, Instance};
use crate::process::until_store;

/// Reads the text with the parser of Prometheus' own client for Python: every sample with its labels.
fn parsed(text: &str) -> Vec<(String, Value, f64)> {
    let python =
        std::env::var("RUNDRUF_TEST_PYTHON").expect("RUNDRUF_TEST_PYTHON: run the tests by tests/run");
    let program = "import sys, json\n\
        from prometheus_client.parser import text_string_to_metric_families as read\n\
        for family in read(sys.stdin.read()):\n\
        \x20 assert family.documentation or not family.name.startswith('rundruf'), family.name\n\
        \x20 for s in family.samples: print(json.dumps([s.name, s.labels, s.value]))\n";
    let mut child = Command::new(python)
        .args(["-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the parser refuses:\n{text}");
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_measured_can_be_read_and_adds_up() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let instance = Instance::new(engine).await;
        instance.import(20);
        instance.release(&[]);
        let serving = Serving::start(instance, "").await;
        until_store(async || serving.instance.count("sent") == 20, &|| serving.err()).await;
        let value = async |name: &str, label: (&str, &str)| {
            let answer = serving.get("/metrics").await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let samples = parsed(&answer.body);
            let of = |sample: &&(String, Value, f64)| sample.0 == name && sample.1[label.0] == label.1;
            samples.iter().find(of).map(|sample| sample.2)
        };
        until_store(async || value("rundruf_deliveries", ("state", "sent")).await == Some(20.0), &|| {
            serving.err()
        })
        .await;
        // What the program counts itself follows a moment after what the store says.
        let counted = async |name: &str, label: (&str, &str), count: f64| {
            until_store(async || value(name, label).await == Some(count), &|| serving.err()).await;
        };
        counted("rundruf_attempts_total", ("outcome", "accepted"), 20.0).await;

        serving.instance.release(&["--exercise"]);
        let sent = async |exercise: &str| {
            let samples = parsed(&serving.get("/metrics").await.body);
            let of = |sample: &&(String, Value, f64)| {
                let (name, labels, _) = sample;
                name == "rundruf_deliveries" && labels["state"] == "sent" && labels["exercise"] == exercise
            };
            samples.iter().find(of).map(|sample| sample.2)
        };
        until_store(async || sent("true").await == Some(20.0), &|| serving.err()).await;
        assert_eq!(sent("false").await, Some(20.0), "an exercise is no real figure");
        assert_eq!(value("rundruf_provider_held", ("provider", "outbox")).await, Some(0.0));
        assert_eq!(value("rundruf_build_info", ("version", env!("CARGO_PKG_VERSION"))).await, Some(1.0));
        let names: Vec<String> =
            parsed(&serving.get("/metrics").await.body).into_iter().map(|sample| sample.0).collect();
        for name in ["process_start_time_seconds", "rundruf_store_transaction_seconds_bucket"] {
            assert!(names.iter().any(|known| known == name), "{name} is missing: {names:?}");
        }
        assert!(value("rundruf_store_transaction_seconds_count", ("writer", "dispatcher")).await > Some(0.0));
        assert!(value("rundruf_store_transaction_seconds_count", ("writer", "other")).await > Some(0.0));
        for name in ["rundruf_attempts_total", "rundruf_send_latency_seconds_count"] {
            for exercise in ["false", "true"] {
                counted(name, ("exercise", exercise), 20.0).await;
            }
        }
        assert_eq!(value("rundruf_send_latency_seconds_count", ("channel", "email")).await, Some(20.0));
        assert_eq!(value("rundruf_send_latency_seconds_count", ("lane", "open")).await, Some(20.0));
        // The notices were released just before: an hour is the widest bucket with an end.
        assert_eq!(value("rundruf_send_latency_seconds_bucket", ("le", "3600")).await, Some(20.0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_need_a_token() {
    let serving = Serving::start(Instance::new(Engine::Sqlite).await, "").await;
    assert_eq!(serving.get("/metrics").await.status, 200, "this machine");
    let passed_on = serving.ask("GET", "/metrics", "X-Forwarded-For: 203.0.113.7\r\n", b"").await;
    assert_eq!(passed_on.status, 401, "whoever comes by a proxy is not of this machine");
    let claims = serving.ask("GET", "/metrics", "X-Forwarded-For: 127.0.0.1\r\n", b"").await;
    assert_eq!(claims.status, 401, "and nobody becomes it by saying so");
    let serving = Serving::start(Instance::new(Engine::Sqlite).await, "metrics = \"token\"").await;
    assert_eq!(serving.get("/metrics").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_is_down_shows_and_takes_nothing_else_with_it() {
    let instance = Instance::new(Engine::Sqlite).await;
    instance.import(3);
    instance.release(&[]);
    let down = "[[email.provider]]\nname = \"relay\"\nurl = \"smtp://127.0.0.1:1?tls=none\"\n";
    let serving = Serving::start(instance, down).await;
    let is_unready = async || serving.get("/readyz").await.status == 503;
    until_store(is_unready, &|| serving.err()).await;
    let ready = serving.get("/readyz").await.body;
    assert!(ready.starts_with("not ready: no provider can be used\nemail: relay cannot be used"), "{ready}");
    let gateway = "[[sms.provider]]\nname = \"folder\"\nkind = \"outbox\"\nurl = \"outbox:var/sms\"\n";
    serving.instance.configure(&format!("[http]\nlisten = \"127.0.0.1:0\"\n{down}{gateway}"));
    let is_ready = async || {
        let ready = serving.get("/readyz").await;
        ready.status == 200 && ready.body.contains("email: no provider can be used")
    };
    until_store(is_ready, &|| serving.err()).await;
}
