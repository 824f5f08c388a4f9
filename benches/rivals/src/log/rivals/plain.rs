//! A loop of pwrite and fdatasync under a lock: no checksum, no recovery, no group commit. What the system takes.

use crate::harness::Role;
use crate::log::cell::{Level, PLAIN};
use crate::log::peer::{Log, Logs, Peer, Tail, Writer};
use crate::log::record::identity;
use anyhow::Result;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Before each record: its length. 0 is the end.
const HEADER_BYTES: usize = 4;
/// Where syncs count, so much of the file is written before: one that grows is slower to sync.
const WRITTEN_BYTES: usize = 16 << 20;
const CHUNK_BYTES: usize = 1 << 20;

struct Plain {
    file: File,
    synced: bool,
    end: Mutex<u64>,
    /// Up to where readers may read.
    visible: AtomicU64,
}

fn open(directory: &Path, level: Level) -> Result<Plain> {
    let path = directory.join("log");
    let fresh = !path.exists();
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    let synced = level == Level::Synced;
    if fresh && synced {
        file.write_all_at(&vec![0; WRITTEN_BYTES], 0)?;
        file.sync_all()?;
    }
    let end = walk(&file, 0, u64::MAX, &mut |_| ())?;
    Ok(Plain { file, synced, end: Mutex::new(end), visible: AtomicU64::new(end) })
}

/// Shows the records from `from` to `to`, or to the end; returns where they end.
fn walk(file: &File, from: u64, to: u64, each: &mut dyn FnMut(&[u8])) -> Result<u64> {
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut position = from;
    loop {
        let wanted = chunk.len().min((to - position).try_into().unwrap_or(usize::MAX));
        let mut count = 0;
        while count < wanted {
            match file.read_at(&mut chunk[count..wanted], position + count as u64)? {
                0 => break,
                more => count += more,
            }
        }
        let mut rest = &chunk[..count];
        while let Some((header, after)) = rest.split_first_chunk::<HEADER_BYTES>() {
            let bytes = u32::from_le_bytes(*header) as usize;
            if bytes == 0 || after.len() < bytes {
                break;
            }
            each(&after[..bytes]);
            rest = &after[bytes..];
        }
        let read = count - rest.len();
        position += read as u64;
        if read == 0 {
            return Ok(position);
        }
    }
}

impl Plain {
    fn append(&self, frames: &[u8]) -> Result<()> {
        let mut end = self.end.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        self.file.write_all_at(frames, *end)?;
        if self.synced {
            self.file.sync_data()?;
        }
        *end += frames.len() as u64;
        // ORDERING: Release: pairs with the Acquire of the readers, though what they read comes from the file.
        self.visible.store(*end, Ordering::Release);
        Ok(())
    }
}

struct Writing<'a> {
    log: &'a Plain,
    frames: Vec<u8>,
}

impl Writer for Writing<'_> {
    fn append(&mut self, record: &[u8]) -> Result<()> {
        self.append_batch(&[record])
    }

    fn append_batch(&mut self, records: &[&[u8]]) -> Result<()> {
        self.frames.clear();
        for record in records {
            self.frames.extend_from_slice(&(record.len() as u32).to_le_bytes());
            self.frames.extend_from_slice(record);
        }
        self.log.append(&self.frames)
    }
}

struct Reading<'a> {
    log: &'a Plain,
    position: u64,
}

impl Tail for Reading<'_> {
    fn read(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        // ORDERING: as where it is stored.
        let visible = self.log.visible.load(Ordering::Acquire);
        if visible > self.position {
            self.position = walk(&self.log.file, self.position, visible, each)?;
        }
        Ok(())
    }
}

impl Log for Plain {
    fn writer(&self) -> Result<Box<dyn Writer + '_>> {
        Ok(Box::new(Writing { log: self, frames: Vec::new() }))
    }

    fn sync(&self) -> Result<()> {
        Ok(self.file.sync_data()?)
    }

    fn replay(&self, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        walk(&self.file, 0, u64::MAX, each).map(drop)
    }

    fn tail(&self) -> Result<Box<dyn Tail + '_>> {
        Ok(Box::new(Reading { log: self, position: 0 }))
    }
}

/// A file each.
struct Files(Vec<Plain>);

impl Logs for Files {
    fn commit(&mut self, records: &[&[u8]]) -> Result<()> {
        // One write and one sync for each file that is touched, one after the other.
        for run in records.chunk_by(|one, other| identity(one).0 == identity(other).0) {
            let mut writing = Writing { log: &self.0[identity(run[0]).0], frames: Vec::new() };
            writing.append_batch(run)?;
        }
        Ok(())
    }
}

fn many(directory: &Path, count: usize) -> Result<Box<dyn Logs>> {
    let files = (0..count).map(|number| {
        let directory = directory.join(number.to_string());
        std::fs::create_dir(&directory)?;
        open(&directory, Level::Relaxed).map(|log| Plain { synced: true, ..log })
    });
    Ok(Box::new(Files(files.collect::<Result<_>>()?)))
}

pub fn peer() -> Peer {
    let levels = &[Level::Relaxed, Level::Written, Level::Synced];
    Peer::new(PLAIN, levels, |directory, level| Ok(Box::new(open(directory, level)?)))
        .role(Role::Reference)
        .batches()
        .syncs()
        .replays()
        .tails()
        .many(many)
}
