//! What the threads of a worker share: messages taken ahead, those that are being handled, and the place to wait.
//!
//! **Promise.** Messages go to idle threads in the order in which they were received. At most `prefetch` wait. While there
//! is nothing to do, nobody wakes.
//!
//! **Protocol.** There is no thread that fetches: an idle one does, for all of them. Whenever a thread is idle and nothing
//! waits, the queue has our waker, or a thread is about to ask it: so whoever leaves with a message wakes one more, unless
//! it was the last message, and the queue was asked after it; and whoever is woken while another is asking has that one ask
//! again, because the wake-up may be for what came after it asked. The lock is held for no verb of the queue, and for no code
//! of the user's: it comes last of all locks.

use crate::clock::Clock;
use crate::clock::alarm::Alarm;
use crate::error::{Error, Result};
use crate::queue::consumer::InRow;
use crate::queue::keeper::Lease;
use crate::queue::receive::{Ask, Start};
use crate::queue::worker::job::Job;

use crate::queue::worker::outcome::Outcome;
use crate::queue::worker::stats::WorkerStats;
use crate::queue::worker::waiting::Waiting;
use crate::queue::{Delivery, Queue};
use crate::sync::event_count::EventCount;
use crate::sync::lock;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

pub(super) type Handler = Box<dyn Fn(&Job) -> Outcome + Send + Sync>;
pub(super) type Liveness = Box<dyn Fn(&Job) -> bool + Send + Sync>;

/// See the module's description.
pub(super) struct Crew {
    pub(super) queue: Queue,
    pub(super) handler: Handler,
    pub(super) liveness: Option<Liveness>,
    prefetch: usize,
    lease_total_ns_max: u64,
    pub(super) state: Mutex<State>,
    /// For when the next lease is to be looked at.
    pub(super) alarm: Alarm,
    idle: Arc<Idle>,
    /// Wakes one that is idle.
    waker: Waker,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) stage: Stage,
    /// What ended it, if it was not closed.
    pub(super) error: Option<Error>,
    pub(super) stats: WorkerStats,
    waiting: VecDeque<Waiting>,
    /// Among the consumers of the queue; none once the worker has ended.
    place: Option<InRow>,
    pub(super) running: Vec<(Arc<Job>, Lease)>,
    /// A thread is asking the queue.
    is_fetching: bool,
    /// Another one was woken meanwhile, perhaps for a message that the first asked too early for.
    is_to_fetch_again: bool,
    /// Threads that run handlers.
    threads: usize,
}

/// How far the end of a worker has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Working,
    /// Nothing is started any more.
    Draining,
    /// And no lease prolonged.
    Over,
}

/// Where idle threads sleep.
#[derive(Debug)]
struct Idle(EventCount);

impl Wake for Idle {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

enum Turn {
    Run(Arc<Job>),
    End,
}

impl Crew {
    pub(super) fn new(
        queue: Queue,
        handler: Handler,
        liveness: Option<Liveness>,
        prefetch: usize,
        lease_total_ns_max: u64,
    ) -> Self {
        // Threads go to sleep here as often as they are woken.
        let idle = Arc::new(Idle(EventCount::symmetric()));
        let place = InRow::join(&queue.shared);
        let waker = Waker::from(idle.clone());
        Self {
            queue,
            handler,
            liveness,
            prefetch,
            lease_total_ns_max,
            state: Mutex::new(State::new(place)),
            alarm: Alarm::new(),
            idle,
            waker,
        }
    }

    pub(super) fn clock(&self) -> &Clock {
        self.queue.shared.journal.clock()
    }

    /// Refuses a forked child, in which none of the threads is.
    pub(super) fn check_owner(&self) -> Result<()> {
        self.queue.shared.journal.check_owner()
    }

    /// The next message for the thread that asks. `None`: the worker ends.
    pub(super) fn wait_for_job(&self) -> Option<Arc<Job>> {
        match self.idle.0.wait_for(Duration::MAX, || self.next()) {
            Some(Turn::Run(job)) => Some(job),
            Some(Turn::End) | None => None,
        }
    }

    /// The same; `None` if there is none yet.
    fn next(&self) -> Option<Turn> {
        let mut is_watched = false;
        let mut state = lock(&self.state);
        loop {
            if state.stage != Stage::Working {
                return Some(Turn::End);
            }
            if let Some(waiting) = state.waiting.pop_front() {
                if !is_watched || !state.waiting.is_empty() {
                    self.idle.0.notify_one();
                }
                drop(state);
                if let Some(turn) = self.hand_over(waiting) {
                    return Some(turn);
                }
                state = lock(&self.state);
            } else if is_watched {
                return None;
            } else if state.is_fetching {
                state.is_to_fetch_again = true;
                return None;
            } else {
                state.is_fetching = true;
                drop(state);
                (state, is_watched) = self.fetch();
            }
        }
    }

