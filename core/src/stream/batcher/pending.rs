//! What a caller holds of a record that was sent to a batcher.

use crate::error::Result;
use crate::journal::Receipt;
use crate::stream::batcher::line::{Appended, Batch, Line};
use crate::stream::record::Position;
use crate::sync::event_count::{self, EventCount};
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A record that was sent to a [`Batcher`](crate::Batcher): wait for it with [`wait`](Self::wait), or `.await` it on any executor.
/// Those of one batcher end in order. Dropping one changes nothing.
#[derive(Debug)]
#[must_use = "not known to be appended before it was waited for"]
pub struct Pending {
    line: Arc<Line>,
    batch: Arc<Batch>,
    index: usize,
    /// Where a task sleeps until the batch is closed.
    place: Option<event_count::Place<Closed>>,
    receipt: Option<Receipt<Position>>,
}

/// Leads to what says that a batch was closed.
#[derive(Debug)]
struct Closed(Arc<Line>);

impl Deref for Closed {
    type Target = EventCount;

    fn deref(&self) -> &EventCount {
        &self.0.closed
    }
}

impl Pending {
    pub(super) fn new(line: Arc<Line>, batch: Arc<Batch>, index: usize) -> Self {
        Self { line, batch, index, place: None, receipt: None }
    }

    /// Of a batch that was closed.
    fn receipt(&self, outcome: &Result<Appended>) -> Result<Receipt<Position>> {
        let Appended { positions, ends, level } = outcome.as_ref().map_err(Clone::clone)?;
        let Some(position) = positions.get(self.index) else { unreachable!("each record has a position") };
        Ok(Receipt::new(&self.line.stream.journal, *level, ends.clone(), *position))
    }

    /// Whether it was appended and has reached its durability, or failed. Looks, and does not wait.
    pub fn is_reached(&self) -> bool {
        let receipt = self.batch.outcome().map(|outcome| self.receipt(outcome));
        receipt.is_some_and(|receipt| receipt.is_err() || receipt.is_ok_and(|receipt| receipt.is_reached()))
    }

    /// Waits until it was appended and has reached its durability; its position. What lingers is waited for: on a manual clock somebody
    /// else has to move that, or to flush.
    ///
    /// # Errors
    /// As [`Stream::append_batch`](crate::Stream::append_batch), for all of its batch.
    pub fn wait(self) -> Result<Position> {
        self.line.closed.wait_until(None, || self.batch.outcome().is_some());
        match self.batch.outcome() {
            Some(outcome) => self.receipt(outcome)?.wait(),
            None => unreachable!("waited for without a deadline"),
        }
    }
}

impl Future for Pending {
    type Output = Result<Position>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.receipt.is_none() {
            let mut place = match self.place.take() {
                Some(place) => place,
                None => event_count::Place::new(Closed(self.line.clone())),
            };
            let closed = place.poll_for(context, |_| self.batch.outcome().map(|o| self.receipt(o)));
            match closed {
                Poll::Pending => {
                    self.place = Some(place);
                    return Poll::Pending;
                }
                Poll::Ready(receipt) => self.receipt = Some(receipt?),
            }
        }
        match &mut self.receipt {
            Some(receipt) => Pin::new(receipt).poll(context),
            None => unreachable!("set above"),
        }
    }
}
