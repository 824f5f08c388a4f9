//! A worker of a stream to start, each option with its default.

use crate::clock::Timed;
use crate::error::{Error, Result};
use crate::limits::{DELAY_SECONDS_MAX, RECEIVE_COUNT_MAX, WORKER_THREAD_COUNT_MAX};
use crate::message::duration_ns;
use crate::stream::Stream;
use crate::stream::reader::{Reset, Start};
use crate::stream::record::Record;
use crate::stream::worker::crew::{Crew, Exhausted, Handler, Options};
use crate::stream::worker::lane::Rules;
use crate::stream::worker::{IntoHandled, StreamWorker};
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

impl Stream {
    /// A worker: threads that run `handler` on each record, as one member of a group, in order within a partition, and commit after it.
    /// `Ok` or nothing says that the record is handled, `Err` or a panic that it is to be tried again.
    ///
    /// Records are handled at least once: make handlers idempotent.
    pub fn worker<F, R>(&self, group: &str, handler: F) -> StreamWorkerBuilder
    where
        F: Fn(&Record) -> R + Send + Sync + 'static,
        R: IntoHandled,
    {
        let each =
            move |records: &[Record]| records.iter().try_for_each(|record| handler(record).into_handled());
        StreamWorkerBuilder::new(self, group, Box::new(each), (1, Duration::ZERO))
    }

    /// The same, with a handler that is given up to `max` records of one partition at a time, in order. It is called when there are so
    /// many, or `max_wait` after the first of them was polled, on the hub's clock, whether more come or not. They are handled or fail
    /// together. `max` is 1 to 65,536.
    ///
    /// ```
    /// use ringmain::{Clock, Hub, ManualClock, Message};
    /// use std::time::Duration;
    /// let clock = ManualClock::new();
    /// let hub = Hub::builder().clock(Clock::Manual(clock.clone())).memory()?;
    /// let flights = hub.stream("flights").open()?;
    /// let (batches, seen) = std::sync::mpsc::channel();
    /// let worker = flights
    ///     .batch_worker("loader", 2, Duration::from_secs(5), move |records| _ = batches.send(records.len()))
    ///     .start()?;
    /// flights.append_batch(&[Message::new(b"EWR"), Message::new(b"IAH"), Message::new(b"SFO")])?;
    /// assert_eq!(seen.recv(), Ok(2));
    /// while worker.stats().waiting == 0 {
    ///     std::thread::yield_now();
    /// }
    /// clock.advance(Duration::from_secs(5));
    /// assert_eq!(seen.recv(), Ok(1), "it does not wait for ever");
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    pub fn batch_worker<F, R>(
        &self,
        group: &str,
        max: usize,
        max_wait: Duration,
        handler: F,
    ) -> StreamWorkerBuilder
    where
        F: Fn(&[Record]) -> R + Send + Sync + 'static,
        R: IntoHandled,
    {
        let all = move |records: &[Record]| handler(records).into_handled();
        StreamWorkerBuilder::new(self, group, Box::new(all), (max, max_wait))
    }
}

/// A worker of a stream to start, made by [`Stream::worker`] and [`Stream::batch_worker`].
pub struct StreamWorkerBuilder {
    stream: Stream,
    group: String,
    handler: Handler,
    batch: (usize, Duration),
    start_at: Start,
    reset: Reset,
    concurrency: usize,
    parallel: usize,
    retry_delay: (Duration, Duration),
    max_failures: u32,
    exhausted: Exhausted,
}

impl StreamWorkerBuilder {
    fn new(stream: &Stream, group: &str, handler: Handler, batch: (usize, Duration)) -> Self {
        Self {
            stream: stream.clone(),
            group: group.to_owned(),
            handler,
            batch,
            start_at: Start::Earliest,
            reset: Reset::default(),
            concurrency: 1,
            parallel: 1,
            retry_delay: (Duration::from_secs(1), Duration::from_secs(60)),
            max_failures: 5,
            exhausted: Exhausted::Stop,
        }
    }

    pub(crate) fn stream_name(&self) -> &str {
        self.stream.name()
    }

    /// Where the group begins if it has committed nothing yet, as for [`Group::join_at`](crate::Group::join_at). Default
    /// [`Start::Earliest`].
    pub fn start_at(mut self, start: Start) -> Self {
        self.start_at = start;
        self
    }

