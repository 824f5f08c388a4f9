//! Following a stream: an iterator that waits for what comes, until it is told to end.

use crate::error::{Error, Result};
use crate::message::duration_ns;
use crate::stream::reader::{Reader, Reset};
use crate::stream::record::Record;
use crate::stream::shared::Shared;
use crate::sync::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

/// Ends the waiting of a [`Reader`], [`Follow`] or [`Replay`](crate::stream::Replay), from any thread. Clones do the same.
#[derive(Debug, Clone)]
pub struct Canceller {
    pub(super) is_cancelled: Arc<AtomicBool>,
    pub(super) stream: Arc<Shared>,
}

impl Canceller {
    /// From now on it waits for nothing any more: a reader hands out what is there, the others end.
    pub fn cancel(&self) {
        // ORDERING: Release: pairs with `is_cancelled`, as a condition of P1, which is published before it is told.
        self.is_cancelled.store(true, Ordering::Release);
        self.stream.wake_all();
    }
}

impl Reader {
    /// What ends its waiting.
    pub fn canceller(&self) -> Canceller {
        Canceller { is_cancelled: self.is_cancelled.clone(), stream: self.stream.clone() }
    }

    pub(super) fn is_cancelled(&self) -> bool {
        // ORDERING: Acquire: pairs with `Canceller::cancel`.
        self.is_cancelled.load(Ordering::Acquire)
    }

    /// Whether there is nothing to wait for.
    pub(super) fn is_over(&self) -> bool {
        self.is_done() || self.is_cancelled()
    }

    /// An iterator that waits for what comes. It ends when the reader does ([`until`](Self::until)), when the hub is closed, when
    /// it was [cancelled](Self::canceller), and at a deadline, if it has one.
    ///
    /// ```
    /// use ringmain::{Hub, Message, Start};
    /// let flights = Hub::memory().stream("flights").open()?;
    /// let mut follow = flights.reader(Start::Earliest)?.follow();
    /// let canceller = follow.canceller();
    /// let reading = std::thread::spawn(move || (follow.by_ref().take(2).count(), follow.count()));
    /// flights.append_batch(&[Message::new("EWR"), Message::new("IAH")])?;
    /// canceller.cancel();
    /// assert!(reading.join().unwrap().0 <= 2);
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    pub fn follow(self) -> Follow {
        Follow { reader: self, deadline_ns: u64::MAX, is_over: false }
    }
}

/// What [`Reader::follow`] gives. After an error that would come again it ends, too.
#[derive(Debug)]
pub struct Follow {
    reader: Reader,
    deadline_ns: u64,
    is_over: bool,
}

impl Follow {
    /// Ends so long from now, on the hub's clock, whether there is more or not. Default never.
    pub fn end_after(mut self, time: Duration) -> Self {
        self.deadline_ns = self.reader.stream.now_ns().saturating_add(duration_ns(time));
        self
    }

    /// What ends it, at once if it waits.
    pub fn canceller(&self) -> Canceller {
        self.reader.canceller()
    }

    /// The reader, at the place that it has come to.
    pub fn into_reader(self) -> Reader {
        self.reader
    }

    /// The next record; None at the end.
    fn wait(&mut self) -> Result<Option<Record>> {
        let (reader, deadline_ns) = (&mut self.reader, self.deadline_ns);
        let stream = reader.stream.clone();
        let is_timed = deadline_ns != u64::MAX;
        let next = stream.wait_by(deadline_ns, || {
            loop {
                if reader.is_cancelled() || is_timed && reader.stream.now_ns() >= deadline_ns {
                    return Some(Ok(None));
                }
                match reader.take_one() {
                    Ok((None, taken)) if taken.is_cut => {}
                    Ok((None, _)) => return reader.is_done().then_some(Ok(None)),
                    Ok((record, _)) => return Some(Ok(record)),
                    Err(Error::Closed { .. }) => return Some(Ok(None)),
                    Err(error) => return Some(Err(error)),
                }
            }
        });
        next.unwrap_or(Ok(None))
    }
}

impl Iterator for Follow {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Result<Record>> {
        if self.is_over {
            return None;
        }
        let next = self.wait();
        self.is_over = match &next {
            Ok(record) => record.is_none(),
            Err(error) => !self.reader.goes_on_after(error),
        };
        next.transpose()
    }
}

impl Reader {
    /// Whether it goes on by itself after an error.
    pub(crate) fn goes_on_after(&self, error: &Error) -> bool {
        matches!(error, Error::OutOfRange { .. }) && self.reset != Reset::Fail
    }
}
