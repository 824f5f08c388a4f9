//! Counts, ages and rates of a queue: whoever sends and receives only counts, the rest is worked out when somebody asks.

use crate::clock::per_second::PerSecond;
use crate::error::Result;
use crate::log::{INDEXED, Kind, Reader};
use crate::queue::capacity::Overflow;
use crate::queue::shared::Shared;
use crate::queue::state::State;
use crate::sync::lock;
use std::collections::BTreeMap;
use std::time::Duration;

/// Frames that are looked at to find the oldest plain message: behind so many others its age may be told a little too high.
const LOOK_COUNT_MAX: usize = 4096;

/// Counts of one queue. Totals are since the hub was opened.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct QueueStats {
    /// Messages that a receive would get now, limits of the whole queue aside.
    pub ready: u64,
    /// Messages that wait for their time.
    pub scheduled: u64,
    /// Messages that wait for others of their ordering key, or for that to be resumed, or were found to be held by a limit of their key.
    pub blocked: u64,
    /// Ordering keys that are halted because a message of theirs died.
    pub halted_groups: u64,
    /// Messages out with a worker.
    pub leased: u64,
    /// Messages set aside, delivered only by their ids.
    pub deferred: u64,
    /// Dead messages that wait for room in the dead letter queue.
    pub dying: u64,
    /// Messages held by its dead letter queue, whichever queue they died in.
    pub dead_letters: u64,
    /// How long the ready message has waited that has waited longest: since it was sent, or was last due.
    pub oldest_ready_age: Duration,
    /// Messages sent, over the last minute; or since the last time that somebody asked, if that is longer ago.
    pub published_per_second: f64,
    /// Messages acked, likewise.
    pub consumed_per_second: f64,
    /// Time from delivery to ack of the messages that were timed, all together. Of messages without options every 64th is, and
    /// counts for 64.
    pub processing_time_total: Duration,
    /// How many messages that stands for.
    pub processing_count: u64,
    /// Messages sent.
    pub sent_total: u64,
    /// Messages acked.
    pub acked_total: u64,
    /// Failures counted, expired leases included.
    pub failures_total: u64,
    /// Failures of a class that does not count.
    pub failures_ignored_total: u64,
    /// Leases that ran out.
    pub leases_expired_total: u64,
    /// Deliveries beyond the first of their message.
    pub redeliveries_total: u64,
    /// Messages moved to the dead letter queue.
    pub dead_total: u64,
    /// Messages that expired, whether they were dropped or became dead letters.
    pub expired_total: u64,
    /// Messages cancelled, by their ids or because of a deadline.
    pub cancelled_total: u64,
    /// Messages that were not received by their deadline.
    pub start_breaches_total: u64,
    /// Messages that were not acked by their deadline.
    pub complete_breaches_total: u64,
    /// Failures that were told a class, by class; counted or ignored. From the 65th on classes are one, `other`.
    pub failures_by_class: Vec<(String, u64)>,
    /// Dead letters that were sent back.
    pub redriven_total: u64,
    /// Messages purged, and dead letters discarded.
    pub purged_total: u64,
    /// Messages dropped because they were exhausted, rejected or expired, or missed a deadline.
    pub dropped_total: u64,
    /// Messages that were refused because there was no room.
    pub refused_total: u64,
    /// Messages dropped to make room, being the oldest.
    pub dropped_oldest_total: u64,
    /// Messages dropped to make room, being the newest.
    pub dropped_newest_total: u64,
    /// Messages dropped to make room, being of the lowest priority.
    pub dropped_lowest_priority_total: u64,
    /// Messages sent where exhausted messages go to make room, being the oldest.
    pub dead_lettered_oldest_total: u64,
    /// Messages whose deduplication key was still remembered.
    pub dedup_hits_total: u64,
    /// Deduplication keys that are remembered.
    pub dedup_entries: u64,
    /// Bytes that messages and events take in memory, in whole segments; what somebody has messages of, and leaves memory, aside.
    pub memory_bytes: u64,
    /// Bytes of them that were moved to a scratch file, by [`Overflow::Spill`](crate::Overflow::Spill).
    pub spilled_bytes: u64,
}

