//! Messages on their way in: Python's bytes borrowed where they cannot change, copied where they can.

use crate::call::attached;
use crate::seconds::duration;
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyMapping, PyString};
use ringmain::limits::{BATCH_RECORDS_MAX, HEADER_COUNT_MAX, MESSAGE_BYTES_MAX};
use ringmain::{Durability, Error};
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
    pub fn from_bytes_like(argument: &'static str, object: &Bound<'_, PyAny>) -> PyResult<Self> {
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
    pub fn from_bytes_or_text(argument: &'static str, object: &Bound<'_, PyAny>) -> PyResult<Self> {
        match object.cast::<PyString>() {
            Ok(text) => Ok(Self::Text(PyBackedStr::try_from(text.clone())?)),
            Err(_) => Self::from_bytes_like(argument, object),
        }
    }
}

/// A message to send or append: a value and, if wanted, a key, headers, and what else `TaskQueue.send` takes.
#[pyclass(frozen, module = "ringmain")]
pub struct Message {
    value: Octets,
    key: Option<Octets>,
    headers: Vec<(PyBackedStr, Octets)>,
    event_time_ns: Option<u64>,
    durability: Option<Durability>,
    is_tombstone: bool,
    /// What only a queue knows what to do with. Most messages have none of it.
    task: Option<Box<Task>>,
}

#[derive(Default)]
struct Task {
    delay: Option<Duration>,
    deliver_at_ns: Option<u64>,
    priority: Option<u8>,
    ttl: Option<Duration>,
    start_within: Option<Duration>,
    complete_within: Option<Duration>,
    complete_by_ns: Option<u64>,
    ordering_key: Option<Octets>,
    max_failures: Option<u32>,
    dedup_key: Option<Octets>,
}

#[pymethods]
impl Message {
    /// A message, for `send_many` and `append_many`.
    #[new]
    #[pyo3(signature = (value, **options))]
    fn from_python(value: &Bound<'_, PyAny>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut message = Self::of(value)?;
        for (name, option) in options.into_iter().flat_map(|options| options.iter()) {
            message.set(name.cast::<PyString>()?, &option)?;
        }
        Ok(message)
    }

    /// A record that says that its key has no value any more.
    #[staticmethod]
    fn tombstone(key: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self {
            key: Some(Octets::from_bytes_or_text("key", key)?),
            is_tombstone: true,
            ..Self::of(PyBytes::new(key.py(), b"").as_any())?
        })
    }

    fn __repr__(&self) -> String {
        format!("<ringmain.Message of {} bytes>", self.value.as_ref().len())
    }
}

impl Message {
    /// A value and nothing else.
    fn of(value: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self {
            value: Octets::from_bytes_like("value", value)?,
            key: None,
            headers: Vec::new(),
            event_time_ns: None,
            durability: None,
            is_tombstone: false,
            task: None,
        })
    }

    /// A message for a stream, or for a queue with a delay.
    pub fn new(
        value: &Bound<'_, PyAny>,
        key: Option<&Bound<'_, PyAny>>,
        headers: Option<&Bound<'_, PyMapping>>,
        delay: Option<f64>,
        event_time_ns: Option<u64>,
    ) -> PyResult<Self> {
        let mut message = Self {
            key: key.map(|key| Octets::from_bytes_or_text("key", key)).transpose()?,
            headers: headers.map(extract_headers).transpose()?.unwrap_or_default(),
            event_time_ns,
            ..Self::of(value)?
        };
        if let Some(delay) = delay {
            message.task().delay = Some(attached(value.py(), || duration("delay", delay))?);
        }
        Ok(message)
    }

    fn task(&mut self) -> &mut Task {
        self.task.get_or_insert_default()
    }

    /// Sets an option by the name that it has in Python; `None` leaves it as it is.
    fn set(&mut self, name: &Bound<'_, PyString>, option: &Bound<'_, PyAny>) -> PyResult<()> {
        if option.is_none() {
            return Ok(());
        }
        let seconds = |name| {
            let seconds = option.extract()?;
            attached(option.py(), || duration(name, seconds)).map(Some)
        };
        match &*name.to_string_lossy() {
            "key" => self.key = Some(Octets::from_bytes_or_text("key", option)?),
            "headers" => self.headers = extract_headers(option.cast()?)?,
            "event_time_ns" => self.event_time_ns = Some(option.extract()?),
            "durability" => {
                let text: PyBackedStr = option.extract()?;
                self.durability = Some(attached(option.py(), || parse_durability(&text))?);
            }
            "delay" => self.task().delay = seconds("delay")?,
            "deliver_at_ns" => self.task().deliver_at_ns = Some(option.extract()?),
            "priority" => self.task().priority = Some(option.extract()?),
            "ttl" => self.task().ttl = seconds("ttl")?,
            "start_within" => self.task().start_within = seconds("start_within")?,
            "complete_within" => self.task().complete_within = seconds("complete_within")?,
            "complete_by_ns" => self.task().complete_by_ns = Some(option.extract()?),
            "ordering_key" => {
                self.task().ordering_key = Some(Octets::from_bytes_or_text("ordering_key", option)?);
            }
            "max_failures" => self.task().max_failures = Some(option.extract()?),
            "dedup_key" => self.task().dedup_key = Some(Octets::from_bytes_or_text("dedup_key", option)?),
            other => {
                let text =
                    format!("a message has no option {other:?}; the docstring of TaskQueue.send lists them");
                return Err(PyTypeError::new_err(text));
            }
        }
        Ok(())
    }
}

