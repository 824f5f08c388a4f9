//! The sending end as every flavour has it: single messages, batches, and claims of slots that are written in place.

use super::count::Count;
use super::error::{SendError, SendTimeoutError, TrySendError};
use super::wait::{Attempt, Waiting, attempt_until};
use crate::sync::event_count::EventCount;
use std::fmt;
use std::future::Future;
use std::iter::FusedIterator;
use std::ops::Deref;
use std::time::Instant;

/// A run of slots: `len` positions from `start` on.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    pub(super) start: u64,
    pub(super) len: usize,
    /// Whether its holder may keep it for as long as it likes.
    pub(super) is_long: bool,
}

impl Run {
    /// No slots: nobody was asked for them, and nobody gets them back.
    pub(super) const EMPTY: Self = Self { start: 0, len: 0, is_long: true };
}

/// What a sender does its own way; the verbs are made of it. Not for others to implement.
pub trait SendEnd: Sized {
    /// What it sends.
    type Message;

    /// Sends if there is room now.
    fn try_send_now(&self, message: Self::Message) -> Result<(), TrySendError<Self::Message>>;

    /// Sends as many messages from the front as there is room for now, and removes them. There are some.
    fn try_send_batch_now(&self, messages: &mut Vec<Self::Message>) -> Result<usize, TrySendError<()>> {
        let run = self.take_free(messages.len(), false)?;
        let mut written = 0;
        // SAFETY: a fresh run, written from its beginning. Draining a vector does not panic, so that it is published.
        unsafe {
            self.write_all(run, &mut written, messages.drain(..run.len));
            self.publish(run, written);
        }
        Ok(written)
    }

    /// Takes up to `len_max` free slots, at least one, for [`write`](Self::write). With `is_long`, others may have to
    /// do without them for as long as a caller likes, and must not spin.
    fn take_free(&self, len_max: usize, is_long: bool) -> Result<Run, TrySendError<()>>;

    /// Writes the message number `index` of a run. Nobody sees it yet.
    ///
    /// # Safety
    /// `run` comes from `take_free` and was not published; `index` is in it and was not written.
    unsafe fn write(&self, run: Run, index: usize, message: Self::Message);

    /// Writes messages from number `written` on, counting each, until the run is full or there are no more.
    ///
    /// # Safety
    /// As for `write`, for all from `written` on.
    unsafe fn write_all(
        &self,
        run: Run,
        written: &mut usize,
        messages: impl FusedIterator<Item = Self::Message>,
    ) {
        let mut written = Count::on(written);
        let len = run.len - written.now;
        for message in messages.take(len) {
            // SAFETY: the caller's promise; each number is written once, because it is counted.
            unsafe { self.write(run, written.now, message) };
            written.now += 1;
        }
    }

    /// Drops the message number `index` of a run, which was written.
    ///
    /// # Safety
    /// As for `write`, but it was written, and is not published or dropped afterwards.
    unsafe fn unwrite(&self, run: Run, index: usize);

    /// Sends the first `written` messages of a run and gives the other slots back.
    ///
    /// # Safety
    /// `run` comes from `take_free` and was not published; its first `written` messages were written.
    unsafe fn publish(&self, run: Run, written: usize);

    /// Where senders sleep.
    fn room(&self) -> &EventCount;

    /// How this handle waits.
    fn waiting(&self) -> Waiting;
}

/// Sends a message, waiting for room until `deadline`.
pub(super) fn send_until<S: SendEnd>(
    sender: &S,
    message: S::Message,
    deadline: Option<Instant>,
) -> Result<(), SendTimeoutError<S::Message>> {
    let mut unsent = Some(message);
    let sent = attempt_until(sender.room(), sender.waiting(), deadline, || attempt_send(sender, &mut unsent));
    match (sent, unsent) {
        (Some(result), _) => result.map_err(SendTimeoutError::from),
        (None, Some(message)) => Err(SendTimeoutError::Timeout(message)),
        (None, None) => unreachable!("an attempt that comes to nothing leaves the message"),
    }
}

