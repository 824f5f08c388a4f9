//! Schedules: messages that the hub sends by itself, by cron expressions. Behind the feature `cron`; without it they are kept and not fired.
//!
//! **Promise.** Each slot of a schedule is fired once, by whoever has the hub open, or is missed and treated as the schedule says
//! ([`Missed`]). The next slot does not wait for what became of the message of the one before.
//!
//! **Why never twice and never lost.** What has been fired is known in one place: the log of the queue, where the message of a slot and the
//! note of it are one batch (`queue/fired.rs`). So there is no moment at which one is durable and the other is not. When a hub is
//! opened, the queue's log says which slot was the last; the slots after it and up to now have no message in the log, and were missed. One
//! process has the hub open, and in it slots are fired under one lock, latest noted first compared: two openers do not fire one slot
//! twice. A batch that a crash drops was received by nobody, because receivers see what has reached the hub's durability. Under
//! [`Durability`](crate::Durability) below `Synced` a power cut may take back the end of the log, messages and notes alike: those slots are missed and come
//! again.
//!
//! The catalogue holds what a schedule is, and from when it counts: that moves forward when it is made, altered in its times, resumed
//! or sent elsewhere, never back, and only to slots whose notes are safe. Numbers of schedules are never used again, so that the notes of a deleted one say nothing of another
//! one of its name.
//!
//! **Time** is that of the wall, asked anew each time, not the hub's own, which goes on steadily from when the process began: a machine
//! that slept, or whose clock was set, fires by the new time at the next look, within half a minute. A clock that was put back fires nothing twice: a
//! schedule waits until its last slot is over. Should it wait for years because the clock was years ahead, delete it and make it
//! again.
//!
//! **Failure.** A slot that cannot be sent, because there is no space or its queue is full, is tried again each second. A schedule whose queue cannot be opened
//! waits until it, or the hub, is opened anew. `ScheduleInfo::failure` says why.
//!
//! | file | what |
//! |---|---|
//! | `field`, `expression`, `calendar`, `timing` | text to slots: pure |
//! | `entry` | what the catalogue keeps |
//! | `live` | firing |
//! | `builder`, `handle` | what callers hold |

#[cfg(feature = "cron")]
mod builder;
#[cfg(feature = "cron")]
mod calendar;
mod entry;
#[cfg(feature = "cron")]
mod expression;
#[cfg(feature = "cron")]
mod field;
#[cfg(feature = "cron")]
mod handle;
#[cfg(feature = "cron")]
mod live;
#[cfg(feature = "cron")]
mod timing;

#[cfg(feature = "cron")]
pub use builder::ScheduleBuilder;
#[cfg(any(test, feature = "cron"))]
pub use entry::Missed;
pub(super) use entry::ScheduleEntry;
#[cfg(any(test, feature = "cron"))]
pub(super) use entry::StoredMessage;
#[cfg(feature = "cron")]
pub use handle::{Schedule, ScheduleInfo};
#[cfg(feature = "cron")]
pub(super) use live::Schedules;

/// How often the time is looked at, whatever the next slot: a machine that slept does not tell.
#[cfg(feature = "cron")]
const LOOK_NS: u64 = 30_000_000_000;
/// How late a slot may be noticed and is not yet missed.
#[cfg(feature = "cron")]
const LATE_NS_MAX: u64 = 60_000_000_000;
/// How late a slot is when the operator is told of it.
#[cfg(feature = "cron")]
const LATE_NS_TOLD: u64 = 5_000_000_000;
/// When a slot that could not be fired is tried again.
#[cfg(feature = "cron")]
const RETRY_NS: u64 = 1_000_000_000;
