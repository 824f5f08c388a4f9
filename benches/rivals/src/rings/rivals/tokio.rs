//! tokio: its channel for one receiver, used without a runtime, and its broadcast.
//!
//! The broadcast overwrites what a slow reader has not had. Here the sender watches the length and holds
//! back, which costs it a lock; as nothing of the ring itself promises that, it is a reference.

use crate::rings::peer::Peer;
use crate::rings::verbs::{Ends, flavour, many_to_one, put, put_waiting, take, take_waiting};
use tokio::sync::{broadcast, mpsc};

flavour! {
    /// Many senders, one receiver.
    Mpsc, mpsc::Sender<M>, mpsc::Receiver<M>, |shape| many_to_one(shape, mpsc::channel(shape.capacity))
}
flavour! {
    /// The same without a bound.
    Unbounded, mpsc::UnboundedSender<M>, mpsc::UnboundedReceiver<M>, |shape| {
        many_to_one(shape, mpsc::unbounded_channel())
    }
}
flavour! {
    /// Every receiver gets everything.
    Broadcast, Paced<M>, broadcast::Receiver<M>, |shape| {
        let (sender, first) = broadcast::channel(shape.capacity);
        let mut receivers = vec![first];
        receivers.resize_with(shape.consumers, || sender.subscribe());
        Ends { senders: vec![Paced { sender, capacity: shape.capacity }], receivers }
    }
}
put!(mpsc::Sender<M>, |sender, message| sender.try_send(message).is_ok());
take!(mpsc::Receiver<M>, |receiver| receiver.try_recv().ok());
put_waiting!(mpsc::Sender<M>, |sender, message| sender.blocking_send(message).unwrap_or(()));
take_waiting!(mpsc::Receiver<M>, |receiver| receiver.blocking_recv());
put!(mpsc::UnboundedSender<M>, |sender, message| sender.send(message).is_ok());
take!(mpsc::UnboundedReceiver<M>, |receiver| receiver.try_recv().ok());
put_waiting!(mpsc::UnboundedSender<M>, |sender, message| sender.send(message).unwrap_or(()));
take_waiting!(mpsc::UnboundedReceiver<M>, |receiver| receiver.blocking_recv());

/// A sender that overwrites nothing.
#[derive(Debug)]
pub struct Paced<M> {
    sender: broadcast::Sender<M>,
    capacity: usize,
}

put!(Paced<M>, |paced, message| paced.sender.len() < paced.capacity && paced.sender.send(message).is_ok());
take!(broadcast::Receiver<M>, |receiver| receiver.try_recv().ok());

pub fn peers() -> Vec<Peer> {
    vec![
        Peer::mpsc("tokio mpsc").single::<Mpsc>().blocking::<Mpsc>(),
        Peer::mpsc("tokio mpsc").unbounded().single::<Unbounded>().blocking::<Unbounded>(),
        Peer::broadcast("tokio broadcast (paced)").single::<Broadcast>().reference(),
    ]
}
