//! The verbs of the handles, written once: each flavour has them all, with the same names and meanings.
//!
//! With `mut`, the async verbs borrow the handle mutably: for one that may not be used from several threads at once,
//! so that their futures can move between threads all the same.

pub(super) use super::claim::{self, Claim, Run, SendEnd};
pub(super) use super::count::Count;
pub(super) use super::error::*;
pub(super) use super::iter::{IntoIter, Iter, TryIter};
pub(super) use super::peek::{self, Peek, ReceiveEnd};
pub(super) use super::wait::{Waiting, deadline_after};
pub(super) use crate::sync::Arc;
pub(super) use std::fmt;
pub(super) use std::future::Future;
pub(super) use std::iter::FusedIterator;
pub(super) use std::panic::{RefUnwindSafe, UnwindSafe};
pub(super) use std::time::{Duration, Instant};

/// The verbs of a type that is a `SendEnd`.
macro_rules! sender_verbs {
    ($sender:ident<[$($parameter:ident),+]> for [$($generics:tt)+] $(, $mutably:ident)?) => {
        impl<$($generics)+> $sender<$($parameter),+> {
            /// Sends `message`, waiting for room.
            ///
            /// # Errors
            /// [`SendError`] with the message if no receiver is left.
            #[inline]
            pub fn send(&self, message: T) -> Result<(), SendError<T>> {
                match self.try_send(message) {
                    Ok(()) => Ok(()),
                    Err(TrySendError::Disconnected(message)) => Err(SendError(message)),
                    Err(TrySendError::Full(message)) => {
                        claim::send_until(self, message, None).map_err(|error| SendError(error.into_inner()))
                    }
                }
            }

            /// Sends `message` if there is room now.
            ///
            /// # Errors
            /// [`TrySendError`] with the message if there is no room or no receiver.
            #[inline]
            pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
                self.try_send_now(message)
            }

            /// Sends `message`, waiting for room for at most `timeout`.
            ///
            /// # Errors
            /// [`SendTimeoutError`] with the message if there was no room in time or there is no receiver.
            pub fn send_timeout(&self, message: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
                self.send_within(message, deadline_after(timeout))
            }

            /// Sends `message`, waiting for room until `deadline`.
            ///
            /// # Errors
            /// [`SendTimeoutError`] with the message if there was no room in time or there is no receiver.
            pub fn send_deadline(&self, message: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
                self.send_within(message, Some(deadline))
            }

            fn send_within(&self, message: T, deadline: Option<Instant>) -> Result<(), SendTimeoutError<T>> {
                match self.try_send(message) {
                    Ok(()) => Ok(()),
                    Err(TrySendError::Disconnected(message)) => Err(SendTimeoutError::Disconnected(message)),
                    Err(TrySendError::Full(message)) => claim::send_until(self, message, deadline),
                }
            }

            /// Sends `message` when there is room. A future that is dropped before has not sent it, and drops it.
            ///
            /// # Errors
            /// [`SendError`] with the message if no receiver is left.
            pub fn send_async(& $($mutably)? self, message: T) -> impl Future<Output = Result<(), SendError<T>>> {
                claim::send_async(self, message)
            }

            /// Sends as many messages from the front of `messages` as there is room for now, as one batch, and removes
            /// them. Returns how many: at least one, unless there were none.
            ///
            /// # Errors
            /// [`TrySendError`] if there is no room or no receiver; then `messages` is as it was.
            pub fn try_send_batch(&self, messages: &mut Vec<T>) -> Result<usize, TrySendError<()>> {
                claim::try_send_batch(self, messages)
            }

            /// Sends all `messages` in order and removes them, waiting for room; in as few batches as there is room
            /// for.
            ///
            /// # Errors
            /// [`SendError`] if no receiver is left; what was not sent is still in `messages`.
            pub fn send_batch(&self, messages: &mut Vec<T>) -> Result<(), SendError<()>> {
                claim::send_batch_until(self, messages, None).map_err(|error| SendError(error.into_inner()))
            }

            /// As [`send_batch`](Self::send_batch), waiting for at most `timeout`.
            ///
            /// # Errors
            /// [`SendTimeoutError`] if not all were sent in time or there is no receiver; what was not sent is still
            /// in `messages`.
            pub fn send_batch_timeout(
                &self,
                messages: &mut Vec<T>,
                timeout: Duration,
            ) -> Result<(), SendTimeoutError<()>> {
                claim::send_batch_until(self, messages, deadline_after(timeout))
            }

            /// As [`send_batch`](Self::send_batch), for a task. When the future is dropped, what was not sent is
            /// still in `messages`.
            ///
            /// # Errors
            /// [`SendError`] if no receiver is left.
            pub fn send_batch_async<'a>(
                &'a $($mutably)? self,
                messages: &'a mut Vec<T>,
            ) -> impl Future<Output = Result<(), SendError<()>>> {
                claim::send_batch_async(self, messages)
            }

            /// Takes up to `len_max` free slots, at least one, to be written in place. See [`Claim`].
            ///
            /// # Errors
            /// [`TrySendError`] if there is no room or no receiver.
            #[inline]
            pub fn try_claim(&mut self, len_max: usize) -> Result<Claim<'_, Self>, TrySendError<()>> {
                claim::try_claim(self, len_max)
            }

            /// As [`try_claim`](Self::try_claim), waiting for room.
            ///
            /// # Errors
            /// [`SendError`] if no receiver is left.
            pub fn claim(&mut self, len_max: usize) -> Result<Claim<'_, Self>, SendError<()>> {
                claim::claim_until(self, len_max, None).map_err(|error| SendError(error.into_inner()))
            }

            /// As [`claim`](Self::claim), waiting for at most `timeout`.
            ///
            /// # Errors
            /// [`SendTimeoutError`] if there was no room in time or there is no receiver.
            pub fn claim_timeout(
                &mut self,
                len_max: usize,
                timeout: Duration,
            ) -> Result<Claim<'_, Self>, SendTimeoutError<()>> {
                claim::claim_until(self, len_max, deadline_after(timeout))
            }

            /// As [`claim`](Self::claim), for a task. A future that is dropped has taken nothing.
            ///
            /// # Errors
            /// [`SendError`] if no receiver is left.
            pub fn claim_async(
                &mut self,
                len_max: usize,
            ) -> impl Future<Output = Result<Claim<'_, Self>, SendError<()>>> {
                claim::claim_async(self, len_max)
            }
        }
    };
}

