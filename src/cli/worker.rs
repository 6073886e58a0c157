//! `worker`: sends what is due, without pages.

use crate::dispatch::{Finish, Goal};
use crate::store::Purpose;

use super::arguments::WorkerArguments;
use super::caretaker;
use super::dispatching::{Dispatching, asked_to_stop};
use super::session::{Exit, Session, say};
use super::supervision;

pub(super) async fn run(session: &Session, arguments: WorkerArguments) -> anyhow::Result<Exit> {
    let purpose = if arguments.drain { Purpose::Read } else { Purpose::Write };
    let store = session.open_store(purpose).await?;
    let goal = if arguments.drain { Goal::Drain } else { Goal::Serve };
    let dispatching = Dispatching::start(session, &store, goal).await?;
    if !arguments.drain {
        caretaker::look_after(session, &store, &dispatching);
        say("The worker is running. Ctrl-C ends it; nothing is lost.");
        let ended = dispatching.ended.clone();
        supervision::ready(&store, dispatching.name.clone(), ended);
    }
    let asked = asked_to_stop();
    let watching = asked.clone();
    tokio::spawn(async move {
        watching.cancelled().await;
        supervision::stopping();
    });
    let finish = dispatching.follow_until(session, asked).await?;
    match finish {
        Finish::Reached if arguments.drain => say("Nothing is due any more."),
        Finish::Held => {
            say("No provider can be used; what is due stays queued. Mend what is said above, then run \
             \"rundruf worker --drain\" again.");
        }
        Finish::Reached | Finish::Stopped => {}
    }
    store.close().await;
    Ok(Exit::Done)
}
