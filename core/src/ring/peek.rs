//! The receiving end as every flavour has it: single messages, batches, and looking at messages in place.

use super::claim::Run;
use super::count::Count;
use super::error::{RecvError, RecvTimeoutError, TryRecvError};
use super::wait::{Attempt, Waiting, attempt_until};
use crate::sync::event_count::EventCount;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::time::Instant;

/// What a receiver does its own way; the verbs are made of it. Not for others to implement.
pub trait ReceiveEnd: Sized {
    /// What it receives.
    type Message;

    /// Receives if there is a message now.
    fn try_recv_now(&self) -> Result<Self::Message, TryRecvError>;

    /// Appends up to `len_max` messages, at least one, that are there now. `len_max` is not 0.
    fn try_recv_batch_now(
        &self,
        messages: &mut Vec<Self::Message>,
        len_max: usize,
    ) -> Result<usize, TryRecvError> {
        let run = self.take_sent(len_max, false)?;
        let mut batch = Batch { receiver: self, run, read: 0 };
        messages.reserve(run.len);
        // SAFETY: a fresh run, read from its beginning.
        unsafe { self.read_all(run, &mut batch.read, |message| messages.push(message)) };
        Ok(run.len)
    }

    /// Takes up to `len_max` messages, at least one, for [`read`](Self::read). With `is_long`, some may be given back,
    /// and others may have to do without them for as long as a caller likes, and must not spin.
    fn take_sent(&self, len_max: usize, is_long: bool) -> Result<Run, TryRecvError>;

    /// The message number `index` of a run.
    ///
    /// # Safety
    /// `run` comes from `take_sent` and was not released; `index` is in it and was not read or discarded.
    unsafe fn peek(&self, run: Run, index: usize) -> &Self::Message;

    /// Folds the messages from number `from` on, as an iterator does.
    ///
    /// # Safety
    /// As for `peek`, for all from `from` on.
    unsafe fn fold<'a, B>(
        &'a self,
        run: Run,
        from: usize,
        init: B,
        f: impl FnMut(B, &'a Self::Message) -> B,
    ) -> B
    where
        Self::Message: 'a,
    {
        // SAFETY: the caller's promise.
        (from..run.len).map(|index| unsafe { self.peek(run, index) }).fold(init, f)
    }

    /// Moves the message number `index` of a run out of its slot (or clones it, where others get it too).
    ///
    /// # Safety
    /// As for `peek`.
    unsafe fn read(&self, run: Run, index: usize) -> Self::Message;

    /// Drops the message number `index` of a run (unless others get it too).
    ///
    /// # Safety
    /// As for `peek`.
    unsafe fn discard(&self, run: Run, index: usize) {
        // SAFETY: the caller's promise.
        drop(unsafe { self.read(run, index) });
    }

    /// Reads all messages from number `read` on into `sink`, counting each before.
    ///
    /// # Safety
    /// As for `peek`, for all from `read` on.
    unsafe fn read_all(&self, run: Run, read: &mut usize, mut sink: impl FnMut(Self::Message)) {
        let mut read = Count::on(read);
        for index in read.now..run.len {
            read.now += 1;
            // SAFETY: the caller's promise; each number is read once, because it is counted.
            sink(unsafe { self.read(run, index) });
        }
    }

    /// Gives the slots of the first `read` messages of a run to the senders, and the other messages back.
    ///
    /// # Safety
    /// `run` comes from `take_sent` and was not released; its first `read` messages were read or discarded, and those
    /// are all, unless it is long.
    unsafe fn release(&self, run: Run, read: usize);

    /// Where receivers sleep.
    fn messages(&self) -> &EventCount;

    /// How this handle waits.
    fn waiting(&self) -> Waiting;
}

/// Receives a message, waiting for one until `deadline`.
pub(super) fn recv_until<R: ReceiveEnd>(
    receiver: &R,
    deadline: Option<Instant>,
) -> Result<R::Message, RecvTimeoutError> {
    attempt_until(receiver.messages(), receiver.waiting(), deadline, || unless_empty(receiver.try_recv_now()))
        .map_or(Err(RecvTimeoutError::Timeout), |result| result.map_err(RecvTimeoutError::from))
}

/// The same for a task.
pub(super) fn recv_async<R: ReceiveEnd, H: Deref<Target = R>>(
    receiver: H,
) -> impl Future<Output = Result<R::Message, RecvError>> {
    Attempt::new(NotEmpty(receiver), |NotEmpty(receiver)| unless_empty(receiver.try_recv_now()))
}

