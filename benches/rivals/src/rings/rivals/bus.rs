//! bus: one sender, every reader gets everything.

use crate::rings::peer::Peer;
use crate::rings::verbs::{Ends, flavour, put, put_waiting, take, take_waiting};
use bus::{Bus, BusReader};

flavour! {
    /// Its only flavour.
    Broadcast, Bus<M>, BusReader<M>, |shape| {
        let mut sender = Bus::new(shape.capacity);
        let receivers = (0..shape.consumers).map(|_| sender.add_rx()).collect();
        Ends { senders: vec![sender], receivers }
    }
}
put!(Bus<M>, |sender, message| sender.try_broadcast(message).is_ok());
take!(BusReader<M>, |receiver| receiver.try_recv().ok());
put_waiting!(Bus<M>, |sender, message| sender.broadcast(message));
take_waiting!(BusReader<M>, |receiver| receiver.recv().ok());

pub fn peers() -> Vec<Peer> {
    vec![Peer::broadcast("bus").single::<Broadcast>().blocking::<Broadcast>()]
}
