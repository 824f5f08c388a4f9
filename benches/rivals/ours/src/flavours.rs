//! Ours, in all flavours. The only file that knows Ringmain's rings.
//!
//! Batches are sent by a claim, written in place, and received by a peek, in place too. Where several
//! compete, the variant `ringmain mpmc vec` shows the other way: through vectors, by calls that hold nobody
//! up.

use ringmain::ring::mpmc::{self, Packed, Padded};
use ringmain::ring::{broadcast, mpsc, spsc, unbounded};
use ringmain_rivals::harness::Role;
use ringmain_rivals::rings::mode::BATCH;
use ringmain_rivals::rings::names::{BROADCAST, MPMC, MPMC_VEC, MPSC, SPSC, UNBOUNDED};
use ringmain_rivals::rings::peer::Peer;
use ringmain_rivals::rings::verbs::{
    Ends, flavour, many_each, many_to_one, one_each, one_to_many, put, put_batch, put_waiting, take,
    take_batch, take_waiting,
};

/// Many senders, every receiver gets everything.
const MULTI: &str = "ringmain broadcast multi";

/// A handle of ours.
#[derive(Clone, Debug)]
pub struct Ours<H>(H);

/// Handles of ours.
fn ours<S, R>((sender, receiver): (S, R)) -> (Ours<S>, Ours<R>) {
    (Ours(sender), Ours(receiver))
}

flavour! {
    /// One sender, one receiver.
    Spsc, Ours<spsc::Sender<M>>, Ours<spsc::Receiver<M>>, |shape| {
        one_each(shape, ours(spsc::bounded(shape.capacity)))
    }
}
flavour! {
    /// Many senders, one receiver.
    Mpsc, Ours<mpsc::Sender<M>>, Ours<mpsc::Receiver<M>>, |shape| {
        many_to_one(shape, ours(mpsc::bounded(shape.capacity)))
    }
}
flavour! {
    /// Many of both, slots side by side.
    Mpmc, Ours<mpmc::Sender<M>>, Ours<mpmc::Receiver<M>>, |shape| {
        many_each(shape, ours(mpmc::bounded(shape.capacity)))
    }
}
flavour! {
    /// Many of both, a line for each slot.
    MpmcPadded, Ours<mpmc::Sender<M, Padded>>, Ours<mpmc::Receiver<M, Padded>>, |shape| {
        many_each(shape, ours(mpmc::with_layout(shape.capacity)))
    }
}
flavour! {
    /// Many of both, batches through vectors.
    MpmcVec, Sending<M>, Receiving<M>, |shape| {
        let Ends { senders, receivers } = many_each(shape, mpmc::bounded(shape.capacity));
        let batch = || Vec::with_capacity(BATCH);
        Ends {
            senders: senders.into_iter().map(|sender| Sending { sender, batch: batch() }).collect(),
            receivers: receivers.into_iter().map(|receiver| Receiving { receiver, batch: batch() }).collect(),
        }
    }
}
flavour! {
    /// Many of both, no bound.
    Unbounded, Ours<unbounded::Sender<M>>, Ours<unbounded::Receiver<M>>, |shape| {
        many_each(shape, ours(unbounded::unbounded()))
    }
}
flavour! {
    /// One sender, every receiver gets everything.
    Broadcast, Ours<broadcast::Sender<M>>, Ours<broadcast::Receiver<M>>, |shape| {
        one_to_many(shape, ours(broadcast::bounded(shape.capacity)))
    }
}
flavour! {
    /// Many senders, every receiver gets everything.
    Multi, Ours<broadcast::MultiSender<M>>, Ours<broadcast::MultiReceiver<M>>, |shape| {
        many_each(shape, ours(broadcast::multi(shape.capacity)))
    }
}

/// The verbs of a sender.
macro_rules! sender {
    ($handle:ty) => {
        put!(Ours<$handle>, |sender, message| sender.0.try_send(message).is_ok());
        put_waiting!(Ours<$handle>, |sender, message| sender.0.send(message).unwrap_or(()));
        put_batch!(Ours<$handle>, |sender, numbers| {
            match sender.0.try_claim((numbers.end - numbers.start) as usize) {
                Ok(mut claim) => {
                    claim.fill(numbers.map(M::numbered));
                    claim.commit()
                }
                Err(_) => 0,
            }
        });
    };
}

