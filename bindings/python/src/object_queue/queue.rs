//! `ringmain.Queue`, and what its asyncio side is made of.

use super::alarm::Alarm;
use super::arguments::{Patience, Truth, check_count};
use super::channel::{Channel, Refusal};
use super::hot::Hot;
use super::store::Object;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyTuple, PyType};
use pyo3::{PyTraverseError, PyVisit};
use std::ffi::CStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicIsize, Ordering};

/// A queue of objects for threads: the standard library's `queue.Queue`, with batches and an asyncio side.
#[pyclass(frozen, subclass, weakref, module = "ringmain")]
pub struct Queue {
    /// What `__init__` made. A subclass may do things before it calls that.
    channel: OnceLock<Channel>,
    maxsize: AtomicIsize,
}

pub const GET: &CStr = c"get($self, /, block=True, timeout=None)\n--\n\n\
    Gets the oldest object, waiting for one, at most `timeout` seconds. Raises `queue.Empty` if none came.";
pub const GET_NOWAIT: &CStr = c"get_nowait($self, /)\n--\n\n\
    Gets the oldest object. Raises `queue.Empty` if there is none.";

impl Hot for Queue {
    const PUT_WAITS: bool = true;
    const DOCS: [&'static CStr; 4] = [
        c"put($self, /, item, block=True, timeout=None)\n--\n\n\
          Puts an object, waiting for room, at most `timeout` seconds. Raises `queue.Full` if there was none.",
        c"put_nowait($self, /, item)\n--\n\nPuts an object. Raises `queue.Full` if there is no room.",
        GET,
        GET_NOWAIT,
    ];

    #[inline]
    fn channel(&self) -> &Channel {
        self.channel.get_or_init(|| Channel::new(None))
    }
}

impl Queue {
    fn maxsize_now(&self) -> isize {
        // ORDERING: Relaxed: a number, which carries nothing.
        self.maxsize.load(Ordering::Relaxed)
    }

    fn is_ready(&self, line: Reason) -> bool {
        let channel = self.channel();
        match line {
            Reason::Get => channel.store.len() > 0 || channel.is_shut(),
            Reason::Put => channel.store.room() > 0 || channel.is_shut(),
            Reason::Join => channel.unfinished() == 0,
        }
    }
}

/// What somebody waits for.
#[derive(Clone, Copy)]
enum Reason {
    Get,
    Put,
    Join,
}

impl<'a, 'py> FromPyObject<'a, 'py> for Reason {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match object.extract::<&str>()? {
            "get" => Ok(Self::Get),
            "put" => Ok(Self::Put),
            "join" => Ok(Self::Join),
            other => {
                Err(PyValueError::new_err(format!("nobody waits for {other:?}: it is get, put or join")))
            }
        }
    }
}

fn capacity(maxsize: isize) -> Option<usize> {
    usize::try_from(maxsize).ok().filter(|capacity| *capacity > 0)
}

#[pymethods]
impl Queue {
    #[new]
    #[pyo3(signature = (*_arguments, **_options), text_signature = "(maxsize=0)")]
    fn new(_arguments: &Bound<'_, PyTuple>, _options: Option<&Bound<'_, PyDict>>) -> Self {
        Self { channel: OnceLock::new(), maxsize: AtomicIsize::new(0) }
    }

    #[pyo3(signature = (maxsize=0))]
    fn __init__(&self, maxsize: isize) {
        // ORDERING: Relaxed: as in `maxsize_now`.
        self.maxsize.store(maxsize, Ordering::Relaxed);
        let _ = self.channel.set(Channel::new(capacity(maxsize)));
    }

    /// How many objects there may be; without a bound if it is 0 or less.
    #[getter]
    fn maxsize(&self) -> isize {
        self.maxsize_now()
    }

    #[setter]
    fn set_maxsize(&self, maxsize: isize) -> PyResult<()> {
        self.channel().store.set_limit(capacity(maxsize)).map_err(|slots| {
            PyValueError::new_err(format!(
                "maxsize {maxsize} is over the {slots} that this queue was made for: make another queue"
            ))
        })?;
        // ORDERING: Relaxed: as in `maxsize_now`.
        self.maxsize.store(maxsize, Ordering::Relaxed);
        self.channel().putters.call(self.channel().store.room());
        Ok(())
    }

    /// How many objects were put and not said to be done.
    #[getter]
    fn unfinished_tasks(&self) -> usize {
        self.channel().unfinished()
    }

    /// Whether `shutdown` was called.
    #[getter]
    fn is_shutdown(&self) -> bool {
        self.channel().is_shut()
    }

