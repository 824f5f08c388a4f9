//! rapidfire: linked blocks; its calls that wait are futures, so only those that do not take part.

use crate::rings::peer::Peer;
use crate::rings::verbs::{flavour, many_each, many_to_one, put, take};
use rapidfire::{Receiver, Sender, mpsc};

flavour! {
    /// Many senders, one receiver.
    Mpsc, Sender<M>, mpsc::Receiver<M>, |shape| many_to_one(shape, mpsc::bounded(shape.capacity))
}
flavour! {
    /// Many of both.
    Mpmc, Sender<M>, Receiver<M>, |shape| many_each(shape, rapidfire::bounded(shape.capacity))
}
flavour! {
    /// Many of both, no bound.
    Unbounded, Sender<M>, Receiver<M>, |shape| many_each(shape, rapidfire::unbounded())
}
put!(Sender<M>, |sender, message| sender.try_send(message).is_ok());
take!(mpsc::Receiver<M>, |receiver| receiver.try_recv().ok());
take!(Receiver<M>, |receiver| receiver.try_recv().ok());

pub fn peers() -> Vec<Peer> {
    vec![
        Peer::mpsc("rapidfire mpsc").single::<Mpsc>(),
        Peer::mpmc("rapidfire mpmc").single::<Mpmc>(),
        Peer::mpmc("rapidfire mpmc").unbounded().single::<Unbounded>(),
    ]
}
