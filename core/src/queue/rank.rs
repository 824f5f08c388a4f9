//! Where a message that is ready stands among the others, and how that changes while it waits.
//!
//! **Promise.** The highest priority first; of one priority those that came back at their old places, then those that had to wait
//! by when they were due, then those that nobody had yet in the order in which they were sent, whether they are plain or not.
//! With an age step a priority rises by one for each step that was waited, up to the highest: since the message was sent, or was
//! last due; and of one priority those come first that have waited longest. So what is sent later starves nothing that waits.
//!
//! **How.** Nothing is sorted again as time passes. Those of one priority and kind stand in the order of their age, so only the
//! first of each is asked how old it is, and the next one of the cursor.
//!
//! **Where next.** Of ordering keys only the first messages stand in this line, and the keys take turns with it: `groups.rs`.

use crate::limits::PRIORITY_MAX;
use std::cmp::Reverse;

/// The priority of a message that asks for none, and of all that the cursor passes.
pub(crate) const PRIORITY_DEFAULT: u8 = 4;

/// Priority; when it was due, or one of those below, or with ageing since when it waits; id.
pub(crate) type Rank = (Reverse<u8>, u64, u64);

/// It was out and came back.
pub(crate) const RETURNED: u64 = 0;
/// Nobody had it, and it did not have to wait.
pub(crate) const NEW: u64 = u64::MAX;

/// How priorities rise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ageing {
    /// `u64::MAX`: not at all.
    pub(crate) step_ns: u64,
}

impl Ageing {
    pub(crate) fn is_on(self) -> bool {
        self.step_ns != u64::MAX
    }

    /// The priority of what waits since then.
    fn priority(self, priority: u8, since_ns: u64, now_ns: u64) -> u8 {
        let steps = now_ns.saturating_sub(since_ns).checked_div(self.step_ns).unwrap_or(0);
        priority.saturating_add(steps.min(PRIORITY_MAX.into()) as u8).min(PRIORITY_MAX)
    }

    /// Where a message stands by now that waits since then.
    pub(crate) fn rank(self, rank: Rank, since_ns: u64, now_ns: u64) -> Rank {
        let (Reverse(priority), _, id) = rank;
        if self.is_on() { (Reverse(self.priority(priority, since_ns, now_ns)), since_ns, id) } else { rank }
    }

    /// The same of a plain message that nobody had.
    pub(crate) fn plain_rank(self, id: u64, sent_ns: u64, now_ns: u64) -> Rank {
        self.rank((Reverse(PRIORITY_DEFAULT), NEW, id), sent_ns, now_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_rises_by_one_for_each_step_up_to_the_highest() {
        let ageing = Ageing { step_ns: 10 };
        let after = |ns| ageing.priority(2, 100, 100 + ns);
        assert_eq!([0, 9, 10, 69, 70, u64::MAX - 100].map(after), [2, 2, 3, 8, 9, 9]);
        assert_eq!(ageing.priority(2, 100, 0), 2, "the clock was set back");
        assert_eq!(Ageing { step_ns: u64::MAX }.priority(2, 0, u64::MAX - 1), 2, "it is off");
    }
}
