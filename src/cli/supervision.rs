//! Under systemd: that the service is ready, that it stops, and that it still does its work (`sd_notify(3)`). Anywhere
//! else this does nothing.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

use crate::store::Store;

/// How long the store may take to say that the dispatcher is at work.
const PATIENCE: Duration = Duration::from_secs(5);

/// Says that everything runs, and from then on that it does, until `ended`. `name` is the dispatcher's in the list of
/// processes.
pub(super) fn ready(store: &Store, name: String, ended: CancellationToken) {
    tell(&[NotifyState::Ready]);
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    let store = store.clone();
    tokio::spawn(async move {
        // Half of what is allowed, as sd_watchdog_enabled(3) asks.
        let every = limit / 2;
        loop {
            if is_at_work(&store, &name).await {
                tell(&[NotifyState::Watchdog]);
            }
            tokio::select! {
                () = ended.cancelled() => return,
                () = tokio::time::sleep(every) => {}
            }
        }
    });
}

/// Says that the service is ending, and how long that may take.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Whether the dispatcher's cycle goes round and the store answers. The sign of it is the lease that the dispatcher
/// renews. A store that refuses to be written answers, too: the dispatcher keeps what it knows until it can be written
/// down, and a restart would lose that.
async fn is_at_work(store: &Store, name: &str) -> bool {
    let look = async {
        let Ok(is_leased) = store.is_leased(name).await else { return true };
        is_leased || store.check_writable().await.is_err()
    };
    tokio::time::timeout(PATIENCE, look).await.unwrap_or(false)
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(target: "rundruf::service", "systemd cannot be told how the service is: {error}");
    }
}
