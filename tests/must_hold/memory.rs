//! Memory does not grow with what is queued. A million is measured by `cargo bench --bench memory`.

use crate::instance::{Engine, Instance, TEMPLATE, relay};
use crate::process::until_store;
use crate::queued::{most_memory, queue};
use crate::sink::Sink;

/// What all of the program may use.
const LIMIT: u64 = 100_000_000;
/// Written down as one list, these alone would take more than half of it.
const QUEUED: usize = 200_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_stays_small_whatever_is_queued() {
    let instance = Instance::new(Engine::Sqlite).await;
    let sink = Sink::start(None).await;
    instance.configure(&relay(sink.port, "connections = 50"));
    queue(&instance.path("var/rundruf.db"), &instance.path("templates"), TEMPLATE, QUEUED).await;
    let store = instance.store().await;
    let worker = instance.start(&["worker"]);
    let far_enough = async || store.notices().await.unwrap()[0].counts().got_out() >= 20_000;
    until_store(async || worker.has_ended() || far_enough().await, &|| worker.err()).await;
    let most = most_memory(worker.id());
    worker.signal("TERM");
    worker.end().await.exits(0);
    assert!(most < LIMIT, "{} MB with {QUEUED} deliveries queued", most / 1_000_000);
}
