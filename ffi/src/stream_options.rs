//! Options of a stream.

use crate::argument::Versioned;
use ringmain::{Compaction, Error, Result, SlowReaders, StreamBuilder, WhenSlow};
use std::mem::offset_of;
use std::time::Duration;

/// 0 itself, for options of which 0 is the default.
pub const RINGMAIN_ZERO: u64 = 0xFFFF_FFFF_FFFF_FFFE;
/// No limit, for options of which 0 is what is stored.
pub const RINGMAIN_NO_LIMIT: u64 = 0xFFFF_FFFF_FFFF_FFFF;

/// As stored; a stream that is new is not compacted.
pub const RINGMAIN_COMPACTION_DEFAULT: i32 = 0;
/// Not compacted.
pub const RINGMAIN_COMPACTION_NONE: i32 = 1;
/// What a later record of the same key has replaced is left out in time; until then readers see it.
pub const RINGMAIN_COMPACTION_LATEST: i32 = 2;
/// The same, and readers and groups see of each key the last record only, at once. Takes a place in memory for each key.
pub const RINGMAIN_COMPACTION_LATEST_ONLY: i32 = 3;

/// As stored; a stream that is new does not.
pub const RINGMAIN_UNTIL_READ_DEFAULT: i32 = 0;
/// Records stay when all groups have committed past them.
pub const RINGMAIN_UNTIL_READ_NO: i32 = 1;
/// Records go when all groups have committed past them, durably. Needs one of `age_max_ms`, `bytes_max` and `count_max` beside it.
pub const RINGMAIN_UNTIL_READ_YES: i32 = 2;

/// As stored; a stream that is new has them lag.
pub const RINGMAIN_SLOW_READERS_DEFAULT: i32 = 0;
/// A reader that is too slow loses what the stream does not hold any more.
pub const RINGMAIN_SLOW_READERS_LAG: i32 = 1;
/// In memory only, needs `count_max`: appends wait for the slowest open reader, at most `slow_readers_timeout_ms`; then they are
/// refused with `RINGMAIN_ERROR_FULL`.
pub const RINGMAIN_SLOW_READERS_GATE_THEN_REFUSE: i32 = 2;
/// The same, but then that reader loses what it has not read, and holds nobody any more.
pub const RINGMAIN_SLOW_READERS_GATE_THEN_LAG: i32 = 3;

/// Options of a stream. Set `size`, zero the rest: 0 is the default, or what is stored if the stream exists. What is given is stored.
/// If `compaction` is given, those of its options that are 0 are their defaults.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_stream_options {
    /// sizeof(ringmain_stream_options).
    pub size: usize,
    /// How many partitions a new stream has; default 1, at most 1024. A stream with fewer gets more, unless keys of its records
    /// would move (`RINGMAIN_ERROR_INVALID_ARGUMENT`); one with more is `RINGMAIN_ERROR_OPTION_MISMATCH`. 0: as it is.
    pub partitions: u32,
    /// 1 lets the stream have more partitions although keys move: from then on records of a key may be read before older ones,
    /// which lie in another partition. Otherwise 0. It is not stored.
    pub force_growth: u32,
    /// How long a record is kept after it was accepted, whatever its event time. Default `RINGMAIN_NO_LIMIT`.
    pub age_max_ms: u64,
    /// How many bytes each partition keeps, in segments that go as a whole, oldest first; the one that is written to comes on top.
    /// Default `RINGMAIN_NO_LIMIT`.
    pub bytes_max: u64,
    /// How many of its last records each partition keeps. Default `RINGMAIN_NO_LIMIT`.
    pub count_max: u64,
    /// Whether what a later record of the same key has replaced is left out: one of `RINGMAIN_COMPACTION_*`. Records without a key
    /// are refused from then on.
    pub compaction: i32,
    /// Of compaction: it begins by itself when this much of what is written was not compacted yet, in percent of bytes, 1 to 100.
    /// Default 50.
    pub dirty_percent_min: u32,
    /// Of compaction: records younger than this all stay. Default none; not with `RINGMAIN_COMPACTION_LATEST_ONLY`.
    pub lag_min_ms: u64,
    /// Of compaction: how long a tombstone stays, counted from when compaction first came by. Default 86,400,000 (24 h);
    /// `RINGMAIN_ZERO` for not at all.
    pub tombstone_grace_ms: u64,
    /// Of compaction: the segment that is written to is ended when its first record is about that old, so that a quiet stream is
    /// compacted, too. Default 3,600,000 (1 h); `RINGMAIN_ZERO` for at once.
    pub seal_after_ms: u64,
    /// Of compaction: how many keys a stream that is `RINGMAIN_COMPACTION_LATEST_ONLY`, or a table, has at most; an append that would
    /// bring in more is refused. Default 1,000,000, at most 16,777,216.
    pub keys_max: u32,
    /// Whether records go when all groups have committed past them: one of `RINGMAIN_UNTIL_READ_*`.
    pub until_read: i32,
    /// What happens when records come faster than an open reader reads: one of `RINGMAIN_SLOW_READERS_*`.
    pub slow_readers: i32,
    /// Must be 0.
    pub reserved: u32,
    /// How long an append waits for slow readers, 1 ms to ten years. Must be 0 without a gate.
    pub slow_readers_timeout_ms: u64,
}

