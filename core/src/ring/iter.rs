//! Receivers as iterators, the same for every flavour.

use super::peek::{ReceiveEnd, recv_until};
use std::iter::FusedIterator;

/// Waits for each message, and ends when the ring is empty and no sender is left.
#[derive(Debug)]
pub struct Iter<'a, R>(pub(super) &'a R);

/// Yields what is there, and ends when nothing is.
#[derive(Debug)]
pub struct TryIter<'a, R>(pub(super) &'a R);

/// Like [`Iter`], and owns the receiver.
#[derive(Debug)]
pub struct IntoIter<R>(pub(super) R);

fn next<R: ReceiveEnd>(receiver: &R) -> Option<R::Message> {
    receiver.try_recv_now().or_else(|_| recv_until(receiver, None)).ok()
}

impl<R: ReceiveEnd> Iterator for Iter<'_, R> {
    type Item = R::Message;

    fn next(&mut self) -> Option<R::Message> {
        next(self.0)
    }
}

impl<R: ReceiveEnd> FusedIterator for Iter<'_, R> {}

impl<R: ReceiveEnd> Iterator for TryIter<'_, R> {
    type Item = R::Message;

    fn next(&mut self) -> Option<R::Message> {
        self.0.try_recv_now().ok()
    }
}

impl<R: ReceiveEnd> Iterator for IntoIter<R> {
    type Item = R::Message;

    fn next(&mut self) -> Option<R::Message> {
        next(&self.0)
    }
}

impl<R: ReceiveEnd> FusedIterator for IntoIter<R> {}
