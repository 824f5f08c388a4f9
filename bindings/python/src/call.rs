//! How a verb of the core is called: under the GIL if it only touches memory, detached if it may wait.
//!
//! Releasing and retaking the GIL costs more than a memory verb does, and less than nothing beside a disk's sync. So
//! a hub in memory is tried under the GIL first, a durable hub never. A wait is cut into slices: after each one
//! Python's signal handlers run, so that Ctrl-C ends it.

use crate::error::exception;
use pyo3::prelude::*;
use ringmain::{Error, Result};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// The longest that a signal, such as Ctrl-C, goes unnoticed in a wait.
pub const SIGNAL_SLICE: Duration = Duration::from_millis(100);

/// Runs a verb; a panic in it becomes an error.
///
/// Unwinding past a half-changed value is safe here because every verb is handed shared references to types that
/// guard their own state, or (`exclusive`) is the only one to see its value again, through this same function.
pub fn guard<T>(verb: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(verb)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let detail = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(Error::Internal { detail: detail.unwrap_or_else(|| "a panic without words".to_owned()) })
    })
}

thread_local! {
    /// What code of the program's raised within a verb of this thread.
    static RAISED: Cell<Option<PyErr>> = const { Cell::new(None) };
}

/// Has the verb that this thread is in raise that, in place of the error which it is about to return.
pub fn raise_instead(error: PyErr) {
    RAISED.set(Some(error));
}

/// Forgets what this thread's verb was to raise, and says whether there was something: for who does not return the error.
pub fn forget_raised() -> bool {
    RAISED.take().is_some()
}

/// What to raise for an error of a verb.
fn failure(py: Python<'_>, error: &Error) -> PyErr {
    RAISED.take().unwrap_or_else(|| exception(py, error))
}

/// Calls a verb that neither waits nor touches the disk.
pub fn attached<T>(py: Python<'_>, verb: impl FnOnce() -> Result<T>) -> PyResult<T> {
    guard(verb).map_err(|error| failure(py, &error))
}

/// Calls a verb that may wait for a lock or the disk: other Python threads run meanwhile.
pub fn detached<T: Send>(py: Python<'_>, verb: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    py.detach(|| guard(verb)).map_err(|error| failure(py, &error))
}

/// Calls a verb that waits for the disk if the hub is durable and only touches memory otherwise.
pub fn call<T: Send>(py: Python<'_>, durable: bool, verb: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    if durable { detached(py, verb) } else { attached(py, verb) }
}

/// Waits, detached, until `attempt` gives something; `None` after `limit`. `attempt` waits at most as long as it is
/// told to.
pub fn wait<T: Send>(
    py: Python<'_>,
    limit: Option<Duration>,
    mut attempt: impl FnMut(Duration) -> Result<Option<T>> + Send,
) -> PyResult<Option<T>> {
    let begin = Instant::now();
    loop {
        let left = limit.map(|limit| limit.saturating_sub(begin.elapsed()));
        let slice = left.map_or(SIGNAL_SLICE, |left| left.min(SIGNAL_SLICE));
        if let Some(found) = detached(py, || attempt(slice))? {
            return Ok(Some(found));
        }
        py.check_signals()?;
        if left.is_some_and(|left| left <= slice) {
            return Ok(None);
        }
    }
}

/// Ends a wait from another thread: that of a coroutine that was cancelled.
#[pyclass(frozen, module = "ringmain", name = "_Stop")]
#[derive(Default)]
pub struct Stop(AtomicBool);

#[pymethods]
impl Stop {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Has the wait end, within a slice.
    fn stop(&self) {
        // ORDERING: Relaxed: it carries nothing.
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Stop {
    fn check(&self) -> Result<()> {
        // ORDERING: Relaxed: as in `stop`.
        if self.0.load(Ordering::Relaxed) {
            return Err(Error::Timeout { doing: "waiting for room, which was cancelled" });
        }
        Ok(())
    }
}

/// Waits, detached, until `future` is done, or stopped. A hub in memory is done without that, unless there is something to wait
/// for.
pub fn complete<T: Send>(
    py: Python<'_>,
    durable: bool,
    stop: Option<&Stop>,
    future: impl Future<Output = Result<T>> + Send,
) -> PyResult<T> {
    let mut future = pin!(future);
    let waker = unpark_this_thread();
    let mut poll = || match future.as_mut().poll(&mut Context::from_waker(&waker)) {
        Poll::Ready(done) => done.map(Some),
        Poll::Pending => Ok(None),
    };
    if !durable && let Some(done) = attached(py, &mut poll)? {
        return Ok(done);
    }
    loop {
        let done = wait(py, None, |slice| {
            stop.map_or(Ok(()), Stop::check)?;
            let done = poll()?;
            if done.is_none() {
                // It returns at once if it was woken since the poll.
                thread::park_timeout(slice);
            }
            Ok(done)
        })?;
        if let Some(done) = done {
            return Ok(done);
        }
    }
}

/// Wakes this thread from where it is parked.
pub fn unpark_this_thread() -> Waker {
    Waker::from(Arc::new(Unpark(thread::current())))
}

/// Wakes the thread that waits for a future.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Panics as a bug in the core would: the tests see what becomes of it.
#[pyfunction]
#[pyo3(signature = (detached=false))]
pub fn _panic(py: Python<'_>, detached: bool) -> PyResult<()> {
    call(py, detached, || panic!("asked to panic"))
}
