//! What was accepted and is not over yet, in the order in which it was accepted: JavaScript's promises of it end in that order.
//!
//! **Promise.** One call of the wake port for all that one write to the disk has ended. No thread waits.
//!
//! **Protocol.** JavaScript keeps a line of promises, this the receipts that belong to them. [`LineHandle::drain`] takes from the head
//! what is over, and leaves the waker with the first that is not.

use crate::error::{Result, guard};
use crate::registry::lock;
use crate::wake::{Poller, WakePort};
use napi::bindgen_prelude::Float64Array;
use napi_derive::napi;
use ringmain::{Error, Position, Receipt};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

/// Ends with where the record is, where that was not known before.
type Accepted = Pin<Box<dyn Future<Output = ringmain::Result<Option<Position>>> + Send>>;

/// Most that one call ends, so that the event loop gets its turn.
const DRAIN_COUNT_MAX: usize = 4096;

/// Why something that was accepted did not come to its end.
#[napi(object)]
pub struct LineFailure {
    /// Its place among what ended.
    pub index: u32,
    /// The name of the error's code.
    pub code: String,
    /// Its words.
    pub message: String,
}

/// What has ended, from the head of the line on.
#[napi(object)]
pub struct Ended {
    /// A partition and an offset of each; NaN where they were known before, or it failed.
    pub positions: Float64Array,
    /// Those that failed.
    pub failures: Vec<LineFailure>,
}

/// A line of receipts.
#[napi]
#[derive(Default)]
pub struct LineHandle {
    line: Arc<Line>,
    poller: Poller,
}

/// The line itself.
#[derive(Default)]
pub(crate) struct Line(Mutex<VecDeque<Accepted>>);

impl Line {
    /// At its end.
    pub(crate) fn push<F>(&self, accepted: F)
    where
        F: Future<Output = ringmain::Result<Option<Position>>> + Send + 'static,
    {
        lock(&self.0).push_back(Box::pin(accepted));
    }

    fn poll(
        &self,
        context: &mut Context<'_>,
    ) -> Poll<ringmain::Result<Vec<ringmain::Result<Option<Position>>>>> {
        let (mut line, mut ended) = (lock(&self.0), Vec::new());
        while ended.len() < DRAIN_COUNT_MAX
            && let Some(accepted) = line.front_mut()
        {
            let Poll::Ready(result) = accepted.as_mut().poll(context) else { break };
            line.pop_front();
            ended.push(result);
        }
        if ended.is_empty() && !line.is_empty() { Poll::Pending } else { Poll::Ready(Ok(ended)) }
    }
}

#[napi]
impl LineHandle {
    /// An empty one.
    #[napi(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// What has ended at the head of the line; if nothing has, `port` is called with `token` when something may have.
    #[napi]
    pub fn drain(&self, port: &WakePort, token: u32) -> Result<Option<Ended>> {
        guard(|| Ok(self.poller.poll(port, token, |context| self.line.poll(context))?.map(Ended::from)))
    }

    /// Puts a receipt at the end of the line, unless there is nothing to wait for; whether it has reached its durability already.
    pub(crate) fn accept<T>(&self, receipt: Receipt<T>) -> bool
    where
        T: Unpin + Send + 'static,
    {
        let is_reached = receipt.is_reached();
        if !is_reached {
            self.line.push(async move { receipt.await.map(|_| None) });
        }
        is_reached
    }

    pub(crate) fn line(&self) -> &Line {
        &self.line
    }
}

impl From<Vec<ringmain::Result<Option<Position>>>> for Ended {
    fn from(results: Vec<ringmain::Result<Option<Position>>>) -> Self {
        let mut failures = Vec::new();
        let mut positions = Vec::with_capacity(2 * results.len());
        for (index, result) in (0..).zip(results) {
            let position = result.unwrap_or_else(|error: Error| {
                let (code, message) = (error.code().name().to_owned(), error.to_string());
                failures.push(LineFailure { index, code, message });
                None
            });
            let known = position.map(|position| (f64::from(position.partition), position.offset as f64));
            let (partition, offset) = known.unwrap_or((f64::NAN, f64::NAN));
            positions.extend([partition, offset]);
        }
        Self { positions: Float64Array::new(positions), failures }
    }
}