impl QueueStats {
    /// Mean time from delivery to ack; `None` before one was timed.
    pub fn processing_time_mean(&self) -> Option<Duration> {
        let seconds = self.processing_time_total.as_secs_f64() / self.processing_count as f64;
        Duration::try_from_secs_f64(seconds).ok()
    }

    /// All failures, by class. Without a class are those of a `worker`, and those of a `lease` that ran out.
    pub(crate) fn failures_by_any_class(&self) -> BTreeMap<&str, u64> {
        let all = self.failures_total + self.failures_ignored_total;
        let classed: u64 = self.failures_by_class.iter().map(|(_, count)| count).sum();
        let of_workers = all.saturating_sub(classed + self.leases_expired_total);
        let mut counts = BTreeMap::from([("worker", of_workers), ("lease", self.leases_expired_total)]);
        for (class, count) in &self.failures_by_class {
            *counts.entry(class).or_default() += count;
        }
        counts
    }

    /// Workers that would keep up with what is sent and bring the backlog down within `drain`: the mean processing time
    /// times (arrivals per second + backlog / drain), rounded up. 0 before an ack was timed.
    ///
    /// ```
    /// # use ringmain::{Hub, OnExhausted};
    /// # use std::time::Duration;
    /// # let queue = Hub::memory().queue("jobs").on_exhausted(OnExhausted::Drop).open()?;
    /// assert_eq!(queue.stats()?.desired_workers(Duration::from_secs(60)), 0);
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    pub fn desired_workers(&self, drain: Duration) -> u64 {
        let Some(mean) = self.processing_time_mean() else { return 0 };
        let drain_seconds = drain.as_secs_f64().max(1e-3);
        let per_second = self.published_per_second + self.ready as f64 / drain_seconds;
        (mean.as_secs_f64() * per_second).ceil() as u64
    }
}

/// The totals of [`QueueStats`].
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Totals {
    pub(crate) failures: u64,
    pub(crate) failures_ignored: u64,
    pub(crate) leases_expired: u64,
    pub(crate) redeliveries: u64,
    pub(crate) dead: u64,
    pub(crate) expired: u64,
    pub(crate) cancelled: u64,
    pub(crate) start_breaches: u64,
    pub(crate) complete_breaches: u64,
    pub(crate) redriven: u64,
    pub(crate) purged: u64,
    pub(crate) dropped: u64,
    pub(crate) dedup_hits: u64,
    pub(crate) overflow: OverflowTotals,
}

/// What became of messages that did not fit, or of others for them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct OverflowTotals {
    pub(crate) refused: u64,
    oldest: u64,
    newest: u64,
    lowest_priority: u64,
    dead_lettered: u64,
}

impl OverflowTotals {
    /// One went.
    pub(crate) fn count(&mut self, overflow: Overflow) {
        match overflow {
            Overflow::Block(_) | Overflow::Reject | Overflow::Spill => {}
            Overflow::DropOldest => self.oldest += 1,
            Overflow::DropNewest => self.newest += 1,
            Overflow::DropLowestPriority => self.lowest_priority += 1,
            Overflow::DeadLetterOldest => self.dead_lettered += 1,
        }
    }
}

/// The rates of [`QueueStats`].
#[derive(Debug, Default)]
pub(crate) struct Rates {
    published: PerSecond,
    consumed: PerSecond,
}

impl Rates {
    /// Of what is sent, and of what is acked.
    pub(crate) fn sample(&mut self, now_ns: u64, sent: u64, acked: u64) -> (f64, f64) {
        (self.published.sample(now_ns, sent), self.consumed.sample(now_ns, acked))
    }
}

