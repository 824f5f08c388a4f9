//! The one clock of a hub: the system's, or one that tests set by hand.
//!
//! **Promise.** Time never goes backwards in a thread: the system clock is read once, and advanced by the monotonic clock
//! from then on (`system.rs`), so that a stepped wall clock neither expires nor prolongs a lease. All times are
//! nanoseconds since 1970 in a `u64`, which lasts until the year 2554.
//!
//! **Not promised.** The same from two threads to the nanosecond: who compares a time with one of another thread finds it
//! the earlier, perhaps.

pub(crate) mod alarm;
pub(crate) mod per_second;
mod system;

use crate::sync::{Mutex, lock};
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Something with deadlines, told when a manual clock moves.
pub(crate) trait Timed: Send + Sync {
    /// Does everything that is due at `now_ns`.
    fn tick(&self, now_ns: u64);
}

/// Where a hub takes its time from.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The system's clock.
    #[default]
    System,
    /// A clock that moves only when told to, for tests.
    Manual(ManualClock),
}

/// A clock that stands still until [`advance`](ManualClock::advance) moves it. Clones are the same clock.
///
/// ```
/// use ringmain::{Clock, Hub, ManualClock, Message, OnExhausted};
/// use std::time::Duration;
/// let clock = ManualClock::new();
/// let hub = Hub::builder().clock(Clock::Manual(clock.clone())).memory()?;
/// let queue = hub.queue("later").on_exhausted(OnExhausted::Drop).open()?;
/// queue.send(Message::new(b"x").delay(Duration::from_secs(5)))?;
/// assert!(queue.try_receive()?.is_none());
/// clock.advance(Duration::from_secs(5));
/// assert!(queue.try_receive()?.is_some());
/// # Ok::<(), ringmain::Error>(())
/// ```
#[derive(Clone)]
pub struct ManualClock(Arc<Manual>);

struct Manual {
    now_ns: Mutex<u64>,
    timed: Mutex<Vec<Weak<dyn Timed>>>,
}

impl ManualClock {
    /// A clock that stands at one second after 1970.
    pub fn new() -> Self {
        Self(Arc::new(Manual { now_ns: Mutex::new(1_000_000_000), timed: Mutex::default() }))
    }

    /// The time it stands at, in nanoseconds since 1970.
    pub fn now_ns(&self) -> u64 {
        *lock(&self.0.now_ns)
    }

    /// Moves it forward. Everything that falls due has happened in the hubs of this clock when this returns.
    pub fn advance(&self, by: Duration) {
        let now_ns = {
            let mut now_ns = lock(&self.0.now_ns);
            *now_ns = now_ns.saturating_add(crate::message::duration_ns(by));
            *now_ns
        };
        let timed: Vec<_> = {
            let mut timed = lock(&self.0.timed);
            timed.retain(|t| t.strong_count() > 0);
            timed.iter().filter_map(Weak::upgrade).collect()
        };
        for hub in timed {
            hub.tick(now_ns);
        }
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ManualClock({} ns)", self.now_ns())
    }
}

impl Clock {
    /// The time now in nanoseconds since 1970.
    #[inline]
    pub fn now_ns(&self) -> u64 {
        match self {
            Self::System => system::now_ns(),
            Self::Manual(clock) => clock.now_ns(),
        }
    }

    /// Whether time moves by itself.
    pub(crate) fn is_system(&self) -> bool {
        matches!(self, Self::System)
    }

    /// Has `timed` told whenever this clock is moved by hand.
    pub(crate) fn register(&self, timed: Weak<dyn Timed>) {
        if let Self::Manual(clock) = self {
            lock(&clock.0.timed).push(timed);
        }
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}
