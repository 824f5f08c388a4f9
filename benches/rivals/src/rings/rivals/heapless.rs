//! heapless: queues whose capacity is a constant, so that they take part only there. Neither waits.

use crate::rings::message::Message;
use crate::rings::peer::Peer;
use crate::rings::verbs::{flavour, many_each, one_each, put, take};
use heapless::{mpmc, spsc};
use std::sync::Arc;

const CAPACITY: usize = 1024;

flavour! {
    /// One sender, one receiver; it holds one message less.
    Spsc, spsc::Producer<'static, M>, spsc::Consumer<'static, M>, |shape| {
        // Its handles borrow it. The memory is given back with the process.
        one_each(shape, Box::leak(Box::<spsc::Queue<M, CAPACITY>>::default()).split())
    }
}
flavour! {
    /// Many of both.
    Mpmc, Shared<M>, Shared<M>, |shape| {
        // WHY: called deprecated for what a suspended thread does to the others, as with all stamped slots.
        #[expect(deprecated)]
        let queue = Arc::new(mpmc::Queue::new());
        many_each(shape, (Shared(Arc::clone(&queue)), Shared(queue)))
    }
}

/// The queue in the hands of one thread.
#[derive(Clone)]
pub struct Shared<M: Message>(Arc<mpmc::Queue<M, CAPACITY>>);

impl<M: Message> std::fmt::Debug for Shared<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

put!(spsc::Producer<'static, M>, |sender, message| sender.enqueue(message).is_ok());
take!(spsc::Consumer<'static, M>, |receiver| receiver.dequeue());
put!(Shared<M>, |sender, message| sender.0.enqueue(message).is_ok());
take!(Shared<M>, |receiver| receiver.0.dequeue());

pub fn peers() -> Vec<Peer> {
    vec![
        Peer::spsc("heapless spsc").only_at(CAPACITY).single::<Spsc>(),
        Peer::mpmc("heapless mpmc").only_at(CAPACITY).single::<Mpmc>(),
    ]
}
