//! thingbuf: stamped slots that are reused in place; `ThingBuf` does not wait, its channel does.

use crate::rings::peer::Peer;
use crate::rings::verbs::{flavour, many_each, many_to_one, put, put_waiting, take, take_waiting};
use std::sync::Arc;
use thingbuf::ThingBuf;
use thingbuf::mpsc::blocking::{Receiver, Sender, channel};

flavour! {
    /// The queue.
    Queue, Arc<ThingBuf<M>>, Arc<ThingBuf<M>>, |shape| {
        let queue = Arc::new(ThingBuf::new(shape.capacity));
        many_each(shape, (Arc::clone(&queue), queue))
    }
}
flavour! {
    /// The channel.
    Channel, Sender<M>, Receiver<M>, |shape| many_to_one(shape, channel(shape.capacity))
}
put!(Arc<ThingBuf<M>>, |sender, message| sender.push(message).is_ok());
take!(Arc<ThingBuf<M>>, |receiver| receiver.pop());
put!(Sender<M>, |sender, message| sender.try_send(message).is_ok());
take!(Receiver<M>, |receiver| receiver.try_recv().ok());
put_waiting!(Sender<M>, |sender, message| sender.send(message).unwrap_or(()));
take_waiting!(Receiver<M>, |receiver| receiver.recv());

pub fn peers() -> Vec<Peer> {
    vec![
        Peer::mpmc("thingbuf ThingBuf").single::<Queue>(),
        Peer::mpsc("thingbuf mpsc").single::<Channel>().blocking::<Channel>(),
    ]
}
