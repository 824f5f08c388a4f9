//! Ours, in all flavours. The only file that knows Ringmain.
//!
//! Batches are sent by a claim, written in place, and received by a peek, in place too. Where several
//! compete, the variant `ringmain mpmc vec` shows the other way: through vectors, by calls that hold nobody
//! up.

use super::mode::BATCH;
use super::peer::Peer;
use super::verbs::{
    Ends, flavour, many_each, many_to_one, one_each, put, put_batch, put_waiting, take, take_batch,
    take_waiting,
};
use crate::harness::Role;
use ringmain::ring::mpmc::{self, Packed, Padded};
use ringmain::ring::{mpsc, spsc, unbounded};

/// Names of ours, from which a cell chooses.
pub const SPSC: &str = "ringmain spsc";
/// Many senders, one receiver.
pub const MPSC: &str = "ringmain mpsc";
/// Many of both, slots side by side.
pub const MPMC: &str = "ringmain mpmc";
/// Many of both, a line for each slot.
pub const MPMC_PADDED: &str = "ringmain mpmc padded";
/// No bound.
pub const UNBOUNDED: &str = "ringmain unbounded";
/// Every receiver gets everything.
pub const BROADCAST: &str = "ringmain broadcast";

flavour! {
    /// One sender, one receiver.
    Spsc, spsc::Sender<M>, spsc::Receiver<M>, |shape| one_each(shape, spsc::bounded(shape.capacity))
}
flavour! {
    /// Many senders, one receiver.
    Mpsc, mpsc::Sender<M>, mpsc::Receiver<M>, |shape| many_to_one(shape, mpsc::bounded(shape.capacity))
}
flavour! {
    /// Many of both, slots side by side.
    Mpmc, mpmc::Sender<M>, mpmc::Receiver<M>, |shape| many_each(shape, mpmc::bounded(shape.capacity))
}
flavour! {
    /// Many of both, a line for each slot.
    MpmcPadded, mpmc::Sender<M, Padded>, mpmc::Receiver<M, Padded>, |shape| {
        many_each(shape, mpmc::with_layout(shape.capacity))
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
    Unbounded, unbounded::Sender<M>, unbounded::Receiver<M>, |shape| many_each(shape, unbounded::unbounded())
}

/// The verbs of a sender.
macro_rules! sender {
    ($handle:ty) => {
        put!($handle, |sender, message| sender.try_send(message).is_ok());
        put_waiting!($handle, |sender, message| sender.send(message).unwrap_or(()));
        put_batch!($handle, |sender, numbers| {
            match sender.try_claim((numbers.end - numbers.start) as usize) {
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
        take!($handle, |receiver| receiver.try_recv().ok());
        take_waiting!($handle, |receiver| receiver.recv().ok());
        take_batch!($handle, |receiver, count_max, each| {
            receiver.try_peek(count_max).map_or(0, |peek| peek.take_each(|message| each(&message)))
        });
    };
}

sender!(spsc::Sender<M>);
sender!(mpsc::Sender<M>);
sender!(mpmc::Sender<M, Packed>);
sender!(mpmc::Sender<M, Padded>);
sender!(unbounded::Sender<M>);
receiver!(spsc::Receiver<M>);
receiver!(mpsc::Receiver<M>);
receiver!(mpmc::Receiver<M, Packed>);
receiver!(mpmc::Receiver<M, Padded>);
receiver!(unbounded::Receiver<M>);

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
        Peer::mpmc(MPMC_PADDED).single::<MpmcPadded>().batch::<MpmcPadded>().blocking::<MpmcPadded>(),
        Peer::mpmc("ringmain mpmc vec").batch::<MpmcVec>(),
        Peer::mpmc(UNBOUNDED).unbounded().single::<Unbounded>().blocking::<Unbounded>(),
    ];
    peers.map(|peer| Peer { role: Role::Variant, ..peer }).to_vec()
}
