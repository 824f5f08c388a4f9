//! How an event loop waits for a queue, a reader, a member or a receipt: a file descriptor that gets readable.
//!
//! The core wakes a waiter by writing one byte to a socket pair. It never calls Python, so it can wake while it holds
//! its own locks and whoever holds the GIL; the loop notices the byte as it notices any socket. A waiter is armed
//! only when there was nothing, so what is busy costs no system call, and its bell goes back to where it came from
//! afterwards, so what is idle opens no descriptor per wait.

use crate::batcher::Pending;
use crate::call::{attached, call};
use crate::consumer::Consumer;
use crate::job::Job;
use crate::member::Member;
use crate::queue::{Queue, own_lease};
use crate::reader::Reader;
use crate::receipt::Receipt;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyList;
use ringmain::Error;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

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

/// The bells of something that nobody listens to now.
#[derive(Default)]
pub struct Bells(Mutex<Vec<Bell>>);

/// So many are kept: those of more coroutines that wait at a time are made anew.
const IDLE_COUNT_MAX: usize = 64;

/// The bells of whatever has none of its own. A forked child shares the sockets of its parent, so they are told apart.
static SHARED: Mutex<Option<(u32, Vec<Bell>)>> = Mutex::new(None);

impl Bells {
    fn take(&self) -> std::io::Result<Bell> {
        let idle = lock(&self.0).pop();
        idle.map_or_else(Bell::new, Ok)
    }

    fn give_back(&self, bell: Bell) {
        keep(&mut lock(&self.0), bell);
    }
}

fn keep(idle: &mut Vec<Bell>, bell: Bell) {
    if idle.len() < IDLE_COUNT_MAX {
        idle.push(bell);
    }
}

/// One of the shared bells. Never waits for the lock: somebody may have held it when this process was forked.
fn take_shared() -> std::io::Result<Bell> {
    let idle = SHARED.try_lock().ok().and_then(|mut shared| match &mut *shared {
        Some((process, idle)) if *process == std::process::id() => idle.pop(),
        _ => None,
    });
    idle.map_or_else(Bell::new, Ok)
}

fn give_back_shared(bell: Bell) {
    let Ok(mut shared) = SHARED.try_lock() else { return };
    match &mut *shared {
        Some((process, idle)) if *process == std::process::id() => keep(idle, bell),
        other => *other = Some((std::process::id(), vec![bell])),
    }
}

/// What is waited for.
#[derive(FromPyObject)]
enum Source {
    Queue(Py<Queue>),
    Reader(Py<Reader>),
    Member(Py<Member>),
    Receipt(Py<Receipt>),
    Pending(Py<Pending>),
}

impl Source {
    fn take_bell(&self) -> std::io::Result<Bell> {
        match self {
            Self::Queue(queue) => queue.get().bells.take(),
            _ => take_shared(),
        }
    }

    fn give_back(&self, bell: Bell) {
        match self {
            Self::Queue(queue) => queue.get().bells.give_back(bell),
            _ => give_back_shared(bell),
        }
    }

    /// Up to `count` of what there is; else the waker is woken when there may be something.
    fn poll<'py>(
        &self,
        py: Python<'py>,
        waker: &Waker,
        count: usize,
        lease: Option<Duration>,
    ) -> PyResult<Option<Bound<'py, PyList>>> {
        match self {
            Self::Queue(queue) => poll_queue(py, queue.get(), waker, count, lease),
            Self::Reader(reader) => {
                let records = reader.get().poll_for(py, waker, count)?;
                records.map(|records| PyList::new(py, records)).transpose()
            }
            Self::Member(member) => {
                let records = Member::poll_for(member.bind(py), waker, count)?;
                records.map(|records| PyList::new(py, records)).transpose()
            }
            Self::Receipt(receipt) => {
                let given = receipt.get().poll_for(py, waker)?;
                given.map(|given| PyList::new(py, [given])).transpose()
            }
            Self::Pending(pending) => {
                let position = pending.get().poll_for(py, waker)?;
                position.map(|position| PyList::new(py, [position])).transpose()
            }
        }
    }
}

fn poll_queue<'py>(
    py: Python<'py>,
    queue: &Queue,
    waker: &Waker,
    count: usize,
    lease: Option<Duration>,
) -> PyResult<Option<Bound<'py, PyList>>> {
    let polled = call(py, queue.durable, || {
        let context = &mut Context::from_waker(waker);
        let polled = match lease {
            None => queue.queue.poll_receive(context, count),
            Some(lease) => queue.queue.poll_receive_with_lease(context, count, lease),
        };
        match polled {
            Poll::Pending => Ok(None),
            Poll::Ready(deliveries) => deliveries.map(Some),
        }
    })?;
    let jobs = |deliveries: Vec<_>| {
        let jobs: Vec<Job> =
            deliveries.into_iter().map(|delivery| Job::new(delivery, queue.durable)).collect();
        PyList::new(py, jobs)
    };
    polled.map(jobs).transpose()
}

/// Waits for one thing on behalf of one coroutine, within a `with` block.
#[pyclass(frozen, module = "ringmain")]
pub struct Waiter {
    source: Source,
    /// None after the `with` block.
    bell: Mutex<Option<Bell>>,
}

#[pymethods]
impl Waiter {
    /// A waiter for that.
    #[new]
    fn new(source: &Bound<'_, PyAny>) -> PyResult<Self> {
        let Ok(source) = source.extract::<Source>() else {
            let kind = source.get_type();
            return Err(PyTypeError::new_err(format!("{} is nothing to wait for", kind.name()?)));
        };
        let bell = source.take_bell()?;
        Ok(Self { source, bell: Mutex::new(Some(bell)) })
    }

    /// The descriptor that gets readable after `poll` gave None and there may be something.
    fn fileno(&self, py: Python<'_>) -> PyResult<i32> {
        Ok(self.bell(py)?.sockets.reader.as_raw_fd())
    }

    /// Up to `count` of what there is; None arms the descriptor. `lease`: of a queue's jobs.
    #[pyo3(signature = (count, *, lease=None))]
    fn poll<'py>(
        &self,
        py: Python<'py>,
        count: usize,
        lease: Option<f64>,
    ) -> PyResult<Option<Bound<'py, PyList>>> {
        let lease = own_lease(py, lease)?;
        let bell = self.bell(py)?;
        // Before the look: what rings from here on is news.
        bell.silence()?;
        self.source.poll(py, &bell.waker, count, lease)
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
            self.source.give_back(bell);
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
