//! An event count: threads and tasks sleep until a condition that others publish; publishers pay one load unless
//! somebody sleeps.
//!
//! **Promise.** No lost wake-up: whoever publishes the condition and then calls [`EventCount::notify`] wakes every
//! waiter that did not see it. One wake per sleep.
//!
//! **Not promised.** That the condition holds after a wake: waiters look again. That nobody is woken in vain.
//!
//! **Protocol**, `P1 park-wake`. The waiter reads the epoch, raises the flag, passes the heavy barrier, and only
//! then looks at the condition; the publisher publishes, passes the light barrier, and only then looks at the flag.
//! Whatever the interleaving, one of them sees the other. The publisher swaps the flag away *before* it bumps the
//! epoch: the other order would leave a waiter that slept in between without flag and without wake.
//!
//! **Where next.** The barrier pair: `barrier.rs`. Users: the rings, the log, the journal.

use super::barrier;
use super::{AtomicU32, Condvar, Mutex, MutexGuard, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// See the module's description.
#[derive(Debug)]
pub(crate) struct EventCount {
    epoch: AtomicU32,
    sleepers: AtomicU32,
    tasks: Mutex<Vec<Waker>>,
    woken: Condvar,
}

impl EventCount {
    pub(crate) fn new() -> Self {
        Self {
            epoch: AtomicU32::new(0),
            sleepers: AtomicU32::new(0),
            tasks: Mutex::new(Vec::new()),
            woken: Condvar::new(),
        }
    }

    /// Sleeps until `ready` says so, at most until `deadline`. Returns what `ready` said last.
    pub(crate) fn wait_until(&self, deadline: Option<Instant>, mut ready: impl FnMut() -> bool) -> bool {
        loop {
            // ORDERING: Acquire, P1: pairs with the Release bump in `notify`. Read before the flag is raised: read
            // later, it could be the value after the bump that was meant for us, and we would sleep through it.
            let seen = self.epoch.load(Ordering::Acquire);
            // ORDERING: Relaxed, P1: the heavy barrier below orders it before `ready` reads the condition.
            self.sleepers.store(1, Ordering::Relaxed);
            barrier::heavy();
            if ready() {
                return true;
            }
            let mut tasks = self.lock_tasks();
            // ORDERING: Relaxed: bumped under the lock that we hold.
            while self.epoch.load(Ordering::Relaxed) == seen {
                match deadline {
                    None => tasks = self.woken.wait(tasks).unwrap_or_else(std::sync::PoisonError::into_inner),
                    Some(deadline) => {
                        let left = deadline.saturating_duration_since(Instant::now());
                        if left.is_zero() {
                            drop(tasks);
                            return ready();
                        }
                        tasks = self
                            .woken
                            .wait_timeout(tasks, left)
                            .unwrap_or_else(std::sync::PoisonError::into_inner)
                            .0;
                    }
                }
            }
        }
    }

    /// What `attempt` gives, sleeping between attempts until it gives something, at most for `wait`.
    pub(crate) fn wait_for<T>(&self, wait: Duration, mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
        let mut got = attempt();
        if got.is_none() && !wait.is_zero() {
            self.wait_until(Instant::now().checked_add(wait), || {
                got = attempt();
                got.is_some()
            });
        }
        got
    }

    /// The same for a task.
    pub(crate) fn poll_for<T>(
        &self,
        context: &Context<'_>,
        mut attempt: impl FnMut() -> Option<T>,
    ) -> Poll<T> {
        let mut got = None;
        self.poll_ready(context, || {
            got = attempt();
            got.is_some()
        });
        got.map_or(Poll::Pending, Poll::Ready)
    }

    /// As `wait_until` for a task: true if `ready`, else the task is woken by the next `notify`.
    fn poll_ready(&self, context: &Context<'_>, mut ready: impl FnMut() -> bool) -> bool {
        if ready() {
            return true;
        }
        {
            let mut tasks = self.lock_tasks();
            if !tasks.iter().any(|task| task.will_wake(context.waker())) {
                tasks.push(context.waker().clone());
            }
        }
        // ORDERING: Relaxed, P1: as in `wait_until`.
        self.sleepers.store(1, Ordering::Relaxed);
        barrier::heavy();
        ready()
    }

    /// Wakes everyone who sleeps. Call it after the condition was published.
    pub(crate) fn notify(&self) {
        barrier::light();
        // ORDERING: Relaxed, P1: the barrier pair orders this load after the publication.
        if self.sleepers.load(Ordering::Relaxed) != 0 {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        // ORDERING: AcqRel, P1: of several publishers one takes the flag, and wakes on behalf of all: it acquires
        // what the flag's setter did before. Before the bump, see the module's description.
        if self.sleepers.swap(0, Ordering::AcqRel) == 0 {
            return;
        }
        let tasks = {
            let mut tasks = self.lock_tasks();
            // ORDERING: Release, P1: pairs with the waiter's Acquire of the epoch, carries the publication.
            self.epoch.fetch_add(1, Ordering::Release);
            std::mem::take(&mut *tasks)
        };
        self.woken.notify_all();
        for task in tasks {
            task.wake();
        }
    }

    fn lock_tasks(&self) -> TasksGuard<'_> {
        self.tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Default for EventCount {
    fn default() -> Self {
        Self::new()
    }
}

type TasksGuard<'a> = MutexGuard<'a, Vec<Waker>>;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sync::AtomicBool;
    use std::sync::Arc;

    #[test]
    fn a_sleeper_is_woken_by_whoever_publishes() {
        for _ in 0..200 {
            let shared = Arc::new((EventCount::new(), AtomicBool::new(false)));
            let theirs = shared.clone();
            let sleeper = std::thread::spawn(move || {
                // ORDERING: Relaxed: the event count orders it.
                theirs.0.wait_until(None, || theirs.1.load(Ordering::Relaxed))
            });
            // ORDERING: Relaxed: the event count orders it.
            shared.1.store(true, Ordering::Relaxed);
            shared.0.notify();
            assert!(sleeper.join().unwrap());
        }
    }

    #[test]
    fn a_wait_ends_at_its_deadline() {
        let event = EventCount::new();
        assert!(!event.wait_until(Some(Instant::now() + Duration::from_millis(5)), || false));
    }
}