/// Where receivers sleep, by way of one of them.
struct NotEmpty<H>(H);

impl<H: Deref<Target: ReceiveEnd>> Deref for NotEmpty<H> {
    type Target = EventCount;

    fn deref(&self) -> &EventCount {
        self.0.messages()
    }
}

fn unless_empty<T>(result: Result<T, TryRecvError>) -> Option<Result<T, RecvError>> {
    match result {
        Ok(got) => Some(Ok(got)),
        Err(TryRecvError::Disconnected) => Some(Err(RecvError)),
        Err(TryRecvError::Empty) => None,
    }
}

/// Appends up to `len_max` messages that are there now.
pub(super) fn try_recv_batch<R: ReceiveEnd>(
    receiver: &R,
    messages: &mut Vec<R::Message>,
    len_max: usize,
) -> Result<usize, TryRecvError> {
    if len_max == 0 {
        return Ok(0);
    }
    receiver.try_recv_batch_now(messages, len_max)
}

/// A run that is read at once, and released even if that panics, when a message cannot be cloned.
struct Batch<'a, R: ReceiveEnd> {
    receiver: &'a R,
    run: Run,
    read: usize,
}

impl<R: ReceiveEnd> Drop for Batch<'_, R> {
    fn drop(&mut self) {
        while self.read < self.run.len {
            self.read += 1;
            // SAFETY: our run; what is counted is discarded or read once.
            unsafe { self.receiver.discard(self.run, self.read - 1) };
        }
        // SAFETY: our run, all read or discarded.
        unsafe { self.receiver.release(self.run, self.read) };
    }
}

/// Appends up to `len_max` messages, waiting for the first until `deadline`.
pub(super) fn recv_batch_until<R: ReceiveEnd>(
    receiver: &R,
    messages: &mut Vec<R::Message>,
    len_max: usize,
    deadline: Option<Instant>,
) -> Result<usize, RecvTimeoutError> {
    let attempt = || unless_empty(try_recv_batch(receiver, messages, len_max));
    attempt_until(receiver.messages(), receiver.waiting(), deadline, attempt)
        .map_or(Err(RecvTimeoutError::Timeout), |result| result.map_err(RecvTimeoutError::from))
}

/// The same for a task.
pub(super) fn recv_batch_async<R: ReceiveEnd, H: Deref<Target = R>>(
    receiver: H,
    messages: &mut Vec<R::Message>,
    len_max: usize,
) -> impl Future<Output = Result<usize, RecvError>> {
    let attempt = move |receiver: &NotEmpty<H>| unless_empty(try_recv_batch(&*receiver.0, messages, len_max));
    Attempt::new(NotEmpty(receiver), attempt)
}

pub(super) fn try_peek<R: ReceiveEnd>(receiver: &mut R, len_max: usize) -> Result<Peek<'_, R>, TryRecvError> {
    let run = if len_max == 0 { Run::EMPTY } else { receiver.take_sent(len_max, true)? };
    Ok(Peek::new(receiver, run))
}

pub(super) fn peek_until<R: ReceiveEnd>(
    receiver: &mut R,
    len_max: usize,
    deadline: Option<Instant>,
) -> Result<Peek<'_, R>, RecvTimeoutError> {
    if len_max == 0 {
        return try_peek(receiver, 0).map_err(|_| RecvTimeoutError::Disconnected);
    }
    let attempt = || unless_empty(receiver.take_sent(len_max, true));
    let run = attempt_until(receiver.messages(), receiver.waiting(), deadline, attempt)
        .ok_or(RecvTimeoutError::Timeout)??;
    Ok(Peek::new(receiver, run))
}

pub(super) async fn peek_async<R: ReceiveEnd>(
    receiver: &mut R,
    len_max: usize,
) -> Result<Peek<'_, R>, RecvError> {
    let run = match len_max {
        0 => Run::EMPTY,
        // Not awaited between taking and holding: a future that is dropped has taken nothing.
        _ => {
            let attempt = |receiver: &NotEmpty<&mut R>| unless_empty(receiver.0.take_sent(len_max, true));
            Attempt::new(NotEmpty(&mut *receiver), attempt).await?
        }
    };
    Ok(Peek::new(receiver, run))
}

