//! A keeper: prolongs the leases of messages whose handlers are not threads of a [`Worker`](crate::Worker), such as tasks of
//! an event loop.
//!
//! **Promise.** While a message is held, is not settled, and its holder beats, its lease does not run out, whatever
//! else the program is busy with: one thread of the keeper's own looks after all of them, asleep until the next is due.
//!
//! **Not promised.** That a lease which was lost is told at once: it is found when the lease is looked at, at each third of it.
//!
//! **Protocol.** As the hub's timer, `P10 alarm`: whoever holds a message arms the alarm afterwards. A message is held by a weak
//! reference, so that dropping a delivery hands its message back, held or not. On a manual clock there is no thread: whoever
//! moves the clock does what is due.

mod lease;
mod look_after;

pub(crate) use lease::Lease;

use crate::clock::alarm::Alarm;
use crate::clock::{Clock, Timed};
use crate::error::{Error, Result};
use crate::limits::RECEIVE_COUNT_MAX;
use crate::message::duration_ns;
use crate::notice::{self, Notice};
use crate::queue::{Delivery, Queue};
use crate::sync::lock;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

impl Queue {
    /// A keeper: prolongs the leases of the messages that it is told to hold, from a thread of its own. For those who write
    /// workers that do not handle messages on threads of ours; a [`Worker`](crate::Worker) has one built in.
    ///
    /// # Errors
    /// `Io` if the system gives no thread; `Forked`.
    pub fn keeper(&self) -> Result<Keeper> {
        Keeper::start(self)
    }
}

/// Prolongs leases until it is dropped. Made by [`Queue::keeper`]. Any thread may use it.
///
/// ```
/// use ringmain::{Hub, Message};
/// use std::sync::Arc;
/// use std::time::Duration;
/// let hub = Hub::memory();
/// let jobs = hub.queue("jobs").lease(Duration::from_secs(30)).dead_letter("jobs.dead").open()?;
/// jobs.send(Message::new(b"long"))?;
/// let keeper = jobs.keeper()?;
/// let job = Arc::new(jobs.try_receive()?.expect("one was sent"));
/// keeper.hold(&job, Some(Duration::from_secs(3600))); // for an hour at most
/// // ... an event loop handles it, and is busy for longer than 30 s now and then ...
/// job.ack()?;
/// keeper.let_go(&job);
/// # Ok::<(), ringmain::Error>(())
/// ```
pub struct Keeper {
    kept: Arc<Kept>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the keeper and its thread share.
struct Kept {
    queue: Queue,
    alarm: Alarm,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By the address of the delivery, which stays as long as the weak reference does.
    held: HashMap<usize, (Weak<Delivery>, Lease)>,
    lost: Vec<u64>,
    stall_after_ns: Option<u64>,
    beat_ns: u64,
}

impl Keeper {
    fn start(queue: &Queue) -> Result<Self> {
        queue.shared.journal.check_owner()?;
        let kept = Arc::new(Kept { queue: queue.clone(), alarm: Alarm::new(), state: Mutex::default() });
        let mut thread = None;
        if kept.clock().is_system() {
            let shared = kept.clone();
            let run = move || shared.run();
            let started = thread::Builder::new().name("ringmain-keeper".into()).spawn(run);
            thread = Some(started.map_err(|e| Error::io("start a thread for", "keeper", &e))?);
        } else {
            let timed: Weak<Kept> = Arc::downgrade(&kept);
            kept.clock().register(timed as Weak<dyn Timed>);
        }
        Ok(Self { kept, thread: Mutex::new(thread) })
    }

    /// Prolongs no lease any more from when nobody has called [`beat`](Self::beat) for so long, until somebody does: for an
    /// event loop that hangs for good. Default: never stalled.
    pub fn stall_after(&self, time: Duration) {
        let mut state = lock(&self.kept.state);
        state.stall_after_ns = Some(duration_ns(time));
        state.beat_ns = self.kept.clock().now_ns();
    }

    /// The holder is alive.
    pub fn beat(&self) {
        lock(&self.kept.state).beat_ns = self.kept.clock().now_ns();
    }

    /// Prolongs the lease of a delivery of this queue from now on, at each third of the queue's lease, for `total_max`
    /// altogether, an hour if that is none. Ends by itself when it is settled or dropped. Holding one again begins the total anew.
    pub fn hold(&self, delivery: &Arc<Delivery>, total_max: Option<Duration>) {
        self.hold_batch(std::slice::from_ref(delivery), total_max);
    }

