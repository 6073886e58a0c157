//! `/metrics`: for Prometheus, in its text format. What happens in this process is counted here; what stands in the
//! store is read when somebody asks, from counters that are kept there.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::sync::Mutex;

use crate::app::instance::Instance;
use crate::domain::actor::Right;
use crate::domain::clock::Timestamp;
use crate::domain::settings::MetricsAccess;
use crate::store::{Gauges, StoreError};

use super::api::caller::{SignedIn, authenticate};
use super::api::problem::{Kind, Problem};
use super::connections::Caller;
use super::{Shared, forwarded, plain};

/// How long what the store said serves.
const FRESH: Duration = Duration::from_secs(1);
/// How often what was measured is sorted into its buckets, whether somebody asks or not.
const UPKEEP: Duration = Duration::from_secs(5);
/// Prometheus text format, version 0.0.4.
const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Seconds: from a store on a fast disk to a provider that hangs.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Seconds: from a mail that leaves at once to one that was deferred for hours.
const LATENCY_BUCKETS: [f64; 13] =
    [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0];

/// The metric that has them.
const LATENCY: &str = "rundruf_send_latency_seconds";

/// What this process counts. There is one of it in a process.
static COUNTED: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Begins to count.
pub(super) fn begin() {
    COUNTED.get_or_init(|| {
        // A whole name goes before an end.
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)
            .and_then(|it| it.set_buckets_for_metric(Matcher::Full(LATENCY.to_owned()), &LATENCY_BUCKETS));
        let recorder = builder.ok()?.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).ok()?;
        describe();
        Some(handle)
    });
}

fn describe() {
    metrics::describe_counter!("rundruf_attempts_total", "Tries of deliveries that were written down.");
    metrics::describe_histogram!(
        "rundruf_store_transaction_seconds",
        "How long transactions that write took, the wait for their turn included."
    );
    metrics::describe_histogram!(
        LATENCY,
        "For how long deliveries had been due when they were handed over, by channel and lane."
    );
    metrics::describe_histogram!(
        "rundruf_limiter_wait_seconds",
        "How long a message waited because of a rate; those that did not wait are not counted."
    );
}

/// Sorts what was measured into buckets until `stop`.
pub(super) async fn look_after(stop: tokio_util::sync::CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(UPKEEP) => {}
        }
        if let Some(handle) = COUNTED.get().and_then(Option::as_ref) {
            handle.run_upkeep();
        }
    }
}

/// What the store said last, and when the process began.
#[derive(Debug)]
pub(super) struct Kept {
    started_at: Timestamp,
    /// By the monotonic clock.
    last: Mutex<Option<(Duration, Gauges)>>,
}

impl Kept {
    /// The process begins now.
    pub(super) fn new(started_at: Timestamp) -> Self {
        Self { started_at, last: Mutex::default() }
    }

    async fn gauges(&self, instance: &Instance) -> Result<Gauges, StoreError> {
        let mut last = self.last.lock().await;
        let now = instance.clock.monotonic();
        if let Some((at, gauges)) = &*last
            && now.saturating_sub(*at) < FRESH
        {
            return Ok(gauges.clone());
        }
        let gauges = instance.store.gauges().await?;
        *last = Some((now, gauges.clone()));
        Ok(gauges)
    }
}

/// Everything that is measured.
pub(super) async fn show(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let instance = &shared.parts.instance;
    let (parts, _) = request.into_parts();
    let access = instance.settings().http.metrics;
    let is_local = parts.extensions.get::<Caller>().is_some_and(|caller| caller.address.is_loopback())
        && !forwarded::is_passed_on(&parts.headers);
    if access == MetricsAccess::Token || !is_local {
        match authenticate(instance, &parts).await {
            Ok(SignedIn(actor)) => {
                if let Err(denied) = actor.may(Right::NoticesRead) {
                    return Problem::new(Kind::Forbidden, denied.to_string()).into_response();
                }
            }
            Err(problem) => return problem.into_response(),
        }
    }
    let mut text = COUNTED.get().and_then(Option::as_ref).map_or_else(String::new, PrometheusHandle::render);
    match shared.kept.gauges(instance).await {
        Ok(gauges) => text.push_str(&written(&gauges, shared.kept.started_at, instance.now())),
        Err(error) => {
            tracing::error!(target: "rundruf::http", "what the store holds cannot be measured: {error}");
            return plain(StatusCode::SERVICE_UNAVAILABLE, "the store cannot be read at this moment");
        }
    }
    for (provider, is_held) in providers(&shared) {
        let value = u8::from(is_held);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "rundruf_provider_held{{provider=\"{}\"}} {value}", escaped(&provider));
    }
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], text).into_response()
}

