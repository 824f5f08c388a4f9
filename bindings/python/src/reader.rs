//! Readers: poll, fetch, follow, replay.

use crate::call::{attached, detached};
use crate::exclusive::Exclusive;
use crate::filter;
use crate::gather::{Filling, Reads, Source};
use crate::record::{Record, records};
use crate::replay::Replay;
use crate::seconds::{duration, limit};
use crate::start::chosen;
use pyo3::prelude::*;
use ringmain::{Canceller, Fetch, Pace, Result, TimeOf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Reads a stream at its own pace.
#[pyclass(frozen, weakref, module = "ringmain")]
pub struct Reader {
    reader: Exclusive<Source<Judged>>,
    canceller: Canceller,
    is_cancelled: Arc<AtomicBool>,
}

/// A reader whose filter may call the program.
struct Judged {
    reader: ringmain::Reader,
    calls: bool,
    is_cancelled: Arc<AtomicBool>,
}

impl Judged {
    fn read(
        &mut self,
        read: impl FnOnce(&mut ringmain::Reader) -> Result<Vec<ringmain::Record>>,
    ) -> Result<Vec<ringmain::Record>> {
        if !self.calls {
            return read(&mut self.reader);
        }
        filter::begin();
        let records = read(&mut self.reader)?;
        filter::settle(&mut self.reader, records)
    }
}

impl Reads for Judged {
    fn poll(&mut self, count: usize, wait: Duration) -> Result<Vec<ringmain::Record>> {
        self.read(|reader| reader.poll(count, wait))
    }

    fn fetch(&mut self, fetch: &Fetch) -> Result<Vec<ringmain::Record>> {
        self.read(|reader| reader.fetch(fetch))
    }

    fn take_back(&mut self, record: &ringmain::Record) {
        // Where it is not held any more the next call says so.
        let _ = self.reader.seek(record.partition(), record.offset());
    }

    fn is_over(&self) -> bool {
        // ORDERING: Acquire: pairs with `Reader::cancel`.
        self.reader.is_done() || self.is_cancelled.load(Ordering::Acquire)
    }
}

impl Reader {
    /// `calls`: its filter calls the program.
    pub fn new(reader: ringmain::Reader, calls: bool) -> Self {
        let (canceller, is_cancelled) = (reader.canceller(), Arc::<AtomicBool>::default());
        let judged = Judged { reader, calls, is_cancelled: is_cancelled.clone() };
        Self { reader: Exclusive::new("the reader", Source::new(judged)), canceller, is_cancelled }
    }

    pub(crate) fn cancelled(&self) -> bool {
        // ORDERING: Acquire: pairs with `cancel`.
        self.is_cancelled.load(Ordering::Acquire)
    }

    pub(crate) fn take(
        &self,
        py: Python<'_>,
        count: usize,
        limit: Option<Duration>,
    ) -> PyResult<Vec<Record>> {
        let found = self.reader.wait(py, limit, |source, slice| source.poll(count, slice))?;
        Ok(records(found.unwrap_or_default()))
    }

    /// Whether it has come to its end.
    pub(crate) fn done(&self, py: Python<'_>) -> PyResult<bool> {
        self.reader.call(py, |source| Ok(source.inner.reader.is_done()))
    }

    fn fill(&self, py: Python<'_>, mut filling: Filling, limit: Option<Duration>) -> PyResult<Vec<Record>> {
        let begin = Instant::now();
        loop {
            // The limit is for the first record: what is begun is not left.
            let limit = limit.filter(|_| !filling.is_begun());
            let left = limit.map(|limit| limit.saturating_sub(begin.elapsed()));
            let found = self.reader.wait(py, left, |source, slice| filling.fill(source, slice))?;
            match found {
                Some(found) => return Ok(records(found)),
                None if filling.is_begun() => {}
                None => return Ok(Vec::new()),
            }
        }
    }

    /// What there is; else the waker is woken when there may be something.
    pub(crate) fn poll_for(
        &self,
        py: Python<'_>,
        waker: &Waker,
        count: usize,
    ) -> PyResult<Option<Vec<Record>>> {
        let polled = self.reader.call(py, |source| {
            source.begin()?;
            let mut is_pending = false;
            let found = source.inner.read(|reader| {
                match reader.poll_records(&mut Context::from_waker(waker), count) {
                    Poll::Ready(found) => found,
                    Poll::Pending => {
                        is_pending = true;
                        Ok(Vec::new())
                    }
                }
            })?;
            Ok((!is_pending).then_some(found))
        })?;
        Ok(polled.map(records))
    }
}

#[pymethods]
impl Reader {
    #[getter]
    fn aio<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        static CLASS: pyo3::sync::PyOnceLock<Py<PyAny>> = pyo3::sync::PyOnceLock::new();
        CLASS.import(slf.py(), "ringmain.aio", "AsyncReader")?.call1((slf,))
    }

    #[pyo3(signature = (count, timeout=None))]
    fn poll(&self, py: Python<'_>, count: usize, timeout: Option<f64>) -> PyResult<Vec<Record>> {
        let limit = attached(py, || limit(timeout))?;
        self.take(py, count, limit)
    }

    #[pyo3(signature = (*, bytes_min=1, bytes_max=1 << 20, count_max=500, timeout=0.5))]
    fn fetch(
        &self,
        py: Python<'_>,
        bytes_min: u64,
        bytes_max: u64,
        count_max: usize,
        timeout: Option<f64>,
    ) -> PyResult<Vec<Record>> {
        let fetch = attached(py, || checked(bytes_min, bytes_max, count_max, timeout))?;
        self.fill(py, Filling::fetch(fetch), None)
    }

    #[pyo3(signature = (count, fill, timeout=None))]
    fn poll_batch(
        &self,
        py: Python<'_>,
        count: usize,
        fill: f64,
        timeout: Option<f64>,
    ) -> PyResult<Vec<Record>> {
        let (fill, limit) = attached(py, || Ok((duration("fill", fill)?, limit(timeout)?)))?;
        self.fill(py, Filling::batch(count, fill), limit)
    }

    #[pyo3(signature = (end_after=None))]
    fn follow(slf: Bound<'_, Self>, end_after: Option<f64>) -> PyResult<Follow> {
        let limit = attached(slf.py(), || limit(end_after))?;
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        Ok(Follow { reader: slf.unbind(), deadline, is_over: AtomicBool::new(false) })
    }

    #[pyo3(signature = (factor=1.0, *, time_of="ingest", gap_max=None))]
    fn replay(&self, py: Python<'_>, factor: f64, time_of: &str, gap_max: Option<f64>) -> PyResult<Replay> {
        let pace = attached(py, || {
            let times = [("ingest", TimeOf::Ingest), ("event", TimeOf::Event)];
            Ok(Pace {
                factor,
                time_of: chosen("time_of", time_of, &times)?,
                gap_max: gap_max.map(|gap_max| duration("gap_max", gap_max)).transpose()?,
            })
        })?;
        let replay = self.reader.finish(py, |source| {
            let calls = source.inner.calls;
            source.inner.reader.replay(pace).map(|replay| (replay, calls))
        })?;
        match replay {
            Some((replay, calls)) => Ok(Replay::new(replay, calls)),
            None => attached(py, || Err(ringmain::Error::Closed { what: "the reader" })),
        }
    }

    fn cancel(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, || {
            // ORDERING: Release: pairs with `cancelled`.
            self.is_cancelled.store(true, Ordering::Release);
            self.canceller.cancel();
            Ok(())
        })
    }

    #[getter]
    fn is_cancelled(&self) -> bool {
        self.cancelled()
    }

    fn seek(&self, py: Python<'_>, partition: u32, offset: u64) -> PyResult<()> {
        self.reader.call(py, |source| source.inner.reader.seek(partition, offset))
    }

    fn lag(&self, py: Python<'_>) -> PyResult<u64> {
        self.reader.call(py, |source| Ok(source.inner.reader.lag()))
    }

    #[getter]
    fn is_done(&self, py: Python<'_>) -> PyResult<bool> {
        self.done(py)
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Record>> {
        let record = self.reader.call(py, |source| {
            source.begin()?;
            let next = |reader: &mut ringmain::Reader| Ok(reader.next().transpose()?.into_iter().collect());
            Ok(source.inner.read(next)?.pop())
        })?;
        Ok(record.map(Record::from))
    }
}

