//! A worker of a stream: threads that run a handler on each record, as one member of a group.
//!
//! **Promise.** In order within a partition, by one thread at a time, unless told otherwise. A record is committed after its handler has
//! returned `Ok`, or after it was handed over. A panic is a failure of that record, and of nothing else. Closing never takes longer
//! than asked.
//!
//! **Not promised.** That a handler runs once for a record: what is not committed when the process ends is handled again. That one which
//! never returns is stopped: a thread cannot be.
//!
//! **When it commits.** When a thread has nothing to do, that is as a rule when what was polled is handled; and after a handler has
//! returned, if 1,024 records or 100 ms of the hub's clock have passed since.
//!
//! ```text
//! stream -- poll, by an idle thread --> lane of each partition --> handler --> done --> commit
//!                                         ^                          |
//!                                         +---- after a delay -------+---- too often: stop, skip, or a sink
//! ```
//!
//! | file | what |
//! |---|---|
//! | `builder`, `outcome`, `stats` | what callers hold |
//! | `crew` | what the threads share: who polls, who gets what, when it is committed |
//! | `lane` | what waits of a partition |
//! | `run` | a thread that handles |

mod builder;
mod crew;
mod lane;
mod outcome;
mod run;
mod stats;

pub use builder::StreamWorkerBuilder;
pub use outcome::IntoHandled;
pub use stats::StreamWorkerStats;

use crate::error::{Error, Result};
use crate::sync::lock;
use crate::sync::roster::Roster;
use crew::Crew;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long a worker that is dropped waits for its handlers.
const DROP_WAIT: Duration = Duration::from_secs(30);

/// Threads that handle the records of a stream, until they are closed. Dropping it closes it, and waits 30 seconds at most.
/// It keeps its hub open, unless that is closed. Made by [`Stream::worker`](crate::Stream::worker).
///
/// ```
/// use ringmain::{Hub, Message};
/// use std::time::Duration;
/// let flights = Hub::memory().stream("flights").partitions(4).open()?;
/// let (done, results) = std::sync::mpsc::channel();
/// let worker = flights
///     .worker("billing", move |record| {
///         let number: u32 = std::str::from_utf8(record.value())?.parse()?; // an error is a failure, and it is tried again
///         let _ = done.send(number * 2);
///         Ok::<_, Box<dyn std::error::Error>>(())
///     })
///     .concurrency(2)
///     .skip_failed()
///     .start()?;
/// flights.append(Message::new(b"21").key("N14228"))?;
/// assert_eq!(results.recv(), Ok(42));
/// worker.close(Duration::from_secs(10))?;
/// assert_eq!(flights.group("billing").lag()?, 0);
/// # Ok::<(), ringmain::Error>(())
/// ```
pub struct StreamWorker {
    crew: Arc<Crew>,
    roster: Arc<Roster>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl StreamWorker {
    fn new(crew: Arc<Crew>) -> Self {
        Self { crew, roster: Arc::default(), threads: Mutex::default() }
    }

    fn start_thread(&self) -> Result<()> {
        self.crew.enter();
        self.roster.enter();
        let place = Place { handling: Some(Handling(self.crew.clone())), roster: self.roster.clone() };
        let thread = thread::Builder::new().name("ringmain-stream".into()).spawn(move || {
            if let Some(handling) = &place.handling {
                run::run(&handling.0);
            }
            drop(place);
        });
        lock(&self.threads).push(thread.map_err(|e| Error::io("start a thread for", "worker", &e))?);
        Ok(())
    }

    /// Counts as of now.
    pub fn stats(&self) -> StreamWorkerStats {
        lock(&self.crew.state).counted()
    }

    /// What ended it, if it was not closed: `HandlerFailed` for a record that has failed too often, `Closed` with its hub, `OutOfRange` if
    /// what it would read next was removed and it was not told where to go on, what the sink returned, or what the disk refused with.
    pub fn error(&self) -> Option<Error> {
        lock(&self.crew.state).error.clone()
    }

    /// Starts no handler any more, waits at most `timeout` for those that are running, commits what they have handled, and leaves the
    /// group. A second close waits again.
    ///
    /// In a forked child, which has none of the threads, it does nothing. Called by a handler, it waits for nobody.
    ///
    /// # Errors
    /// `Timeout`: handlers are still running. What they return still counts, and when the last one has returned the group is left.
    pub fn close(&self, timeout: Duration) -> Result<()> {
        if self.crew.check_owner().is_err() {
            return Ok(());
        }
        self.crew.end(None);
        let current = thread::current().id();
        let is_own = lock(&self.threads).iter().any(|thread| thread.thread().id() == current);
        if self.roster.wait(if is_own { Duration::ZERO } else { timeout }) {
            let threads = std::mem::take(&mut *lock(&self.threads));
            threads.into_iter().for_each(|thread| _ = thread.join());
            return Ok(());
        }
        Err(Error::Timeout { doing: "waiting for the handlers of a worker" })
    }
}

impl Drop for StreamWorker {
    fn drop(&mut self) {
        // Who wants to know calls `close`.
        let _ = self.close(DROP_WAIT);
    }
}

impl fmt::Debug for StreamWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stream = self.crew.stream.name();
        f.debug_struct("StreamWorker")
            .field("stream", &stream)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// A thread, as the crew counts it.
struct Handling(Arc<Crew>);

impl Drop for Handling {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// A thread, as whoever closes the worker counts it, after the crew.
struct Place {
    handling: Option<Handling>,
    roster: Arc<Roster>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.handling = None;
        self.roster.leave();
    }
}
