//! What a hub has stored about its queues and streams: read without opening them.

use crate::error::{Error, Result};
use crate::hub::Hub;
use crate::notice::lock_quietly;
use crate::queue::{
    Capacity, Dedup, ErrorClass, OnBreach, OnExhausted, OnGroupDeath, QueueOptions, Rate, Retry,
};
use crate::stream::{Compaction, SlowReaders, StreamOptions};
use std::collections::BTreeMap;
use std::time::Duration;

/// The stored options of a queue: those that it was opened with last, or their defaults. What each means is said at
/// [`QueueBuilder`](crate::QueueBuilder).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct QueueInfo {
    /// [`lease`](crate::QueueBuilder::lease).
    pub lease: Duration,
    /// [`lease_total_max`](crate::QueueBuilder::lease_total_max), or what it is if none was given.
    pub lease_total_max: Duration,
    /// [`max_failures`](crate::QueueBuilder::max_failures).
    pub max_failures: u32,
    /// [`on_exhausted`](crate::QueueBuilder::on_exhausted).
    pub on_exhausted: OnExhausted,
    /// [`retry`](crate::QueueBuilder::retry).
    pub retry: Retry,
    /// [`ttl`](crate::QueueBuilder::ttl).
    pub ttl: Option<Duration>,
    /// [`on_breach`](crate::QueueBuilder::on_breach).
    pub on_breach: OnBreach,
    /// [`error_class`](crate::QueueBuilder::error_class), by the name of the class.
    pub error_classes: BTreeMap<String, ErrorClass>,
    /// [`dedup`](crate::QueueBuilder::dedup).
    pub dedup: Option<Dedup>,
    /// [`capacity`](crate::QueueBuilder::capacity).
    pub capacity: Option<Capacity>,
    /// [`history`](crate::QueueBuilder::history): for how long, and of how many messages.
    pub history: Option<(Duration, u32)>,
    /// [`concurrency_max`](crate::QueueBuilder::concurrency_max).
    pub concurrency_max: Option<u32>,
    /// [`concurrency_max_per_key`](crate::QueueBuilder::concurrency_max_per_key).
    pub concurrency_max_per_key: Option<u32>,
    /// [`rate`](crate::QueueBuilder::rate).
    pub rate: Option<Rate>,
    /// [`rate_per_key`](crate::QueueBuilder::rate_per_key).
    pub rate_per_key: Option<Rate>,
    /// [`single_active_consumer`](crate::QueueBuilder::single_active_consumer).
    pub single_active_consumer: bool,
    /// [`age_step`](crate::QueueBuilder::age_step).
    pub age_step: Option<Duration>,
    /// [`group_parallelism`](crate::QueueBuilder::group_parallelism).
    pub group_parallelism: u32,
    /// [`on_group_death`](crate::QueueBuilder::on_group_death).
    pub on_group_death: OnGroupDeath,
    /// Whether it is [paused](crate::Queue::pause).
    pub is_paused: bool,
}

/// The stored options of a stream: those that it was opened with last, or their defaults. What each means is said at
/// [`StreamBuilder`](crate::StreamBuilder); `None`: not limited.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamInfo {
    /// [`partitions`](crate::StreamBuilder::partitions).
    pub partitions: u32,
    /// [`age_max`](crate::StreamBuilder::age_max).
    pub age_max: Option<Duration>,
    /// [`bytes_max`](crate::StreamBuilder::bytes_max).
    pub bytes_max: Option<u64>,
    /// [`count_max`](crate::StreamBuilder::count_max).
    pub count_max: Option<u64>,
    /// [`compaction`](crate::StreamBuilder::compaction).
    pub compaction: Option<Compaction>,
    /// [`until_read`](crate::StreamBuilder::until_read).
    pub until_read: bool,
    /// [`slow_readers`](crate::StreamBuilder::slow_readers).
    pub slow_readers: SlowReaders,
}

impl From<QueueOptions> for QueueInfo {
    fn from(options: QueueOptions) -> Self {
        Self {
            lease_total_max: options.lease_total(),
            lease: options.lease,
            max_failures: options.max_failures,
            on_exhausted: options.on_exhausted,
            retry: options.retry,
            ttl: options.ttl,
            on_breach: options.on_breach,
            error_classes: options.error_classes,
            dedup: options.dedup,
            capacity: options.capacity,
            history: options.history.map(|history| (history.window, history.count_max)),
            concurrency_max: options.limits.concurrency_max,
            concurrency_max_per_key: options.limits.concurrency_max_per_key,
            rate: options.limits.rate,
            rate_per_key: options.limits.rate_per_key,
            single_active_consumer: options.limits.single_active_consumer,
            age_step: options.age_step,
            group_parallelism: options.groups.parallelism,
            on_group_death: options.groups.on_death,
            is_paused: options.limits.paused,
        }
    }
}

impl StreamInfo {
    fn new(partitions: usize, options: StreamOptions) -> Self {
        let StreamOptions { age_max, bytes_max, count_max, compaction, until_read, slow_readers } = options;
        let partitions = partitions as u32;
        Self { partitions, age_max, bytes_max, count_max, compaction, until_read, slow_readers }
    }
}

impl Hub {
    /// The options of a queue, as they are stored. It is not opened.
    ///
    /// ```
    /// use ringmain::Hub;
    /// let hub = Hub::memory();
    /// hub.queue("emails").max_failures(3).dead_letter("emails.dead").open()?;
    /// assert_eq!(hub.queue_info("emails")?.max_failures, 3);
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// `NotFound`, `Closed`.
    pub fn queue_info(&self, name: &str) -> Result<QueueInfo> {
        self.inner().check_open()?;
        let stored = lock_quietly(&self.inner().registry).catalogue.queues.get(name).cloned();
        let missing = || not_found("queue", name, "; Hub::queues tells which there are");
        stored.map(|entry| entry.options.into()).ok_or_else(missing)
    }

    /// The partitions and options of a stream, as they are stored. It is not opened.
    ///
    /// ```
    /// use ringmain::Hub;
    /// let hub = Hub::memory();
    /// hub.stream("flights").partitions(4).count_max(1_000_000).open()?;
    /// let flights = hub.stream_info("flights")?;
    /// assert_eq!((flights.partitions, flights.count_max), (4, Some(1_000_000)));
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// `NotFound`, `Closed`.
    pub fn stream_info(&self, name: &str) -> Result<StreamInfo> {
        self.inner().check_open()?;
        let stored = lock_quietly(&self.inner().registry).catalogue.streams.get(name).cloned();
        let missing = || not_found("stream", name, "; Hub::streams tells which there are");
        stored.map(|entry| StreamInfo::new(entry.partitions.len(), entry.options)).ok_or_else(missing)
    }
}

fn not_found(noun: &'static str, name: &str, advice: &'static str) -> Error {
    Error::NotFound { noun, name: name.to_owned(), advice }
}
