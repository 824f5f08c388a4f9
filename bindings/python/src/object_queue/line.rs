//! A line of those who wait for one thing: threads, and tasks of event loops.
//!
//! **Promise.** No lost call: as long as there is something for those in the line, one of them was called and has not
//! come yet. One call a sleep: whoever is called leaves the line in the same step. Ctrl-C ends a thread's sleep.
//!
//! **Not promised.** That there still is something when one comes: another may have been quicker. Then it stands in
//! line again, in front.
//!
//! **Protocol.** `P2 call`: the sleeper enters the line and looks again; whoever has something to give gives it and then
//! looks at `signal`. Under the GIL the steps of each are one (`P1`). Without a GIL both pass a fence in between, so that
//! one of them sees the other (Dekker).
//!
//! While a called thread is on its way nobody else is called: it has to wait for the GIL, and a second one would only wait
//! behind it. When it comes, it calls as many as there still is something for. Tasks are called each for itself, since
//! nobody knows when a loop will have time.

use super::alarm::Bell;
use super::fork::forks;
use pyo3::prelude::*;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Thread, current, park, park_timeout};
use std::time::{Duration, Instant};

/// The longest that a signal, such as Ctrl-C, goes unnoticed by the main thread.
const SIGNAL_SLICE: Duration = Duration::from_millis(100);

/// See the module's description.
#[derive(Default)]
pub struct Line {
    /// There is somebody to be called, and nobody on the way.
    signal: AtomicBool,
    list: Mutex<List>,
}

#[derive(Default)]
struct List {
    sleepers: VecDeque<(u64, Sleeper)>,
    /// The thread that was called and has not come yet.
    on_the_way: Option<u64>,
    /// Of which process they are.
    forks: u64,
}

enum Sleeper {
    Thread(Arc<Nap>),
    Task(Arc<Bell>),
}

/// The sleep of a thread.
struct Nap {
    thread: Thread,
    is_called: AtomicBool,
}

/// For `P2`: between giving, or entering the line, and looking at the other side.
#[inline]
pub fn give_then_look() {
    if cfg!(Py_GIL_DISABLED) {
        // ORDERING: SeqCst, P2: weaker, both sides could miss each other.
        fence(Ordering::SeqCst);
    }
}

fn new_ticket() -> u64 {
    static TICKETS: AtomicU64 = AtomicU64::new(1);
    // STATISTIC: only that no two are the same.
    TICKETS.fetch_add(1, Ordering::Relaxed)
}

