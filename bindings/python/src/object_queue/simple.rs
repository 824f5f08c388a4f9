//! `ringmain.SimpleQueue`.

use super::arguments::{Patience, Truth, check_count};
use super::channel::Channel;
use super::hot::Hot;
use super::queue::{collect, raised};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyType};
use pyo3::{PyTraverseError, PyVisit};
use std::ffi::CStr;

/// A queue without a bound and without `task_done`: the standard library's `queue.SimpleQueue`, with batches.
#[pyclass(frozen, subclass, weakref, module = "ringmain")]
pub struct SimpleQueue {
    channel: Channel,
}

impl Hot for SimpleQueue {
    const PUT_WAITS: bool = false;
    const DOCS: [&'static CStr; 4] = [
        c"put($self, /, item, block=True, timeout=None)\n--\n\n\
          Puts an object. It never waits: `block` and `timeout` are there because `Queue.put` has them.",
        c"put_nowait($self, /, item)\n--\n\nPuts an object.",
        super::queue::GET,
        super::queue::GET_NOWAIT,
    ];

    #[inline]
    fn channel(&self) -> &Channel {
        &self.channel
    }
}

#[pymethods]
impl SimpleQueue {
    #[new]
    fn new() -> Self {
        Self { channel: Channel::new(None) }
    }

    /// Puts every object of an iterable, all together. Returns how many.
    fn put_many(&self, items: &Bound<'_, PyAny>) -> PyResult<usize> {
        let mut objects = collect(items)?;
        self.channel.offer_many(&mut objects).map_err(raised)
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
        let objects = self.channel.get_many(py, check_count(count)?, patience).map_err(raised)?;
        PyList::new(py, objects)
    }

    /// Whether there is no object.
    fn empty(&self) -> bool {
        self.channel.store.len() == 0
    }

    /// How many objects there are.
    fn qsize(&self) -> usize {
        self.channel.store.len()
    }

    #[classmethod]
    fn __class_getitem__(cls: &Bound<'_, PyType>, item: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        super::queue::alias(cls, item)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        super::queue::traverse(&self.channel, &visit)
    }

    fn __clear__(&self) {
        self.channel.discard();
    }
}