/// The verbs of a receiver.
macro_rules! receiver {
    ($handle:ty) => {
        take!(Ours<$handle>, |receiver| receiver.0.try_recv().ok());
        take_waiting!(Ours<$handle>, |receiver| receiver.0.recv().ok());
        take_batch!(Ours<$handle>, |receiver, count_max, each| {
            receiver.0.try_peek(count_max).map_or(0, |peek| peek.take_each(|message| each(&message)))
        });
    };
}

sender!(spsc::Sender<M>);
sender!(mpsc::Sender<M>);
sender!(mpmc::Sender<M, Packed>);
sender!(mpmc::Sender<M, Padded>);
sender!(unbounded::Sender<M>);
sender!(broadcast::Sender<M>);
sender!(broadcast::MultiSender<M>);
receiver!(spsc::Receiver<M>);
receiver!(mpsc::Receiver<M>);
receiver!(mpmc::Receiver<M, Packed>);
receiver!(mpmc::Receiver<M, Padded>);
receiver!(unbounded::Receiver<M>);

/// The verbs of a receiver that shares the messages with others, and so leaves them where they are.
macro_rules! reader {
    ($handle:ty) => {
        take!(Ours<$handle>, |reader| reader.0.try_recv().ok());
        take_waiting!(Ours<$handle>, |reader| reader.0.recv().ok());
        take_batch!(Ours<$handle>, |reader, count_max, each| {
            reader.0.try_peek(count_max).map_or(0, |peek| {
                peek.iter().for_each(&mut each);
                peek.commit()
            })
        });
    };
}

reader!(broadcast::Receiver<M>);
reader!(broadcast::MultiReceiver<M>);

/// A sender and its batch.
#[derive(Debug)]
pub struct Sending<M> {
    sender: mpmc::Sender<M>,
    batch: Vec<M>,
}

/// A receiver and its batch.
#[derive(Debug)]
pub struct Receiving<M> {
    receiver: mpmc::Receiver<M>,
    batch: Vec<M>,
}

put_batch!(Sending<M>, |sending, numbers| {
    sending.batch.clear();
    sending.batch.extend(numbers.map(M::numbered));
    sending.sender.try_send_batch(&mut sending.batch).unwrap_or(0)
});
take_batch!(Receiving<M>, |receiving, count_max, each| {
    receiving.batch.clear();
    let count = receiving.receiver.try_recv_batch(&mut receiving.batch, count_max).unwrap_or(0);
    receiving.batch.iter().for_each(&mut each);
    count
});

/// All of ours. Which of them stands for us in a cell is chosen there; the others are variants.
pub fn peers() -> Vec<Peer> {
    let peers = [
        Peer::spsc(SPSC).single::<Spsc>().batch::<Spsc>().blocking::<Spsc>(),
        Peer::mpsc(MPSC).single::<Mpsc>().batch::<Mpsc>().blocking::<Mpsc>(),
        Peer::mpmc(MPMC).single::<Mpmc>().batch::<Mpmc>().blocking::<Mpmc>(),
        Peer::mpmc("ringmain mpmc padded")
            .single::<MpmcPadded>()
            .batch::<MpmcPadded>()
            .blocking::<MpmcPadded>(),
        Peer::mpmc(MPMC_VEC).batch::<MpmcVec>(),
        Peer::mpmc(UNBOUNDED).unbounded().single::<Unbounded>().blocking::<Unbounded>(),
        Peer::broadcast(BROADCAST).single::<Broadcast>().batch::<Broadcast>(),
        Peer::broadcast(MULTI).single::<Multi>().batch::<Multi>(),
        // With one receiver they are queues too.
        Peer::spsc(BROADCAST).single::<Broadcast>().batch::<Broadcast>().blocking::<Broadcast>(),
        Peer::mpsc(MULTI).single::<Multi>().batch::<Multi>().blocking::<Multi>(),
    ];
    peers.map(|peer| Peer { role: Role::Variant, ..peer }).to_vec()
}