// SAFETY: repr(C), `size` comes first, and the rest are numbers.
unsafe impl Versioned for ringmain_stream_options {
    const NAME: &'static str = "ringmain_stream_options";
    const BYTES_MIN: usize = offset_of!(ringmain_stream_options, slow_readers_timeout_ms) + size_of::<u64>();
}

/// Has a builder do what the options say.
pub(crate) fn with_options(
    mut builder: StreamBuilder,
    options: &ringmain_stream_options,
) -> Result<StreamBuilder> {
    if options.reserved != 0 {
        return Err(Error::invalid("reserved", format!("it is {}, it must be 0", options.reserved)));
    }
    if options.partitions > 0 {
        builder = builder.partitions(options.partitions);
    }
    match options.force_growth {
        0 => {}
        1 => builder = builder.force_growth(),
        other => return Err(Error::invalid("force_growth", format!("{other} is neither 0 nor 1"))),
    }
    match options.age_max_ms {
        0 => {}
        RINGMAIN_NO_LIMIT => builder = builder.age_max(Duration::MAX),
        age_ms => builder = builder.age_max(Duration::from_millis(age_ms)),
    }
    // Of these the largest number is no limit in the core, too.
    if options.bytes_max > 0 {
        builder = builder.bytes_max(options.bytes_max);
    }
    if options.count_max > 0 {
        builder = builder.count_max(options.count_max);
    }
    builder = match options.until_read {
        RINGMAIN_UNTIL_READ_DEFAULT => builder,
        RINGMAIN_UNTIL_READ_NO => builder.until_read(false),
        RINGMAIN_UNTIL_READ_YES => builder.until_read(true),
        other => return Err(unknown("until_read", other, "RINGMAIN_UNTIL_READ_*")),
    };
    with_slow_readers(with_compaction(builder, options)?, options)
}

fn with_compaction(builder: StreamBuilder, options: &ringmain_stream_options) -> Result<StreamBuilder> {
    let latest_only = match options.compaction {
        RINGMAIN_COMPACTION_LATEST => false,
        RINGMAIN_COMPACTION_LATEST_ONLY => true,
        RINGMAIN_COMPACTION_DEFAULT | RINGMAIN_COMPACTION_NONE => {
            let given = [
                ("dirty_percent_min", u64::from(options.dirty_percent_min)),
                ("lag_min_ms", options.lag_min_ms),
                ("tombstone_grace_ms", options.tombstone_grace_ms),
                ("seal_after_ms", options.seal_after_ms),
                ("keys_max", u64::from(options.keys_max)),
            ];
            if let Some((option, value)) = given.into_iter().find(|(_, value)| *value != 0) {
                let detail = format!("it is {value} and compaction does not say how; set that, too");
                return Err(Error::invalid(option, detail));
            }
            return Ok(match options.compaction {
                RINGMAIN_COMPACTION_NONE => builder.compaction(None),
                _ => builder,
            });
        }
        other => return Err(unknown("compaction", other, "RINGMAIN_COMPACTION_*")),
    };
    let default = Compaction::default();
    let count = |given: u32, default: u32| if given == 0 { default } else { given };
    Ok(builder.compaction(Compaction {
        lag_min: or_default(options.lag_min_ms, default.lag_min),
        tombstone_grace: or_default(options.tombstone_grace_ms, default.tombstone_grace),
        dirty_percent_min: count(options.dirty_percent_min, default.dirty_percent_min),
        seal_after: or_default(options.seal_after_ms, default.seal_after),
        latest_only,
        keys_max: count(options.keys_max, default.keys_max),
    }))
}

fn with_slow_readers(builder: StreamBuilder, options: &ringmain_stream_options) -> Result<StreamBuilder> {
    let then = match options.slow_readers {
        RINGMAIN_SLOW_READERS_GATE_THEN_REFUSE => WhenSlow::Refuse,
        RINGMAIN_SLOW_READERS_GATE_THEN_LAG => WhenSlow::Lag,
        RINGMAIN_SLOW_READERS_DEFAULT | RINGMAIN_SLOW_READERS_LAG => {
            if options.slow_readers_timeout_ms > 0 {
                let timeout_ms = options.slow_readers_timeout_ms;
                let detail = format!("it is {timeout_ms} and slow_readers is no gate; set that, too");
                return Err(Error::invalid("slow_readers_timeout_ms", detail));
            }
            return Ok(match options.slow_readers {
                RINGMAIN_SLOW_READERS_LAG => builder.slow_readers(SlowReaders::Lag),
                _ => builder,
            });
        }
        other => return Err(unknown("slow_readers", other, "RINGMAIN_SLOW_READERS_*")),
    };
    let timeout = Duration::from_millis(options.slow_readers_timeout_ms);
    Ok(builder.slow_readers(SlowReaders::Gate { timeout, then }))
}

/// A time of the caller's, of which 0 is the default.
pub(crate) fn or_default(time_ms: u64, default: Duration) -> Duration {
    match time_ms {
        0 => default,
        RINGMAIN_ZERO => Duration::ZERO,
        time_ms => Duration::from_millis(time_ms),
    }
}

/// A constant that there is not.
pub(crate) fn unknown(option: &'static str, value: i32, constants: &str) -> Error {
    Error::invalid(option, format!("{value} is not one of {constants}"))
}
