//! One adapter for each rival. What they do not offer, they do not take part in.

mod bell;
mod honker;
mod lease;
mod sqlite;
mod yaque;

use super::peer::Peer;

/// Servers that would take part if they were on the machine.
const SERVERS: [&str; 2] = ["redis-server", "beanstalkd"];

/// All of them.
pub fn peers() -> Vec<Peer> {
    vec![honker::peer(), lease::peer(), sqlite::peer(), yaque::peer()]
}

/// Who does not take part.
pub fn absent() -> Vec<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_here = |name: &str| std::env::split_paths(&path).any(|directory| directory.join(name).is_file());
    let missing = SERVERS.iter().filter(|name| !is_here(name));
    missing.map(|name| format!("{name} is not installed on this machine, so it has no row")).collect()
}