/// The configured providers and whether each is left alone.
fn providers(shared: &Shared) -> BTreeMap<String, bool> {
    let settings = shared.parts.instance.settings();
    let held = shared.parts.held.all();
    let email = settings.email.providers.iter().map(|provider| &provider.name);
    let sms = settings.sms.providers.iter().map(|provider| &provider.name);
    email.chain(sms).map(|name| (name.clone(), held.contains_key(name))).collect()
}

/// What the store holds, in the text format; the last family is begun and left open.
fn written(gauges: &Gauges, started_at: Timestamp, now: Timestamp) -> String {
    let mut text = String::new();
    let mut family = |name: &str, kind: &str, help: &str, samples: Vec<(String, f64)>| {
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        for (labels, value) in samples {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    };
    let version = env!("CARGO_PKG_VERSION");
    family(
        "rundruf_build_info",
        "gauge",
        "The version that runs.",
        vec![(format!("{{version=\"{version}\"}}"), 1.0)],
    );
    family(
        "process_start_time_seconds",
        "gauge",
        "When the process began, in seconds since 1970.",
        vec![(String::new(), started_at.0 as f64 / 1_000.0)],
    );
    let deliveries = gauges.deliveries.iter().map(|count| {
        let labels = format!(
            "{{state=\"{}\",channel=\"{}\",exercise=\"{}\"}}",
            escaped(&count.state),
            escaped(&count.channel),
            count.exercise
        );
        (labels, count.count as f64)
    });
    family("rundruf_deliveries", "gauge", "Deliveries by state and channel.", deliveries.collect());
    let notices = gauges.notices.iter().map(|(state, exercise, count)| {
        (format!("{{state=\"{}\",exercise=\"{exercise}\"}}", escaped(state)), *count as f64)
    });
    family("rundruf_notices", "gauge", "Notices that are not at their end, by state.", notices.collect());
    let ages = gauges.lanes.iter().map(|lane| {
        let labels = format!(
            "{{channel=\"{}\",lane=\"{}\",exercise=\"{}\"}}",
            escaped(&lane.channel),
            if lane.lane.is_empty() { "open".to_owned() } else { escaped(&lane.lane) },
            lane.exercise
        );
        (labels, now.since(lane.due_at).as_secs_f64())
    });
    family(
        "rundruf_queue_age_seconds",
        "gauge",
        "For how long the oldest delivery of a lane has been due.",
        ages.collect(),
    );
    let callbacks = gauges.callbacks.iter().map(|count| {
        let labels =
            format!("{{source=\"{}\",verdict=\"{}\"}}", escaped(&count.source), escaped(&count.verdict));
        (labels, count.count as f64)
    });
    family(
        "rundruf_callbacks_total",
        "counter",
        "Reports and returned mails, by what they turned out to be.",
        callbacks.collect(),
    );
    if let Some(at) = gauges.last_backup {
        let value = at.0 as f64 / 1_000.0;
        let help = "When the last backup was made, in seconds since 1970.";
        family("rundruf_last_backup_timestamp_seconds", "gauge", help, vec![(String::new(), value)]);
    }
    family("rundruf_provider_held", "gauge", "1: the provider cannot be used at this moment.", Vec::new());
    text
}

/// A label's value: backslash, quotation mark and line feed are escaped.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
