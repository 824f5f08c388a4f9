//! omango: stamped slots, spins and then waits on a futex.

use crate::rings::peer::Peer;
use crate::rings::verbs::{flavour, many_each, one_each, put, put_waiting, take, take_waiting};
use omango::queue::{mpmc, spsc};

flavour! {
    /// One sender, one receiver.
    Spsc, spsc::BSender<M>, spsc::BReceiver<M>, |shape| one_each(shape, spsc::bounded(shape.capacity as u32))
}
flavour! {
    /// Many of both.
    Mpmc, mpmc::BSender<M>, mpmc::BReceiver<M>, |shape| many_each(shape, mpmc::bounded(shape.capacity as u32))
}
put!(spsc::BSender<M>, |sender, message| sender.try_send(message).is_ok());
put!(mpmc::BSender<M>, |sender, message| sender.try_send(message).is_ok());
take!(spsc::BReceiver<M>, |receiver| receiver.try_recv().ok());
take!(mpmc::BReceiver<M>, |receiver| receiver.try_recv().ok());
put_waiting!(spsc::BSender<M>, |sender, message| sender.send(message).unwrap_or(()));
put_waiting!(mpmc::BSender<M>, |sender, message| sender.send(message).unwrap_or(()));
take_waiting!(spsc::BReceiver<M>, |receiver| receiver.recv().ok());
take_waiting!(mpmc::BReceiver<M>, |receiver| receiver.recv().ok());

pub fn peers() -> Vec<Peer> {
    vec![
        Peer::spsc("omango spsc").single::<Spsc>().blocking::<Spsc>(),
        Peer::mpmc("omango mpmc").single::<Mpmc>().blocking::<Mpmc>(),
    ]
}
