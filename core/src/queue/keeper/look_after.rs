//! The one look at a lease: prolongs it, or lets it run out.

use crate::clock::Clock;
use crate::notice::{self, Notice};
use crate::queue::Delivery;
use crate::queue::keeper::Lease;
use std::time::Duration;

/// The shortest lease there is.
const LEASE_NS_MIN: u64 = 1_000_000;

/// What was found, and done.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) lease: Lease,
    /// Its holder was alive before, and is not any more.
    pub(crate) died: bool,
    /// The message is not its holder's any more.
    pub(crate) is_lost: bool,
}

impl Lease {
    /// Prolongs the lease of `delivery`, if its holder is alive.
    pub(crate) fn look_after(mut self, delivery: &Delivery, is_alive: bool, clock: &Clock) -> Seen {
        let now_ns = clock.now_ns();
        let died = self.is_alive && !is_alive;
        self.is_alive = is_alive;
        let by_ns = if is_alive { self.extension_ns(now_ns) } else { 0 };
        if by_ns < LEASE_NS_MIN && !self.is_over(now_ns) {
            return Seen { lease: self.seen(now_ns), died, is_lost: false };
        }
        // WHY: also when it should have run out: the holder may have prolonged it itself, and only the queue knows. One
        // that is over is not brought back by that.
        let by_ns = by_ns.max(LEASE_NS_MIN);
        if delivery.extend(Duration::from_nanos(by_ns)).is_ok() {
            return Seen { lease: self.extended(clock.now_ns(), by_ns), died, is_lost: false };
        }
        // It may have been settled by its holder.
        if !delivery.is_ended() {
            let (queue, id) = (delivery.shared().name.clone(), delivery.id());
            notice::now(|| Notice::HandlerLostLease { queue, id });
        }
        Seen { lease: self.lost(), died, is_lost: true }
    }
}
