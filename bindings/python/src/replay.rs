//! Replaying a stream at the pace at which its records came.

use crate::call::{detached, wait};
use crate::exclusive::Exclusive;
use crate::filter;
use crate::record::Record;
use pyo3::prelude::*;
use ringmain::{Canceller, Result};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Hands records out when their time has come.
#[pyclass(frozen, weakref, module = "ringmain")]
pub struct Replay {
    replay: Exclusive<ringmain::Replay>,
    /// Its filter calls the program.
    calls: bool,
    canceller: Canceller,
    is_cancelled: Mutex<bool>,
    cancelled: Condvar,
}

/// What a look at it says.
enum Seen {
    Record(ringmain::Record),
    /// The next record is due so much later.
    Later(Duration),
    End,
}

impl Replay {
    pub fn new(replay: ringmain::Replay, calls: bool) -> Self {
        let canceller = replay.canceller();
        let replay = Exclusive::new("the replay", replay);
        Self { replay, calls, canceller, is_cancelled: Mutex::default(), cancelled: Condvar::new() }
    }

    fn look(&self) -> Result<Seen> {
        if *self.is_cancelled.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(Seen::End);
        }
        self.replay.with(|replay| {
            if self.calls {
                filter::begin();
            }
            let found = replay.try_next()?;
            let due_ns = if found.is_none() { replay.due_ns()? } else { None };
            if self.calls {
                filter::failure()?;
            }
            Ok(match (found, due_ns) {
                (Some(record), _) => Seen::Record(record),
                (None, Some(due_ns)) => {
                    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                    Seen::Later(Duration::from_nanos(due_ns).saturating_sub(now))
                }
                (None, None) => Seen::End,
            })
        })
    }

    /// The next record, or that there is none; `None`: its time has not come within a slice.
    fn attempt(&self, slice: Duration) -> Result<Option<Option<ringmain::Record>>> {
        match self.look()? {
            Seen::Record(record) => Ok(Some(Some(record))),
            Seen::End => Ok(Some(None)),
            Seen::Later(time) => {
                let is_cancelled = self.is_cancelled.lock().unwrap_or_else(PoisonError::into_inner);
                if !*is_cancelled {
                    // Woken by a cancel, or for nothing: what is due the next look says. On a clock that is moved by hand
                    // this one says little.
                    let time = time.min(slice).max(Duration::from_micros(100));
                    drop(self.cancelled.wait_timeout(is_cancelled, time));
                }
                Ok(None)
            }
        }
    }
}

#[pymethods]
impl Replay {
    fn cancel(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, || {
            *self.is_cancelled.lock().unwrap_or_else(PoisonError::into_inner) = true;
            self.cancelled.notify_all();
            self.canceller.cancel();
            Ok(())
        })
    }

    fn due_ns(&self, py: Python<'_>) -> PyResult<Option<u64>> {
        self.replay.call(py, ringmain::Replay::due_ns)
    }

    fn next_nowait(&self, py: Python<'_>) -> PyResult<Option<Record>> {
        let record = self.replay.call(py, ringmain::Replay::try_next)?;
        Ok(record.map(Record::from))
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Record>> {
        let found = wait(py, None, |slice| self.attempt(slice))?;
        Ok(found.flatten().map(Record::from))
    }
}
