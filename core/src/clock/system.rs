//! The system's clock, read in a third of the time that the system takes for it.
//!
//! **Promise.** Nanoseconds since 1970 that never go back in a thread. The system's two clocks are asked at once when the
//! process first wants to know, and the monotonic one from then on; in between, for [`WINDOW_NS`], the processor's counter
//! tells how long ago that was. Should it jump or change its speed, time is out by a few of these, for a second at most.
//!
//! **Not promised.** The same from two threads at once: each asks for itself, and may be ahead by the microsecond that an
//! asking may take, never behind: what is accepted after an instant has a time not before it.
//!
//! **Failure.** A counter that the system itself does not go by is not used, and neither is one on which the system says
//! nothing: then the system is asked each time.

use std::cell::Cell;
use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// How long the counter is believed.
const WINDOW_NS: u64 = 50_000;
/// How long it is watched before it is believed.
const WATCH_NS_MIN: u64 = 10_000_000;
/// How long it is watched until that begins anew, should its speed have changed.
const WATCH_NS_MAX: u64 = 1_000_000_000;
/// What it may count while the system is asked, about a microsecond: otherwise something else ran in between.
const ASKING_TICKS_MAX: u64 = 4096;
/// Bits of a rate behind the point.
const RATE_BITS: u32 = 32;

thread_local! {
    static ANCHOR: Cell<Anchor> = const { Cell::new(Anchor::NONE) };
    /// The latest time that was given out.
    static LAST_NS: Cell<u64> = const { Cell::new(0) };
}

/// Nanoseconds since 1970.
#[inline]
pub(super) fn now_ns() -> u64 {
    let told = ANCHOR.with(|anchor| anchor.get().time_at(counter::ticks()));
    let now_ns = told.unwrap_or_else(ask).max(LAST_NS.get());
    LAST_NS.set(now_ns);
    now_ns
}

#[cold]
fn ask() -> u64 {
    if !counter::is_trusted() {
        return asked_ns();
    }
    let before = counter::ticks();
    let now_ns = asked_ns();
    let after = counter::ticks();
    ANCHOR.with(|anchor| anchor.set(anchor.get().renewed(before, now_ns, after)));
    now_ns
}

fn asked_ns() -> u64 {
    static ORIGIN: OnceLock<(Instant, u64)> = OnceLock::new();
    let (instant, wall_ns) = ORIGIN.get_or_init(|| {
        let instant = Instant::now();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (instant, crate::message::duration_ns(wall))
    });
    wall_ns + crate::message::duration_ns(instant.elapsed())
}

/// What counter and clock said at the same time, and how they go together.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    ticks: u64,
    ns: u64,
    /// Nanoseconds of a tick, [`RATE_BITS`] behind the point; 0: not known yet.
    rate: u64,
    /// For how many ticks it is good.
    window_ticks: u64,
    /// What they said when the watch for the rate began; 0: not yet.
    watched_ticks: u64,
    watched_ns: u64,
}

impl Anchor {
    const NONE: Self = Self { ticks: 0, ns: 0, rate: 0, window_ticks: 0, watched_ticks: 0, watched_ns: 0 };

    /// The time when the counter says `ticks`, if it is believed.
    #[inline]
    fn time_at(&self, ticks: u64) -> Option<u64> {
        // More than any window, if it went back.
        let since = ticks.wrapping_sub(self.ticks);
        (since < self.window_ticks).then(|| self.ns + ((since * self.rate) >> RATE_BITS))
    }