/// The verbs of a type that is a `ReceiveEnd`.
macro_rules! receiver_verbs {
    ($receiver:ident<[$($parameter:ident),+]> for [$($generics:tt)+] $(, $mutably:ident)?) => {
        impl<$($generics)+> $receiver<$($parameter),+> {
            /// Receives a message, waiting for one.
            ///
            /// # Errors
            /// [`RecvError`] if there is none and no sender is left.
            #[inline]
            pub fn recv(&self) -> Result<T, RecvError> {
                match self.try_recv() {
                    Ok(message) => Ok(message),
                    Err(TryRecvError::Disconnected) => Err(RecvError),
                    Err(TryRecvError::Empty) => peek::recv_until(self, None).map_err(|_| RecvError),
                }
            }

            /// Receives a message if there is one now.
            ///
            /// # Errors
            /// [`TryRecvError`] if there is none, and whether one may still come.
            #[inline]
            pub fn try_recv(&self) -> Result<T, TryRecvError> {
                self.try_recv_now()
            }

            /// Receives a message, waiting for one for at most `timeout`.
            ///
            /// # Errors
            /// [`RecvTimeoutError`] if none came in time, or there is none and no sender is left.
            pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
                self.recv_within(deadline_after(timeout))
            }

            /// Receives a message, waiting for one until `deadline`.
            ///
            /// # Errors
            /// [`RecvTimeoutError`] if none came in time, or there is none and no sender is left.
            pub fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
                self.recv_within(Some(deadline))
            }

            fn recv_within(&self, deadline: Option<Instant>) -> Result<T, RecvTimeoutError> {
                match self.try_recv() {
                    Ok(message) => Ok(message),
                    Err(TryRecvError::Disconnected) => Err(RecvTimeoutError::Disconnected),
                    Err(TryRecvError::Empty) => peek::recv_until(self, deadline),
                }
            }

            /// Receives a message when there is one. A future that is dropped has received nothing.
            ///
            /// # Errors
            /// [`RecvError`] if there is none and no sender is left.
            pub fn recv_async(& $($mutably)? self) -> impl Future<Output = Result<T, RecvError>> {
                peek::recv_async(self)
            }

            /// Appends up to `len_max` messages that are there now to `messages`. Returns how many: at least one, unless
            /// `len_max` is 0.
            ///
            /// # Errors
            /// [`TryRecvError`] if there is none, and whether one may still come.
            pub fn try_recv_batch(&self, messages: &mut Vec<T>, len_max: usize) -> Result<usize, TryRecvError> {
                peek::try_recv_batch(self, messages, len_max)
            }

            /// As [`try_recv_batch`](Self::try_recv_batch), waiting for the first message.
            ///
            /// # Errors
            /// [`RecvError`] if there is none and no sender is left.
            pub fn recv_batch(&self, messages: &mut Vec<T>, len_max: usize) -> Result<usize, RecvError> {
                peek::recv_batch_until(self, messages, len_max, None).map_err(|_| RecvError)
            }

            /// As [`recv_batch`](Self::recv_batch), waiting for at most `timeout`.
            ///
            /// # Errors
            /// [`RecvTimeoutError`] if none came in time, or there is none and no sender is left.
            pub fn recv_batch_timeout(
                &self,
                messages: &mut Vec<T>,
                len_max: usize,
                timeout: Duration,
            ) -> Result<usize, RecvTimeoutError> {
                peek::recv_batch_until(self, messages, len_max, deadline_after(timeout))
            }

            /// As [`recv_batch`](Self::recv_batch), for a task. A future that is dropped has received nothing.
            ///
            /// # Errors
            /// [`RecvError`] if there is none and no sender is left.
            pub fn recv_batch_async<'a>(
                &'a $($mutably)? self,
                messages: &'a mut Vec<T>,
                len_max: usize,
            ) -> impl Future<Output = Result<usize, RecvError>> {
                peek::recv_batch_async(self, messages, len_max)
            }

            /// Looks at up to `len_max` messages in place, at least one. See [`Peek`].
            ///
            /// # Errors
            /// [`TryRecvError`] if there is none, and whether one may still come.
            #[inline]
            pub fn try_peek(&mut self, len_max: usize) -> Result<Peek<'_, Self>, TryRecvError> {
                peek::try_peek(self, len_max)
            }

            /// As [`try_peek`](Self::try_peek), waiting for the first message.
            ///
            /// # Errors
            /// [`RecvError`] if there is none and no sender is left.
            pub fn peek(&mut self, len_max: usize) -> Result<Peek<'_, Self>, RecvError> {
                peek::peek_until(self, len_max, None).map_err(|_| RecvError)
            }

            /// As [`peek`](Self::peek), waiting for at most `timeout`.
            ///
            /// # Errors
            /// [`RecvTimeoutError`] if none came in time, or there is none and no sender is left.
            pub fn peek_timeout(
                &mut self,
                len_max: usize,
                timeout: Duration,
            ) -> Result<Peek<'_, Self>, RecvTimeoutError> {
                peek::peek_until(self, len_max, deadline_after(timeout))
            }

            /// As [`peek`](Self::peek), for a task. A future that is dropped holds nothing.
            ///
            /// # Errors
            /// [`RecvError`] if there is none and no sender is left.
            pub fn peek_async(
                &mut self,
                len_max: usize,
            ) -> impl Future<Output = Result<Peek<'_, Self>, RecvError>> {
                peek::peek_async(self, len_max)
            }

            /// Messages until the ring is empty and no sender is left, each waited for.
            pub fn iter(&self) -> Iter<'_, Self> {
                Iter(self)
            }

            /// Messages until the ring is empty.
            pub fn try_iter(&self) -> TryIter<'_, Self> {
                TryIter(self)
            }
        }

        impl<$($generics)+> IntoIterator for $receiver<$($parameter),+> {
            type Item = T;
            type IntoIter = IntoIter<Self>;

            fn into_iter(self) -> IntoIter<Self> {
                IntoIter(self)
            }
        }

        impl<'a, $($generics)+> IntoIterator for &'a $receiver<$($parameter),+> {
            type Item = T;
            type IntoIter = Iter<'a, $receiver<$($parameter),+>>;

            fn into_iter(self) -> Iter<'a, $receiver<$($parameter),+>> {
                self.iter()
            }
        }
    };
}

