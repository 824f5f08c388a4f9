//! A lease that is looked after, as times of the hub's clock.
//!
//! **Promise.** It is measured from the hand-over to whoever handles the message, prolonged at each third of it, and not beyond
//! the total.

/// The lease of a message that somebody is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lease {
    lease_ns: u64,
    /// It has run out by then, unless the holder prolonged it itself.
    deadline_ns: u64,
    /// It is not prolonged beyond.
    total_end_ns: u64,
    /// When somebody has to look at it.
    pub(crate) next_ns: u64,
    /// Whether its holder was alive when last asked.
    pub(crate) is_alive: bool,
}

impl Lease {
    /// Handed over now.
    pub(crate) fn new(now_ns: u64, lease_ns: u64, total_ns_max: u64) -> Self {
        let deadline_ns = now_ns.saturating_add(lease_ns);
        let total_end_ns = now_ns.saturating_add(total_ns_max);
        Self { lease_ns, deadline_ns, total_end_ns, next_ns: 0, is_alive: true }.seen(now_ns)
    }

    /// By how much it may be prolonged now; 0: not any more.
    pub(crate) fn extension_ns(&self, now_ns: u64) -> u64 {
        self.lease_ns.min(self.total_end_ns.saturating_sub(now_ns))
    }

    /// Whether it has run out, as far as we know.
    pub(crate) fn is_over(&self, now_ns: u64) -> bool {
        now_ns >= self.deadline_ns
    }

    /// It was prolonged to so long from now.
    pub(crate) fn extended(self, now_ns: u64, by_ns: u64) -> Self {
        Self { deadline_ns: self.deadline_ns.max(now_ns.saturating_add(by_ns)), ..self }.seen(now_ns)
    }

    /// It was looked at, and is to be again: after a third, or when it runs out.
    pub(crate) fn seen(self, now_ns: u64) -> Self {
        Self { next_ns: now_ns.saturating_add(self.lease_ns / 3).min(self.deadline_ns), ..self }
    }

    /// Nobody has to look at it any more.
    pub(crate) fn lost(self) -> Self {
        Self { next_ns: u64::MAX, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_prolonged_at_each_third_up_to_the_total_and_not_beyond() {
        let mut lease = Lease::new(1000, 30, 70);
        let mut seen = vec![];
        while !lease.is_over(lease.next_ns) {
            let now_ns = lease.next_ns;
            lease = lease.extended(now_ns, lease.extension_ns(now_ns));
            seen.push((now_ns, lease.deadline_ns));
        }
        let whole = [(1010, 1040), (1020, 1050), (1030, 1060), (1040, 1070), (1050, 1070), (1060, 1070)];
        assert_eq!((seen, lease.next_ns), (whole.to_vec(), 1070));
    }

    #[test]
    fn a_total_below_the_lease_does_not_shorten_it() {
        let lease = Lease::new(1000, 30, 5);
        assert_eq!(lease.extended(1001, lease.extension_ns(1001)).deadline_ns, 1030);
    }
}
