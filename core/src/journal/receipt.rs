//! What a caller holds that did not wait: it can be waited for, by a thread or by a task.
//!
//! **Promise.** A receipt says `Ok` only when what it is for has reached its level. Dropping one changes nothing: what was
//! accepted is committed within the hub's `relaxed_max`.

use crate::error::Result;
use crate::journal::Journal;
use crate::log::{Level, Log, Place};
use crate::sync::event_count::{self, EventCount};
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Something that was accepted and may not be durable yet: wait for it with [`wait`](Receipt::wait) or
/// [`wait_for`](Receipt::wait_for), or `.await` it on any executor.
///
/// ```
/// use ringmain::{Hub, Message};
/// # let scratch = tempfile::tempdir().unwrap();
/// # let directory = scratch.path().join("data");
/// let hub = Hub::open(&directory)?;
/// let orders = hub.stream("orders").open()?;
/// let first = orders.submit(Message::new(b"one"))?;
/// let second = orders.submit(Message::new(b"two"))?; // both are committed together
/// assert_eq!(first.value().offset + 1, second.wait()?.offset);
/// assert!(first.is_reached());
/// # Ok::<(), ringmain::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "not durable before it was waited for"]
pub struct Receipt<T> {
    done: Done,
    level: Level,
    ends: Ends,
    value: Option<T>,
    /// Where a task sleeps.
    place: Option<event_count::Place<Done>>,
}

/// Where what was appended ends, in each log.
pub(crate) type Ends = Vec<(Arc<Log>, Place)>;

/// Leads to what a journal notifies.
#[derive(Debug, Clone)]
struct Done(Arc<Journal>);

impl Deref for Done {
    type Target = EventCount;

    fn deref(&self) -> &EventCount {
        &self.0.done
    }
}

impl<T> Receipt<T> {
    /// For what ends at these places.
    pub(crate) fn new(journal: &Arc<Journal>, level: Level, ends: Ends, value: T) -> Self {
        ends.iter().for_each(|(log, end)| journal.accept(log, *end));
        Self {
            done: Done(journal.clone()),
            level: level.max(journal.level()),
            ends,
            value: Some(value),
            place: None,
        }
    }

    fn journal(&self) -> &Journal {
        &self.done.0
    }

    /// What it is for: the position or id that was given.
    ///
    /// # Panics
    /// If it was polled to its end.
    pub fn value(&self) -> &T {
        match &self.value {
            Some(value) => value,
            None => panic!("the receipt was waited for already"),
        }
    }

    /// Whether it has reached its durability. Looks, and does not wait.
    pub fn is_reached(&self) -> bool {
        self.ends.iter().all(|(log, end)| log.reached(self.level, *end))
    }

    /// Waits until it has reached its durability; as a rule this thread then writes and syncs for everybody itself.
    ///
    /// # Errors
    /// `Poisoned`: a write or sync failed, and it is not known whether it is on disk.
    pub fn wait(mut self) -> Result<T> {
        for (log, end) in &self.ends {
            self.journal().commit_at(log, *end, self.level)?;
        }
        match self.value.take() {
            Some(value) => Ok(value),
            None => panic!("the receipt was waited for already"),
        }
    }

    /// Waits for at most `time`. False: it has not reached its durability yet.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub fn wait_for(&self, time: Duration) -> Result<bool> {
        let deadline = Instant::now().checked_add(time);
        let mut looked = self.look();
        if matches!(looked, Ok(false)) && !time.is_zero() {
            self.done.wait_until(deadline, || {
                looked = self.look();
                !matches!(looked, Ok(false))
            });
        }
        looked
    }

    /// Whether it has been reached; if not, it is asked for.
    fn look(&self) -> Result<bool> {
        let mut is_reached = true;
        for (log, end) in &self.ends {
            if !log.reached(self.level, *end) {
                log.poisoned()?;
                self.journal().note(log);
                is_reached = false;
            }
        }
        if !is_reached {
            self.journal().ask(self.level);
        }
        Ok(is_reached)
    }
}

impl<T: Unpin> Future for Receipt<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut place = self.place.take().unwrap_or_else(|| event_count::Place::new(self.done.clone()));
        let looked = place.poll_for(context, |_| match self.look() {
            Ok(false) => None,
            Ok(true) => Some(Ok(())),
            Err(error) => Some(Err(error)),
        });
        match looked {
            Poll::Pending => {
                self.place = Some(place);
                Poll::Pending
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => match self.value.take() {
                Some(value) => Poll::Ready(Ok(value)),
                None => panic!("the receipt was waited for already"),
            },
        }
    }
}
