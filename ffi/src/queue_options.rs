//! What a queue may be told when it is opened.

use crate::argument::{Versioned, array, name, text_terminated, versioned, wait};
use ringmain::limits::{CLASS_BYTES_MAX, CLASS_COUNT_MAX};
use ringmain::{
    Capacity, Dedup, DedupMode, Error, ErrorClass, Jitter, OnBreach, OnConflict, OnExhausted, OnGroupDeath,
    Overflow, QueueBuilder, Rate, Result, Retry,
};
use std::ffi::c_char;
use std::mem::offset_of;
use std::time::Duration;

/// As stored, or the default.
pub const RINGMAIN_FLAG_DEFAULT: i32 = 0;
/// Yes.
pub const RINGMAIN_FLAG_ON: i32 = 1;
/// No.
pub const RINGMAIN_FLAG_OFF: i32 = 2;

/// As stored; a queue that is new must say.
pub const RINGMAIN_ON_EXHAUSTED_DEFAULT: i32 = 0;
/// Exhausted messages move to the queue `dead_letter`. Need not be said if `dead_letter` is given.
pub const RINGMAIN_ON_EXHAUSTED_DEAD_LETTER: i32 = 1;
/// Exhausted messages are dropped.
pub const RINGMAIN_ON_EXHAUSTED_DROP: i32 = 2;
/// Exhausted messages stay and are retried for ever: what a dead letter queue does.
pub const RINGMAIN_ON_EXHAUSTED_KEEP: i32 = 3;

/// As `RINGMAIN_JITTER_FULL`.
pub const RINGMAIN_JITTER_DEFAULT: i32 = 0;
/// The retry delay as computed.
pub const RINGMAIN_JITTER_NONE: i32 = 1;
/// Half of the retry delay, and a random part of the other half.
pub const RINGMAIN_JITTER_EQUAL: i32 = 2;
/// A random part of the retry delay.
pub const RINGMAIN_JITTER_FULL: i32 = 3;

/// As stored; of a new queue as `RINGMAIN_ON_BREACH_NONE`.
pub const RINGMAIN_ON_BREACH_DEFAULT: i32 = 0;
/// A message that misses a deadline is counted, and told by `ringmain_queue_breaches()`; nothing more.
pub const RINGMAIN_ON_BREACH_NONE: i32 = 1;
/// A copy of it goes to the queue `breach_queue`, and it goes on here.
pub const RINGMAIN_ON_BREACH_ESCALATE: i32 = 2;
/// It goes to the queue `breach_queue`.
pub const RINGMAIN_ON_BREACH_MOVE: i32 = 3;
/// It is dead: it goes where exhausted messages go.
pub const RINGMAIN_ON_BREACH_DEAD: i32 = 4;
/// It is cancelled: at once if it waits; if it is out, its worker is told.
pub const RINGMAIN_ON_BREACH_CANCEL: i32 = 5;

/// As stored; of a new queue as `RINGMAIN_ON_GROUP_DEATH_CONTINUE`.
pub const RINGMAIN_ON_GROUP_DEATH_DEFAULT: i32 = 0;
/// The other messages of an ordering key go on when one dies.
pub const RINGMAIN_ON_GROUP_DEATH_CONTINUE: i32 = 1;
/// Those behind it wait until somebody calls `ringmain_queue_resume_group()`.
pub const RINGMAIN_ON_GROUP_DEATH_HALT: i32 = 2;

/// It counts, and the message is tried again, as without a class: takes a rule away.
pub const RINGMAIN_ERROR_CLASS_RETRIED: i32 = 0;
/// It is no use to try again: the message is exhausted at once.
pub const RINGMAIN_ERROR_CLASS_PERMANENT: i32 = 1;
/// It is not the message's fault: tried again after the retry delay, and not counted.
pub const RINGMAIN_ERROR_CLASS_IGNORED: i32 = 2;

/// A key is remembered for the window, from the first message on. The default.
pub const RINGMAIN_DEDUP_FIXED: i32 = 0;
/// For the window, from the last message or duplicate on.
pub const RINGMAIN_DEDUP_SLIDING: i32 = 1;
/// Until the message has left the queue.
pub const RINGMAIN_DEDUP_UNTIL_DONE: i32 = 2;
/// Until the message was first received.
pub const RINGMAIN_DEDUP_UNTIL_STARTED: i32 = 3;