    /// The clock said `ns`, and the counter what it said just before and after.
    fn renewed(mut self, before: u64, ns: u64, after: u64) -> Self {
        self.window_ticks = 0;
        if after.wrapping_sub(before) > ASKING_TICKS_MAX {
            return self;
        }
        let (watched_ticks, watched_ns) = (before.saturating_sub(self.watched_ticks), ns - self.watched_ns);
        if self.watched_ns == 0 || watched_ticks == 0 {
            (self.watched_ticks, self.watched_ns) = (before, ns);
            return self;
        }
        if watched_ns >= WATCH_NS_MIN {
            let rate = (u128::from(watched_ns) << RATE_BITS) / u128::from(watched_ticks);
            self.rate = u64::try_from(rate).unwrap_or(0);
        }
        if watched_ns >= WATCH_NS_MAX {
            (self.watched_ticks, self.watched_ns) = (before, ns);
        }
        (self.ticks, self.ns) = (before, ns);
        self.window_ticks = (WINDOW_NS << RATE_BITS).checked_div(self.rate).unwrap_or(0);
        self
    }
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod counter {
    use std::sync::OnceLock;

    /// What the system goes by.
    const SOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";

    #[inline]
    pub(super) fn ticks() -> u64 {
        // SAFETY: every such processor has the counter, and no Linux forbids it unless asked by the program itself.
        unsafe { std::arch::x86_64::_rdtsc() }
    }

    /// Whether it counts all the time, at one speed, and the same on every processor: the system finds out.
    pub(super) fn is_trusted() -> bool {
        static TRUSTED: OnceLock<bool> = OnceLock::new();
        *TRUSTED.get_or_init(|| std::fs::read_to_string(SOURCE).is_ok_and(|source| source.trim() == "tsc"))
    }
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
mod counter {
    #[inline]
    pub(super) fn ticks() -> u64 {
        0
    }

    pub(super) fn is_trusted() -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks whenever the anchor has to be renewed, of a counter and a clock that both are what the test says.
    fn now(anchor: &mut Anchor, ticks: u64, ns: u64) -> u64 {
        anchor.time_at(ticks).unwrap_or_else(|| {
            *anchor = anchor.renewed(ticks, ns, ticks + 100);
            ns
        })
    }

    /// An anchor that has watched a counter of three ticks a nanosecond up to `ns`.
    fn watched(ns: u64) -> Anchor {
        let mut anchor = Anchor::NONE;
        (1..=ns / 1000).for_each(|us| _ = now(&mut anchor, us * 3000, us * 1000));
        anchor
    }

    #[test]
    fn between_two_askings_the_counter_tells_the_time_exactly() {
        let (mut anchor, mut told) = (watched(20_000_000), 0);
        for ns in (20_000_000..22_000_000).step_by(37) {
            told += u64::from(anchor.time_at(ns * 3).is_some());
            let now_ns = now(&mut anchor, ns * 3, ns);
            assert!(now_ns.abs_diff(ns) <= 1, "{now_ns} at {ns}");
        }
        assert!(told > 50_000, "the system was asked nearly each time: the counter told {told} times");
    }

    #[test]
    fn nothing_is_believed_that_was_not_watched_or_was_interrupted() {
        assert!(watched(9_000_000).time_at(27_000_100).is_none());
        let anchor = watched(20_000_000).renewed(90_000_000, 30_000_000, 91_000_000);
        assert!(anchor.time_at(91_000_001).is_none());
    }

    #[test]
    fn a_counter_that_jumps_and_changes_its_speed_puts_time_out_by_little_and_not_for_long() {
        for jump in [-80_000_000, -1_000_000, -10_000, 10_000, 1_000_000, 80_000_000_i64] {
            for speed in [2, 3, 6, 30] {
                let mut anchor = watched(30_000_000);
                let start = 90_000_000_u64.saturating_add_signed(jump);
                for us in 0..3_000_000 / 7 {
                    let (ticks, ns) = (start + us * 7000 * speed, 30_000_000 + us * 7000);
                    let out = now(&mut anchor, ticks, ns).abs_diff(ns);
                    assert!(
                        out <= WINDOW_NS * 3,
                        "out by {out} ns, {us} us after a jump of {jump} to speed {speed}"
                    );
                    let settled = us * 7 > 2 * WATCH_NS_MAX / 1000 + 100;
                    assert!(!settled || out <= 1000, "still out by {out} ns");
                }
            }
        }
    }

    #[test]
    fn time_never_goes_back_in_a_thread() {
        let mut last_ns = 0;
        for _ in 0..1_000_000 {
            let now_ns = now_ns();
            assert!(now_ns >= last_ns);
            last_ns = now_ns;
        }
    }
}
