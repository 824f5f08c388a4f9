//! async-channel: concurrent-queue with event listeners, used here without async.

use crate::rings::peer::Peer;
use crate::rings::verbs::{flavour, many_each, put, put_waiting, take, take_waiting};
use async_channel::{Receiver, Sender};

flavour! {
    /// With a bound.
    Bounded, Sender<M>, Receiver<M>, |shape| many_each(shape, async_channel::bounded(shape.capacity))
}
flavour! {
    /// Without.
    Unbounded, Sender<M>, Receiver<M>, |shape| many_each(shape, async_channel::unbounded())
}
put!(Sender<M>, |sender, message| sender.try_send(message).is_ok());
take!(Receiver<M>, |receiver| receiver.try_recv().ok());
put_waiting!(Sender<M>, |sender, message| sender.send_blocking(message).unwrap_or(()));
take_waiting!(Receiver<M>, |receiver| receiver.recv_blocking().ok());

pub fn peers() -> Vec<Peer> {
    vec![
        Peer::mpmc("async-channel").single::<Bounded>().blocking::<Bounded>(),
        Peer::mpmc("async-channel").unbounded().single::<Unbounded>().blocking::<Unbounded>(),
    ]
}
