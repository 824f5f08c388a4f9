//! Producers by name, whose retries append nothing twice.

use crate::call::call;
use crate::message::Item;
use crate::receipt::Receipt;
use crate::stream::position_tuple;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use ringmain::{Accepted, Position};

/// A producer of a stream.
#[pyclass(frozen, weakref, module = "ringmain")]
pub struct Producer {
    pub(crate) producer: ringmain::Producer,
    pub(crate) stream: ringmain::Stream,
    pub(crate) durable: bool,
}

impl Producer {
    /// Whether an append may wait.
    fn waits(&self) -> bool {
        self.durable || self.stream.is_gated()
    }
}

#[pymethods]
impl Producer {
    #[getter]
    fn name(&self) -> &str {
        self.producer.name()
    }

    #[getter]
    fn epoch(&self) -> u64 {
        self.producer.epoch()
    }

    fn next_sequence(&self, py: Python<'_>) -> PyResult<u64> {
        call(py, self.waits(), || self.producer.next_sequence())
    }

    fn append<'py>(
        &self,
        py: Python<'py>,
        sequence: u64,
        messages: &Bound<'_, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let items = Item::batch(messages)?;
        let accepted = call(py, self.waits(), || self.producer.append(sequence, &Item::all_to_core(&items)))?;
        accepted_tuple(py, &accepted)
    }

    fn submit(&self, py: Python<'_>, sequence: u64, messages: &Bound<'_, PyAny>) -> PyResult<Receipt> {
        let items = Item::batch(messages)?;
        let receipt = call(py, self.waits(), || self.producer.submit(sequence, &Item::all_to_core(&items)))?;
        let accepted = accepted_tuple(py, receipt.value())?.unbind();
        Ok(Receipt::new(receipt, accepted))
    }

    fn __repr__(&self) -> String {
        format!("<ringmain.Producer {:?}>", self.producer.name())
    }
}

/// `ringmain.Accepted`.
fn accepted_tuple<'py>(py: Python<'py>, accepted: &Accepted) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let place =
        |position: &Option<Position>| position.map(|position| position_tuple(py, position)).transpose();
    let positions: Vec<_> = accepted.positions.iter().map(place).collect::<PyResult<_>>()?;
    CLASS.import(py, "ringmain.options", "Accepted")?.call1((accepted.duplicate, positions))
}
