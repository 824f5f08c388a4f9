//! What was appended to a partition, whether or not it is still held.

use crate::verb::{Compacted, Setup, TOMBSTONE_GRACE};
use ringmain::Record;
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub value: String,
    pub key: Option<u8>,
    pub is_tombstone: bool,
    pub time_ns: u64,
}

pub fn key_name(key: u8) -> String {
    format!("N{key}")
}

impl Entry {
    pub fn is(&self, record: &Record) -> bool {
        record.value() == self.value.as_bytes()
            && record.key() == self.key.map(key_name).as_ref().map(String::as_bytes)
            && record.is_tombstone() == self.is_tombstone
            && record.time_ns() == self.time_ns
    }
}

/// See the module's description.
#[derive(Debug, Default, Clone)]
pub struct Log {
    pub entries: BTreeMap<u64, Entry>,
    /// As they were seen last.
    pub start: u64,
    pub end: u64,
    /// What was flushed.
    pub durable: u64,
}

impl Log {
    /// Whether a later record of the same key is there.
    pub fn is_replaced(&self, offset: u64) -> bool {
        let key = self.entries.get(&offset).and_then(|entry| entry.key);
        key.is_some() && self.entries.range(offset + 1..).any(|(_, later)| later.key == key)
    }

    /// Whether compaction may have left it out.
    pub fn may_miss(&self, offset: u64, setup: &Setup, now_ns: u64) -> bool {
        let Some(entry) = self.entries.get(&offset) else { return true };
        let is_older = |age_ns: u128| u128::from(now_ns - entry.time_ns) >= age_ns;
        let is_forgotten = entry.is_tombstone && is_older(TOMBSTONE_GRACE.as_nanos());
        match setup.compacted {
            Compacted::No => false,
            Compacted::AtOnce => is_forgotten || self.is_replaced(offset),
            Compacted::Later { lag_min } => {
                is_older(lag_min.as_nanos()) && (is_forgotten || self.is_replaced(offset))
            }
        }
    }

    /// Offsets that whoever reads from `from` to `until` must be shown.
    pub fn must_show(&self, from: u64, until: u64, setup: &Setup, now_ns: u64) -> Vec<u64> {
        let from = from.max(self.start);
        let held = self.entries.range(from..until.max(from)).map(|(offset, _)| *offset);
        held.filter(|offset| !self.may_miss(*offset, setup, now_ns)).collect()
    }
}
