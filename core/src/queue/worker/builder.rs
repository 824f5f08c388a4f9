//! A worker to start, each option with its default.

use crate::clock::Timed;
use crate::error::{Error, Result};
use crate::limits::{RECEIVE_COUNT_MAX, WORKER_THREAD_COUNT_MAX};
use crate::message::duration_ns;
use crate::queue::Queue;
use crate::queue::worker::crew::{Crew, Handler, Liveness};
use crate::queue::worker::{IntoOutcome, Job, Worker};
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

impl Queue {
    /// A worker: threads that receive messages, run `handler` on each, and settle it as the handler says: `Ok` or nothing
    /// is an ack, `Err` a failure with that reason, an [`Outcome`](crate::Outcome) what it says. A handler that panics has
    /// failed, and the worker goes on, unless the program aborts on panics.
    ///
    /// Deliveries are at least once: make handlers idempotent.
    pub fn worker<F, R>(&self, handler: F) -> WorkerBuilder
    where
        F: Fn(&Job) -> R + Send + Sync + 'static,
        R: IntoOutcome,
    {
        WorkerBuilder {
            queue: self.clone(),
            handler: Box::new(move |job| handler(job).into_outcome()),
            liveness: None,
            concurrency: 1,
            prefetch: None,
            lease_total_max: Duration::from_secs(3600),
        }
    }
}

/// A worker to start, made by [`Queue::worker`].
pub struct WorkerBuilder {
    queue: Queue,
    handler: Handler,
    liveness: Option<Liveness>,
    concurrency: usize,
    prefetch: Option<usize>,
    lease_total_max: Duration,
}

impl WorkerBuilder {
    /// How many handlers run at a time, each on a thread of its own. Default 1, at most 1,024.
    pub fn concurrency(mut self, threads: usize) -> Self {
        self.concurrency = threads;
        self
    }

    /// How many messages may be taken ahead, for handlers that are about to be free. Default as many as handlers, 0 to
    /// 65,535. Those that have waited for two thirds of their lease are handed back without penalty.
    pub fn prefetch(mut self, count: usize) -> Self {
        self.prefetch = Some(count);
        self
    }

    /// How long the lease of one delivery is prolonged altogether, from its hand-over to the handler. Default 1 h. Less
    /// than the queue's lease: it is not prolonged.
    pub fn lease_total_max(mut self, total: Duration) -> Self {
        self.lease_total_max = total;
        self
    }

    /// Asked before the lease of a running handler is prolonged, at each third of it: `false`, or a panic, and it is not,
    /// so that a handler that hangs loses its message in the end. Default: always alive. One thread asks for all jobs of
    /// the worker: the check must not wait.
    pub fn liveness(mut self, check: impl Fn(&Job) -> bool + Send + Sync + 'static) -> Self {
        self.liveness = Some(Box::new(check));
        self
    }

    /// Starts its threads.
    ///
    /// # Errors
    /// `InvalidArgument` for an option out of its range; `Io` if the system gives no thread; `Forked`.
    pub fn start(self) -> Result<Worker> {
        let prefetch = self.prefetch.unwrap_or(self.concurrency);
        check("concurrency", self.concurrency, 1, WORKER_THREAD_COUNT_MAX)?;
        check("prefetch", prefetch, 0, RECEIVE_COUNT_MAX - 1)?;
        let total_ns_max = duration_ns(self.lease_total_max);
        let crew = Arc::new(Crew::new(self.queue, self.handler, self.liveness, prefetch, total_ns_max));
        crew.check_owner()?;
        let mut worker = Worker::new(crew.clone());
        if crew.clock().is_system() {
            worker.start_keeper()?;
        } else {
            let timed: Weak<Crew> = Arc::downgrade(&crew);
            crew.clock().register(timed as Weak<dyn Timed>);
        }
        (0..self.concurrency).try_for_each(|_| worker.start_handling())?;
        Ok(worker)
    }
}

fn check(argument: &'static str, count: usize, min: usize, max: usize) -> Result<()> {
    if (min..=max).contains(&count) {
        return Ok(());
    }
    Err(Error::invalid(argument, format!("{count} is not allowed; {min} to {max} are")))
}

impl fmt::Debug for WorkerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerBuilder")
            .field("queue", &self.queue.name())
            .field("concurrency", &self.concurrency)
            .field("prefetch", &self.prefetch)
            .field("lease_total_max", &self.lease_total_max)
            .finish_non_exhaustive()
    }
}
