//! Counts of consumer groups.

use crate::answer::OutStruct;
use crate::argument::{Versioned, name};
use crate::guard::entry;
use crate::stream::ringmain_stream;
use crate::table::get;
use ringmain::{Error, GroupStats, Result, Stream};
use std::ffi::c_char;
use std::mem::offset_of;

/// Counts of one consumer group.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_group_stats {
    /// sizeof(ringmain_group_stats), set by the caller.
    pub size: usize,
    /// Records that it has not committed, over all partitions.
    pub lag: u64,
    /// How long ago the oldest of them was appended, in milliseconds; 0 if there is none.
    pub lag_age_ms: u64,
    /// Grows whenever members come or go, or a partition is given to one, since the stream was opened.
    pub generation: u64,
    /// Records committed, over the last minute; or since the last time that somebody asked, if that is longer ago.
    pub consumed_per_second: f64,
    /// Members that are there.
    pub members: u32,
    /// Those of them that have no partition.
    pub idle_members: u32,
    /// Members with a name that are away, and for which partitions are kept.
    pub away_members: u32,
    /// Partitions that their owners were asked to let go of, and have not yet.
    pub revoking_partitions: u32,
}

// SAFETY: repr(C), `size` comes first, and the rest are numbers.
unsafe impl Versioned for ringmain_group_stats {
    const NAME: &'static str = "ringmain_group_stats";
    const BYTES_MIN: usize = offset_of!(ringmain_group_stats, revoking_partitions) + size_of::<u32>();
}

/// How far a group is behind in one partition.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_partition_lag {
    /// sizeof(ringmain_partition_lag), set by the caller.
    pub size: usize,
    /// Records that it has not committed: those that it would be given, not offsets.
    pub records: u64,
    /// How long ago the first of them was appended, in milliseconds; 0 if there is none.
    pub age_ms: u64,
}

// SAFETY: repr(C), `size` comes first, and the rest are numbers.
unsafe impl Versioned for ringmain_partition_lag {
    const NAME: &'static str = "ringmain_partition_lag";
    const BYTES_MIN: usize = offset_of!(ringmain_partition_lag, age_ms) + size_of::<u64>();
}

/// Stores the counts of the group `group_name` (NUL-terminated); those of all groups of the stream are worked out for that. Set
/// `stats_out->size` before. `RINGMAIN_ERROR_NOT_FOUND` if the stream has no such group.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_group_stats_get(
    stream: ringmain_stream,
    group_name: *const c_char,
    stats_out: *mut ringmain_group_stats,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let (out, group_name) =
            unsafe { (OutStruct::new("stats_out", stats_out)?, name("group_name", group_name)?) };
        let stats = stats_of(&*get::<Stream>(stream)?, group_name)?;
        let oldest = stats.lag.iter().map(|lag| lag.age).max().unwrap_or_default();
        out.set(ringmain_group_stats {
            size: 0,
            lag: stats.lag.iter().map(|lag| lag.records).sum(),
            lag_age_ms: oldest.as_millis() as u64,
            generation: stats.generation,
            consumed_per_second: stats.consumed_per_second,
            members: stats.members,
            idle_members: stats.idle_members,
            away_members: stats.away_members,
            revoking_partitions: stats.revoking_partitions,
        });
        Ok(())
    })
}

/// Stores how far the group `group_name` (NUL-terminated) is behind in one partition, as `ringmain_group_stats_get`. Set
/// `lag_out->size` before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_group_partition_lag(
    stream: ringmain_stream,
    group_name: *const c_char,
    partition: u32,
    lag_out: *mut ringmain_partition_lag,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let (out, group_name) =
            unsafe { (OutStruct::new("lag_out", lag_out)?, name("group_name", group_name)?) };
        let stats = stats_of(&*get::<Stream>(stream)?, group_name)?;
        let Some(lag) = stats.lag.get(partition as usize) else {
            let detail = format!("{partition} is beyond the stream's {} partitions", stats.lag.len());
            return Err(Error::invalid("partition", detail));
        };
        let age_ms = lag.age.as_millis() as u64;
        out.set(ringmain_partition_lag { size: 0, records: lag.records, age_ms });
        Ok(())
    })
}

fn stats_of(stream: &Stream, group: &str) -> Result<GroupStats> {
    let found = stream.stats()?.groups.into_iter().find(|stats| stats.name == group);
    let advice = "; one is there from its first join on";
    found.ok_or_else(|| Error::NotFound { noun: "group", name: group.to_owned(), advice })
}
