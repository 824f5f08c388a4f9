//! walrus-rust: topics in blocks of large files. One cursor a topic, so no independent readers; and batches of several
//! threads at a time are refused, so they try again.

use crate::log::cell::Level;
use crate::log::peer::{Log, Peer, Writer};
use crate::log::scratch::process_root;
use anyhow::{Context, Result};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Once;
use walrus_rust::{FsyncSchedule, ReadConsistency, Walrus};

const TOPIC: &str = "log";

fn open(directory: &Path, level: Level) -> Result<Box<dyn Log>> {
    static PLACED: Once = Once::new();
    let root = process_root()?;
    PLACED.call_once(|| {
        // SAFETY: called once, before this process has other threads than the one that works and those of the standard
        // library, which lock the environment.
        unsafe {
            std::env::set_var("WALRUS_DATA_DIR", &root);
            // It would write to the standard output, which is for answers.
            std::env::set_var("WALRUS_QUIET", "1");
        }
    });
    // It knows no directory, but a name in the one of the environment.
    let key = directory.file_name().and_then(|name| name.to_str()).context("a directory without a name")?;
    let schedule = if level == Level::Synced { FsyncSchedule::SyncEach } else { FsyncSchedule::NoFsync };
    // What was read is not kept, so that it can be read again when it is opened again.
    let consistency = ReadConsistency::AtLeastOnce { persist_every: u32::MAX };
    Ok(Box::new(Open(Walrus::with_consistency_and_schedule_for_key(key, consistency, schedule)?)))
}

struct Open(Walrus);

impl Writer for &Open {
    fn append(&mut self, record: &[u8]) -> Result<()> {
        again(|| self.0.append_for_topic(TOPIC, record))
    }

    fn append_batch(&mut self, records: &[&[u8]]) -> Result<()> {
        again(|| self.0.batch_append_for_topic(TOPIC, records))
    }
}

fn again(append: impl Fn() -> std::io::Result<()>) -> Result<()> {
    loop {
        match append() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
            done => return Ok(done?),
        }
    }
}

impl Log for Open {
    fn writer(&self) -> Result<Box<dyn Writer + '_>> {
        Ok(Box::new(self))
    }

    fn replay(&self, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        // Not by its batches, from which records were missing: after the first of 1 MiB came the next block.
        while let Some(entry) = self.0.read_next(TOPIC, true)? {
            each(&entry.data);
        }
        Ok(())
    }
}

pub fn peer() -> Peer {
    let levels = &[Level::Relaxed, Level::Written, Level::Synced];
    Peer::new("walrus-rust", levels, open).batches().replays_once().recovers()
}
