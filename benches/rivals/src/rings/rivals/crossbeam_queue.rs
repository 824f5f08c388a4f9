//! crossbeam-queue: `ArrayQueue`, stamped slots, and `SegQueue`, linked blocks. Neither waits.

use crate::rings::peer::Peer;
use crate::rings::verbs::{flavour, many_each, put, take};
use crossbeam_queue::{ArrayQueue, SegQueue};
use std::sync::Arc;

flavour! {
    /// With a bound.
    Bounded, Arc<ArrayQueue<M>>, Arc<ArrayQueue<M>>, |shape| {
        let queue = Arc::new(ArrayQueue::new(shape.capacity));
        many_each(shape, (Arc::clone(&queue), queue))
    }
}
flavour! {
    /// Without.
    Unbounded, Arc<SegQueue<M>>, Arc<SegQueue<M>>, |shape| {
        let queue = Arc::new(SegQueue::new());
        many_each(shape, (Arc::clone(&queue), queue))
    }
}
put!(Arc<ArrayQueue<M>>, |sender, message| sender.push(message).is_ok());
take!(Arc<ArrayQueue<M>>, |receiver| receiver.pop());
put!(Arc<SegQueue<M>>, |sender, message| {
    sender.push(message);
    true
});
take!(Arc<SegQueue<M>>, |receiver| receiver.pop());

pub fn peers() -> Vec<Peer> {
    vec![
        Peer::mpmc("crossbeam ArrayQueue").single::<Bounded>(),
        Peer::mpmc("crossbeam SegQueue").unbounded().single::<Unbounded>(),
        // Among the bounded ones it shows what a bound costs.
        Peer::mpmc("crossbeam SegQueue (no bound)").single::<Unbounded>().reference(),
    ]
}