/// A duplicate does nothing. The default.
pub const RINGMAIN_ON_CONFLICT_IGNORE: i32 = 0;
/// It takes the place of the message that waits.
pub const RINGMAIN_ON_CONFLICT_REPLACE: i32 = 1;
/// It puts that one off to when it would itself be due.
pub const RINGMAIN_ON_CONFLICT_EXTEND: i32 = 2;
/// It is refused with `RINGMAIN_ERROR_DUPLICATE`.
pub const RINGMAIN_ON_CONFLICT_ERROR: i32 = 3;

/// Sending waits for room, at most `block_ms`, and is then refused with `RINGMAIN_ERROR_FULL`. The default.
pub const RINGMAIN_OVERFLOW_BLOCK: i32 = 0;
/// What does not fit is refused with `RINGMAIN_ERROR_FULL`.
pub const RINGMAIN_OVERFLOW_REJECT: i32 = 1;
/// The oldest messages that are not leased are dropped.
pub const RINGMAIN_OVERFLOW_DROP_OLDEST: i32 = 2;
/// The newest messages that are not leased are dropped.
pub const RINGMAIN_OVERFLOW_DROP_NEWEST: i32 = 3;
/// The oldest of the messages with the lowest priority are dropped.
pub const RINGMAIN_OVERFLOW_DROP_LOWEST_PRIORITY: i32 = 4;
/// The oldest go where exhausted messages go.
pub const RINGMAIN_OVERFLOW_DEAD_LETTER_OLDEST: i32 = 5;
/// In memory only: what is beyond `bytes` goes to a file in the hub's scratch directory until its turn comes.
pub const RINGMAIN_OVERFLOW_SPILL: i32 = 6;

/// What becomes of a message that failed with an error of a class. This struct will not change.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_error_class {
    /// The class, NUL-terminated, at most 64 bytes.
    pub name: *const c_char,
    /// One of `RINGMAIN_ERROR_CLASS_*`.
    pub rule: i32,
    /// Must be 0.
    pub reserved: u32,
}

/// What happens to messages with a deduplication key. Set `size`, zero the rest: 0 is the default.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_dedup {
    /// sizeof(ringmain_dedup).
    pub size: usize,
    /// How long a key is remembered, 1 s to 30 days. Default 600,000.
    pub window_ms: u64,
    /// Most keys that are remembered, 1 to 100 million. Default one million.
    pub entries_max: u64,
    /// From when to when a key is remembered: one of `RINGMAIN_DEDUP_*`.
    pub mode: i32,
    /// What a duplicate does: one of `RINGMAIN_ON_CONFLICT_*`.
    pub on_conflict: i32,
    /// `RINGMAIN_FLAG_ON`: a duplicate with another value than the first message's is an error. Default no.
    pub verify_payload: i32,
    /// Must be 0.
    pub reserved: u32,
}

/// How much a queue may hold. Set `size`, zero the rest: 0 is no limit.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_capacity {
    /// sizeof(ringmain_capacity).
    pub size: usize,
    /// Most messages.
    pub messages: u64,
    /// Most bytes of keys, headers and values, and of what is kept with them, about 24 bytes each.
    pub bytes: u64,
    /// For `RINGMAIN_OVERFLOW_BLOCK` only: how long sending waits; 0 is 30,000, and `RINGMAIN_WAIT_FOREVER` is for ever.
    pub block_ms: u64,
    /// What happens to what does not fit: one of `RINGMAIN_OVERFLOW_*`.
    pub overflow: i32,
    /// Must be 0.
    pub reserved: u32,
}

