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
use crate::queue::keeper::Lease;
use crate::queue::worker::crew::{Crew, Stage};
use crate::queue::worker::job::Job;
use crate::sync::lock;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

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
            let looked_after = self.look_after(&job, lease, may_extend);
            let mut state = lock(&self.state);
            if let Some((_, lease)) = state.running.iter_mut().find(|(other, _)| Arc::ptr_eq(other, &job)) {
                *lease = looked_after;
            }
        }
        let next_ns = lock(&self.state).next_ns();
        self.alarm.arm(next_ns);
    }

    fn look_after(&self, job: &Job, lease: Lease, may_extend: bool) -> Lease {
        let is_alive = may_extend && self.is_alive(job);
        let seen = lease.look_after(job, is_alive, self.clock());
        if may_extend && seen.died {
            let (queue, id) = (self.queue.shared.name.clone(), job.id());
            notice::now(|| Notice::HandlerNotAlive { queue, id });
        }
        if seen.is_lost {
            job.lose();
        }
        seen.lease
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
