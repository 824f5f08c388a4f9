//! nexus-queue: an index ring for one and one, stamped slots for one and many. It does not wait.

use crate::rings::peer::Peer;
use crate::rings::verbs::{flavour, many_to_one, one_each, one_to_many, put, take};
use nexus_queue::{mpsc, spmc, spsc};

flavour! {
    /// One sender, one receiver.
    Spsc, spsc::Producer<M>, spsc::Consumer<M>, |shape| one_each(shape, spsc::ring_buffer(shape.capacity))
}
flavour! {
    /// Many senders, one receiver.
    Mpsc, mpsc::Producer<M>, mpsc::Consumer<M>, |shape| many_to_one(shape, mpsc::ring_buffer(shape.capacity))
}
flavour! {
    /// One sender, many receivers.
    Spmc, spmc::Producer<M>, spmc::Consumer<M>, |shape| one_to_many(shape, spmc::ring_buffer(shape.capacity))
}
put!(spsc::Producer<M>, |sender, message| sender.push(message).is_ok());
put!(mpsc::Producer<M>, |sender, message| sender.push(message).is_ok());
put!(spmc::Producer<M>, |sender, message| sender.push(message).is_ok());
take!(spsc::Consumer<M>, |receiver| receiver.pop());
take!(mpsc::Consumer<M>, |receiver| receiver.pop());
take!(spmc::Consumer<M>, |receiver| receiver.pop());

pub fn peers() -> Vec<Peer> {
    vec![
        Peer::spsc("nexus spsc").single::<Spsc>(),
        Peer::mpsc("nexus mpsc").single::<Mpsc>(),
        Peer::spmc("nexus spmc").single::<Spmc>(),
    ]
}