/// Options of a queue. Set `size`, zero the rest: 0 and NULL are the default, or what is stored if the queue exists. If one
/// of the `retry_` options is given, those that are 0 are their defaults. The delay before the nth retry is
/// `min(retry_cap_ms, retry_base_ms * retry_factor^(n-1))`, then jitter.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_queue_options {
    /// sizeof(ringmain_queue_options).
    pub size: usize,
    /// How long a delivery is leased. Default 30,000, at most 7 days.
    pub lease_ms: u64,
    /// The NUL-terminated name of the queue for exhausted and rejected messages, made if it does not exist; NULL for
    /// none.
    pub dead_letter: *const c_char,
    /// Failures after which a message is exhausted. Default 5.
    pub max_failures: u32,
    /// What happens to exhausted messages: one of `RINGMAIN_ON_EXHAUSTED_*`.
    pub on_exhausted: i32,
    /// First retry delay, at most `retry_cap_ms`. Default 1,000.
    pub retry_base_ms: u64,
    /// Longest retry delay. Default 600,000.
    pub retry_cap_ms: u64,
    /// Growth of the retry delay, at least 1. Default 2.
    pub retry_factor: f64,
    /// Spread of the retry delay: one of `RINGMAIN_JITTER_*`.
    pub retry_jitter: i32,
    /// Must be 0.
    pub reserved: u32,
    /// How long a delivery may be leased in all, however often it is extended. Default an hour, at most 7 days.
    pub lease_total_max_ms: u64,
    /// How long a message may wait before it expires, at most ten years. Default without limit.
    pub ttl_ms: u64,
    /// Time in which the priority of a message that waits rises by one, at most ten years. Default: it stays.
    pub age_step_ms: u64,
    /// What happens to a message that misses a deadline: one of `RINGMAIN_ON_BREACH_*`.
    pub on_breach: i32,
    /// What happens to the rest of an ordering key when a message of it dies: one of `RINGMAIN_ON_GROUP_DEATH_*`.
    pub on_group_death: i32,
    /// The NUL-terminated name of the queue that `on_breach` needs, made if it does not exist; else NULL.
    pub breach_queue: *const c_char,
    /// What becomes of failures by their class. Classes that are not named keep their rules.
    pub error_classes: *const ringmain_error_class,
    /// How many there are, at most 64.
    pub error_class_count: usize,
    /// What happens to messages with a deduplication key.
    pub dedup: *const ringmain_dedup,
    /// How much the queue may hold. Without messages and bytes: no limit any more.
    pub capacity: *const ringmain_capacity,
    /// How long it is kept what became of messages that have left, at most 30 days. If one of this and `history_count_max` is given, and
    /// the other is 0, nothing is kept any more. Default nothing.
    pub history_window_ms: u64,
    /// Of how many messages, at most a million.
    pub history_count_max: u32,
    /// Most messages out at a time. Default without limit.
    pub concurrency_max: u32,
    /// Most messages of one key out at a time. Default without limit.
    pub concurrency_max_per_key: u32,
    /// Most messages of one ordering key out at a time, 1 to 1000. Default 1.
    pub group_parallelism: u32,
    /// Most deliveries a second, 0.0001 to 1e9. Default without limit.
    pub rate_per_second: f64,
    /// The same of each key.
    pub key_rate_per_second: f64,
    /// Deliveries at once after a pause, with `rate_per_second`: at most 1,000,000. Default 1.
    pub rate_burst: u32,
    /// The same with `key_rate_per_second`.
    pub key_rate_burst: u32,
    /// Whether of several consumers and workers only the oldest gets messages: one of `RINGMAIN_FLAG_*`. Default no.
    pub single_active_consumer: i32,
    /// Must be 0.
    pub reserved_2: u32,
}

// SAFETY: repr(C), `size` comes first, and the rest are numbers.
unsafe impl Versioned for ringmain_dedup {
    const NAME: &'static str = "ringmain_dedup";
    const BYTES_MIN: usize = offset_of!(ringmain_dedup, reserved) + size_of::<u32>();
}

// SAFETY: repr(C), `size` comes first, and the rest are numbers.
unsafe impl Versioned for ringmain_capacity {
    const NAME: &'static str = "ringmain_capacity";
    const BYTES_MIN: usize = offset_of!(ringmain_capacity, reserved) + size_of::<u32>();
}

// SAFETY: repr(C), `size` comes first, and the rest are pointers and numbers.
unsafe impl Versioned for ringmain_queue_options {
    const NAME: &'static str = "ringmain_queue_options";
    const BYTES_MIN: usize = offset_of!(ringmain_queue_options, reserved) + size_of::<u32>();
}

/// A yes or no of the caller's, if it is given.
pub(crate) fn flag(argument: &'static str, value: i32) -> Result<Option<bool>> {
    match value {
        RINGMAIN_FLAG_DEFAULT => Ok(None),
        RINGMAIN_FLAG_ON => Ok(Some(true)),
        RINGMAIN_FLAG_OFF => Ok(Some(false)),
        other => Err(Error::invalid(argument, format!("{other} is not one of RINGMAIN_FLAG_*"))),
    }
}

