//! yaque: a queue in files, handed to the system and never synced. One sender, which several threads share by a lock.

use crate::log::cell::Level;
use crate::log::peer::{Log, Peer, Writer};
use anyhow::{Result, anyhow};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use yaque::queue::{QueueIter, Sender};

struct Yaque {
    path: PathBuf,
    sender: Mutex<Sender>,
}

fn open(directory: &Path, _level: Level) -> Result<Box<dyn Log>> {
    let path = directory.join("queue");
    let sender = Mutex::new(Sender::open(&path)?);
    Ok(Box::new(Yaque { path, sender }))
}

impl Writer for &Yaque {
    fn append(&mut self, record: &[u8]) -> Result<()> {
        let mut sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        sender.try_send(record).map_err(|error| anyhow!("{error}"))
    }

    fn append_batch(&mut self, records: &[&[u8]]) -> Result<()> {
        let mut sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        sender.try_send_batch(records).map_err(|error| anyhow!("{error}"))
    }
}

impl Log for Yaque {
    fn writer(&self) -> Result<Box<dyn Writer + '_>> {
        Ok(Box::new(self))
    }

    fn replay(&self, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        for record in QueueIter::open(&self.path)? {
            each(&record?);
        }
        Ok(())
    }
}

pub fn peer() -> Peer {
    Peer::new("yaque", &[Level::Relaxed, Level::Written], open).batches().replays()
}