impl Shared {
    /// The counts now, after what time has brought.
    pub(crate) fn stats(&self) -> QueueStats {
        // Who dies of what time has brought is counted when it is buried, which is under no lock.
        self.tick(self.journal.now_ns());
        let (mut state, now_ns) = self.state_now();
        let over_ns = state.dedup_options.over_before_ns(now_ns);
        state.dedup.expire(over_ns);
        state.forget_passed(self.cursor.next_sequence());
        let sent_total = self.log.end_sequence() - self.sent_before;
        let acked_total = self.acked.total();
        let totals = state.totals;
        let (published_per_second, consumed_per_second) = state.rates.sample(now_ns, sent_total, acked_total);
        // A file that cannot be read is somebody else's error: of whoever receives.
        let oldest_ns = self.oldest_ready_ns(&state).ok().flatten().unwrap_or(now_ns);
        let mut stats = QueueStats {
            ready: self.plain_count(&state) + state.ready_count() as u64,
            blocked: state.blocked_count() as u64,
            halted_groups: state.groups.halted_count() as u64,
            scheduled: state.scheduled_count() as u64,
            leased: state.leased_count() as u64 + self.runs.held_count(),
            deferred: state.deferred_count() as u64,
            dying: state.letters_held.len() as u64,
            dead_letters: 0,
            oldest_ready_age: Duration::from_nanos(now_ns.saturating_sub(oldest_ns)),
            published_per_second,
            consumed_per_second,
            processing_time_total: self.processing.total(),
            processing_count: self.processing.count(),
            sent_total,
            acked_total,
            failures_total: totals.failures,
            failures_ignored_total: totals.failures_ignored,
            failures_by_class: state.failed_by_class.to_vec(),
            leases_expired_total: totals.leases_expired,
            redeliveries_total: totals.redeliveries,
            dead_total: totals.dead,
            expired_total: totals.expired,
            cancelled_total: totals.cancelled,
            start_breaches_total: totals.start_breaches,
            complete_breaches_total: totals.complete_breaches,
            redriven_total: totals.redriven,
            purged_total: totals.purged,
            dropped_total: totals.dropped,
            refused_total: totals.overflow.refused,
            dropped_oldest_total: totals.overflow.oldest,
            dropped_newest_total: totals.overflow.newest,
            dropped_lowest_priority_total: totals.overflow.lowest_priority,
            dead_lettered_oldest_total: totals.overflow.dead_lettered,
            dedup_hits_total: totals.dedup_hits,
            dedup_entries: state.dedup.len() as u64,
            memory_bytes: self.log.memory_bytes(),
            spilled_bytes: self.log.spilled_bytes(),
        };
        self.tell_of_backlog(&mut state, stats.ready);
        self.unlock(state);
        stats.dead_letters = lock(&self.dead).clone().map_or(0, |dead| dead.held_count());
        stats
    }

    /// Messages ahead of the cursor that nobody received or altered.
    pub(crate) fn plain_count(&self, state: &State) -> u64 {
        let sent = self.log.end_sequence().saturating_sub(self.cursor.next_sequence());
        sent.saturating_sub(state.ahead.len() as u64)
    }

    /// All messages that are there.
    pub(crate) fn held_count(&self) -> u64 {
        let (mut state, _) = self.state_now();
        state.forget_passed(self.cursor.next_sequence());
        let count = self.plain_count(&state) + state.messages.len() as u64 + self.runs.held_count();
        self.unlock(state);
        count
    }

    /// Since when the ready message waits that has waited longest.
    fn oldest_ready_ns(&self, state: &State) -> Result<Option<u64>> {
        let oldest = state.oldest_ready();
        let indexed = oldest.first.and_then(|id| state.messages.get(&id).map(|message| (id, message.place)));
        let indexed = indexed.map(|(id, place)| self.payload_at(place, id)).transpose()?;
        let sent_ns = indexed.map(|payload| payload.frame().time_ns());
        let plain_ns = if self.plain_count(state) > 0 { self.first_plain_ns(state)? } else { None };
        Ok(oldest.due_ns.into_iter().chain(sent_ns).chain(plain_ns).min())
    }

    /// When the message that the cursor comes to next was sent.
    fn first_plain_ns(&self, state: &State) -> Result<Option<u64>> {
        let mut reader = Reader::earliest(self.log.clone());
        reader.seek(self.cursor.next_sequence())?;
        let mut seen_ns = None;
        for _ in 0..LOOK_COUNT_MAX {
            if !reader.advance()? {
                return Ok(None);
            }
            let frame = reader.frame();
            seen_ns = Some(frame.time_ns());
            if frame.kind() == Kind::Data && !frame.has(INDEXED) && !state.ahead.contains(&reader.sequence())
            {
                break;
            }
        }
        Ok(seen_ns)
    }
}