pub(crate) fn check_reserved(reserved: u32) -> Result<()> {
    match reserved {
        0 => Ok(()),
        _ => Err(Error::invalid("reserved", format!("it is {reserved}, it must be 0"))),
    }
}

/// # Safety
/// The caller's promise for what `options` points to.
pub(crate) unsafe fn with_options(
    mut builder: QueueBuilder,
    options: &ringmain_queue_options,
) -> Result<QueueBuilder> {
    check_reserved(options.reserved)?;
    check_reserved(options.reserved_2)?;
    if options.lease_ms > 0 {
        builder = builder.lease(Duration::from_millis(options.lease_ms));
    }
    if options.max_failures > 0 {
        builder = builder.max_failures(options.max_failures);
    }
    if !options.dead_letter.is_null() {
        // SAFETY: the caller's promise.
        builder = builder.dead_letter(unsafe { name("dead_letter", options.dead_letter) }?);
    }
    match (options.on_exhausted, options.dead_letter.is_null()) {
        (RINGMAIN_ON_EXHAUSTED_DEFAULT, _) | (RINGMAIN_ON_EXHAUSTED_DEAD_LETTER, false) => {}
        (RINGMAIN_ON_EXHAUSTED_DROP, true) => builder = builder.on_exhausted(OnExhausted::Drop),
        (RINGMAIN_ON_EXHAUSTED_KEEP, true) => builder = builder.on_exhausted(OnExhausted::Keep),
        (RINGMAIN_ON_EXHAUSTED_DEAD_LETTER, true) => {
            return Err(Error::invalid(
                "dead_letter",
                "on_exhausted says dead letter, so it must not be NULL",
            ));
        }
        (RINGMAIN_ON_EXHAUSTED_DROP | RINGMAIN_ON_EXHAUSTED_KEEP, false) => {
            return Err(Error::invalid("on_exhausted", "it says drop or keep, so dead_letter must be NULL"));
        }
        (other, _) => {
            return Err(Error::invalid(
                "on_exhausted",
                format!("{other} is not one of RINGMAIN_ON_EXHAUSTED_*"),
            ));
        }
    }
    if let Some(retry) = retry(options)? {
        builder = builder.retry(retry);
    }
    // SAFETY: the caller's promise.
    builder = unsafe { with_fates(builder, options) }?;
    // SAFETY: the caller's promise.
    with_limits(unsafe { with_stores(builder, options) }?, options)
}

/// What happens to messages that are late, or fail, or of whose key one has died.
///
/// # Safety
/// The caller's promise for what `options` points to.
unsafe fn with_fates(mut builder: QueueBuilder, options: &ringmain_queue_options) -> Result<QueueBuilder> {
    let target = match options.breach_queue.is_null() {
        true => None,
        // SAFETY: the caller's promise.
        false => Some(unsafe { name("breach_queue", options.breach_queue) }?.to_owned()),
    };
    let on_breach = match (options.on_breach, target) {
        (RINGMAIN_ON_BREACH_DEFAULT, None) => None,
        (RINGMAIN_ON_BREACH_NONE, None) => Some(OnBreach::None),
        (RINGMAIN_ON_BREACH_DEAD, None) => Some(OnBreach::Dead),
        (RINGMAIN_ON_BREACH_CANCEL, None) => Some(OnBreach::Cancel),
        (RINGMAIN_ON_BREACH_ESCALATE, Some(queue)) => Some(OnBreach::EscalateTo(queue)),
        (RINGMAIN_ON_BREACH_MOVE, Some(queue)) => Some(OnBreach::MoveTo(queue)),
        (RINGMAIN_ON_BREACH_ESCALATE | RINGMAIN_ON_BREACH_MOVE, None) => {
            return Err(Error::invalid("breach_queue", "on_breach needs it, so it must not be NULL"));
        }
        (RINGMAIN_ON_BREACH_DEFAULT..=RINGMAIN_ON_BREACH_CANCEL, Some(_)) => {
            return Err(Error::invalid("breach_queue", "on_breach does not need it, so it must be NULL"));
        }
        (other, _) => {
            return Err(Error::invalid("on_breach", format!("{other} is not one of RINGMAIN_ON_BREACH_*")));
        }
    };
    if let Some(action) = on_breach {
        builder = builder.on_breach(action);
    }
    match options.on_group_death {
        RINGMAIN_ON_GROUP_DEATH_DEFAULT => {}
        RINGMAIN_ON_GROUP_DEATH_CONTINUE => builder = builder.on_group_death(OnGroupDeath::Continue),
        RINGMAIN_ON_GROUP_DEATH_HALT => builder = builder.on_group_death(OnGroupDeath::Halt),
        other => {
            let detail = format!("{other} is not one of RINGMAIN_ON_GROUP_DEATH_*");
            return Err(Error::invalid("on_group_death", detail));
        }
    }
    let (classes, count) = (options.error_classes, options.error_class_count);
    // SAFETY: the caller's promise.
    for class in unsafe { array("error_classes", classes, count, CLASS_COUNT_MAX) }? {
        check_reserved(class.reserved)?;
        let rule = match class.rule {
            RINGMAIN_ERROR_CLASS_RETRIED => ErrorClass::Retried,
            RINGMAIN_ERROR_CLASS_PERMANENT => ErrorClass::Permanent,
            RINGMAIN_ERROR_CLASS_IGNORED => ErrorClass::Ignored,
            other => {
                let detail = format!("rule {other} is not one of RINGMAIN_ERROR_CLASS_*");
                return Err(Error::invalid("error_classes", detail));
            }
        };
        // SAFETY: the caller's promise.
        let name = unsafe { text_terminated("error class name", class.name, CLASS_BYTES_MAX) }?;
        builder = builder.error_class(name, rule);
    }
    Ok(builder)
}

