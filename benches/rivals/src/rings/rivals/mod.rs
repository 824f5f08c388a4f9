//! One adapter for each rival. What they do not offer, they do not take part in.

mod async_broadcast;
mod async_channel;
mod bus;
mod concurrent_queue;
mod crossbeam_channel;
mod crossbeam_queue;
mod crossfire;
mod disruptor;
mod flume;
mod gil;
mod heapless;
mod kanal;
mod nexus_queue;
mod omango;
mod rapidfire;
mod ringbuf;
mod rtrb;
mod std_mpsc;
mod thingbuf;
mod tokio;

use super::peer::Peer;

/// All of them.
pub fn peers() -> Vec<Peer> {
    [
        async_broadcast::peers,
        async_channel::peers,
        bus::peers,
        concurrent_queue::peers,
        crossbeam_channel::peers,
        crossbeam_queue::peers,
        crossfire::peers,
        disruptor::peers,
        flume::peers,
        gil::peers,
        heapless::peers,
        kanal::peers,
        nexus_queue::peers,
        omango::peers,
        rapidfire::peers,
        ringbuf::peers,
        rtrb::peers,
        std_mpsc::peers,
        thingbuf::peers,
        tokio::peers,
    ]
    .into_iter()
    .flat_map(|peers| peers())
    .collect()
}
