//! Counts, lags and rates of a stream: worked out when somebody asks.

use crate::clock::per_second::PerSecond;
use crate::error::Result;
use crate::log::{Kind, Log, Reader};
use crate::stream::growing::Growing;
use crate::stream::shared::Shared;
use crate::sync::{Ordering, lock};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Counts of one partition.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct PartitionStats {
    /// First offset that may be read.
    pub start: u64,
    /// One past the last offset.
    pub end: u64,
    /// Records that may be read. Those that compaction left out are not among them, although they had offsets, nor those that
    /// [`latest_only`](crate::Compaction::latest_only) hides.
    pub records: u64,
    /// Bytes of the segments held.
    pub bytes: u64,
    /// Records appended, over the last minute; or since the last time that somebody asked, if that is longer ago.
    pub produced_per_second: f64,
}

/// How far a consumer group is behind in one partition.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct GroupLag {
    /// Records that it has not committed: those that it would be given, not offsets.
    pub records: u64,
    /// How long ago the first of them was appended.
    pub age: Duration,
}

/// Counts of one consumer group.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct GroupStats {
    /// Its name.
    pub name: String,
    /// How far it is behind in each partition.
    pub lag: Vec<GroupLag>,
    /// Records committed, as [`PartitionStats::produced_per_second`].
    pub consumed_per_second: f64,
    /// Grows whenever members come or go, or a partition is given to one, since the stream was opened.
    pub generation: u64,
    /// Members that are there.
    pub members: u32,
    /// Those of them that have no partition: there are more members than partitions, or what they will get is being revoked.
    pub idle_members: u32,
    /// Members with a name that are away, and for which partitions are kept.
    pub away_members: u32,
    /// Partitions that their owners were asked to let go of, and have not yet.
    pub revoking_partitions: u32,
}

/// Counts of one stream.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct StreamStats {
    /// Each partition.
    pub partitions: Vec<PartitionStats>,
    /// Each group that ever committed, by name.
    pub groups: Vec<GroupStats>,
    /// How often the records that a reader would have read next were removed, since the hub was opened.
    pub out_of_range_total: u64,
}

/// The rates of [`StreamStats`].
#[derive(Debug, Default)]
pub(crate) struct Rates {
    produced: Vec<PerSecond>,
    consumed: BTreeMap<String, PerSecond>,
}

impl Rates {
    /// Of a stream that is opened now.
    pub(crate) fn new(logs: &Growing<Arc<Log>>, now_ns: u64) -> Self {
        let mut rates = Self::default();
        logs.iter().for_each(|log| rates.add(log, now_ns));
        rates
    }

    /// Of a partition more.
    pub(crate) fn add(&mut self, log: &Log, now_ns: u64) {
        let mut rate = PerSecond::default();
        rate.sample(now_ns, log.end_sequence());
        self.produced.push(rate);
    }
}

impl Shared {
    fn readable_logs(&self) -> Vec<Arc<Log>> {
        (0..self.partition_count()).filter_map(|partition| self.readable(partition).ok()).cloned().collect()
    }

