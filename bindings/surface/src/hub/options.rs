//! What a hub may be told when it is opened.

use crate::json::parse;
use crate::value::{Milliseconds, given};
use ringmain::{Clock, Durability, Hub, HubBuilder, ManualClock, Result};
use serde::Deserialize;
use std::path::Path;

/// An open hub, and its clock if that is moved by hand.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The hub.
    pub hub: Hub,
    /// With `manual_clock`: the clock, which stands still until it is moved.
    pub clock: Option<ManualClock>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct HubOptions {
    #[serde(deserialize_with = "given")]
    durability: Option<Level>,
    #[serde(deserialize_with = "given")]
    relaxed_max_ms: Option<Milliseconds>,
    #[serde(deserialize_with = "given")]
    journal_bytes_max: Option<u64>,
    #[serde(deserialize_with = "given")]
    streaming_bytes_min: Option<u64>,
    #[serde(deserialize_with = "given")]
    disk_reserve_bytes: Option<u64>,
    allow_world_writable: bool,
    #[serde(deserialize_with = "given")]
    scratch_directory: Option<String>,
    manual_clock: bool,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Level {
    Relaxed,
    Written,
    Synced,
}

/// Opens the durable hub in a directory, or one in memory if there is no `path`.
///
/// | option | what |
/// |---|---|
/// | `durability` | what verbs wait for: `relaxed`, `written` or `synced` (the default); see [`Durability`] |
/// | `relaxed_max_ms` | how long a write that nobody waits for may stay in memory; default 100 |
/// | `journal_bytes_max` | how much each journal file holds; default 16 MiB, 4 KiB to 1 GiB |
/// | `streaming_bytes_min` | from how much on a queue or stream writes to its own file at once; default 128 KiB, 4 KiB to 16 MiB |
/// | `disk_reserve_bytes` | how much of the file system publishing leaves free; default a twentieth of it, at most 1 GiB |
/// | `allow_world_writable` | opens a directory that everybody may write, too; default false |
/// | `scratch_directory` | where queues in memory that spill make their files; default the system's for temporary files |
/// | `manual_clock` | time stands still but for the verb `advance`, for tests; default false |
///
/// # Errors
/// `InvalidArgument` naming an option that is unknown or of the wrong type; `Locked` saying by whom, `Io`, `Corrupt` saying where,
/// `Unsupported`.
pub fn open_hub(path: Option<&str>, options_json: &str) -> Result<Opened> {
    open_hub_with(path.map(Path::new), options_json, None)
}

/// As [`open_hub`], in a directory whose name need not be text, and with a clock that others may have, too.
///
/// # Errors
/// As [`open_hub`].
pub fn open_hub_with(path: Option<&Path>, options_json: &str, clock: Option<ManualClock>) -> Result<Opened> {
    let options: HubOptions = parse("options of the hub", options_json)?;
    let clock = clock.or_else(|| options.manual_clock.then(ManualClock::new));
    let builder = options.apply(clock.clone());
    let hub = match path {
        Some(path) => builder.open(path)?,
        None => builder.memory()?,
    };
    Ok(Opened { hub, clock })
}

impl HubOptions {
    fn apply(self, clock: Option<ManualClock>) -> HubBuilder {
        let mut builder = Hub::builder().allow_world_writable(self.allow_world_writable);
        if let Some(level) = self.durability {
            builder = builder.durability(match level {
                Level::Relaxed => Durability::Relaxed,
                Level::Written => Durability::Written,
                Level::Synced => Durability::Synced,
            });
        }
        if let Some(Milliseconds(time)) = self.relaxed_max_ms {
            builder = builder.relaxed_max(time);
        }
        if let Some(bytes) = self.journal_bytes_max {
            builder = builder.journal_bytes_max(bytes);
        }
        if let Some(bytes) = self.streaming_bytes_min {
            builder = builder.streaming_bytes_min(bytes);
        }
        if let Some(bytes) = self.disk_reserve_bytes {
            builder = builder.disk_reserve_bytes(bytes);
        }
        if let Some(directory) = self.scratch_directory {
            builder = builder.scratch_directory(directory);
        }
        match clock {
            Some(clock) => builder.clock(Clock::Manual(clock)),
            None => builder,
        }
    }
}
