//! Members of a group: poll, commit, and what they are told when partitions come and go.
//!
//! The core tells a member within the call that finds out, and hands it the member itself. A program in Python has a handle
//! in its place, and may want to use it from there; so what is to be told is noted, the call is ended, and the program is
//! told when nothing is held any more: with the GIL, and no lock. Then the call begins anew. Nothing is lost by that, as
//! nothing of new partitions is polled, and nothing of old ones given away, before the call has begun anew; and calls of
//! other threads wait until the program was told.

use crate::call::{attached, call, guard, wait};
use crate::exclusive::Exclusive;
use crate::gather::{Filling, Reads, Source};
use crate::reader::checked;
use crate::receipt::Receipt;
use crate::record::{Held, Record, records};
use crate::seconds::{duration, limit};
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};
use ringmain::{CommitMode, Error, Fetch, Result, Start};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

/// What the program wants to be told.
pub struct Callbacks {
    pub on_assign: Option<Py<PyAny>>,
    pub on_revoke: Option<Py<PyAny>>,
    pub on_lost: Option<Py<PyAny>>,
}

impl Callbacks {
    fn of(&self, change: Change) -> Option<&Py<PyAny>> {
        match change {
            Change::Assigned => self.on_assign.as_ref(),
            Change::Revoked => self.on_revoke.as_ref(),
            Change::Lost => self.on_lost.as_ref(),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Assigned,
    Revoked,
    Lost,
}

/// What is to be told, in order.
type News = Arc<Mutex<VecDeque<(Change, Vec<u32>)>>>;

/// What a call is ended with, that the program may be told.
const TELL: &str = "a member that has news for its program";

/// How a call ended.
enum Outcome<R> {
    Found(R),
    News,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn note(
    news: &News,
    change: Change,
) -> impl Fn(&mut ringmain::Member, &[u32]) -> Result<()> + Send + Sync + use<> {
    let news = news.clone();
    move |_, partitions| {
        lock(&news).push_back((change, partitions.to_vec()));
        Err(Error::Closed { what: TELL })
    }
}

/// One member of a group.
#[pyclass(frozen, weakref, module = "ringmain")]
pub struct Member {
    member: Exclusive<Source<ringmain::Member>>,
    callbacks: Callbacks,
    news: News,
    /// The thread that is telling the program.
    telling: Mutex<Option<ThreadId>>,
    /// What a callback raised when there was something to give: the next call raises it.
    raised: Mutex<Option<PyErr>>,
    durable: bool,
}

impl Reads for ringmain::Member {
    fn poll(&mut self, count: usize, wait: Duration) -> Result<Vec<ringmain::Record>> {
        Self::poll(self, count, wait)
    }

    fn fetch(&mut self, fetch: &Fetch) -> Result<Vec<ringmain::Record>> {
        Self::fetch(self, fetch)
    }

    fn take_back(&mut self, record: &ringmain::Record) {
        // Where it is not held any more, or not this member's, the next call says so.
        let _ = self.seek(record.partition(), record.offset());
    }

    fn is_over(&self) -> bool {
        false
    }
}

impl Member {
    /// Joins; without a start only if the group has begun.
    pub fn join(
        py: Python<'_>,
        mut group: ringmain::Group,
        start: Option<Start>,
        commit_mode: CommitMode,
        callbacks: Callbacks,
        durable: bool,
    ) -> PyResult<Self> {
        let news = News::default();
        if callbacks.on_assign.is_some() {
            group = group.on_assign(note(&news, Change::Assigned));
        }
        if callbacks.on_revoke.is_some() {
            group = group.on_revoke(note(&news, Change::Revoked));
        }
        if callbacks.on_lost.is_some() {
            group = group.on_lost(note(&news, Change::Lost));
        }
        let member = call(py, durable, || match start {
            Some(start) => group.join_at(start),
            None => group.join_committed(),
        })?;
        Ok(Self {
            member: Exclusive::new("the member", Source::new(member.commit_mode(commit_mode))),
            callbacks,
            news,
            telling: Mutex::default(),
            raised: Mutex::default(),
            durable,
        })
    }

    /// Calls a verb that may find out that partitions come and go; `None` after `limit`. It waits at most as long as it is told to.
    fn watch<R: Send>(
        slf: &Bound<'_, Self>,
        limit: Option<Duration>,
        mut verb: impl FnMut(&mut Source<ringmain::Member>, Duration) -> Result<Option<R>> + Send,
    ) -> PyResult<Option<R>> {
        let (py, this) = (slf.py(), slf.get());
        let begin = Instant::now();
        loop {
            this.wait_turn(py)?;
            if let Some(error) = lock(&this.raised).take() {
                return Err(error);
            }
            let left = limit.map(|limit| limit.saturating_sub(begin.elapsed()));
            let found =
                wait(py, left, |slice| match guard(|| this.member.with(|source| verb(source, slice))) {
                    Err(Error::Closed { what: TELL }) => Ok(Some(Outcome::News)),
                    found => found.map(|found| found.map(Outcome::Found)),
                });
            // The program is told before anything else, whatever came of the call.
            let has_news = !lock(&this.news).is_empty();
            let told = if has_news { Self::tell(slf) } else { Ok(()) };
            if let Ok(Some(Outcome::Found(found))) = found {
                // Records that were polled: nobody would see them again.
                *lock(&this.raised) = told.err();
                return Ok(Some(found));
            }
            told?;
            if found?.is_none() {
                return Ok(None);
            }
        }
    }

    /// Waits until no other thread tells the program.
    fn wait_turn(&self, py: Python<'_>) -> PyResult<()> {
        let me = std::thread::current().id();
        let is_free = || lock(&self.telling).is_none_or(|thread| thread == me);
        if is_free() {
            return Ok(());
        }
        wait(py, None, |_| {
            std::thread::sleep(Duration::from_millis(1));
            Ok(is_free().then_some(()))
        })
        .map(drop)
    }

    /// Tells the program what there is to tell: all of it, whatever a callback raises; the first exception is raised then.
    fn tell(slf: &Bound<'_, Self>) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        let outer = lock(&this.telling).replace(std::thread::current().id());
        // However long that takes, the member is not taken for dead.
        let processing = this.member.call(py, |source| Ok(source.inner.processing())).ok();
        let mut told = Ok(());
        loop {
            let news = lock(&this.news).pop_front();
            let Some((change, partitions)) = news else { break };
            if let Some(callback) = this.callbacks.of(change) {
                told = told.and(callback.bind(py).call1((slf, partitions)).map(drop));
            }
        }
        drop(processing);
        *lock(&this.telling) = outer;
        told
    }

    /// The same of a verb that does not wait.
    fn verb<R: Send>(
        slf: &Bound<'_, Self>,
        mut verb: impl FnMut(&mut ringmain::Member) -> Result<R> + Send,
    ) -> PyResult<R> {
        let found = Self::watch(slf, None, |source, _| verb(&mut source.inner).map(Some))?;
        let ended = || Error::Internal { detail: "a verb without a limit came to it".into() };
        attached(slf.py(), || found.ok_or_else(ended))
    }

    fn take(slf: &Bound<'_, Self>, count: usize, limit: Option<Duration>) -> PyResult<Vec<Record>> {
        let found = Self::watch(slf, limit, |source, slice| source.poll(count, slice))?;
        Ok(records(found.unwrap_or_default()))
    }

    fn fill(slf: &Bound<'_, Self>, mut filling: Filling, limit: Option<Duration>) -> PyResult<Vec<Record>> {
        let begin = Instant::now();
        loop {
            // The limit is for the first record: what is begun is not left.
            let limit = limit.filter(|_| !filling.is_begun());
            let left = limit.map(|limit| limit.saturating_sub(begin.elapsed()));
            match Self::watch(slf, left, |source, slice| filling.fill(source, slice))? {
                Some(found) => return Ok(records(found)),
                None if filling.is_begun() => {}
                None => return Ok(Vec::new()),
            }
        }
    }

    /// What there is; else the waker is woken when there may be something.
    pub(crate) fn poll_for(
        slf: &Bound<'_, Self>,
        waker: &Waker,
        count: usize,
    ) -> PyResult<Option<Vec<Record>>> {
        let found = Self::watch(slf, None, |source, _| {
            source.begin()?;
            match source.inner.poll_records(&mut Context::from_waker(waker), count) {
                Poll::Pending => Ok(Some(None)),
                Poll::Ready(found) => found.map(|found| Some(Some(found))),
            }
        })?;
        Ok(found.flatten().map(records))
    }
}

#[pymethods]
impl Member {
    #[getter]
    fn aio<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        static CLASS: pyo3::sync::PyOnceLock<Py<PyAny>> = pyo3::sync::PyOnceLock::new();
        CLASS.import(slf.py(), "ringmain.aio", "AsyncMember")?.call1((slf,))
    }

    #[getter]
    fn durable(&self) -> bool {
        self.durable
    }

    #[pyo3(signature = (count, timeout=None))]
    fn poll(slf: &Bound<'_, Self>, count: usize, timeout: Option<f64>) -> PyResult<Vec<Record>> {
        let limit = attached(slf.py(), || limit(timeout))?;
        Self::take(slf, count, limit)
    }

    #[pyo3(signature = (*, bytes_min=1, bytes_max=1_048_576, count_max=500, timeout=0.5))]
    fn fetch(
        slf: &Bound<'_, Self>,
        bytes_min: u64,
        bytes_max: u64,
        count_max: usize,
        timeout: Option<f64>,
    ) -> PyResult<Vec<Record>> {
        let fetch = attached(slf.py(), || checked(bytes_min, bytes_max, count_max, timeout))?;
        Self::fill(slf, Filling::fetch(fetch), None)
    }

    #[pyo3(signature = (count, fill, timeout=None))]
    fn poll_batch(
        slf: &Bound<'_, Self>,
        count: usize,
        fill: f64,
        timeout: Option<f64>,
    ) -> PyResult<Vec<Record>> {
        let (fill, limit) = attached(slf.py(), || Ok((duration("fill", fill)?, limit(timeout)?)))?;
        Self::fill(slf, Filling::batch(count, fill), limit)
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(slf: &Bound<'_, Self>) -> PyResult<Option<Record>> {
        match Self::take(slf, 1, None) {
            Err(error) if crate::error::is(slf.py(), &error, ringmain::ErrorCode::Closed) => Ok(None),
            taken => Ok(taken?.pop()),
        }
    }

    fn commit(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::verb(slf, ringmain::Member::commit)
    }

    fn submit_commit(slf: &Bound<'_, Self>) -> PyResult<Receipt> {
        let receipt = Self::verb(slf, ringmain::Member::submit_commit)?;
        Ok(Receipt::new(receipt, slf.py().None()))
    }

    fn commit_offset(slf: &Bound<'_, Self>, partition: u32, offset: u64) -> PyResult<()> {
        Self::verb(slf, |member| member.commit_offset(partition, offset))
    }

    fn done(slf: &Bound<'_, Self>, record: &Bound<'_, Record>) -> PyResult<()> {
        let Held::Kept(record) = &record.get().record else {
            let detail = "a record that a filter was shown is nobody's; give one that was polled";
            return attached(slf.py(), || Err(Error::invalid("record", detail)));
        };
        Self::verb(slf, |member| member.done(record))
    }

    fn commit_done(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::verb(slf, ringmain::Member::commit_done)
    }

    fn rewind(slf: &Bound<'_, Self>, partition: u32, offset: u64) -> PyResult<()> {
        Self::verb(slf, |member| member.rewind(partition, offset))
    }

    fn seek(slf: &Bound<'_, Self>, partition: u32, offset: u64) -> PyResult<()> {
        Self::verb(slf, |member| member.seek(partition, offset))
    }

    fn assignment(slf: &Bound<'_, Self>) -> PyResult<Vec<u32>> {
        Self::verb(slf, ringmain::Member::assignment)
    }

    fn revoking(slf: &Bound<'_, Self>) -> PyResult<Vec<u32>> {
        Self::verb(slf, |member| Ok(member.revoking()))
    }

    fn confirm_revoke(slf: &Bound<'_, Self>, partition: u32) -> PyResult<()> {
        Self::verb(slf, |member| member.confirm_revoke(partition))
    }

    fn processing(slf: &Bound<'_, Self>) -> PyResult<Processing> {
        let processing = Self::verb(slf, |member| Ok(member.processing()))?;
        Ok(Processing { processing: Mutex::new(Some(processing)) })
    }

    fn lag(slf: &Bound<'_, Self>) -> PyResult<u64> {
        Self::verb(slf, |member| member.lag())
    }

    fn leave(&self, py: Python<'_>) -> PyResult<()> {
        self.member.finish(py, |source| source.inner.leave()).map(drop)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        let Callbacks { on_assign, on_revoke, on_lost } = &self.callbacks;
        [on_assign, on_revoke, on_lost].into_iter().try_for_each(|callback| visit.call(callback))
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: &Bound<'_, PyAny>,
        _error: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        self.leave(py)
    }
}

/// Says, within a `with` block, that a handler of a member's records is running.
#[pyclass(frozen, weakref, module = "ringmain")]
pub struct Processing {
    /// None after the `with` block.
    processing: Mutex<Option<ringmain::Processing>>,
}

#[pymethods]
impl Processing {
    fn end(&self) {
        drop(lock(&self.processing).take());
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __exit__(&self, _kind: &Bound<'_, PyAny>, _error: &Bound<'_, PyAny>, _traceback: &Bound<'_, PyAny>) {
        self.end();
    }
}