impl Line {
    fn list(&self) -> MutexGuard<'_, List> {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        if list.forks != forks() {
            // Threads and loops of the parent: here nobody would come.
            *list = List { forks: forks(), ..List::default() };
        }
        list
    }

    /// To be done after each change of a list.
    fn set_signal(&self, list: &List) {
        // ORDERING: Relaxed: `give_then_look` orders it.
        self.signal.store(!list.sleepers.is_empty() && list.on_the_way.is_none(), Ordering::Relaxed);
    }

    /// Calls those for whom there are `count` things more.
    #[inline]
    pub fn call(&self, count: usize) {
        give_then_look();
        // ORDERING: Relaxed: `give_then_look` orders it.
        if self.signal.load(Ordering::Relaxed) {
            self.call_slowly(count, false);
        }
    }

    /// Calls everybody.
    pub fn call_all(&self) {
        give_then_look();
        self.call_slowly(usize::MAX, true);
    }

    #[cold]
    #[inline(never)]
    fn call_slowly(&self, mut count: usize, all: bool) {
        let mut list = self.list();
        while count > 0 && (all || list.on_the_way.is_none()) {
            let Some((ticket, sleeper)) = list.sleepers.pop_front() else { break };
            count -= 1;
            match sleeper {
                Sleeper::Thread(nap) => {
                    list.on_the_way = Some(ticket);
                    nap.call();
                }
                Sleeper::Task(bell) => bell.ring(ticket),
            }
        }
        self.set_signal(&list);
    }

    fn enter(&self, ticket: u64, sleeper: Sleeper, in_front: bool) {
        let mut list = self.list();
        if in_front {
            list.sleepers.push_front((ticket, sleeper));
        } else {
            list.sleepers.push_back((ticket, sleeper));
        }
        self.set_signal(&list);
        drop(list);
        give_then_look();
    }

    /// Leaves the line, or comes when called. Returns whether it was called.
    fn leave(&self, ticket: u64) -> bool {
        let mut list = self.list();
        let place = list.sleepers.iter().position(|(other, _)| *other == ticket);
        if let Some(place) = place {
            list.sleepers.remove(place);
        }
        if list.on_the_way == Some(ticket) {
            list.on_the_way = None;
        }
        self.set_signal(&list);
        place.is_none()
    }

    /// What `attempt` gives, sleeping between attempts until it gives something; `None` after `deadline`. `more` says for
    /// how many others there is something.
    pub fn wait<T>(
        &self,
        py: Python<'_>,
        deadline: Option<Instant>,
        more: impl Fn() -> usize,
        mut attempt: impl FnMut() -> PyResult<Option<T>>,
    ) -> PyResult<Option<T>> {
        let nap = Arc::new(Nap { thread: current(), is_called: AtomicBool::new(false) });
        let mut was_called = false;
        loop {
            let ticket = new_ticket();
            // ORDERING: Relaxed: nobody else has it now.
            nap.is_called.store(false, Ordering::Relaxed);
            self.enter(ticket, Sleeper::Thread(Arc::clone(&nap)), was_called);
            let mut found = attempt();
            let mut is_over = false;
            if matches!(found, Ok(None)) {
                match nap.sleep(py, deadline) {
                    Ok(in_time) => is_over = !in_time,
                    Err(error) => found = Err(error),
                }
            }
            was_called = self.leave(ticket);
            if matches!(found, Ok(None)) {
                found = attempt();
            }
            if was_called {
                // Whatever became of us: those behind us were not called in the meantime.
                self.call_if_any(more());
            }
            match found {
                Ok(None) if is_over => return Ok(None),
                Ok(None) => {}
                found => return found,
            }
        }
    }

    fn call_if_any(&self, count: usize) {
        if count > 0 {
            self.call(count);
        }
    }

    /// Enters a task, whose `bell` rings with the ticket that is returned; `None` if `is_ready` now.
    pub fn enter_task(&self, bell: &Arc<Bell>, is_ready: impl Fn() -> bool) -> Option<u64> {
        let ticket = new_ticket();
        self.enter(ticket, Sleeper::Task(Arc::clone(bell)), false);
        if is_ready() {
            self.leave(ticket);
            return None;
        }
        Some(ticket)
    }

    /// Takes a task out that will not come. If it was called, others are, if there is something for `more` of them.
    pub fn leave_task(&self, ticket: u64, more: impl Fn() -> usize) {
        if self.leave(ticket) {
            self.call_if_any(more());
        }
    }
}

impl Nap {
    fn call(&self) {
        // ORDERING: Release: pairs with `is_called`. What was given is carried by its ring.
        self.is_called.store(true, Ordering::Release);
        self.thread.unpark();
    }

    fn is_called(&self) -> bool {
        // ORDERING: Acquire: pairs with `call`.
        self.is_called.load(Ordering::Acquire)
    }

    /// Sleeps until called; false if that did not happen before `deadline`. Fails with what a signal's handler raises.
    fn sleep(&self, py: Python<'_>, deadline: Option<Instant>) -> PyResult<bool> {
        let mut handles_signals = true;
        let process = forks();
        loop {
            let slice_end = handles_signals.then(|| Instant::now() + SIGNAL_SLICE);
            let end = match (slice_end, deadline) {
                (Some(slice_end), Some(deadline)) => Some(slice_end.min(deadline)),
                (end, None) | (None, end) => end,
            };
            py.detach(|| self.sleep_until(end));
            py.check_signals()?;
            // Or the handler forked, and we are in the child, where the line is empty.
            if self.is_called() || forks() != process {
                return Ok(true);
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Ok(false);
            }
            // WHY only now: asking takes longer than most sleeps do.
            handles_signals = handles_signals && is_main_thread(py)?;
        }
    }

    fn sleep_until(&self, end: Option<Instant>) {
        while !self.is_called() {
            match end {
                None => park(),
                Some(end) => match end.checked_duration_since(Instant::now()) {
                    Some(left) if !left.is_zero() => park_timeout(left),
                    _ => return,
                },
            }
        }
    }
}

/// Whether this is the thread that Python runs the handlers of signals in.
fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    threading.call_method0("get_ident")?.eq(main)
}
