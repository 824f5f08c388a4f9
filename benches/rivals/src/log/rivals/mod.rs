//! One adapter for each rival. What they do not offer, they do not take part in.

pub(crate) mod commitlog;
mod fjall;
mod lmdb;
mod okaywal;
mod plain;
mod raft_engine;
pub(crate) mod redb;
pub(crate) mod sqlite;
mod walrus;
mod yaque;

use super::peer::Peer;

/// All of them.
pub fn peers() -> Vec<Peer> {
    vec![
        commitlog::peer(),
        fjall::peer(),
        lmdb::peer(),
        okaywal::peer(),
        plain::peer(),
        raft_engine::peer(),
        redb::peer(),
        sqlite::peer(),
        walrus::peer(),
        yaque::peer(),
    ]
}
