//! What a ring must do to take part: one small trait for each kind of verb, so that an adapter implements
//! what its ring has and nothing else.
//!
//! The verbs have names that no ring uses, so that an adapter that means its ring's verb cannot call itself.

use super::message::Message;
use std::ops::Range;

/// How many handles of each side a workload wants, and how much room.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Sending handles.
    pub producers: usize,
    /// Receiving handles.
    pub consumers: usize,
    /// How many messages there is room for.
    pub capacity: usize,
}

/// The handles of one ring.
#[derive(Debug)]
pub struct Ends<S, R> {
    /// One for each producer.
    pub senders: Vec<S>,
    /// One for each consumer.
    pub receivers: Vec<R>,
}

/// One flavour of one library's rings, for messages of type `M`.
pub trait Flavour<M: Message>: 'static {
    /// The sending handle.
    type Sender: Send + 'static;
    /// The receiving handle.
    type Receiver: Send + 'static;

    /// A new ring.
    fn make(shape: Shape) -> Ends<Self::Sender, Self::Receiver>;
}

/// Sends if there is room.
pub trait Put<M> {
    /// Whether it was sent.
    fn put(&mut self, message: M) -> bool;
}

/// Receives if there is something.
pub trait Take<M> {
    /// The next message, if there is one.
    fn take(&mut self) -> Option<M>;
}

/// Sends several at once.
pub trait PutBatch<M> {
    /// Sends messages with these numbers, from the first on, as many as there is room for; how many.
    fn put_batch(&mut self, numbers: Range<u64>) -> usize;
}

/// Receives several at once.
pub trait TakeBatch<M> {
    /// Shows up to `count_max` messages, which are thereby received; how many.
    fn take_batch(&mut self, count_max: usize, each: impl FnMut(&M)) -> usize;
}

/// Sends, waiting for room as the ring does.
pub trait PutWaiting<M> {
    /// Returns when it is sent.
    fn put_waiting(&mut self, message: M);
}

/// Receives, waiting for a message as the ring does.
pub trait TakeWaiting<M> {
    /// The next message, or nothing if no sender is left.
    fn take_waiting(&mut self) -> Option<M>;
}

/// One handle of each side, for rings whose handles cannot be cloned.
pub fn one_each<S, R>(shape: Shape, (sender, receiver): (S, R)) -> Ends<S, R> {
    assert!(
        shape.producers == 1 && shape.consumers == 1,
        "a ring for one sender and one receiver, not {shape:?}"
    );
    Ends { senders: vec![sender], receivers: vec![receiver] }
}

/// Handles for many senders and one receiver.
pub fn many_to_one<S: Clone, R>(shape: Shape, (sender, receiver): (S, R)) -> Ends<S, R> {
    assert!(shape.consumers == 1, "a ring for one receiver, not {shape:?}");
    Ends { senders: vec![sender; shape.producers], receivers: vec![receiver] }
}

/// Handles for one sender and many receivers.
pub fn one_to_many<S, R: Clone>(shape: Shape, (sender, receiver): (S, R)) -> Ends<S, R> {
    assert!(shape.producers == 1, "a ring for one sender, not {shape:?}");
    Ends { senders: vec![sender], receivers: vec![receiver; shape.consumers] }
}

/// Handles for many of both sides.
pub fn many_each<S: Clone, R: Clone>(shape: Shape, (sender, receiver): (S, R)) -> Ends<S, R> {
    Ends { senders: vec![sender; shape.producers], receivers: vec![receiver; shape.consumers] }
}

/// `put!(Handle<M>, |sender, message| was it sent)` and so on: the verbs of a handle, one line each.
#[macro_export]
macro_rules! put {
    ($handle:ty, |$sender:ident, $message:ident| $sent:expr) => {
        impl<M: $crate::rings::message::Message> $crate::rings::verbs::Put<M> for $handle {
            #[inline(always)]
            fn put(&mut self, $message: M) -> bool {
                let $sender = self;
                $sent
            }
        }
    };
}

/// See [`put`].
#[macro_export]
macro_rules! take {
    ($handle:ty, |$receiver:ident| $message:expr) => {
        impl<M: $crate::rings::message::Message> $crate::rings::verbs::Take<M> for $handle {
            #[inline(always)]
            fn take(&mut self) -> Option<M> {
                let $receiver = self;
                $message
            }
        }
    };
}

/// See [`put`].
#[macro_export]
macro_rules! put_waiting {
    ($handle:ty, |$sender:ident, $message:ident| $send:expr) => {
        impl<M: $crate::rings::message::Message> $crate::rings::verbs::PutWaiting<M> for $handle {
            #[inline(always)]
            fn put_waiting(&mut self, $message: M) {
                let $sender = self;
                $send
            }
        }
    };
}

/// See [`put`].
#[macro_export]
macro_rules! take_waiting {
    ($handle:ty, |$receiver:ident| $message:expr) => {
        impl<M: $crate::rings::message::Message> $crate::rings::verbs::TakeWaiting<M> for $handle {
            #[inline(always)]
            fn take_waiting(&mut self) -> Option<M> {
                let $receiver = self;
                $message
            }
        }
    };
}

/// See [`put`].
#[macro_export]
macro_rules! put_batch {
    ($handle:ty, |$sender:ident, $numbers:ident| $count:expr) => {
        impl<M: $crate::rings::message::Message> $crate::rings::verbs::PutBatch<M> for $handle {
            #[inline(always)]
            fn put_batch(&mut self, $numbers: std::ops::Range<u64>) -> usize {
                let $sender = self;
                $count
            }
        }
    };
}

/// See [`put`].
#[macro_export]
macro_rules! take_batch {
    ($handle:ty, |$receiver:ident, $count_max:ident, $each:ident| $count:expr) => {
        impl<M: $crate::rings::message::Message> $crate::rings::verbs::TakeBatch<M> for $handle {
            #[inline(always)]
            fn take_batch(&mut self, $count_max: usize, mut $each: impl FnMut(&M)) -> usize {
                let $receiver = self;
                $count
            }
        }
    };
}

/// `flavour! { Name, Sender<M>, Receiver<M>, |shape| handles }`: a ring.
#[macro_export]
macro_rules! flavour {
    ($(#[$doc:meta])* $name:ident, $sender:ty, $receiver:ty, |$shape:ident| $ends:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {}

        impl<M: $crate::rings::message::Message> $crate::rings::verbs::Flavour<M> for $name {
            type Sender = $sender;
            type Receiver = $receiver;

            fn make($shape: $crate::rings::verbs::Shape) -> $crate::rings::verbs::Ends<$sender, $receiver> {
                $ends
            }
        }
    };
}

pub use crate::{flavour, put, put_batch, put_waiting, take, take_batch, take_waiting};
