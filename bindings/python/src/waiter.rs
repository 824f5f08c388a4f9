//! How an event loop waits for a queue: a file descriptor that gets readable.
//!
//! The core wakes a waiter by writing one byte to a socket pair. It never calls Python, so it can wake while it holds
//! its own locks and whoever holds the GIL; the loop notices the byte as it notices any socket. A waiter is armed
//! only when there was nothing to receive, so a busy queue costs no system call, and its bell goes back to the queue
//! afterwards, so an idle one opens no descriptor per wait.

use crate::call::{attached, call};
use crate::consumer::Consumer;
use crate::job::Job;
use crate::queue::Queue;
use pyo3::prelude::*;
use ringmain::Error;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};

/// What a waiter hears: a byte in its sockets. Clones are the same bell.
#[derive(Clone)]
pub struct Bell {
    sockets: Arc<Sockets>,
    waker: Waker,
}

/// Both ends live and die together: nothing is ever written to a socket whose other end is closed.
struct Sockets {
    reader: UnixStream,
    writer: UnixStream,
}

/// What the core holds, perhaps long after the wait: it must not keep descriptors open.
struct Rope(Weak<Sockets>);

impl Wake for Rope {
    fn wake(self: Arc<Self>) {
        if let Some(sockets) = self.0.upgrade() {
            // It cannot block. It fails only when the buffer is full: then the loop has enough to notice.
            let _ = (&sockets.writer).write(&[1]);
        }
    }
}

impl Bell {
    fn new() -> std::io::Result<Self> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        let sockets = Arc::new(Sockets { reader, writer });
        let waker = Waker::from(Arc::new(Rope(Arc::downgrade(&sockets))));
        Ok(Self { sockets, waker })
    }

    fn silence(&self) -> std::io::Result<()> {
        let mut bytes = [0; 64];
        loop {
            match (&self.sockets.reader).read(&mut bytes) {
                Ok(count) if count == bytes.len() => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
                _ => return Ok(()),
            }
        }
    }
}

/// The bells of a queue that nobody listens to now.
#[derive(Default)]
pub struct Bells(Mutex<Vec<Bell>>);

impl Bells {
    fn take(&self) -> std::io::Result<Bell> {
        let idle = lock(&self.0).pop();
        idle.map_or_else(Bell::new, Ok)
    }
}

/// Waits for one queue on behalf of one coroutine, within a `with` block.
#[pyclass(frozen, module = "ringmain")]
pub struct Waiter {
    queue: Py<Queue>,
    /// None after the `with` block.
    bell: Mutex<Option<Bell>>,
}

#[pymethods]
impl Waiter {
    /// A waiter for a queue.
    #[new]
    fn new(queue: Py<Queue>) -> PyResult<Self> {
        let bell = queue.get().bells.take()?;
        Ok(Self { queue, bell: Mutex::new(Some(bell)) })
    }

    /// The descriptor that gets readable after `poll` gave None and there may be something.
    fn fileno(&self, py: Python<'_>) -> PyResult<i32> {
        Ok(self.bell(py)?.sockets.reader.as_raw_fd())
    }

    /// Up to `count` jobs; None arms the descriptor.
    fn poll(&self, py: Python<'_>, count: usize) -> PyResult<Option<Vec<Job>>> {
        let (queue, bell) = (self.queue.get(), self.bell(py)?);
        // Before the look at the queue: what rings from here on is news.
        bell.silence()?;
        let polled = call(py, queue.durable, || {
            let mut context = Context::from_waker(&bell.waker);
            match queue.queue.poll_receive(&mut context, count) {
                Poll::Pending => Ok(None),
                Poll::Ready(deliveries) => deliveries.map(Some),
            }
        })?;
        Ok(polled.map(|deliveries| {
            deliveries.into_iter().map(|delivery| Job::new(delivery, queue.durable)).collect()
        }))
    }

    /// The next job of a consumer of the queue; None arms the descriptor.
    fn poll_consumer(&self, py: Python<'_>, consumer: &Bound<'_, Consumer>) -> PyResult<Option<Job>> {
        let bell = self.bell(py)?;
        bell.silence()?;
        consumer.get().poll(py, &bell.waker)
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __exit__(&self, _kind: &Bound<'_, PyAny>, _error: &Bound<'_, PyAny>, _traceback: &Bound<'_, PyAny>) {
        if let Some(bell) = lock(&self.bell).take() {
            lock(&self.queue.get().bells.0).push(bell);
        }
    }
}

impl Waiter {
    fn bell(&self, py: Python<'_>) -> PyResult<Bell> {
        attached(py, || lock(&self.bell).clone().ok_or(Error::Closed { what: "the waiter" }))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