/// A durability, as Python says it.
pub fn parse_durability(text: &str) -> ringmain::Result<Durability> {
    match text {
        "synced" => Ok(Durability::Synced),
        "written" => Ok(Durability::Written),
        "relaxed" => Ok(Durability::Relaxed),
        _ => Err(Error::invalid(
            "durability",
            format!("{text:?} is not one of \"synced\", \"written\", \"relaxed\""),
        )),
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
        let mut message = match &self.key {
            Some(key) if self.is_tombstone => ringmain::Message::tombstone(key),
            Some(key) => ringmain::Message::new(&self.value).key(key),
            None => ringmain::Message::new(&self.value),
        };
        for (name, value) in &self.headers {
            message = message.header(name, value);
        }
        if let Some(time_ns) = self.event_time_ns {
            message = message.event_time(time_ns);
        }
        if let Some(durability) = self.durability {
            message = message.durability(durability);
        }
        match &self.task {
            Some(task) => task.apply(message),
            None => message,
        }
    }
}

impl Task {
    fn apply<'a>(&'a self, mut message: ringmain::Message<'a>) -> ringmain::Message<'a> {
        if let Some(delay) = self.delay {
            message = message.delay(delay);
        }
        if let Some(time_ns) = self.deliver_at_ns {
            message = message.deliver_at(time_ns);
        }
        if let Some(priority) = self.priority {
            message = message.priority(priority);
        }
        if let Some(ttl) = self.ttl {
            message = message.ttl(ttl);
        }
        if let Some(time) = self.start_within {
            message = message.start_within(time);
        }
        if let Some(time) = self.complete_within {
            message = message.complete_within(time);
        }
        if let Some(time_ns) = self.complete_by_ns {
            message = message.complete_by(time_ns);
        }
        if let Some(key) = &self.ordering_key {
            message = message.ordering_key(key);
        }
        if let Some(count) = self.max_failures {
            message = message.max_failures(count);
        }
        if let Some(key) = &self.dedup_key {
            message = message.dedup_key(key);
        }
        message
    }
}

/// What is sent: a bare value, or a whole message.
pub enum Item {
    /// A value and nothing else.
    Value(Octets),
    /// A `ringmain.Message`.
    Message(Py<Message>),
    /// A value with options.
    Built(Box<Message>),
}

impl Item {
    /// Takes a value with options, or a whole message.
    pub fn new(item: &Bound<'_, PyAny>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        if let Ok(message) = item.cast::<Message>() {
            return match options.is_none_or(|options| options.is_empty()) {
                true => Ok(Self::Message(message.clone().unbind())),
                false => Err(PyTypeError::new_err(
                    "a Message has its options already; give them to it, or a value",
                )),
            };
        }
        match options {
            None => Octets::from_bytes_like("value", item).map(Self::Value),
            Some(_) => Message::from_python(item, options).map(|message| Self::Built(Box::new(message))),
        }
    }

    /// Takes the items of any iterable.
    pub fn batch(items: &Bound<'_, PyAny>) -> PyResult<Vec<Self>> {
        // One more than is allowed is enough for the core to refuse them: the iterable may be endless.
        let items = items.try_iter()?.take(BATCH_RECORDS_MAX + 1);
        items.map(|item| Self::new(&item?, None)).collect()
    }

    /// The core's messages of a batch.
    pub fn all_to_core(items: &[Self]) -> Vec<ringmain::Message<'_>> {
        items.iter().map(Self::to_core).collect()
    }

    /// The core's message, borrowing from this one.
    pub fn to_core(&self) -> ringmain::Message<'_> {
        match self {
            Self::Value(value) => ringmain::Message::new(value),
            Self::Message(message) => message.get().to_core(),
            Self::Built(message) => message.to_core(),
        }
    }
}
