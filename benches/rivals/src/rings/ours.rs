//! Ours, in all flavours. The only file that knows Ringmain.
//!
//! Batches are sent by a claim and written in place. One receiver takes them by a peek, in place too; receivers that
//! compete take them into a vector, as a peek would keep the others waiting.

use super::peer::Peer;
use super::verbs::{
    Ends, flavour, many_each, many_to_one, one_each, put, put_batch, put_waiting, take, take_batch,
    take_waiting,
};
use crate::harness::Role;
use ringmain::ring::mpmc::{self, Packed, Padded};
use ringmain::ring::{mpsc, spsc};

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

flavour!(
    /// One sender, one receiver.
    Spsc, spsc::Sender<M>, spsc::Receiver<M>, |shape| one_each(shape, spsc::bounded(shape.capacity)));
flavour!(
    /// Many senders, one receiver.
    Mpsc, mpsc::Sender<M>, mpsc::Receiver<M>, |shape| many_to_one(shape, mpsc::bounded(shape.capacity)));
flavour!(
    /// Many of both, slots side by side.
    Mpmc, mpmc::Sender<M, Packed>, Competing<M, Packed>, |shape| competing(many_each(shape, mpmc::bounded(shape.capacity))));
flavour!(
/// Many of both, a line for each slot.
MpmcPadded, mpmc::Sender<M, Padded>, Competing<M, Padded>, |shape| {
    competing(many_each(shape, mpmc::with_layout(shape.capacity)))
});

/// A receiver and the room for its batches.
#[derive(Debug)]
pub struct Competing<M, L: mpmc::Layout> {
    receiver: mpmc::Receiver<M, L>,
    batch: Vec<M>,
}

fn competing<M, L: mpmc::Layout>(
    Ends { senders, receivers }: Ends<mpmc::Sender<M, L>, mpmc::Receiver<M, L>>,
) -> Ends<mpmc::Sender<M, L>, Competing<M, L>> {
    let receivers = receivers.into_iter().map(|receiver| Competing { receiver, batch: Vec::new() });
    Ends { senders, receivers: receivers.collect() }
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

/// The verbs of the only receiver.
macro_rules! receiver {
    ($handle:ty) => {
        take!($handle, |receiver| receiver.try_recv().ok());
        take_waiting!($handle, |receiver| receiver.recv().ok());
        take_batch!($handle, |receiver, count_max, each| {
            receiver.try_peek(count_max).map_or(0, |peek| peek.take_each(|message| each(&message)))
        });
    };
}

/// The verbs of one of several receivers.
macro_rules! competing_receiver {
    ($handle:ty) => {
        take!($handle, |receiver| receiver.receiver.try_recv().ok());
        take_waiting!($handle, |receiver| receiver.receiver.recv().ok());
        take_batch!($handle, |receiver, count_max, each| {
            let count = receiver.receiver.try_recv_batch(&mut receiver.batch, count_max).unwrap_or(0);
            receiver.batch.iter().for_each(&mut each);
            receiver.batch.clear();
            count
        });
    };
}

sender!(spsc::Sender<M>);
sender!(mpsc::Sender<M>);
sender!(mpmc::Sender<M, Packed>);
sender!(mpmc::Sender<M, Padded>);
receiver!(spsc::Receiver<M>);
receiver!(mpsc::Receiver<M>);
competing_receiver!(Competing<M, Packed>);
competing_receiver!(Competing<M, Padded>);

/// All of ours. Which of them stands for us in a cell is chosen there; the others are variants.
pub fn peers() -> Vec<Peer> {
    let peers = [
        Peer::spsc(SPSC).single::<Spsc>().batch::<Spsc>().blocking::<Spsc>(),
        Peer::mpsc(MPSC).single::<Mpsc>().batch::<Mpsc>().blocking::<Mpsc>(),
        Peer::mpmc(MPMC).single::<Mpmc>().batch::<Mpmc>().blocking::<Mpmc>(),
        Peer::mpmc(MPMC_PADDED).single::<MpmcPadded>().batch::<MpmcPadded>().blocking::<MpmcPadded>(),
    ];
    peers.map(|peer| Peer { role: Role::Variant, ..peer }).to_vec()
}
