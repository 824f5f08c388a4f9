//! crossbeam-channel: stamped slots, or linked blocks when unbounded; spins, then parks.

use crate::rings::peer::Peer;
use crate::rings::verbs::{flavour, many_each, put, put_waiting, take, take_waiting};
use crossbeam_channel::{Receiver, Sender};

flavour! {
    /// With a bound.
    Bounded, Sender<M>, Receiver<M>, |shape| many_each(shape, crossbeam_channel::bounded(shape.capacity))
}
flavour! {
    /// Without.
    Unbounded, Sender<M>, Receiver<M>, |shape| many_each(shape, crossbeam_channel::unbounded())
}
put!(Sender<M>, |sender, message| sender.try_send(message).is_ok());
take!(Receiver<M>, |receiver| receiver.try_recv().ok());
put_waiting!(Sender<M>, |sender, message| sender.send(message).unwrap_or(()));
take_waiting!(Receiver<M>, |receiver| receiver.recv().ok());

pub fn peers() -> Vec<Peer> {
    vec![
        Peer::mpmc("crossbeam-channel").single::<Bounded>().blocking::<Bounded>(),
        Peer::mpmc("crossbeam-channel").unbounded().single::<Unbounded>().blocking::<Unbounded>(),
    ]
}
