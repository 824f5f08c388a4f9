//! What waits, runs and is to be tried again of one partition.
//!
//! **Promise.** In order, unless more than one handler of the partition may run: then one that has to wait holds up no other.

use crate::stream::record::Record;
use std::collections::VecDeque;

/// How a lane gives out what it has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// Handlers that may run at a time.
    pub(super) parallel: usize,
    /// Most records of one call.
    pub(super) batch_max: usize,
    /// How long the first of them waits for others.
    pub(super) batch_ns_max: u64,
}

/// What one call of a handler is given.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) records: Vec<Record>,
    /// Calls that failed.
    pub(super) failures: u32,
    due_ns: u64,
    /// Which time in this lane it is of.
    epoch: u64,
}

/// See the module's description.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// With the time at which each came.
    waiting: VecDeque<(Record, u64)>,
    retries: Vec<Job>,
    running: usize,
    /// How often it let go of everything.
    epoch: u64,
    /// The last offset that came.
    last: Option<u64>,
}

impl Lane {
    /// Takes in a record. One that does not follow says that reading began anew: what waits comes again.
    pub(super) fn push(&mut self, record: Record, now_ns: u64) {
        if self.last >= Some(record.offset()) {
            self.clear();
        }
        self.last = Some(record.offset());
        self.waiting.push_back((record, now_ns));
    }

    /// Lets go of what waits.
    pub(super) fn clear(&mut self) {
        self.epoch += 1;
        self.waiting.clear();
        self.retries.clear();
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len() + self.retries.iter().map(|job| job.records.len()).sum::<usize>()
    }

    pub(super) fn running(&self) -> usize {
        self.running
    }

    /// The next job whose time has come.
    pub(super) fn take(&mut self, rules: &Rules, now_ns: u64) -> Option<Job> {
        if self.due_ns(rules) > now_ns {
            return None;
        }
        self.running += 1;
        let retry = self.retries.iter().enumerate().min_by_key(|(_, job)| job.due_ns);
        match retry.filter(|(_, job)| job.due_ns <= now_ns).map(|(index, _)| index) {
            Some(index) => Some(self.retries.swap_remove(index)),
            None => {
                let count = self.waiting.len().min(rules.batch_max);
                let records = self.waiting.drain(..count).map(|(record, _)| record).collect();
                Some(Job { records, failures: 0, due_ns: 0, epoch: self.epoch })
            }
        }
    }

    /// When there is something to take; `u64::MAX` if that is not known.
    pub(super) fn due_ns(&self, rules: &Rules) -> u64 {
        if self.running >= rules.parallel {
            return u64::MAX;
        }
        let retry = self.retries.iter().map(|job| job.due_ns).min();
        match (retry, self.waiting.front()) {
            // What failed holds up what is behind it.
            (Some(retry_ns), _) if rules.parallel == 1 => retry_ns,
            (_, None) => retry.unwrap_or(u64::MAX),
            (_, Some(_)) if self.waiting.len() >= rules.batch_max => 0,
            (_, Some((_, came_ns))) => {
                came_ns.saturating_add(rules.batch_ns_max).min(retry.unwrap_or(u64::MAX))
            }
        }
    }

    /// One that was taken has ended; if it is given back, it comes again at that time.
    pub(super) fn end(&mut self, again: Option<(Job, u64)>) {
        self.running -= 1;
        // One of before everything was let go of comes again by itself, here or with whoever has the partition.
        let again = again.filter(|(job, _)| job.epoch == self.epoch);
        self.retries.extend(again.map(|(job, due_ns)| Job { due_ns, ..job }));
    }
}
