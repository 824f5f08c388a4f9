//! async-broadcast: a deque under a lock; every reader gets everything and a full one holds the sender.

use crate::rings::peer::Peer;
use crate::rings::verbs::{flavour, one_to_many, put, put_waiting, take, take_waiting};
use async_broadcast::{Receiver, Sender, broadcast};

flavour! {
    /// Its only flavour.
    Broadcast, Sender<M>, Receiver<M>, |shape| one_to_many(shape, broadcast(shape.capacity))
}
put!(Sender<M>, |sender, message| sender.try_broadcast(message).is_ok());
take!(Receiver<M>, |receiver| receiver.try_recv().ok());
put_waiting!(Sender<M>, |sender, message| {
    // Nothing is ever overwritten, as overflow is off.
    let _ = sender.broadcast_blocking(message);
});
take_waiting!(Receiver<M>, |receiver| receiver.recv_blocking().ok());

pub fn peers() -> Vec<Peer> {
    vec![Peer::broadcast("async-broadcast").single::<Broadcast>().blocking::<Broadcast>()]
}
