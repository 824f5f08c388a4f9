//! concurrent-queue: stamped slots, or linked blocks when unbounded. It does not wait.

use crate::rings::peer::Peer;
use crate::rings::verbs::{flavour, many_each, put, take};
use concurrent_queue::ConcurrentQueue;
use std::sync::Arc;

flavour! {
    /// With a bound.
    Bounded, Arc<ConcurrentQueue<M>>, Arc<ConcurrentQueue<M>>, |shape| {
        let queue = Arc::new(ConcurrentQueue::bounded(shape.capacity));
        many_each(shape, (Arc::clone(&queue), queue))
    }
}
flavour! {
    /// Without.
    Unbounded, Arc<ConcurrentQueue<M>>, Arc<ConcurrentQueue<M>>, |shape| {
        let queue = Arc::new(ConcurrentQueue::unbounded());
        many_each(shape, (Arc::clone(&queue), queue))
    }
}
put!(Arc<ConcurrentQueue<M>>, |sender, message| sender.push(message).is_ok());
take!(Arc<ConcurrentQueue<M>>, |receiver| receiver.pop().ok());

pub fn peers() -> Vec<Peer> {
    vec![
        Peer::mpmc("concurrent-queue").single::<Bounded>(),
        Peer::mpmc("concurrent-queue").unbounded().single::<Unbounded>(),
    ]
}