    /// Gives a message to the thread that asks, with a lease that begins now. `None`: the lease was lost before.
    fn hand_over(&self, waiting: Waiting) -> Option<Turn> {
        let lease_ns = waiting.lease_ns;
        let held = waiting.delivery.start(self.queue.shared.is_worn(waiting.taken_ns));
        let mut state = lock(&self.state);
        if held.is_err() {
            state.stats.lost_total += 1;
            return None;
        }
        if state.stage != Stage::Working {
            state.stats.returned_total += 1;
            drop(state);
            // Dropping it hands it back.
            return Some(Turn::End);
        }
        let lease = Lease::new(self.clock().now_ns(), lease_ns, self.lease_total_ns_max);
        let job = Arc::new(Job::new(waiting.delivery));
        state.running.push((job.clone(), lease));
        drop(state);
        self.alarm.arm(lease.next_ns);
        Some(Turn::Run(job))
    }

    /// Takes as many messages as may wait, and one. True: the queue has our waker, and nobody was woken by it since.
    fn fetch(&self) -> (MutexGuard<'_, State>, bool) {
        let (taken, polled) = self.take(self.prefetch + 1);
        let taken_ns = self.clock().now_ns();
        let lease_ns = lock(&self.queue.shared.options).lease_ns();
        if let Poll::Ready(Err(error)) = &polled {
            self.drain(Some(error.clone()));
        }
        let mut state = lock(&self.state);
        state.is_fetching = false;
        let is_watched = polled.is_pending() && !std::mem::take(&mut state.is_to_fetch_again);
        if state.stage != Stage::Working {
            state.stats.returned_total += taken.len() as u64;
            drop(state);
            // Hands them back.
            drop(taken);
            return (lock(&self.state), is_watched);
        }
        let waiting = taken.into_iter().map(|delivery| Waiting { delivery, taken_ns, lease_ns });
        state.waiting.extend(waiting);
        (state, is_watched)
    }

    /// Up to `count_max` messages; pending if there were fewer, and then the queue has our waker.
    fn take(&self, count_max: usize) -> (Vec<Delivery>, Poll<Result<()>>) {
        let context = Context::from_waker(&self.waker);
        let consumer = lock(&self.state).place.as_ref().map(|place| place.number);
        let mut taken = Vec::new();
        while taken.len() < count_max {
            let ask = Ask { consumer, ..Ask::new(count_max - taken.len(), Start::Later) };
            match self.queue.shared.poll_take(&context, &ask) {
                Poll::Ready(Ok(batch)) => taken.extend(batch),
                Poll::Ready(Err(error)) => return (taken, Poll::Ready(Err(error))),
                Poll::Pending => return (taken, Poll::Pending),
            }
        }
        (taken, Poll::Ready(Ok(())))
    }

    /// Starts nothing any more, and hands back what was not started.
    pub(super) fn drain(&self, error: Option<Error>) {
        let unstarted = {
            let mut state = lock(&self.state);
            if state.stage == Stage::Working {
                state.stage = Stage::Draining;
                state.error = error;
            }
            state.take_waiting(|_| true)
        };
        drop(unstarted);
        self.idle.0.notify_all();
    }

    /// Ends the keeper with the last thread that runs handlers.
    pub(super) fn leave(&self) {
        let is_last = {
            let mut state = lock(&self.state);
            state.threads -= 1;
            state.threads == 0
        };
        if is_last {
            self.leave_row();
            self.alarm.stop();
        }
    }

    /// Lets the next consumer of the queue have its messages, if only one may. What is out with this one is taken from it then.
    pub(super) fn leave_row(&self) {
        let place = lock(&self.state).place.take();
        // Outside the lock, as every verb.
        drop(place);
    }

    pub(super) fn enter(&self) {
        lock(&self.state).threads += 1;
    }
}

impl State {
    fn new(place: InRow) -> Self {
        Self {
            stage: Stage::Working,
            error: None,
            stats: WorkerStats::default(),
            waiting: VecDeque::new(),
            place: Some(place),
            running: Vec::new(),
            is_fetching: false,
            is_to_fetch_again: false,
            threads: 0,
        }
    }

    /// Counts, as of now.
    pub(super) fn counted(&self) -> WorkerStats {
        let (waiting, running) = (self.waiting.len() as u64, self.running.len() as u64);
        WorkerStats { waiting, running, ..self.stats.clone() }
    }

    /// Those that have waited for too long.
    pub(super) fn take_stale(&mut self, now_ns: u64) -> VecDeque<Waiting> {
        self.take_waiting(|waiting| waiting.stale_ns() <= now_ns)
    }

    /// Some of those that wait, to be handed back without penalty by being dropped, outside the lock.
    fn take_waiting(&mut self, is_taken: impl Fn(&Waiting) -> bool) -> VecDeque<Waiting> {
        let (taken, kept): (VecDeque<_>, _) = self.waiting.drain(..).partition(is_taken);
        self.waiting = kept;
        self.stats.returned_total += taken.len() as u64;
        taken
    }

    /// When somebody has to look at a lease again; `u64::MAX`: there is none.
    pub(super) fn next_ns(&self) -> u64 {
        let waiting = self.waiting.iter().map(Waiting::stale_ns);
        let running = self.running.iter().map(|(_, lease)| lease.next_ns);
        waiting.chain(running).min().unwrap_or(u64::MAX)
    }
}
