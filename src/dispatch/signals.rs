//! What connections tell the engine, collected: it is woken for the first of many signals and for the last, not for
//! each.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::connection::Signal;

/// The engine's letter box. Clones are one and the same.
#[derive(Debug, Clone, Default)]
pub struct Signals(Arc<Inbox>);

#[derive(Debug, Default)]
struct Inbox {
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<Signal>,
    /// The engine is woken when so many wait.
    wanted: usize,
}

impl Signals {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves `signal` for the engine.
    pub fn send(&self, signal: Signal) {
        let mut state = self.lock();
        state.waiting.push(signal);
        let enough = state.waiting.len() == state.wanted.max(1);
        drop(state);
        if enough {
            self.0.wake.notify_one();
        }
    }

    /// Resolves when at least `wanted` signals wait, of which there is always at least one.
    pub async fn wait_for(&self, wanted: usize) {
        let wanted = wanted.max(1);
        loop {
            {
                let mut state = self.lock();
                if state.waiting.len() >= wanted {
                    return;
                }
                state.wanted = wanted;
            }
            self.0.wake.notified().await;
        }
    }

    /// All that wait, in the order in which they came.
    pub fn take(&self) -> Vec<Signal> {
        let mut state = self.lock();
        state.wanted = 1;
        let room = state.waiting.len();
        std::mem::replace(&mut state.waiting, Vec::with_capacity(room))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(provider: usize) -> Signal {
        Signal::Opened { provider }
    }

    #[tokio::test]
    async fn whoever_waits_for_three_is_woken_by_the_third_and_gets_all_in_order() {
        let signals = Signals::default();
        let waiter = signals.clone();
        let waiting = tokio::spawn(async move {
            waiter.wait_for(3).await;
            waiter.take()
        });
        for provider in 0..3 {
            tokio::task::yield_now().await;
            signals.send(opened(provider));
        }
        let taken = waiting.await.unwrap();
        let providers: Vec<usize> = taken
            .iter()
            .map(|signal| match signal {
                Signal::Opened { provider } => *provider,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(providers, [0, 1, 2]);
        assert!(signals.take().is_empty());
    }

    #[tokio::test]
    async fn what_came_before_anybody_waited_is_not_lost_and_a_larger_wish_does_not_stay() {
        let signals = Signals::default();
        signals.send(opened(1));
        signals.wait_for(1).await;
        let patience = std::time::Duration::from_millis(1);
        assert!(tokio::time::timeout(patience, signals.wait_for(5)).await.is_err());
        assert_eq!(signals.take().len(), 1);
        let waiter = signals.clone();
        let waiting = tokio::spawn(async move { waiter.wait_for(1).await });
        tokio::task::yield_now().await;
        signals.send(opened(2));
        waiting.await.unwrap();
    }
}
