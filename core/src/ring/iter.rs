//! Receivers as iterators, the same for every flavour.

use std::iter::FusedIterator;

/// What the iterators need of a receiver. Not for others to implement.
pub trait Receive {
    /// What it receives.
    type Message;

    /// The next message, waited for, or `None` when no more will come.
    fn next_waiting(&self) -> Option<Self::Message>;

    /// The next message if there is one now.
    fn next_now(&self) -> Option<Self::Message>;
}

/// Waits for each message, and ends when the ring is empty and no sender is left.
#[derive(Debug)]
pub struct Iter<'a, R>(pub(super) &'a R);

/// Yields what is there, and ends when nothing is.
#[derive(Debug)]
pub struct TryIter<'a, R>(pub(super) &'a R);

/// Like [`Iter`], and owns the receiver.
#[derive(Debug)]
pub struct IntoIter<R>(pub(super) R);

impl<R: Receive> Iterator for Iter<'_, R> {
    type Item = R::Message;

    fn next(&mut self) -> Option<R::Message> {
        self.0.next_waiting()
    }
}

impl<R: Receive> FusedIterator for Iter<'_, R> {}

impl<R: Receive> Iterator for TryIter<'_, R> {
    type Item = R::Message;

    fn next(&mut self) -> Option<R::Message> {
        self.0.next_now()
    }
}

impl<R: Receive> Iterator for IntoIter<R> {
    type Item = R::Message;

    fn next(&mut self) -> Option<R::Message> {
        self.0.next_waiting()
    }
}

impl<R: Receive> FusedIterator for IntoIter<R> {}
