//! When something is due next, so that the hub's thread comes back in time.
//!
//! **Protocol**, `P10 alarm`: who has something to do says when; who is told the time takes that away by a swap, and then looks at
//! everything there is: what is not over is said again.

use crate::clock::alarm::Alarm;
use crate::sync::{AtomicU64, Ordering};

const NEVER: u64 = u64::MAX;
/// What happens often is put off for so long.
const SOON_NS: u64 = 1_000_000_000;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Due {
    at_ns: AtomicU64,
}

impl Due {
    pub(crate) fn new() -> Self {
        Self { at_ns: AtomicU64::new(NEVER) }
    }

    /// Something is due then; `u64::MAX`: nothing is.
    pub(crate) fn be_at(&self, at_ns: u64, alarm: &Alarm) {
        if at_ns != NEVER {
            // ORDERING: AcqRel, P10: pairs with the swap of `take`, after which everything is looked at.
            self.at_ns.fetch_min(at_ns, Ordering::AcqRel);
            alarm.arm(at_ns);
        }
    }

    /// Something happened that may be put off for a moment, as it happens often.
    pub(crate) fn soon(&self, now_ns: u64, alarm: &Alarm) {
        self.be_at(now_ns.saturating_add(SOON_NS), alarm);
    }

    /// Whether something is due; until something else is, nothing is any more.
    pub(crate) fn take(&self, now_ns: u64, alarm: &Alarm) -> bool {
        // ORDERING: Acquire, P10: pairs with `be_at`.
        let at_ns = self.at_ns.load(Ordering::Acquire);
        if at_ns > now_ns {
            // The alarm rang for somebody else, and has forgotten this one.
            self.be_at(at_ns, alarm);
            return false;
        }
        // ORDERING: AcqRel, P10: before everything is looked at; whoever comes later makes it due again.
        self.at_ns.swap(NEVER, Ordering::AcqRel);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_later_is_not_forgotten_when_the_alarm_rings_for_somebody_else() {
        let (due, alarm) = (Due::new(), Alarm::new());
        due.be_at(100, &alarm);
        alarm.arm(50);
        assert!(alarm.take(50) && !due.take(50, &alarm));
        assert!(!alarm.take(99));
        assert!(alarm.take(100) && due.take(100, &alarm));
        assert!(!due.take(100, &alarm) && !alarm.take(NEVER - 1), "once");
    }
}