/// The same for a task.
pub(super) fn send_async<S: SendEnd, H: Deref<Target = S>>(
    sender: H,
    message: S::Message,
) -> impl Future<Output = Result<(), SendError<S::Message>>> {
    let mut unsent = Some(message);
    Attempt::new(Room(sender), move |Room(sender)| attempt_send(&**sender, &mut unsent))
}

/// Where senders sleep, by way of one of them.
struct Room<H>(H);

impl<H: Deref<Target: SendEnd>> Deref for Room<H> {
    type Target = EventCount;

    fn deref(&self) -> &EventCount {
        self.0.room()
    }
}

/// None if there is no room; then the message stays where it is.
fn attempt_send<S: SendEnd>(
    sender: &S,
    unsent: &mut Option<S::Message>,
) -> Option<Result<(), SendError<S::Message>>> {
    match sender.try_send_now(unsent.take()?) {
        Ok(()) => Some(Ok(())),
        Err(TrySendError::Disconnected(message)) => Some(Err(SendError(message))),
        Err(TrySendError::Full(message)) => {
            *unsent = Some(message);
            None
        }
    }
}

/// Sends as many messages from the front as there is room for, and removes them.
pub(super) fn try_send_batch<S: SendEnd>(
    sender: &S,
    messages: &mut Vec<S::Message>,
) -> Result<usize, TrySendError<()>> {
    if messages.is_empty() {
        return Ok(0);
    }
    sender.try_send_batch_now(messages)
}

/// Sends all messages, waiting for room until `deadline`. What is not sent stays.
pub(super) fn send_batch_until<S: SendEnd>(
    sender: &S,
    messages: &mut Vec<S::Message>,
    deadline: Option<Instant>,
) -> Result<(), SendTimeoutError<()>> {
    attempt_until(sender.room(), sender.waiting(), deadline, || attempt_send_batch(sender, messages))
        .map_or(Err(SendTimeoutError::Timeout(())), |result| result.map_err(SendTimeoutError::from))
}

/// The same for a task.
pub(super) fn send_batch_async<S: SendEnd, H: Deref<Target = S>>(
    sender: H,
    messages: &mut Vec<S::Message>,
) -> impl Future<Output = Result<(), SendError<()>>> {
    Attempt::new(Room(sender), move |Room(sender)| attempt_send_batch(&**sender, messages))
}

/// None while some are left.
fn attempt_send_batch<S: SendEnd>(
    sender: &S,
    messages: &mut Vec<S::Message>,
) -> Option<Result<(), SendError<()>>> {
    while !messages.is_empty() {
        match try_send_batch(sender, messages) {
            Ok(_) => {}
            Err(TrySendError::Full(())) => return None,
            Err(TrySendError::Disconnected(())) => return Some(Err(SendError(()))),
        }
    }
    Some(Ok(()))
}

pub(super) fn try_claim<S: SendEnd>(
    sender: &mut S,
    len_max: usize,
) -> Result<Claim<'_, S>, TrySendError<()>> {
    let run = if len_max == 0 { Run::EMPTY } else { sender.take_free(len_max, true)? };
    Ok(Claim { sender, run, written: 0 })
}

pub(super) fn claim_until<S: SendEnd>(
    sender: &mut S,
    len_max: usize,
    deadline: Option<Instant>,
) -> Result<Claim<'_, S>, SendTimeoutError<()>> {
    if len_max == 0 {
        return try_claim(sender, 0).map_err(|_| SendTimeoutError::Disconnected(()));
    }
    let run = attempt_until(sender.room(), sender.waiting(), deadline, || attempt_claim(sender, len_max))
        .unwrap_or(Err(SendTimeoutError::Timeout(())))?;
    Ok(Claim { sender, run, written: 0 })
}

pub(super) async fn claim_async<S: SendEnd>(
    sender: &mut S,
    len_max: usize,
) -> Result<Claim<'_, S>, SendError<()>> {
    let run = match len_max {
        0 => Run::EMPTY,
        // Not awaited between taking and holding: a future that is dropped has taken nothing.
        _ => Attempt::new(Room(&mut *sender), |Room(sender)| attempt_claim(&**sender, len_max))
            .await
            .map_err(|_| SendError(()))?,
    };
    Ok(Claim { sender, run, written: 0 })
}

