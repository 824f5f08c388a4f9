//! Looks after the leases of a worker: one thread for all of them, asleep until the next is due.
//!
//! **Promise.** A lease of a running handler is prolonged for as long as its liveness check says so, whatever the
//! handler's own thread does. Nothing that is held: nobody wakes.
//!
//! **Protocol.** As the hub's timer, `P10 alarm`: whoever hands a message over arms the alarm afterwards. What only waits
//! needs no more: it waits because handlers run, and who looks after those looks at it. On a manual clock there is no
//! thread: whoever moves the clock does what is due.

use crate::clock::Timed;
use crate::error::panic_text;
use crate::notice::{self, Notice};
use crate::queue::worker::crew::{Crew, Stage};
use crate::queue::worker::job::Job;
use crate::queue::worker::lease::Lease;
use crate::sync::lock;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// The shortest lease there is.
const LEASE_NS_MIN: u64 = 1_000_000;

/// Sleeps and does what is due, until the last handler has gone.
pub(super) fn run(crew: &Crew) {
    let mut now_ns = crew.clock().now_ns();
    while crew.alarm.sleep(now_ns) {
        crew.tick(crew.clock().now_ns());
        now_ns = crew.clock().now_ns();
    }
}

impl Timed for Crew {
    fn tick(&self, now_ns: u64) {
        if self.alarm.take(now_ns) {
            self.look_after_leases(now_ns);
        }
    }
}

impl Crew {
    fn look_after_leases(&self, now_ns: u64) {
        let (stale, due, may_extend) = {
            let mut state = lock(&self.state);
            let stale = state.take_stale(now_ns);
            let due: Vec<_> =
                state.running.iter().filter(|(_, lease)| lease.next_ns <= now_ns).cloned().collect();
            (stale, due, state.stage != Stage::Over)
        };
        // Outside the lock, as every verb: it hands them back.
        drop(stale);
        for (job, lease) in due {
            let looked_after = self.look_after(&job, lease, now_ns, may_extend);
            let mut state = lock(&self.state);
            if let Some((_, lease)) = state.running.iter_mut().find(|(other, _)| Arc::ptr_eq(other, &job)) {
                *lease = looked_after;
            }
        }
        let next_ns = lock(&self.state).next_ns();
        self.alarm.arm(next_ns);
    }

    fn look_after(&self, job: &Job, mut lease: Lease, now_ns: u64, may_extend: bool) -> Lease {
        let was_alive = lease.is_alive;
        lease.is_alive = may_extend && self.is_alive(job);
        if may_extend && was_alive && !lease.is_alive {
            let (queue, id) = (self.queue.shared.name.clone(), job.id());
            notice::now(|| Notice::HandlerNotAlive { queue, id });
        }
        let by_ns = if lease.is_alive { lease.extension_ns(now_ns) } else { 0 };
        if by_ns < LEASE_NS_MIN && !lease.is_over(now_ns) {
            return lease.seen(now_ns);
        }
        // WHY: also when it should have run out: the handler may have prolonged it itself, and only the queue knows. One
        // that is over is not brought back by that.
        let by_ns = by_ns.max(LEASE_NS_MIN);
        match job.extend(Duration::from_nanos(by_ns)) {
            Ok(()) => lease.extended(self.clock().now_ns(), by_ns),
            Err(_) => {
                job.lose();
                // It may have been settled by the handler itself.
                if !job.is_ended() {
                    let (queue, id) = (self.queue.shared.name.clone(), job.id());
                    notice::now(|| Notice::HandlerLostLease { queue, id });
                }
                lease.lost()
            }
        }
    }

    /// What the liveness check says; one that panics says no.
    fn is_alive(&self, job: &Job) -> bool {
        let Some(check) = &self.liveness else { return true };
        catch_unwind(AssertUnwindSafe(|| check(job))).unwrap_or_else(|panic| {
            panic_text(panic);
            false
        })
    }
}
