//! One adapter for each rival. What they do not offer, they do not take part in.

mod beanstalkd;
mod bell;
mod honker;
mod lease;
pub(crate) mod redis;
pub(crate) mod server;
mod sqlite;
mod yaque;

use super::peer::Peer;

/// All of them that this machine has.
pub fn peers() -> Vec<Peer> {
    let peers = vec![honker::peer(), lease::peer(), sqlite::peer(), yaque::peer()];
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
    [beanstalkd::peer(), redis::peer()]
}