/// The limits of a fetch.
pub fn checked(bytes_min: u64, bytes_max: u64, count_max: usize, timeout: Option<f64>) -> Result<Fetch> {
    Ok(Fetch { bytes_min, bytes_max, count_max, wait_max: limit(timeout)?.unwrap_or(Duration::MAX) })
}

/// An iterator over a reader that waits for what comes.
#[pyclass(frozen, weakref, module = "ringmain")]
pub struct Follow {
    reader: Py<Reader>,
    deadline: Option<Instant>,
    is_over: AtomicBool,
}

#[pymethods]
impl Follow {
    fn cancel(&self, py: Python<'_>) -> PyResult<()> {
        self.reader.get().cancel(py)
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Record>> {
        let reader = self.reader.get();
        loop {
            let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let is_late = left.is_some_and(|left| left.is_zero());
            // ORDERING: Relaxed: a note for the next call.
            if is_late || reader.cancelled() || self.is_over.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let found = match reader.take(py, 1, left) {
                // With its hub.
                Err(error) if crate::error::is(py, &error, ringmain::ErrorCode::Closed) => return Ok(None),
                found => found?,
            };
            if let Some(record) = found.into_iter().next() {
                return Ok(Some(record));
            }
            let is_done = reader.done(py)?;
            if is_done {
                // ORDERING: as above.
                self.is_over.store(true, Ordering::Relaxed);
                return Ok(None);
            }
        }
    }
}
