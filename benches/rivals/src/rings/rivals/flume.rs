//! flume: deques under a lock. A batch is received by draining everything that is there.

use crate::rings::peer::Peer;
use crate::rings::verbs::{flavour, many_each, put, put_batch, put_waiting, take, take_batch, take_waiting};
use flume::{Receiver, Sender};

flavour! {
    /// With a bound.
    Bounded, Sender<M>, Receiver<M>, |shape| many_each(shape, flume::bounded(shape.capacity))
}
flavour! {
    /// Without.
    Unbounded, Sender<M>, Receiver<M>, |shape| many_each(shape, flume::unbounded())
}
put!(Sender<M>, |sender, message| sender.try_send(message).is_ok());
take!(Receiver<M>, |receiver| receiver.try_recv().ok());
put_batch!(Sender<M>, |sender, numbers| {
    numbers.take_while(|number| sender.try_send(M::numbered(*number)).is_ok()).count()
});
take_batch!(Receiver<M>, |receiver, _count_max, each| receiver
    .drain()
    .inspect(|message| each(message))
    .count());
put_waiting!(Sender<M>, |sender, message| sender.send(message).unwrap_or(()));
take_waiting!(Receiver<M>, |receiver| receiver.recv().ok());

pub fn peers() -> Vec<Peer> {
    vec![
        Peer::mpmc("flume").single::<Bounded>().batch::<Bounded>().blocking::<Bounded>(),
        Peer::mpmc("flume").unbounded().single::<Unbounded>().blocking::<Unbounded>(),
    ]
}
