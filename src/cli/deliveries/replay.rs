//! `deliveries replay`

use crate::app::deliveries::{Replay, replay};
use crate::cli::arguments::ReplayArguments;
use crate::cli::lookup::open_existing;
use crate::cli::output::{counted, program};
use crate::cli::session::{Session, say};

/// Sends an endpoint again what it missed, and says so.
///
/// # Errors
/// When there is no store, or it cannot be written.
pub(super) async fn run(session: &Session, arguments: ReplayArguments) -> anyhow::Result<()> {
    let store = open_existing(session).await?;
    let instance = session.open_instance(&store).await?;
    let address = arguments.address.as_str();
    let Replay { since, expires_at, replayed } =
        replay(&instance, &session.actor(), address, arguments.since).await?;
    store.close().await;
    if replayed.lifted {
        say(format_args!("{address} was blocked and is used again."));
    }
    if replayed.deliveries == 0 {
        say(format_args!(
            "Nothing to send again: no webhook delivery to {address} failed, expired or was suppressed since {}.",
            session.local(since)
        ));
    } else {
        say(format_args!(
            "{} sent again, until {}. A running service sends them; if there is none: {} worker --drain",
            counted(replayed.deliveries as i128, "delivery is", "deliveries are"),
            session.local(expires_at),
            program(session)
        ));
    }
    Ok(())
}
