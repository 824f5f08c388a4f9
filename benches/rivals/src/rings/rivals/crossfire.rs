//! crossfire: stamped slots with a flavour for each topology; spins, then parks.

use crate::rings::peer::Peer;
use crate::rings::verbs::{flavour, many_each, many_to_one, one_each, put, put_waiting, take, take_waiting};
use crossfire::{MRx, MTx, Rx, Tx, mpmc, mpsc, spsc};

flavour! {
    /// One sender, one receiver.
    Spsc, Tx<spsc::Array<M>>, Rx<spsc::Array<M>>, |shape| {
        one_each(shape, spsc::bounded_blocking(shape.capacity))
    }
}
flavour! {
    /// Many senders, one receiver.
    Mpsc, MTx<mpsc::Array<M>>, Rx<mpsc::Array<M>>, |shape| {
        many_to_one(shape, mpsc::bounded_blocking(shape.capacity))
    }
}
flavour! {
    /// Many of both.
    Mpmc, MTx<mpmc::Array<M>>, MRx<mpmc::Array<M>>, |shape| {
        many_each(shape, mpmc::bounded_blocking(shape.capacity))
    }
}
flavour! {
    /// One sender, one receiver, no bound.
    UnboundedSpsc, Tx<spsc::List<M>>, Rx<spsc::List<M>>, |shape| one_each(shape, spsc::unbounded_blocking())
}
flavour! {
    /// Many of both, no bound.
    UnboundedMpmc, MTx<mpmc::List<M>>, MRx<mpmc::List<M>>, |shape| {
        many_each(shape, mpmc::unbounded_blocking())
    }
}
put!(Tx<spsc::Array<M>>, |sender, message| sender.try_send(message).is_ok());
put!(MTx<mpsc::Array<M>>, |sender, message| sender.try_send(message).is_ok());
put!(MTx<mpmc::Array<M>>, |sender, message| sender.try_send(message).is_ok());
put!(Tx<spsc::List<M>>, |sender, message| sender.try_send(message).is_ok());
put!(MTx<mpmc::List<M>>, |sender, message| sender.try_send(message).is_ok());
take!(Rx<spsc::Array<M>>, |receiver| receiver.try_recv().ok());
take!(Rx<mpsc::Array<M>>, |receiver| receiver.try_recv().ok());
take!(MRx<mpmc::Array<M>>, |receiver| receiver.try_recv().ok());
take!(Rx<spsc::List<M>>, |receiver| receiver.try_recv().ok());
take!(MRx<mpmc::List<M>>, |receiver| receiver.try_recv().ok());
put_waiting!(Tx<spsc::Array<M>>, |sender, message| sender.send(message).unwrap_or(()));
put_waiting!(MTx<mpsc::Array<M>>, |sender, message| sender.send(message).unwrap_or(()));
put_waiting!(MTx<mpmc::Array<M>>, |sender, message| sender.send(message).unwrap_or(()));
put_waiting!(Tx<spsc::List<M>>, |sender, message| sender.send(message).unwrap_or(()));
put_waiting!(MTx<mpmc::List<M>>, |sender, message| sender.send(message).unwrap_or(()));
take_waiting!(Rx<spsc::Array<M>>, |receiver| receiver.recv().ok());
take_waiting!(Rx<mpsc::Array<M>>, |receiver| receiver.recv().ok());
take_waiting!(MRx<mpmc::Array<M>>, |receiver| receiver.recv().ok());
take_waiting!(Rx<spsc::List<M>>, |receiver| receiver.recv().ok());
take_waiting!(MRx<mpmc::List<M>>, |receiver| receiver.recv().ok());

pub fn peers() -> Vec<Peer> {
    vec![
        Peer::spsc("crossfire spsc").single::<Spsc>().blocking::<Spsc>(),
        Peer::mpsc("crossfire mpsc").single::<Mpsc>().blocking::<Mpsc>(),
        Peer::mpmc("crossfire mpmc").single::<Mpmc>().blocking::<Mpmc>(),
        Peer::spsc("crossfire spsc").unbounded().single::<UnboundedSpsc>().blocking::<UnboundedSpsc>(),
        Peer::mpmc("crossfire mpmc").unbounded().single::<UnboundedMpmc>().blocking::<UnboundedMpmc>(),
    ]
}