    /// As [`hold`](Self::hold), for several.
    pub fn hold_batch(&self, deliveries: &[Arc<Delivery>], total_max: Option<Duration>) {
        let lease_ns = lock(&self.kept.queue.shared.options).lease_ns();
        let total_ns_max = duration_ns(total_max.unwrap_or(Duration::from_secs(3600)));
        let lease = Lease::new(self.kept.clock().now_ns(), lease_ns, total_ns_max);
        {
            let mut state = lock(&self.kept.state);
            for delivery in deliveries {
                state.held.insert(Arc::as_ptr(delivery) as usize, (Arc::downgrade(delivery), lease));
            }
        }
        self.kept.alarm.arm(lease.next_ns);
    }

    /// Forgets a delivery: its lease runs out, unless it is settled or prolonged. One that is not held is nothing to do.
    pub fn let_go(&self, delivery: &Arc<Delivery>) {
        self.let_go_batch(std::slice::from_ref(delivery));
    }

    /// As [`let_go`](Self::let_go), for several.
    pub fn let_go_batch(&self, deliveries: &[Arc<Delivery>]) {
        let mut state = lock(&self.kept.state);
        for delivery in deliveries {
            state.held.remove(&(Arc::as_ptr(delivery) as usize));
        }
    }

    /// The ids of the messages whose leases were found lost since this was asked last: they are, or will be, another's. At most 65,536
    /// are remembered.
    pub fn take_lost(&self) -> Vec<u64> {
        std::mem::take(&mut lock(&self.kept.state).lost)
    }
}

impl Kept {
    fn clock(&self) -> &Clock {
        self.queue.shared.journal.clock()
    }

    /// Sleeps and does what is due, until the keeper is dropped.
    fn run(&self) {
        let mut now_ns = self.clock().now_ns();
        while self.alarm.sleep(now_ns) {
            self.tick(self.clock().now_ns());
            now_ns = self.clock().now_ns();
        }
    }

    fn look_after_leases(&self, now_ns: u64) {
        let (due, is_beating) = {
            let mut state = lock(&self.state);
            state.held.retain(|_, (delivery, _)| delivery.strong_count() > 0);
            let due = state.held.iter().filter(|(_, (_, lease))| lease.next_ns <= now_ns);
            let due: Vec<_> = due.map(|(key, (delivery, lease))| (*key, delivery.clone(), *lease)).collect();
            let silent_ns = now_ns.saturating_sub(state.beat_ns);
            (due, state.stall_after_ns.is_none_or(|stall_ns| silent_ns < stall_ns))
        };
        for (key, delivery, lease) in due {
            // Outside the lock, as every verb: if this was the last reference, dropping it hands the message back.
            let Some(delivery) = delivery.upgrade() else { continue };
            if delivery.is_ended() {
                lock(&self.state).held.remove(&key);
                continue;
            }
            let seen = lease.look_after(&delivery, is_beating, self.clock());
            if seen.died {
                let (queue, id) = (self.queue.shared.name.clone(), delivery.id());
                notice::now(|| Notice::HandlerNotAlive { queue, id });
            }
            let mut state = lock(&self.state);
            if seen.is_lost {
                state.held.remove(&key);
                if !delivery.is_ended() && state.lost.len() < RECEIVE_COUNT_MAX {
                    state.lost.push(delivery.id());
                }
            } else if let Some((_, lease)) = state.held.get_mut(&key) {
                *lease = seen.lease;
            }
        }
        let next_ns = lock(&self.state).held.values().map(|(_, lease)| lease.next_ns).min();
        self.alarm.arm(next_ns.unwrap_or(u64::MAX));
    }
}

impl Timed for Kept {
    fn tick(&self, now_ns: u64) {
        if self.alarm.take(now_ns) {
            self.look_after_leases(now_ns);
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.kept.alarm.stop();
        // A forked child does not have the thread.
        if self.kept.queue.shared.journal.check_owner().is_ok()
            && let Some(thread) = lock(&self.thread).take()
        {
            // It does not panic; if it did, the test that sees it tells.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = lock(&self.kept.state).held.len();
        f.debug_struct("Keeper").field("queue", &self.kept.queue.name()).field("held", &held).finish()
    }
}
