//! kanal: a deque under a lock, and hand-over straight into the waiting side's stack.
//!
//! A batch is received by draining everything that is there; there is no call that sends several.

use crate::rings::peer::Peer;
use crate::rings::verbs::{
    Ends, flavour, many_each, put, put_batch, put_waiting, take, take_batch, take_waiting,
};
use kanal::{Receiver, Sender};

flavour! {
    /// With a bound.
    Bounded, Sender<M>, Receiver<M>, |shape| many_each(shape, kanal::bounded(shape.capacity))
}
flavour! {
    /// Without.
    Unbounded, Sender<M>, Receiver<M>, |shape| many_each(shape, kanal::unbounded())
}
flavour! {
    /// With a bound, and drained.
    Drained, Sender<M>, Draining<M>, |shape| {
        let Ends { senders, receivers } = many_each(shape, kanal::bounded(shape.capacity));
        let draining = |receiver| Draining { receiver, drained: Vec::with_capacity(shape.capacity) };
        Ends { senders, receivers: receivers.into_iter().map(draining).collect() }
    }
}
put!(Sender<M>, |sender, message| sender.try_send(message).unwrap_or(false));
take!(Receiver<M>, |receiver| receiver.try_recv().ok().flatten());
put_waiting!(Sender<M>, |sender, message| sender.send(message).unwrap_or(()));
take_waiting!(Receiver<M>, |receiver| receiver.recv().ok());

/// A receiver and the room for what it drains.
#[derive(Debug)]
pub struct Draining<M> {
    receiver: Receiver<M>,
    drained: Vec<M>,
}

put_batch!(Sender<M>, |sender, numbers| {
    numbers.take_while(|number| sender.try_send(M::numbered(*number)).unwrap_or(false)).count()
});
take_batch!(Draining<M>, |receiver, _count_max, each| {
    receiver.drained.clear();
    let count = receiver.receiver.drain_into(&mut receiver.drained).unwrap_or(0);
    receiver.drained.iter().for_each(&mut each);
    count
});

pub fn peers() -> Vec<Peer> {
    vec![
        Peer::mpmc("kanal").single::<Bounded>().batch::<Drained>().blocking::<Bounded>(),
        Peer::mpmc("kanal").unbounded().single::<Unbounded>().blocking::<Unbounded>(),
    ]
}