fn attempt_claim<S: SendEnd>(sender: &S, len_max: usize) -> Option<Result<Run, SendTimeoutError<()>>> {
    match sender.take_free(len_max, true) {
        Ok(run) => Some(Ok(run)),
        Err(TrySendError::Disconnected(())) => Some(Err(SendTimeoutError::Disconnected(()))),
        Err(TrySendError::Full(())) => None,
    }
}

/// Free slots that a sender has taken, to be written in place and sent together. Dropped or
/// [aborted](Self::abort), it sends nothing.
///
/// The slots are the sender's until then: receivers do not get past them, and other senders have that much less room
/// (none in a `broadcast` ring: there a claim keeps the other senders out).
/// (An `unbounded` ring writes the messages aside instead, and keeps nobody back.)
///
/// ```
/// let (mut sender, receiver) = ringmain::ring::mpmc::bounded(8);
/// let mut claim = sender.try_claim(3).unwrap();
/// claim.push("a").unwrap();
/// assert_eq!(claim.fill(["b", "c", "d"]), 2);
/// assert_eq!(receiver.len(), 3);
/// claim.commit();
/// assert_eq!(receiver.try_iter().collect::<String>(), "abc");
/// ```
pub struct Claim<'a, S: SendEnd> {
    sender: &'a mut S,
    run: Run,
    written: usize,
}

impl<S: SendEnd> Claim<'_, S> {
    /// How many messages are written.
    pub fn len(&self) -> usize {
        self.written
    }

    /// Whether no message is written.
    pub fn is_empty(&self) -> bool {
        self.written == 0
    }

    /// How many more can be written.
    pub fn room(&self) -> usize {
        self.run.len - self.written
    }

    /// Writes the next message.
    ///
    /// # Errors
    /// The message, if all slots are written.
    #[inline]
    pub fn push(&mut self, message: S::Message) -> Result<(), S::Message> {
        if self.written == self.run.len {
            return Err(message);
        }
        // SAFETY: our run, which is published only when we go; `written` counts what was written.
        unsafe { self.sender.write(self.run, self.written, message) };
        self.written += 1;
        Ok(())
    }

    /// Writes messages until all slots are written or there are no more. Returns how many. Takes no message from the
    /// iterator that it has no slot for.
    #[inline]
    pub fn fill(&mut self, messages: impl IntoIterator<Item = S::Message>) -> usize {
        let before = self.written;
        // SAFETY: as in `push`.
        unsafe { self.sender.write_all(self.run, &mut self.written, messages.into_iter().fuse()) };
        self.written - before
    }

    /// Sends what is written, and gives the other slots back. Returns how many were sent.
    #[inline]
    pub fn commit(self) -> usize {
        let written = self.written;
        let mut this = std::mem::ManuallyDrop::new(self);
        this.finish();
        written
    }

    /// Drops what is written, sends nothing, and gives the slots back.
    pub fn abort(self) {}

    fn finish(&mut self) {
        if self.run.len != 0 {
            // SAFETY: our run, finished once; the first `written` are written.
            unsafe { self.sender.publish(self.run, self.written) };
        }
    }
}

impl<S: SendEnd> Drop for Claim<'_, S> {
    fn drop(&mut self) {
        /// Gives the slots back, even when dropping a message panics.
        struct Rest<'a, 'b, S: SendEnd>(&'a mut Claim<'b, S>);

        impl<S: SendEnd> Rest<'_, '_, S> {
            fn drop_messages(&mut self) {
                while let Some(index) = self.0.written.checked_sub(1) {
                    self.0.written = index;
                    // SAFETY: written, and not counted as such any more.
                    unsafe { self.0.sender.unwrite(self.0.run, index) };
                }
            }
        }

        impl<S: SendEnd> Drop for Rest<'_, '_, S> {
            fn drop(&mut self) {
                self.drop_messages();
                self.0.finish();
            }
        }

        Rest(self).drop_messages();
    }
}

impl<S: SendEnd> fmt::Debug for Claim<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("len", &self.len()).field("room", &self.room()).finish_non_exhaustive()
    }
}
