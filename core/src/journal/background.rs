//! The hub's I/O thread: streams busy logs to their files, and commits for whoever cannot wait itself.
//!
//! **Promise.** Nothing to do: it sleeps, and nobody pays for it. A log is on the list at most once.
//!
//! **Failure.** A failed write or sync poisons the log that was streamed; the thread goes on with the others.

use crate::error::{Error, Result};
use crate::journal::Journal;
use crate::log::{Level, Log};
use crate::sync::event_count::EventCount;
use crate::sync::{Mutex, lock};
use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};

/// See the module's description.
#[derive(Debug)]
pub(super) struct Background {
    orders: Mutex<Orders>,
    changed: EventCount,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Orders {
    streams: VecDeque<Arc<Log>>,
    commit: Option<Level>,
    state: State,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    NotStarted,
    Running,
    Stopped,
}

enum Order {
    Stream(Arc<Log>),
    Commit(Level),
}

impl Background {
    pub(super) fn new() -> Self {
        Self {
            orders: Mutex::new(Orders::default()),
            changed: EventCount::symmetric(),
            thread: Mutex::new(None),
        }
    }

    /// Starts the thread. It ends when it is stopped or the journal is gone.
    pub(super) fn start(self: &Arc<Self>, journal: Weak<Journal>) -> Result<()> {
        let background = self.clone();
        let run = move || {
            while let Some(order) = background.next() {
                let Some(journal) = journal.upgrade() else { return };
                match order {
                    Order::Stream(log) => journal.stream(&log),
                    Order::Commit(level) => journal.commit_all(level),
                }
            }
        };
        let thread = thread::Builder::new().name("ringmain-io".into()).spawn(run);
        let thread = thread.map_err(|e| Error::io("start a thread for", "input and output", &e))?;
        *lock(&self.thread) = Some(thread);
        lock(&self.orders).state = State::Running;
        Ok(())
    }

    /// Has a log streamed. False: there is nobody who would do that.
    pub(super) fn stream(&self, log: &Arc<Log>) -> bool {
        {
            let mut orders = lock(&self.orders);
            if orders.state != State::Running {
                return false;
            }
            log.start_streaming();
            if !orders.streams.iter().any(|other| Arc::ptr_eq(other, log)) {
                orders.streams.push_back(log.clone());
            }
        }
        self.changed.notify_one();
        true
    }

    /// Has everything that is dirty committed. False: there is nobody who would do that.
    pub(super) fn commit(&self, level: Level) -> bool {
        {
            let mut orders = lock(&self.orders);
            if orders.state != State::Running {
                return false;
            }
            orders.commit = orders.commit.max(Some(level));
        }
        self.changed.notify_one();
        true
    }

    /// Waits for the next order. None: stopped, and there is none.
    fn next(&self) -> Option<Order> {
        let mut next = None;
        self.changed.wait_until(None, || {
            let mut orders = lock(&self.orders);
            next = match orders.commit.take() {
                Some(level) => Some(Order::Commit(level)),
                None => orders.streams.pop_front().map(Order::Stream),
            };
            // Not before all is done: somebody may wait for it.
            next.is_some() || orders.state == State::Stopped
        });
        next
    }

    /// Ends the thread, and waits until it has.
    pub(super) fn stop(&self) {
        lock(&self.orders).state = State::Stopped;
        self.changed.notify_all();
        let thread = lock(&self.thread).take();
        // The last handle of a hub may be dropped by a task that this thread woke.
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != thread::current().id()) {
            let _ = thread.join();
        }
    }
}