    /// The same queue for asyncio.
    #[getter]
    fn aio<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        CLASS.import(slf.py(), "ringmain.aio", "Queue")?.call_method1("of", (slf,))
    }

    /// Puts every object of an iterable, in order and together as far as there is room, waiting for more room as `put`
    /// does. Returns how many were put: less than all if time was over or the queue was shut down meanwhile. Raises
    /// `queue.Full` if not one was.
    #[pyo3(
        signature = (items, block=Truth(true), timeout=None),
        text_signature = "($self, items, block=True, timeout=None)"
    )]
    fn put_many(
        &self,
        py: Python<'_>,
        items: &Bound<'_, PyAny>,
        block: Truth,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<usize> {
        let patience = Patience::new(&block, timeout)?;
        let mut objects = collect(items)?;
        self.channel().put_many(py, &mut objects, patience).map_err(raised)
    }

    /// Gets up to `count` of the oldest objects, at least one, waiting for the first as `get` does.
    #[pyo3(
        signature = (count, block=Truth(true), timeout=None),
        text_signature = "($self, count, block=True, timeout=None)"
    )]
    fn get_many<'py>(
        &self,
        py: Python<'py>,
        count: usize,
        block: Truth,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let patience = Patience::new(&block, timeout)?;
        let objects = self.channel().get_many(py, check_count(count)?, patience).map_err(raised)?;
        PyList::new(py, objects)
    }

    /// Whether there is no object.
    fn empty(&self) -> bool {
        self.channel().store.len() == 0
    }

    /// Whether there is no room.
    fn full(&self) -> bool {
        capacity(self.maxsize_now()).is_some_and(|capacity| self.channel().store.len() >= capacity)
    }

    /// How many objects there are.
    fn qsize(&self) -> usize {
        self.channel().store.len()
    }

    /// Says that one of the objects that were got is done with. Raises ValueError if that was said more often than objects
    /// were put.
    fn task_done(&self) -> PyResult<()> {
        let done = self.channel().task_done();
        done.map_err(|_| PyValueError::new_err("task_done() called too many times"))
    }

    /// Waits until everything that was put was said to be done.
    fn join(&self, py: Python<'_>) -> PyResult<()> {
        self.channel().join(py)
    }

    /// Lets nothing in any more: `put` raises `ShutDown`, and so does `get` once nothing is left, also for those who wait.
    /// With `immediate`, what is left is thrown away and counted as done.
    #[pyo3(signature = (immediate=Truth(false)), text_signature = "($self, immediate=False)")]
    fn shutdown(&self, immediate: Truth) {
        self.channel().shut(immediate.0);
    }

    #[classmethod]
    fn __class_getitem__(cls: &Bound<'_, PyType>, item: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        alias(cls, item)
    }

    /// Gets the oldest object, or gives `default` if there is none.
    fn _poll(&self, default: Object) -> PyResult<Object> {
        match self.channel().poll() {
            Some(object) => Ok(object),
            None if self.channel().is_shut() => Err(raised(Refusal::ShutDown)),
            None => Ok(default),
        }
    }

    /// Gets up to `count` of the oldest objects, or none.
    fn _poll_many<'py>(&self, py: Python<'py>, count: usize) -> PyResult<Bound<'py, PyList>> {
        match self.channel().poll_many(check_count(count)?) {
            None if self.channel().is_shut() => Err(raised(Refusal::ShutDown)),
            objects => PyList::new(py, objects.unwrap_or_default()),
        }
    }

    /// Puts an object if there is room, and says whether.
    fn _offer(&self, item: Object) -> PyResult<bool> {
        self.channel().offer(item).map(|offered| offered.is_ok()).map_err(raised)
    }

    /// Puts objects from the front of a list while there is room. Returns how many.
    fn _offer_many(&self, items: &Bound<'_, PyAny>) -> PyResult<usize> {
        let mut objects = collect(items)?;
        self.channel().offer_many(&mut objects).map_err(raised)
    }

    /// Has a task wait for its turn to "get", "put" or "join": the alarm rings with the ticket that is returned. None if
    /// there is nothing to wait for.
    fn _enter(&self, reason: Reason, alarm: &Alarm) -> Option<u64> {
        let channel = self.channel();
        let line = match reason {
            Reason::Get => &channel.getters,
            Reason::Put => &channel.putters,
            Reason::Join => &channel.joiners,
        };
        line.enter_task(&alarm.bell, || self.is_ready(reason))
    }

    /// A task that entered does not wait any more. If it was called, it lets another one have its turn.
    fn _leave(&self, reason: Reason, ticket: u64) {
        let channel = self.channel();
        match reason {
            Reason::Get => channel.getters.leave_task(ticket, || channel.store.len()),
            Reason::Put => channel.putters.leave_task(ticket, || channel.store.room()),
            Reason::Join => channel.joiners.leave_task(ticket, || 0),
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.channel.get().map_or(Ok(()), |channel| traverse(channel, &visit))
    }

    fn __clear__(&self) {
        if let Some(channel) = self.channel.get() {
            channel.discard();
        }
    }
}

/// The exception of a refusal.
#[cold]
pub fn raised(refusal: Refusal) -> PyErr {
    static FULL: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    static EMPTY: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    static SHUT_DOWN: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let (class, module, name) = match refusal {
        Refusal::Full => (&FULL, "queue", "Full"),
        Refusal::Empty => (&EMPTY, "queue", "Empty"),
        Refusal::ShutDown => (&SHUT_DOWN, "ringmain.errors", "ShutDown"),
        Refusal::Raised(error) => return error,
    };
    Python::attach(|py| match class.import(py, module, name) {
        Ok(class) => PyErr::from_type(class.clone(), ()),
        Err(error) => error,
    })
}

/// All objects of an iterable. Before any is put: it may be a generator that uses the same queue.
pub fn collect(items: &Bound<'_, PyAny>) -> PyResult<Vec<Object>> {
    if let Ok(list) = items.cast_exact::<PyList>() {
        return Ok(list.iter().map(Bound::unbind).collect());
    }
    items.try_iter()?.map(|item| item.map(Bound::unbind)).collect()
}

/// `Queue[int]`, for type checkers.
pub fn alias(class: &Bound<'_, PyType>, item: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    static ALIAS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    Ok(ALIAS.import(class.py(), "types", "GenericAlias")?.call1((class, item))?.unbind())
}

/// Shows a collector of garbage what a queue refers to.
pub fn traverse(channel: &Channel, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
    let mut result = Ok(());
    // SAFETY: only attached threads pop (P1), and none does while the collector looks: it holds the GIL, or has stopped
    // the others.
    unsafe {
        channel.store.visit(|object| {
            if result.is_ok() {
                result = visit.call(object);
            }
        });
    }
    result
}
