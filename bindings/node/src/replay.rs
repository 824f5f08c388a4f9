//! A replay as JavaScript holds it: a thread waits for the time of each record, on the hub's clock, and lays it down for the event
//! loop.
//!
//! **Promise.** A record is there when it is due, not before. Closing ends the thread, whatever it waits for. **Not promised.** That a
//! loop which is late is waited for: what has come due meanwhile is handed out together, at most [`READY_COUNT_MAX`] records of it.
//! **Why a thread.** The core has no waker for a time on a clock that may be moved by hand.

use crate::argument;
use crate::error::{Result, guard};
use crate::handle::Held;
use crate::reads::{OVER, Packed, WAITING};
use crate::registry::{SharedHub, lock};
use crate::wake::{Poller, WakePort};
use napi::bindgen_prelude::BufferSlice;
use napi_derive::napi;
use ringmain::{Canceller, Error, Pace, Record, Replay, TimeOf};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// Records that lie ready at most.
const READY_COUNT_MAX: usize = 1024;

/// How fast a stream is replayed.
#[napi(object)]
pub struct PaceOptions {
    /// How many times as fast.
    pub factor: Option<f64>,
    /// `ingest` or `event`.
    pub time_of: Option<String>,
    /// Longer gaps are taken for this.
    pub gap_max_ms: Option<f64>,
}

impl PaceOptions {
    pub(crate) fn pace(self) -> ringmain::Result<Pace> {
        let time_of = match self.time_of.as_deref() {
            None | Some("ingest") => TimeOf::Ingest,
            Some("event") => TimeOf::Event,
            Some(word) => {
                let detail = format!("{word:?} is neither \"ingest\" nor \"event\"");
                return Err(Error::invalid("timeOf", detail));
            }
        };
        let gap_max = self.gap_max_ms.map(|ms| argument::milliseconds("gapMaxMs", ms)).transpose()?;
        Ok(Pace { factor: self.factor.unwrap_or(1.0), time_of, gap_max })
    }
}

/// Records that are handed out at their pace.
#[napi]
pub struct ReplayHandle {
    hub: Arc<SharedHub>,
    due: Arc<Due>,
    canceller: Canceller,
    poller: Poller,
    packed: Packed,
}

/// What has come due.
#[derive(Default)]
struct Due {
    state: Mutex<State>,
    has_room: Condvar,
}

#[derive(Default)]
struct State {
    ready: VecDeque<Held<ringmain::Result<Record>>>,
    is_ended: bool,
    is_closed: bool,
    waker: Option<Waker>,
}

impl Due {
    /// Lays one down. False: nobody wants more.
    fn put(&self, item: ringmain::Result<Record>) -> bool {
        let mut state = lock(&self.state);
        while state.ready.len() >= READY_COUNT_MAX && !state.is_closed {
            state = self.has_room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.ready.push_back(Held::new(item));
        let (goes_on, waker) = (!state.is_closed, state.waker.take());
        drop(state);
        waker.into_iter().for_each(Waker::wake);
        goes_on
    }

    fn end(&self) {
        let mut state = lock(&self.state);
        state.is_ended = true;
        let waker = state.waker.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }

    /// Up to `count` records, and an error in its turn; none at the end.
    fn poll(&self, context: &mut Context<'_>, count: usize) -> Poll<ringmain::Result<Vec<Record>>> {
        let mut state = lock(&self.state);
        if state.ready.is_empty() && !state.is_ended {
            state.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        if state.ready.front().is_some_and(|item| item.is_err()) {
            let error = state.ready.pop_front().map(Held::into_inner);
            return Poll::Ready(error.map_or(Ok(Vec::new()), |item| item.map(|record| vec![record])));
        }
        let is_record = |item: &Held<ringmain::Result<Record>>| item.is_ok();
        let count = state.ready.iter().take(count).take_while(|item| is_record(item)).count();
        let records = state.ready.drain(..count).filter_map(|item| item.into_inner().ok()).collect();
        drop(state);
        self.has_room.notify_one();
        Poll::Ready(Ok(records))
    }

    fn close(&self) {
        let mut state = lock(&self.state);
        state.is_closed = true;
        state.is_ended = true;
        state.ready.clear();
        drop(state);
        self.has_room.notify_one();
    }
}

/// The thread's part of it: however it ends, JavaScript is told.
struct Ending(Arc<Due>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end();
    }
}

#[napi]
impl ReplayHandle {
    pub(crate) fn start(hub: Arc<SharedHub>, replay: Replay) -> ringmain::Result<Self> {
        let (due, canceller) = (Arc::<Due>::default(), replay.canceller());
        let (ending, replay) = (Ending(due.clone()), Held::new(replay));
        let thread = std::thread::Builder::new().name("ringmain-replay".into()).spawn(move || {
            let mut replay = replay;
            for item in replay.by_ref() {
                if !ending.0.put(item) {
                    break;
                }
            }
        });
        thread.map_err(|error| Error::Io {
            operation: "start a thread for",
            path: "replay".into(),
            detail: error.to_string(),
            errno: error.raw_os_error().unwrap_or(0),
        })?;
        Ok(Self { hub, due, canceller, poller: Poller::default(), packed: Packed::default() })
    }

    /// Up to `count` records that are due; see [`crate::reads`] for what it returns.
    #[napi]
    pub fn poll(
        &self,
        mut target: BufferSlice<'_>,
        at: u32,
        count: f64,
        port: &WakePort,
        token: u32,
    ) -> Result<f64> {
        guard(|| {
            self.hub.check()?;
            let count = argument::count(count)?;
            let polled = self.poller.poll(port, token, |context| self.due.poll(context, count))?;
            Ok(polled.map_or(WAITING, |records| {
                if records.is_empty() {
                    OVER
                } else {
                    self.packed.put(&records, target.get_mut(at as usize..).unwrap_or_default())
                }
            }))
        })
    }

    /// What did not fit.
    #[napi]
    pub fn take(&self, mut target: BufferSlice<'_>) -> Result<()> {
        guard(|| self.packed.take(&mut target))
    }

    /// Ends it.
    #[napi]
    pub fn close(&self) -> Result<()> {
        guard(|| {
            self.canceller.cancel();
            self.due.close();
            Ok(())
        })
    }
}

impl Drop for ReplayHandle {
    fn drop(&mut self) {
        let _ = self.close();
    }
}
