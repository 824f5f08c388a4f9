//! A worker: threads that run a handler on each message of a queue.
//!
//! **Promise.** A handler has the whole lease from the moment it is called, and the lease is prolonged while it runs,
//! whatever its own thread does. A panic is a failure of that message, and of nothing else. What was taken ahead and not
//! started is handed back without penalty. Closing never takes longer than asked.
//!
//! **Not promised.** That a handler runs once for a message. That one which never returns is stopped: a thread cannot be.
//!
//! **Picture.**
//!
//! ```text
//! queue -- receive, up to prefetch + 1 --> waiting -- in order --> running (one a thread) -- ack, fail, ... --> queue
//!                                             |                       |
//!                                             +------- keeper --------+  hands back what waits for too long,
//!                                                                        prolongs the leases of what runs
//! ```
//!
//! | file | what |
//! |---|---|
//! | `builder`, `job`, `outcome`, `stats` | what callers hold |
//! | `crew` | what the threads share: who takes messages, who gets them |
//! | `run` | a thread that handles |
//! | `keeper`, `waiting` | the thread that prolongs, as [`Keeper`](crate::Keeper) does; what was taken ahead |
//! | `drain` | the end |
//!
//! Of the [consumers](crate::Consumer) of a queue a worker is one: where only one may be active, a worker is it or waits. The next one
//! takes over when all its handlers have returned after it was closed, or when it is dropped.
//!
//! **Failure.** When the hub is closed, or the queue refuses, the worker ends by itself, and [`Worker::error`] says why.

mod builder;
mod crew;
mod drain;
mod job;
mod keeper;
mod outcome;
mod run;
mod stats;
mod waiting;

pub use builder::WorkerBuilder;
pub use drain::StillRunning;
pub use job::Job;
pub use outcome::{IntoOutcome, Outcome};
pub use stats::WorkerStats;

use crate::error::{Error, Result};
use crate::notice::{self, Notice};
use crate::sync::lock;
use crate::sync::roster::Roster;
use crew::{Crew, Stage};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long a worker that is dropped waits for its handlers.
const DROP_WAIT: Duration = Duration::from_secs(30);

/// Threads that handle the messages of a queue, until they are closed. Dropping it closes it, and waits 30 seconds at
/// most. It keeps its hub open, unless that is closed. Made by [`Queue::worker`](crate::Queue::worker).
///
/// ```
/// use ringmain::{Hub, Message, Outcome};
/// use std::time::Duration;
/// let hub = Hub::memory();
/// let jobs = hub.queue("jobs").dead_letter("jobs.dead").open()?;
/// let (done, results) = std::sync::mpsc::channel();
/// let worker = jobs
///     .worker(move |job| {
///         let Ok(text) = std::str::from_utf8(job.value()) else { return Ok(Outcome::reject("not text")) };
///         let number: u32 = text.parse()?; // an error is a failure, and the message is tried again
///         let _ = done.send(number * 2);
///         Ok::<_, std::num::ParseIntError>(Outcome::Ack)
///     })
///     .concurrency(2)
///     .prefetch(16)
///     .start()?;
/// jobs.send(Message::new(b"21"))?;
/// assert_eq!(results.recv(), Ok(42));
/// worker.close(Duration::from_secs(10))?;
/// assert_eq!(worker.stats().acked_total, 1);
/// # Ok::<(), ringmain::Error>(())
/// ```
pub struct Worker {
    crew: Arc<Crew>,
    roster: Arc<Roster>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Worker {
    fn new(crew: Arc<Crew>) -> Self {
        Self { crew, roster: Arc::default(), threads: Mutex::default() }
    }

    fn start_handling(&mut self) -> Result<()> {
        self.crew.enter();
        let handling = Handling(self.crew.clone());
        self.start("ringmain-worker", move || run::run(&handling.0))
    }

    fn start_keeper(&mut self) -> Result<()> {
        let crew = self.crew.clone();
        self.start("ringmain-leases", move || keeper::run(&crew))
    }

    /// Starts a thread. What `run` holds is dropped before the thread is counted out.
    fn start(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<()> {
        self.roster.enter();
        let present = Present(self.roster.clone());
        let thread = thread::Builder::new().name(name.into()).spawn(move || {
            let _present = present;
            run();
        });
        lock(&self.threads).push(thread.map_err(|e| Error::io("start a thread for", "worker", &e))?);
        Ok(())
    }

    /// Counts as of now.
    pub fn stats(&self) -> WorkerStats {
        lock(&self.crew.state).counted()
    }

    /// What ended it, if it was not closed: `Closed` with its hub, or what the queue refused with.
    pub fn error(&self) -> Option<Error> {
        lock(&self.crew.state).error.clone()
    }

    /// Starts no handler any more, hands back what was taken ahead, without penalty, and waits at most `timeout` for the
    /// handlers that are running; their leases are prolonged meanwhile. A second close waits again.
    ///
    /// In a forked child, which has none of the threads, it does nothing. Called by a handler, it waits for nobody.
    ///
    /// # Errors
    /// [`StillRunning`] tells which messages are still being handled. As an [`Error`] it is a `Timeout`.
    pub fn close(&self, timeout: Duration) -> Result<(), StillRunning> {
        if self.crew.check_owner().is_err() {
            return Ok(());
        }
        self.crew.drain(None);
        let timeout = if self.is_own_thread() { Duration::ZERO } else { timeout };
        if self.roster.wait(timeout) {
            let threads = std::mem::take(&mut *lock(&self.threads));
            // They have left already; one that panicked would have been ours, and is told by the test that sees it.
            threads.into_iter().for_each(|thread| _ = thread.join());
            return Ok(());
        }
        let mut state = lock(&self.crew.state);
        state.stage = Stage::Over;
        let mut ids: Vec<u64> = state.running.iter().map(|(job, _)| job.id()).collect();
        ids.sort_unstable();
        drop(state);
        let (queue, count) = (self.crew.queue.shared.name.clone(), ids.len() as u64);
        notice::now(|| Notice::DrainTimedOut { queue, count });
        Err(StillRunning { ids })
    }

    fn is_own_thread(&self) -> bool {
        let current = thread::current().id();
        lock(&self.threads).iter().any(|thread| thread.thread().id() == current)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Who wants to know calls `close`.
        let _ = self.close(DROP_WAIT);
        self.crew.leave_row();
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queue = self.crew.queue.name();
        f.debug_struct("Worker").field("queue", &queue).field("stats", &self.stats()).finish_non_exhaustive()
    }
}

/// A thread that handles, as the crew counts it.
struct Handling(Arc<Crew>);

impl Drop for Handling {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// A thread, as whoever closes the worker counts it.
struct Present(Arc<Roster>);

impl Drop for Present {
    fn drop(&mut self) {
        self.0.leave();
    }
}
