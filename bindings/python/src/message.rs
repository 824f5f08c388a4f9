//! Messages on their way in: Python's bytes borrowed where they cannot change, copied where they can.

use crate::call::attached;
use crate::seconds::duration;
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{PyByteArray, PyBytes, PyMapping, PyString};
use ringmain::Error;
use ringmain::limits::{BATCH_RECORDS_MAX, HEADER_COUNT_MAX, MESSAGE_BYTES_MAX};
use std::time::Duration;

/// Bytes that stay as they are while the GIL is released.
pub enum Octets {
    /// A `bytes` object, borrowed.
    Bytes(PyBackedBytes),
    /// A `str` object, borrowed as UTF-8.
    Text(PyBackedStr),
    /// A copy of something that another thread could write to.
    Copied(Vec<u8>),
}

impl AsRef<[u8]> for Octets {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Text(text) => text.as_bytes(),
            Self::Copied(bytes) => bytes,
        }
    }
}

impl Octets {
    /// Takes `bytes`, `bytearray`, `memoryview` or any other buffer of bytes.
    fn from_bytes_like(argument: &'static str, object: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = object.cast::<PyBytes>() {
            return Ok(Self::Bytes(bytes.clone().into()));
        }
        let py = object.py();
        // Nothing larger than a message can be sent: say so before copying it.
        let check = |bytes: usize| {
            attached(py, || match bytes {
                0..=MESSAGE_BYTES_MAX => Ok(()),
                _ => Err(Error::TooLarge {
                    what: argument,
                    bytes: bytes as u64,
                    limit_bytes: MESSAGE_BYTES_MAX as u64,
                }),
            })
        };
        if let Ok(bytes) = object.cast::<PyByteArray>() {
            check(bytes.len())?;
            return Ok(Self::Copied(bytes.to_vec()));
        }
        let Ok(buffer) = PyBuffer::<u8>::get(object) else {
            let kind = object.get_type();
            return Err(PyTypeError::new_err(format!(
                "{argument} must be bytes, bytearray or a memoryview of bytes, not {}",
                kind.name()?
            )));
        };
        check(buffer.len_bytes())?;
        Ok(Self::Copied(buffer.to_vec(py)?))
    }

    /// Takes what `from_bytes_like` takes, and `str` as UTF-8.
    fn from_bytes_or_text(argument: &'static str, object: &Bound<'_, PyAny>) -> PyResult<Self> {
        match object.cast::<PyString>() {
            Ok(text) => Ok(Self::Text(PyBackedStr::try_from(text.clone())?)),
            Err(_) => Self::from_bytes_like(argument, object),
        }
    }
}

/// A message to send or append: a value and, if wanted, a key, headers, a delay and an event time.
#[pyclass(frozen, module = "ringmain")]
pub struct Message {
    value: Octets,
    key: Option<Octets>,
    headers: Vec<(PyBackedStr, Octets)>,
    delay: Option<Duration>,
    event_time_ns: Option<u64>,
}

#[pymethods]
impl Message {
    /// A message, for `send_many` and `append_many`.
    #[new]
    #[pyo3(signature = (value, *, key=None, headers=None, delay=None, event_time_ns=None))]
    pub fn new(
        value: &Bound<'_, PyAny>,
        key: Option<&Bound<'_, PyAny>>,
        headers: Option<&Bound<'_, PyMapping>>,
        delay: Option<f64>,
        event_time_ns: Option<u64>,
    ) -> PyResult<Self> {
        let py = value.py();
        Ok(Self {
            value: Octets::from_bytes_like("value", value)?,
            key: key.map(|key| Octets::from_bytes_or_text("key", key)).transpose()?,
            headers: headers.map(extract_headers).transpose()?.unwrap_or_default(),
            delay: delay.map(|delay| attached(py, || duration("delay", delay))).transpose()?,
            event_time_ns,
        })
    }

    fn __repr__(&self) -> String {
        format!("<ringmain.Message of {} bytes>", self.value.as_ref().len())
    }
}

fn extract_headers(headers: &Bound<'_, PyMapping>) -> PyResult<Vec<(PyBackedStr, Octets)>> {
    let items = headers.items()?;
    // One more than is allowed is enough for the core to refuse them.
    let items = items.iter().take(HEADER_COUNT_MAX + 1);
    items
        .map(|item| {
            let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
            let Ok(name) = name.cast::<PyString>() else {
                let kind = name.get_type();
                return Err(PyTypeError::new_err(format!("header name must be str, not {}", kind.name()?)));
            };
            let name = PyBackedStr::try_from(name.clone())?;
            Ok((name, Octets::from_bytes_or_text("header value", &value)?))
        })
        .collect()
}

impl Message {
    /// The core's message, borrowing from this one.
    pub fn to_core(&self) -> ringmain::Message<'_> {
        let mut message = ringmain::Message::new(&self.value);
        if let Some(key) = &self.key {
            message = message.key(key);
        }
        for (name, value) in &self.headers {
            message = message.header(name, value);
        }
        if let Some(delay) = self.delay {
            message = message.delay(delay);
        }
        if let Some(time_ns) = self.event_time_ns {
            message = message.event_time(time_ns);
        }
        message
    }
}

/// One item of a batch: a bare value, or a whole message.
pub enum Item {
    /// A value and nothing else.
    Value(Octets),
    /// A `ringmain.Message`.
    Message(Py<Message>),
}

impl Item {
    /// Takes the items of any iterable.
    pub fn batch(items: &Bound<'_, PyAny>) -> PyResult<Vec<Self>> {
        // One more than is allowed is enough for the core to refuse them: the iterable may be endless.
        let items = items.try_iter()?.take(BATCH_RECORDS_MAX + 1);
        items
            .map(|item| {
                let item = item?;
                match item.cast_into::<Message>() {
                    Ok(message) => Ok(Self::Message(message.unbind())),
                    Err(other) => Octets::from_bytes_like("value", &other.into_inner()).map(Self::Value),
                }
            })
            .collect()
    }

    /// The core's message, borrowing from this one.
    pub fn to_core(&self) -> ringmain::Message<'_> {
        match self {
            Self::Value(value) => ringmain::Message::new(value),
            Self::Message(message) => message.get().to_core(),
        }
    }
}