    pub(crate) fn stats(&self) -> StreamStats {
        let now_ns = self.now_ns();
        let logs = self.readable_logs();
        let mut rates = lock(&self.rates);
        let partition = |(number, (log, rate)): (u32, (&Arc<Log>, &mut PerSecond))| PartitionStats {
            start: log.first_readable(),
            end: log.end_sequence(),
            records: self.count_of(number, log, std::slice::from_ref(&held(log))),
            bytes: log.bytes(),
            produced_per_second: rate.sample(now_ns, log.end_sequence()),
        };
        let partitions = (0..).zip(logs.iter().zip(&mut rates.produced)).map(partition).collect();
        let group = |name: String| {
            let committed: u64 =
                (0..self.partition_count()).filter_map(|p| self.offsets.committed(&name, p)).sum();
            let rate = rates.consumed.entry(name.clone()).or_default();
            let consumed_per_second = rate.sample(now_ns, committed);
            let lag = (0..).zip(&logs).map(|(p, log)| self.lag_of(&name, p, log, now_ns)).collect();
            let counts = self.member_counts(&name);
            GroupStats {
                name,
                lag,
                consumed_per_second,
                generation: counts.generation,
                members: counts.members,
                idle_members: counts.idle,
                away_members: counts.away,
                revoking_partitions: counts.revoking,
            }
        };
        let groups: Vec<GroupStats> = self.offsets.groups().into_iter().map(group).collect();
        // Of those that were deleted nobody asks any more.
        rates.consumed.retain(|name, _| groups.binary_search_by(|group| group.name.cmp(name)).is_ok());
        // STATISTIC: a count.
        let out_of_range_total = self.out_of_range.load(Ordering::Relaxed);
        StreamStats { partitions, groups, out_of_range_total }
    }

    fn lag_of(&self, group: &str, partition: u32, log: &Arc<Log>, now_ns: u64) -> GroupLag {
        let open = self.open_of(group, partition, log);
        let first_ns = open.first().and_then(|open| time_from(log, open.start).ok().flatten());
        let age = Duration::from_nanos(first_ns.map_or(0, |first_ns| now_ns.saturating_sub(first_ns)));
        GroupLag { records: self.count_of(partition, log, &open), age }
    }

    /// Records that a group has not committed, over all partitions.
    pub(crate) fn lag(&self, group: &str) -> u64 {
        let logs = self.readable_logs();
        let lags = (0..).zip(&logs).map(|(p, log)| self.count_of(p, log, &self.open_of(group, p, log)));
        lags.sum()
    }

    /// What a group has not committed of a partition.
    fn open_of(&self, group: &str, partition: u32, log: &Log) -> Vec<Range<u64>> {
        self.offsets.open_ranges(group, partition, held(log))
    }

    /// Records that readers see in ranges of which the last one ends where the log does, or nothing is behind it.
    fn count_of(&self, partition: u32, log: &Arc<Log>, ranges: &[Range<u64>]) -> u64 {
        let seen = self.latest_only().map(|latest| latest.count_in(partition, ranges));
        // What cannot be read is the error of whoever reads.
        seen.and_then(Result::ok).unwrap_or_else(|| count_of(log, ranges))
    }
}

fn held(log: &Log) -> Range<u64> {
    let start = log.first_readable();
    start..log.end_sequence().max(start)
}

/// Ranges up to which each is counted by itself.
const RANGES_COUNTED_MAX: usize = 64;

/// Records held in ranges of which the last one ends where the log does, or nothing is behind it.
fn count_of(log: &Arc<Log>, ranges: &[Range<u64>]) -> u64 {
    if ranges.len() <= RANGES_COUNTED_MAX {
        let count =
            |range: &Range<u64>| count_from(log, range.start).saturating_sub(count_from(log, range.end));
        return ranges.iter().map(count).sum();
    }
    // WHY: to count looks into compacted segments: what compaction left out between so many is not worth that.
    let Some(first) = ranges.first() else { return 0 };
    let done = ranges.windows(2).map(|pair| pair[1].start - pair[0].end).sum();
    count_from(log, first.start).saturating_sub(done)
}

/// Records held from an offset on. What cannot be read is the error of whoever reads; until then it counts.
fn count_from(log: &Arc<Log>, offset: u64) -> u64 {
    log.count_from(offset).unwrap_or_else(|_| log.end_sequence().saturating_sub(offset))
}

/// When the first record from an offset on was appended.
fn time_from(log: &Arc<Log>, offset: u64) -> Result<Option<u64>> {
    let mut reader = Reader::earliest(log.clone());
    reader.seek(offset)?;
    while reader.advance()? {
        if reader.kind() == Kind::Data {
            return Ok(Some(reader.frame().time_ns()));
        }
    }
    Ok(None)
}