/// What senders and receivers alike tell of their ring: a type that has `waiting`, and `ring`, the `Arc` of a ring that has
/// `len` and `capacity`. A handle whose length is not its ring's says how to compute it.
macro_rules! both_ends {
    ($handle:ident<[$($parameter:ident),+]> for [$($generics:tt)+]) => {
        both_ends!($handle<[$($parameter),+]> for [$($generics)+], |handle| handle.ring.len());
    };
    ($handle:ident<[$($parameter:ident),+]> for [$($generics:tt)+], |$this:ident| $len:expr) => {
        impl<$($generics)+> $handle<$($parameter),+> {
            /// How many messages are in the ring, those that are just being sent or received included.
            pub fn len(&self) -> usize {
                let $this = self;
                $len
            }

            /// Whether no message is in the ring.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// Whether there is no room in the ring.
            pub fn is_full(&self) -> bool {
                self.capacity() == Some(self.len())
            }

            /// How many messages the ring holds at most; `None` if it has no bound.
            pub fn capacity(&self) -> Option<usize> {
                self.ring.capacity()
            }

            /// Whether the other handle is of the same ring.
            pub fn same_channel(&self, other: &Self) -> bool {
                Arc::ptr_eq(&self.ring, &other.ring)
            }

            /// Sets how this handle waits. A clone made later waits likewise.
            pub fn set_waiting(&mut self, waiting: Waiting) {
                self.waiting = waiting;
            }
        }

        // A panic between two verbs leaves the ring whole, and within one there is nothing of the caller's to panic but
        // drops and clones, which the ring is prepared for.
        impl<$($generics)+> UnwindSafe for $handle<$($parameter),+> {}
        impl<$($generics)+> RefUnwindSafe for $handle<$($parameter),+> {}

        impl<$($generics)+> fmt::Debug for $handle<$($parameter),+> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($handle)).field("capacity", &self.capacity()).finish_non_exhaustive()
            }
        }
    };
}

pub(super) use {both_ends, receiver_verbs, sender_verbs};
