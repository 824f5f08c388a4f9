//! Filters: which records a reader wants, as objects that are put together, with callables of the program's among them.

use crate::call::{attached, raise_instead};
use crate::message::Octets;
use crate::record::Record;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use ringmain::limits::{FILTER_DEPTH_MAX, FILTER_TERM_COUNT_MAX};
use ringmain::{Error, Position, Reader, RecordRef};
use std::cell::Cell;

/// Which records a reader wants.
#[pyclass(frozen, weakref, module = "ringmain")]
pub struct Filter {
    filter: ringmain::Filter,
    /// How deep filters lie in it: checked as it is put together, as to walk it takes that much of the stack.
    depth: usize,
    calls: bool,
}

thread_local! {
    /// What a callable raised in the call of a reader that this thread is in, and at which record.
    static FAILED: Cell<Option<(PyErr, Position)>> = const { Cell::new(None) };
}

impl Filter {
    fn plain(filter: ringmain::Filter) -> Self {
        Self { filter, depth: 1, calls: false }
    }

    fn of(
        filters: &Bound<'_, PyTuple>,
        join: impl FnOnce(Vec<ringmain::Filter>) -> ringmain::Filter,
    ) -> PyResult<Self> {
        let py = filters.py();
        let filters: Vec<_> = filters.iter().map(|filter| Self::take(&filter)).collect::<PyResult<_>>()?;
        let depth = 1 + filters.iter().map(|filter| filter.depth).max().unwrap_or(0);
        let calls = filters.iter().any(|filter| filter.calls);
        if depth > FILTER_DEPTH_MAX {
            let detail =
                format!("filters lie {depth} deep in one another; at most {FILTER_DEPTH_MAX} are allowed");
            return attached(py, || Err(Error::invalid("filter", detail)));
        }
        Ok(Self { filter: join(filters.into_iter().map(|filter| filter.filter).collect()), depth, calls })
    }

    /// A filter, or a callable that is one.
    pub fn take(filter: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(filter) = filter.cast::<Self>() {
            let Self { filter, depth, calls } = filter.get();
            return Ok(Self { filter: filter.clone(), depth: *depth, calls: *calls });
        }
        if !filter.is_callable() {
            let kind = filter.get_type();
            return Err(PyTypeError::new_err(format!(
                "a filter must be a ringmain.Filter or a callable, not {}",
                kind.name()?
            )));
        }
        let callable = filter.clone().unbind();
        Ok(Self { filter: ringmain::Filter::by(move |shown| ask(&callable, shown)), depth: 1, calls: true })
    }

    /// Whether it calls the program.
    pub fn calls(&self) -> bool {
        self.calls
    }

    /// Has a reader hand out only what this wants. `scratch` gives another reader, to have the core say whether it allows the filter.
    pub fn apply(
        self,
        reader: Reader,
        scratch: impl FnOnce() -> ringmain::Result<Reader>,
    ) -> ringmain::Result<Reader> {
        if !self.calls {
            return reader.only(self.filter);
        }
        scratch()?.only(self.filter.clone())?;
        // What comes after a failure is not judged: `settle` takes it back.
        let filter = self.filter;
        reader.only(ringmain::Filter::by(move |shown| has_failed() || filter.wants(shown) || has_failed()))
    }
}

fn has_failed() -> bool {
    FAILED.with(|failed| {
        let found = failed.take();
        let has_failed = found.is_some();
        failed.set(found);
        has_failed
    })
}

/// What a callable says of a record. After an exception: yes, so that the record is not passed over.
fn ask(callable: &Py<PyAny>, shown: RecordRef<'_>) -> bool {
    let answer = Python::try_attach(|py| {
        let record = Bound::new(py, Record::from(shown))?;
        callable.bind(py).call1((record,))?.is_truthy()
    });
    match answer {
        Some(Ok(is_wanted)) => is_wanted,
        Some(Err(error)) => {
            FAILED.set(Some((error, shown.position())));
            true
        }
        // The interpreter is ending: nobody sees the record any more.
        None => false,
    }
}

/// What a call of a reader with a filter that calls the program has read: all up to where a callable raised. From there on the
/// reader reads again. If there is nothing before, the exception is raised.
pub fn settle(
    reader: &mut Reader,
    mut records: Vec<ringmain::Record>,
) -> ringmain::Result<Vec<ringmain::Record>> {
    let Some((error, position)) = FAILED.take() else { return Ok(records) };
    // One that did not fit into what was asked for comes again by itself.
    let Some(at) = records.iter().position(|record| record.position() == position) else {
        return Ok(records);
    };
    let mut unjudged = records.split_off(at);
    unjudged.reverse();
    for record in &unjudged {
        // Where it is not held any more the next call says so.
        let _ = reader.seek(record.partition(), record.offset());
    }
    if !records.is_empty() {
        return Ok(records);
    }
    raise_instead(error);
    Err(Error::invalid("only", "the callable raised an exception"))
}

/// What a callable raised in a call that cannot take it back.
pub fn failure() -> ringmain::Result<()> {
    match FAILED.take().map(|(error, _): (PyErr, Position)| error) {
        None => Ok(()),
        Some(error) => {
            raise_instead(error);
            Err(Error::invalid("only", "the callable raised an exception"))
        }
    }
}

/// Forgets what is left of an earlier call of this thread.
pub fn begin() {
    let _: Option<(PyErr, Position)> = FAILED.take();
}

#[pymethods]
impl Filter {
    #[staticmethod]
    fn key(key: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self::plain(ringmain::Filter::key(Octets::from_bytes_or_text("key", key)?)))
    }

    #[staticmethod]
    #[pyo3(signature = (*keys))]
    fn keys(keys: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let keys = keys.iter().take(FILTER_TERM_COUNT_MAX + 1);
        let keys = keys.map(|key| Octets::from_bytes_or_text("key", &key)).collect::<PyResult<Vec<_>>>()?;
        Ok(Self::plain(ringmain::Filter::keys(keys)))
    }

    #[staticmethod]
    #[pyo3(signature = (name, value=None))]
    fn header(name: String, value: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        Ok(Self::plain(match value {
            None => ringmain::Filter::has_header(name),
            Some(value) => ringmain::Filter::header(name, Octets::from_bytes_or_text("header value", value)?),
        }))
    }

    #[staticmethod]
    #[pyo3(signature = (*filters))]
    fn all(filters: &Bound<'_, PyTuple>) -> PyResult<Self> {
        Self::of(filters, ringmain::Filter::all)
    }

    #[staticmethod]
    #[pyo3(signature = (*filters))]
    fn any(filters: &Bound<'_, PyTuple>) -> PyResult<Self> {
        Self::of(filters, ringmain::Filter::any)
    }

    #[staticmethod]
    fn by(is_wanted: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::take(is_wanted)
    }

    fn __and__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = other.py();
        let Self { filter, depth, calls } = self;
        let own = Bound::new(py, Self { filter: filter.clone(), depth: *depth, calls: *calls })?;
        Self::all(&PyTuple::new(py, [own.into_any(), other.clone()])?)
    }

    fn __or__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = other.py();
        let Self { filter, depth, calls } = self;
        let own = Bound::new(py, Self { filter: filter.clone(), depth: *depth, calls: *calls })?;
        Self::any(&PyTuple::new(py, [own.into_any(), other.clone()])?)
    }

    fn __repr__(&self) -> String {
        format!("<ringmain.{:?}>", self.filter)
    }
}
