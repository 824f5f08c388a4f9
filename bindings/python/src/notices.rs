//! What the core tells its operator, on its way to Python's `logging`: a ring that threads of the core fill and one thread of
//! Python drains.
//!
//! **Promise.** Telling never asks for the interpreter and never waits for it: when the ring is full, what is told is dropped
//! and counted. **Not promised.** That it is drained: without a drainer the newest notices are the ones that are dropped.

use crate::call::{attached, wait};
use crate::seconds::limit;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ringmain::Error;
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Most notices that wait.
const WAITING_COUNT_MAX: usize = 10_000;

/// One notice.
struct Notice {
    level: Level,
    name: &'static str,
    message: String,
    fields: Vec<(&'static str, Value)>,
}

enum Value {
    Text(String),
    Unsigned(u64),
    Signed(i64),
    Flag(bool),
}

/// What the core's threads and Python's share.
#[derive(Default)]
struct Ring {
    waiting: Mutex<VecDeque<Notice>>,
    came: Condvar,
    dropped: AtomicU64,
    /// 0 for none, up to 4 for debug.
    verbosity: AtomicU8,
}

static RING: OnceLock<Ring> = OnceLock::new();

impl Ring {
    fn put(&self, notice: Notice) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= WAITING_COUNT_MAX {
            // STATISTIC: notices that were dropped.
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.push_back(notice);
        self.came.notify_one();
    }

    /// Everything that waits, after waiting for at most `time` for the first; none after that.
    fn take(&self, time: Duration) -> Option<VecDeque<Notice>> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut waiting = self
            .came
            .wait_timeout_while(waiting, time, |waiting| waiting.is_empty())
            .unwrap_or_else(PoisonError::into_inner)
            .0;
        (!waiting.is_empty()).then(|| std::mem::take(&mut *waiting))
    }
}

/// Fills the ring. It has no spans: the core has none.
struct Filler(&'static Ring);

fn verbosity(level: Level) -> u8 {
    match level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        _ => 4,
    }
}

impl Subscriber for Filler {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // ORDERING: Relaxed: a level altered meanwhile counts for this notice, or for the next.
        metadata.target() == "ringmain"
            && verbosity(*metadata.level()) <= self.0.verbosity.load(Ordering::Relaxed)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::DEBUG)
    }

    fn event(&self, event: &Event<'_>) {
        let (name, level) = (event.metadata().name(), *event.metadata().level());
        let mut notice = Notice { level, name, message: String::new(), fields: Vec::new() };
        event.record(&mut notice);
        self.0.put(notice);
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}
    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}
    fn enter(&self, _span: &Id) {}
    fn exit(&self, _span: &Id) {}
}

impl Visit for Notice {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.push((field.name(), Value::Text(value.to_owned())));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.fields.push((field.name(), Value::Unsigned(value)));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.fields.push((field.name(), Value::Signed(value)));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.fields.push((field.name(), Value::Flag(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        match field.name() {
            "message" => self.message = text,
            name => self.fields.push((name, Value::Text(text))),
        }
    }
}

/// A notice as `ringmain.logs` takes it: verbosity, name, message, fields.
type Told<'py> = (u8, &'static str, String, Bound<'py, PyDict>);

/// Has notices of up to this verbosity wait for `_take_notices`: 0 for none, 1 for errors, 2 warnings, 3 infos, 4 debug.
#[pyfunction]
pub fn _notice(py: Python<'_>, verbosity: u8) -> PyResult<()> {
    attached(py, || {
        let mut installed = Ok(());
        let ring = RING.get_or_init(Ring::default);
        static INSTALLED: OnceLock<bool> = OnceLock::new();
        if !INSTALLED.get_or_init(|| tracing::subscriber::set_global_default(Filler(ring)).is_ok()) {
            installed =
                Err(Error::Internal { detail: "somebody else takes the notices of this module".into() });
        }
        // ORDERING: Relaxed: as in `enabled`.
        ring.verbosity.store(verbosity, Ordering::Relaxed);
        installed
    })
}

/// What waits, after waiting for at most `timeout` seconds for the first, and how many were dropped since this was asked last.
#[pyfunction]
#[pyo3(signature = (timeout=None))]
pub fn _take_notices<'py>(py: Python<'py>, timeout: Option<f64>) -> PyResult<(Vec<Told<'py>>, u64)> {
    let limit = attached(py, || limit(timeout))?;
    let Some(ring) = RING.get() else { return Ok((Vec::new(), 0)) };
    let taken = wait(py, limit, |slice| Ok(ring.take(slice)))?.unwrap_or_default();
    let told = taken.into_iter().map(|notice| {
        let fields = PyDict::new(py);
        for (name, value) in notice.fields {
            match value {
                Value::Text(text) => fields.set_item(name, text)?,
                Value::Unsigned(number) => fields.set_item(name, number)?,
                Value::Signed(number) => fields.set_item(name, number)?,
                Value::Flag(flag) => fields.set_item(name, flag)?,
            }
        }
        Ok((verbosity(notice.level), notice.name, notice.message, fields))
    });
    // STATISTIC: as above.
    Ok((told.collect::<PyResult<_>>()?, ring.dropped.swap(0, Ordering::Relaxed)))
}
