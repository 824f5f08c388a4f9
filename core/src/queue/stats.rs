//! Counts of a queue.

use crate::queue::capacity::Overflow;
use crate::queue::shared::Shared;
use crate::sync::Ordering;

/// Counts of one queue. Totals are since the hub was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueStats {
    /// Messages that a receive would get now.
    pub ready: u64,
    /// Messages that wait for their time.
    pub scheduled: u64,
    /// Messages that wait for others of their ordering key.
    pub blocked: u64,
    /// Messages out with a worker.
    pub leased: u64,
    /// Messages set aside, delivered only by their ids.
    pub deferred: u64,
    /// Messages sent.
    pub sent_total: u64,
    /// Messages acked.
    pub acked_total: u64,
    /// Failures counted, expired leases included.
    pub failures_total: u64,
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
}

/// The totals of [`QueueStats`].
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Totals {
    pub(crate) failures: u64,
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
            Overflow::Block(_) | Overflow::Reject => {}
            Overflow::DropOldest => self.oldest += 1,
            Overflow::DropNewest => self.newest += 1,
            Overflow::DropLowestPriority => self.lowest_priority += 1,
            Overflow::DeadLetterOldest => self.dead_lettered += 1,
        }
    }
}

impl Shared {
    /// The counts now, after what time has brought.
    pub(crate) fn stats(&self) -> QueueStats {
        let (mut state, now_ns) = self.state_now();
        let over_ns = state.dedup_options.over_before_ns(now_ns);
        state.dedup.expire(over_ns);
        let (next, end) = (self.cursor.next_sequence(), self.log.end_sequence());
        state.forget_passed(next);
        let plain = end.saturating_sub(next).saturating_sub(state.ahead.len() as u64);
        let totals = state.totals;
        let stats = QueueStats {
            ready: plain + state.ready_count() as u64,
            blocked: state.blocked_count() as u64,
            scheduled: state.scheduled_count() as u64,
            leased: state.leased_count() as u64 + self.runs.held_count(),
            deferred: state.deferred_count() as u64,
            sent_total: end - self.sent_before,
            // ORDERING: Relaxed: a count.
            acked_total: self.acked.load(Ordering::Relaxed),
            failures_total: totals.failures,
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
        };
        self.unlock(state);
        stats
    }
}
