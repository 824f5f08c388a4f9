//! Whether the machine has room for ten million messages of every entrant at once.

use crate::log::scratch;
use anyhow::{Context, Result};

/// What they take, with some to spare.
const MEMORY_BYTES: u64 = 8 << 30;
const DISK_BYTES: u64 = 16 << 30;

/// What there is too little of, if anything.
pub fn missing() -> Option<String> {
    let too_little = |what, free: Result<u64>, needed: u64| match free {
        Ok(free) if free >= needed => None,
        Ok(free) => Some(format!("it needs {} GiB of {what}, {} are free", needed >> 30, free >> 30)),
        Err(error) => Some(format!("it needs {} GiB of {what}: {error:#}", needed >> 30)),
    };
    too_little("memory", memory_bytes(), MEMORY_BYTES)
        .or_else(|| too_little("disk", scratch::free_bytes(), DISK_BYTES))
}

fn memory_bytes() -> Result<u64> {
    const UNKNOWN: &str = "the system does not tell how much is free";
    let memory = std::fs::read_to_string("/proc/meminfo").context(UNKNOWN)?;
    let line = memory.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    Ok(kib.context(UNKNOWN)? << 10)
}