/// What the queue keeps.
///
/// # Safety
/// The caller's promise for what `options` points to.
unsafe fn with_stores(mut builder: QueueBuilder, options: &ringmain_queue_options) -> Result<QueueBuilder> {
    if options.ttl_ms > 0 {
        builder = builder.ttl(Duration::from_millis(options.ttl_ms));
    }
    if !options.dedup.is_null() {
        // SAFETY: the caller's promise.
        builder = builder.dedup(dedup(&unsafe { versioned("dedup", options.dedup) }?)?);
    }
    if !options.capacity.is_null() {
        // SAFETY: the caller's promise.
        builder = builder.capacity(capacity(&unsafe { versioned("capacity", options.capacity) }?)?);
    }
    if options.history_window_ms > 0 || options.history_count_max > 0 {
        builder =
            builder.history(Duration::from_millis(options.history_window_ms), options.history_count_max);
    }
    Ok(builder)
}

/// What is delivered when.
fn with_limits(mut builder: QueueBuilder, options: &ringmain_queue_options) -> Result<QueueBuilder> {
    if options.lease_total_max_ms > 0 {
        builder = builder.lease_total_max(Duration::from_millis(options.lease_total_max_ms));
    }
    if options.age_step_ms > 0 {
        builder = builder.age_step(Duration::from_millis(options.age_step_ms));
    }
    if options.concurrency_max > 0 {
        builder = builder.concurrency_max(options.concurrency_max);
    }
    if options.concurrency_max_per_key > 0 {
        builder = builder.concurrency_max_per_key(options.concurrency_max_per_key);
    }
    if options.group_parallelism > 0 {
        builder = builder.group_parallelism(options.group_parallelism);
    }
    if let Some(rate) = rate("rate_burst", options.rate_per_second, options.rate_burst)? {
        builder = builder.rate(rate);
    }
    if let Some(rate) = rate("key_rate_burst", options.key_rate_per_second, options.key_rate_burst)? {
        builder = builder.rate_per_key(rate);
    }
    if let Some(is_single) = flag("single_active_consumer", options.single_active_consumer)? {
        builder = builder.single_active_consumer(is_single);
    }
    Ok(builder)
}

fn rate(argument: &'static str, per_second: f64, burst: u32) -> Result<Option<Rate>> {
    if per_second == 0.0 {
        let alone = || Error::invalid(argument, format!("it is {burst}, and there is no rate; it must be 0"));
        return if burst == 0 { Ok(None) } else { Err(alone()) };
    }
    Ok(Some(Rate { per_second, burst: burst.max(1) }))
}

