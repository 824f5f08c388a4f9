//! What a workload did, and when: for each effect the operations of the disk between which it came to be.

use crate::house::PARTITIONS;

/// An effect: it cannot be on the disk before more than `from` operations, and must be after `by`.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub from: u64,
    /// `u64::MAX`: it was never acknowledged.
    pub by: u64,
}

impl Span {
    pub fn possible(self, cut: u64) -> bool {
        cut > self.from
    }

    pub fn certain(self, cut: u64) -> bool {
        cut >= self.by
    }
}

pub fn possible(spans: &[Span], cut: u64) -> u64 {
    spans.iter().filter(|span| span.possible(cut)).count() as u64
}

pub fn certain(spans: &[Span], cut: u64) -> u64 {
    spans.iter().filter(|span| span.certain(cut)).count() as u64
}

/// A message of a queue. Its serial, the index in the ledger, is in its value.
#[derive(Debug)]
pub struct Task {
    pub queue: &'static str,
    pub value: Vec<u8>,
    /// `None`: the send was not acknowledged.
    pub id: Option<u64>,
    pub sent: Span,
    /// Serial of the first of its atomic batch.
    pub batch: u64,
    pub leased: Vec<Span>,
    pub acked: Vec<Span>,
    pub failed: Vec<Span>,
    pub rejected: Vec<Span>,
    /// Its dead letter was acked.
    pub letter_acked: Vec<Span>,
}

/// A record of the stream.
#[derive(Debug)]
pub struct Event {
    pub value: Vec<u8>,
    /// Partition and offset, if the append was acknowledged.
    pub position: Option<(u32, u64)>,
    pub appended: Span,
    pub batch: u64,
}

/// A commit of the group.
#[derive(Debug)]
pub struct Commit {
    pub partition: u32,
    pub offset: u64,
    pub span: Span,
}

/// See the module's description.
#[derive(Debug, Default)]
pub struct Ledger {
    pub tasks: Vec<Task>,
    pub events: Vec<Event>,
    pub commits: Vec<Commit>,
}

/// A value that tells its serial, and of which every byte depends on it.
pub fn value(serial: u64, bytes: usize) -> Vec<u8> {
    let mut value = serial.to_le_bytes().to_vec();
    value.extend((0..bytes as u64).map(|at| (serial.wrapping_mul(0x9E37_79B9) ^ (at * 31)) as u8));
    value
}

/// The serial that a value tells.
pub fn serial(value: &[u8]) -> Option<usize> {
    Some(u64::from_le_bytes(value.get(..8)?.try_into().ok()?) as usize)
}

impl Ledger {
    /// What the group had committed of a partition for certain, and what it may have.
    pub fn committed(&self, partition: u32, cut: u64) -> (Option<u64>, Vec<u64>) {
        assert!(partition < PARTITIONS);
        let of = |commit: &&Commit| commit.partition == partition;
        let certain = self.commits.iter().filter(of).filter(|c| c.span.certain(cut));
        let possible = self.commits.iter().filter(of).filter(|c| c.span.possible(cut));
        (certain.map(|c| c.offset).max(), possible.map(|c| c.offset).collect())
    }
}
