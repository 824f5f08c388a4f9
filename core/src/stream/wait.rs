//! Waiting for a time on the hub's clock, be it the system's or one that is moved by hand.
//!
//! **Promise.** Whoever waits until a time is woken when it has come, by whoever moves the clock. On the system's clock a thread
//! sees to that itself and nobody else is woken; what a task waits for, and everything on a manual clock, goes by the hub's alarm.
//!
//! **Protocol**, as `P10 alarm`: who waits says until when, and then looks at the clock; who moves the clock takes that time away
//! by a swap, and then wakes everybody: those that go on waiting say it again.

use crate::stream::due::Due;
use crate::stream::shared::Shared;
use crate::sync::event_count::EventCount;
use std::time::{Duration, Instant};

const NEVER: u64 = u64::MAX;

/// Until when somebody waits. See the module's description.
#[derive(Debug)]
pub(crate) struct Waits {
    due: Due,
    /// For those that wait for nothing but a time.
    time: EventCount,
}

impl Waits {
    pub(crate) fn new() -> Self {
        let time = EventCount::new();
        time.set_for_all(true);
        Self { due: Due::new(), time }
    }
}

impl Shared {
    /// Does what is due.
    pub(crate) fn tick(&self, now_ns: u64) {
        if self.waits.due.take(now_ns, self.journal.alarm()) {
            self.wake_all();
        }
        self.tick_groups(now_ns);
        self.upkeep().tick(now_ns, || self.release_read());
    }

    /// Wakes all that wait for a record, for room or for a time: something else has happened to them.
    pub(crate) fn wake_all(&self) {
        self.data().notify_all();
        self.waits.time.notify_all();
        self.gate().wake();
    }

    /// Has all that wait woken then, on the hub's clock.
    pub(crate) fn wake_at(&self, at_ns: u64) {
        self.waits.due.be_at(at_ns, self.journal.alarm());
    }

    /// What `attempt` gives, waiting for records until then on the hub's clock.
    pub(crate) fn wait_by<T>(&self, deadline_ns: u64, attempt: impl FnMut() -> Option<T>) -> Option<T> {
        self.wait_on(self.data(), deadline_ns, attempt)
    }

    /// What `attempt` gives, waiting for nothing but that time: no record wakes it.
    pub(crate) fn wait_until<T>(&self, deadline_ns: u64, attempt: impl FnMut() -> Option<T>) -> Option<T> {
        self.wait_on(&self.waits.time, deadline_ns, attempt)
    }

    /// What `attempt` gives, waiting for that event until then on the hub's clock.
    pub(super) fn wait_on<T>(
        &self,
        event: &EventCount,
        deadline_ns: u64,
        mut attempt: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        let mut got = attempt();
        let left_ns = deadline_ns.saturating_sub(self.now_ns());
        if got.is_some() || left_ns == 0 {
            return got;
        }
        let is_by_hand = !self.journal.has_system_clock();
        let deadline = if is_by_hand || deadline_ns == NEVER {
            None
        } else {
            Instant::now().checked_add(Duration::from_nanos(left_ns))
        };
        event.wait_until(deadline, || {
            if is_by_hand {
                self.wake_at(deadline_ns);
            }
            got = attempt();
            got.is_some() || self.now_ns() >= deadline_ns
        });
        got
    }
}