fn dedup(raw: &ringmain_dedup) -> Result<Dedup> {
    check_reserved(raw.reserved)?;
    let default = Dedup::default();
    let mode = match raw.mode {
        RINGMAIN_DEDUP_FIXED => DedupMode::Fixed,
        RINGMAIN_DEDUP_SLIDING => DedupMode::Sliding,
        RINGMAIN_DEDUP_UNTIL_DONE => DedupMode::UntilDone,
        RINGMAIN_DEDUP_UNTIL_STARTED => DedupMode::UntilStarted,
        other => {
            return Err(Error::invalid("dedup mode", format!("{other} is not one of RINGMAIN_DEDUP_*")));
        }
    };
    let on_conflict = match raw.on_conflict {
        RINGMAIN_ON_CONFLICT_IGNORE => OnConflict::Ignore,
        RINGMAIN_ON_CONFLICT_REPLACE => OnConflict::Replace,
        RINGMAIN_ON_CONFLICT_EXTEND => OnConflict::Extend,
        RINGMAIN_ON_CONFLICT_ERROR => OnConflict::Error,
        other => {
            let detail = format!("{other} is not one of RINGMAIN_ON_CONFLICT_*");
            return Err(Error::invalid("dedup on_conflict", detail));
        }
    };
    Ok(Dedup {
        window: if raw.window_ms > 0 { Duration::from_millis(raw.window_ms) } else { default.window },
        mode,
        on_conflict,
        verify_payload: flag("verify_payload", raw.verify_payload)?.unwrap_or(default.verify_payload),
        entries_max: if raw.entries_max > 0 { raw.entries_max } else { default.entries_max },
    })
}

fn capacity(raw: &ringmain_capacity) -> Result<Capacity> {
    check_reserved(raw.reserved)?;
    if raw.block_ms > 0 && raw.overflow != RINGMAIN_OVERFLOW_BLOCK {
        let detail =
            format!("it is {}, and goes with RINGMAIN_OVERFLOW_BLOCK only; it must be 0", raw.block_ms);
        return Err(Error::invalid("block_ms", detail));
    }
    let overflow = match raw.overflow {
        RINGMAIN_OVERFLOW_BLOCK if raw.block_ms == 0 => Overflow::default(),
        RINGMAIN_OVERFLOW_BLOCK => Overflow::Block(wait(raw.block_ms)),
        RINGMAIN_OVERFLOW_REJECT => Overflow::Reject,
        RINGMAIN_OVERFLOW_DROP_OLDEST => Overflow::DropOldest,
        RINGMAIN_OVERFLOW_DROP_NEWEST => Overflow::DropNewest,
        RINGMAIN_OVERFLOW_DROP_LOWEST_PRIORITY => Overflow::DropLowestPriority,
        RINGMAIN_OVERFLOW_DEAD_LETTER_OLDEST => Overflow::DeadLetterOldest,
        RINGMAIN_OVERFLOW_SPILL => Overflow::Spill,
        other => {
            return Err(Error::invalid("overflow", format!("{other} is not one of RINGMAIN_OVERFLOW_*")));
        }
    };
    let limit = |limit: u64| Some(limit).filter(|limit| *limit > 0);
    Ok(Capacity { messages: limit(raw.messages), bytes: limit(raw.bytes), overflow })
}

/// The retry policy, if any of it is given.
fn retry(options: &ringmain_queue_options) -> Result<Option<Retry>> {
    let jitter = match options.retry_jitter {
        RINGMAIN_JITTER_NONE => Jitter::None,
        RINGMAIN_JITTER_EQUAL => Jitter::Equal,
        RINGMAIN_JITTER_DEFAULT | RINGMAIN_JITTER_FULL => Jitter::Full,
        other => {
            return Err(Error::invalid("retry_jitter", format!("{other} is not one of RINGMAIN_JITTER_*")));
        }
    };
    let given = options.retry_base_ms > 0
        || options.retry_cap_ms > 0
        || options.retry_factor != 0.0
        || options.retry_jitter != RINGMAIN_JITTER_DEFAULT;
    let default = Retry::default();
    let or = |value_ms: u64, default: Duration| {
        if value_ms > 0 { Duration::from_millis(value_ms) } else { default }
    };
    Ok(given.then(|| Retry {
        base: or(options.retry_base_ms, default.base),
        factor: if options.retry_factor == 0.0 { default.factor } else { options.retry_factor },
        cap: or(options.retry_cap_ms, default.cap),
        jitter,
    }))
}
