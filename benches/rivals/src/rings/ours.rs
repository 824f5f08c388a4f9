//! Ours, in all flavours. The only file that knows Ringmain.

use super::peer::Peer;
use super::verbs::{flavour, many_each, one_each, put, put_waiting, take, take_waiting};
use crate::harness::Role;
use ringmain::ring::{mpmc, spsc};

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
    Spsc, spsc::Sender<M>, spsc::Receiver<M>, |shape| one_each(shape, spsc::channel(shape.capacity)));
flavour!(
    /// Many of both.
    Mpmc, mpmc::Sender<M>, mpmc::Receiver<M>, |shape| many_each(shape, mpmc::channel(shape.capacity)));
put!(spsc::Sender<M>, |sender, message| sender.try_send(message).is_ok());
put!(mpmc::Sender<M>, |sender, message| sender.try_send(message).is_ok());
take!(spsc::Receiver<M>, |receiver| receiver.try_recv().ok());
take!(mpmc::Receiver<M>, |receiver| receiver.try_recv().ok());
put_waiting!(spsc::Sender<M>, |sender, message| sender.send(message).unwrap_or(()));
put_waiting!(mpmc::Sender<M>, |sender, message| sender.send(message).unwrap_or(()));
take_waiting!(spsc::Receiver<M>, |receiver| receiver.recv().ok());
take_waiting!(mpmc::Receiver<M>, |receiver| receiver.recv().ok());

/// All of ours. Which of them stands for us in a cell is chosen there; the others are variants.
pub fn peers() -> Vec<Peer> {
    let peers = [
        Peer::spsc(SPSC).single::<Spsc>().blocking::<Spsc>().weighed::<Spsc>(),
        Peer::mpmc(MPMC).single::<Mpmc>().blocking::<Mpmc>().weighed::<Mpmc>(),
    ];
    peers.map(|peer| Peer { role: Role::Variant, ..peer }).to_vec()
}