    /// Where it goes on when the records that it would read next were removed: told so, it does not stop, and counts it in
    /// [`StreamWorkerStats::out_of_range_total`](crate::StreamWorkerStats::out_of_range_total). Default [`Reset::Fail`]: it stops with [`Error::OutOfRange`].
    pub fn on_out_of_range(mut self, reset: Reset) -> Self {
        self.reset = reset;
        self
    }

    /// How many handlers run at a time, each on a thread of its own. Default 1, at most 1,024. More than one for each partition
    /// are idle, unless they run [`parallel`](Self::parallel).
    pub fn concurrency(mut self, threads: usize) -> Self {
        self.concurrency = threads;
        self
    }

    /// How many handlers of one partition run at a time. Default 1, which keeps its order; at most 1,024. With more there is no order,
    /// what has to be tried again holds up nothing, and what is handled beyond that is committed record by record, so that
    /// a restart does not handle it again.
    pub fn parallel(mut self, handlers: usize) -> Self {
        self.parallel = handlers;
        self
    }

    /// After what time a record that failed is tried again, on the hub's clock: `first`, then twice as long each time, at most `max`.
    /// Meanwhile its partition waits, if it is handled in order. Default 1 second and 60 seconds; at most ten years.
    pub fn retry_delay(mut self, first: Duration, max: Duration) -> Self {
        self.retry_delay = (first, max);
        self
    }

    /// After how many failures a record is given up. Then the worker stops with [`Error::HandlerFailed`], and the record is not
    /// committed, unless [`hand_over`](Self::hand_over) or [`skip_failed`](Self::skip_failed) says otherwise. Default 5, at least 1.
    pub fn max_failures(mut self, count: u32) -> Self {
        self.max_failures = count;
        self
    }

    /// Has a record that is given up go to `sink`, with the reason of its last failure. When that has returned, the record is committed;
    /// if it returns an error, the worker stops with it.
    pub fn hand_over(mut self, sink: impl Fn(&Record, &str) -> Result<()> + Send + Sync + 'static) -> Self {
        self.exhausted = Exhausted::HandOver(Box::new(sink));
        self
    }

    /// Has a record that is given up be committed as if it had been handled: it is lost to the group, and counted as skipped.
    pub fn skip_failed(mut self) -> Self {
        self.exhausted = Exhausted::Skip;
        self
    }

    /// Joins the group, and starts its threads.
    ///
    /// # Errors
    /// `InvalidArgument` for an option out of its range; those of [`Group::join_at`](crate::Group::join_at); `Io` if the system gives no
    /// thread.
    pub fn start(self) -> Result<StreamWorker> {
        let (batch_max, batch_wait) = self.batch;
        let (retry_first, retry_max) = self.retry_delay;
        check("concurrency", self.concurrency as u64, 1, WORKER_THREAD_COUNT_MAX as u64)?;
        check("parallel", self.parallel as u64, 1, WORKER_THREAD_COUNT_MAX as u64)?;
        check("max", batch_max as u64, 1, RECEIVE_COUNT_MAX as u64)?;
        check("max_failures", u64::from(self.max_failures), 1, u64::from(u32::MAX))?;
        check("retry_delay", retry_first.max(retry_max).as_secs(), 0, DELAY_SECONDS_MAX)?;
        let rules = Rules { parallel: self.parallel, batch_max, batch_ns_max: duration_ns(batch_wait) };
        let options = Options {
            rules,
            retry_ns: (duration_ns(retry_first), duration_ns(retry_max)),
            max_failures: self.max_failures,
            exhausted: self.exhausted,
        };
        let member = self.stream.group(&self.group).on_out_of_range(self.reset).join_at(self.start_at)?;
        let crew = Arc::new(Crew::new(self.stream, member, self.handler, options));
        let timed: Weak<Crew> = Arc::downgrade(&crew);
        crew.clock().register(timed as Weak<dyn Timed>);
        let worker = StreamWorker::new(crew);
        (0..self.concurrency).try_for_each(|_| worker.start_thread())?;
        Ok(worker)
    }
}

fn check(argument: &'static str, count: u64, min: u64, max: u64) -> Result<()> {
    if (min..=max).contains(&count) {
        return Ok(());
    }
    Err(Error::invalid(argument, format!("{count} is not allowed; {min} to {max} are")))
}

impl fmt::Debug for StreamWorkerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamWorkerBuilder")
            .field("stream", &self.stream.name())
            .field("group", &self.group)
            .field("concurrency", &self.concurrency)
            .field("parallel", &self.parallel)
            .field("batch", &self.batch)
            .finish_non_exhaustive()
    }
}
