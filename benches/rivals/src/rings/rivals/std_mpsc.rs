//! The standard library's `sync_channel` and `channel`: many senders, one receiver.

use crate::rings::peer::Peer;
use crate::rings::verbs::{flavour, many_to_one, put, put_waiting, take, take_waiting};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

flavour! {
    /// With a bound.
    Bounded, SyncSender<M>, Receiver<M>, |shape| many_to_one(shape, sync_channel(shape.capacity))
}
flavour! {
    /// Without.
    Unbounded, Sender<M>, Receiver<M>, |shape| many_to_one(shape, channel())
}
put!(SyncSender<M>, |sender, message| sender.try_send(message).is_ok());
put!(Sender<M>, |sender, message| sender.send(message).is_ok());
put_waiting!(SyncSender<M>, |sender, message| sender.send(message).unwrap_or(()));
put_waiting!(Sender<M>, |sender, message| sender.send(message).unwrap_or(()));
take!(Receiver<M>, |receiver| receiver.try_recv().ok());
take_waiting!(Receiver<M>, |receiver| receiver.recv().ok());

pub fn peers() -> Vec<Peer> {
    vec![
        Peer::mpsc("std sync_channel").single::<Bounded>().blocking::<Bounded>(),
        Peer::mpsc("std channel").unbounded().single::<Unbounded>().blocking::<Unbounded>(),
    ]
}
