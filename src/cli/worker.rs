//! `worker`: sends what is due, without pages.

use anyhow::Context;

use crate::dispatch::{Finish, Goal};
use crate::store::Purpose;

use super::arguments::WorkerArguments;
use super::dispatching::{Dispatching, asked_to_stop, say_event};
use super::session::{Exit, Session, say};

pub(super) async fn run(session: &Session, arguments: WorkerArguments) -> anyhow::Result<Exit> {
    let purpose = if arguments.drain { Purpose::Read } else { Purpose::Write };
    let store = session.open_store(purpose).await?;
    let goal = if arguments.drain { Goal::Drain } else { Goal::Serve };
    let mut dispatching = Dispatching::start(session, &store, goal).await?;
    if !arguments.drain {
        say("The worker is running. Ctrl-C ends it; nothing is lost.");
    }
    let finish = loop {
        tokio::select! {
            () = asked_to_stop(), if !dispatching.stop.is_cancelled() => {
                say("Stopping: what is being exchanged is finished, the rest waits.");
                dispatching.stop.cancel();
            }
            Some(event) = dispatching.events.recv() => say_event(session, &event),
            finish = &mut dispatching.task => break finish.context("the dispatcher ended unexpectedly")??,
        }
    };
    dispatching.stop.cancel();
    while let Ok(event) = dispatching.events.try_recv() {
        say_event(session, &event);
    }
    match finish {
        Finish::Reached if arguments.drain => say("Nothing is due any more."),
        Finish::Held => {
            say("No provider can be used; what is due stays queued. Mend what is said above, then run \
             \"rundruf worker --drain\" again.")
        }
        Finish::Reached | Finish::Stopped => {}
    }
    store.close().await;
    Ok(Exit::Done)
}
