//! One adapter for each rival. What they do not offer, they do not take part in.

mod disruptor;
mod logged;
mod nats;
mod redis;
mod slot;
mod tokio;

use super::account::key_of;
use super::peer::Peer;
use crate::queue::rivals::server;

/// All of them that this machine has.
pub fn peers() -> Vec<Peer> {
    let peers = [logged::peers(), vec![disruptor::peer(), tokio::peer()]].concat();
    let servers = servers().into_iter().filter(|server| server::is_here(server.name));
    peers.into_iter().chain(servers).collect()
}

/// Who does not take part.
pub fn absent() -> Vec<String> {
    let missing = servers().into_iter().filter(|server| !server::is_here(server.name));
    missing.map(|server| server::absence(server.name)).collect()
}

/// Named as their programs.
fn servers() -> [Peer; 2] {
    [nats::peer(), redis::peer()]
}

/// Which partition a key belongs to: FNV-1a, as a program would.
fn partition_of(record: &[u8], partitions: usize) -> usize {
    if partitions == 1 {
        return 0;
    }
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    (key_of(record).iter().fold(0xcbf2_9ce4_8422_2325, mix) % partitions as u64) as usize
}