/// Messages that a receiver looks at in their slots. What it [takes](Self::take) is received; the rest stays in the
/// ring when this is dropped or [aborted](Self::abort), in its order, and is received when it is
/// [committed](Self::commit).
///
/// Meanwhile the other receivers of an `mpmc` or `unbounded` ring get nothing, as if it were empty.
///
/// ```
/// let (sender, mut receiver) = ringmain::ring::mpmc::bounded(8);
/// (1..=4).for_each(|n| sender.send(n).unwrap());
/// let mut peek = receiver.try_peek(3).unwrap();
/// assert_eq!(peek.iter().sum::<i32>(), 6);
/// assert_eq!(peek.take(), Some(1));
/// peek.abort();
/// receiver.try_peek(2).unwrap().commit();
/// assert_eq!(receiver.try_recv(), Ok(4));
/// ```
///
/// Threads can look at it together if they may share the messages:
///
/// ```compile_fail
/// fn share<T: Sync>(_: &T) {}
/// let (_sender, mut receiver) = ringmain::ring::mpmc::bounded::<std::cell::Cell<u8>>(8);
/// share(&receiver.try_peek(3));
/// ```
pub struct Peek<'a, R: ReceiveEnd> {
    receiver: &'a mut R,
    run: Run,
    read: usize,
    /// Shows messages to whoever has it: it is to be shared only if they are.
    messages: PhantomData<&'a mut R::Message>,
}

impl<'a, R: ReceiveEnd> Peek<'a, R> {
    fn new(receiver: &'a mut R, run: Run) -> Self {
        Self { receiver, run, read: 0, messages: PhantomData }
    }

    /// How many messages are left to look at.
    pub fn len(&self) -> usize {
        self.run.len - self.read
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The message after `index` others.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&R::Message> {
        if index >= self.len() {
            return None;
        }
        // SAFETY: our run, not read so far, because what is read is counted.
        Some(unsafe { self.receiver.peek(self.run, self.read + index) })
    }

    /// The messages in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &R::Message> {
        Messages { receiver: &*self.receiver, run: self.run, next: self.read }
    }

    /// Receives the next message.
    #[inline]
    pub fn take(&mut self) -> Option<R::Message> {
        if self.is_empty() {
            return None;
        }
        // SAFETY: as in `get`; counted, and so read once. (A clone may panic: then it was not read.)
        let message = unsafe { self.receiver.read(self.run, self.read) };
        self.read += 1;
        Some(message)
    }

    /// Receives all that are left. Returns how many. Should `sink` panic, the others stay in the ring.
    #[inline]
    pub fn take_each(mut self, sink: impl FnMut(R::Message)) -> usize {
        let len = self.len();
        // SAFETY: as in `get`.
        unsafe { self.receiver.read_all(self.run, &mut self.read, sink) };
        len
    }

    /// Receives and drops all that are left. Returns how many.
    pub fn commit(mut self) -> usize {
        let len = self.len();
        while !self.is_empty() {
            self.read += 1;
            // SAFETY: as in `get`; counted before, and so dropped once even if that panics.
            unsafe { self.receiver.discard(self.run, self.read - 1) };
        }
        len
    }

    /// Leaves what was not taken in the ring.
    pub fn abort(self) {}
}

/// What [`Peek::iter`] goes through.
struct Messages<'a, R> {
    receiver: &'a R,
    run: Run,
    next: usize,
}

impl<'a, R: ReceiveEnd> Iterator for Messages<'a, R> {
    type Item = &'a R::Message;

    fn next(&mut self) -> Option<Self::Item> {
        (self.next < self.run.len).then(|| {
            self.next += 1;
            // SAFETY: the run of a peek, which has not read from here on, and is borrowed.
            unsafe { self.receiver.peek(self.run, self.next - 1) }
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.run.len - self.next;
        (len, Some(len))
    }

    fn fold<B, F: FnMut(B, Self::Item) -> B>(self, init: B, f: F) -> B {
        // SAFETY: as in `next`.
        unsafe { self.receiver.fold(self.run, self.next, init, f) }
    }
}

impl<R: ReceiveEnd> ExactSizeIterator for Messages<'_, R> {}

impl<R: ReceiveEnd> Drop for Peek<'_, R> {
    fn drop(&mut self) {
        if self.run.len != 0 {
            // SAFETY: our run, finished once; the first `read` were read or discarded.
            unsafe { self.receiver.release(self.run, self.read) };
        }
    }
}

impl<R: ReceiveEnd> fmt::Debug for Peek<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peek").field("len", &self.len()).finish_non_exhaustive()
    }
}
