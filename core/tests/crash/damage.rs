//! Bytes that rot: the damage is reported with its file and place, or it was of no consequence, but nobody is ever given
//! something wrong.
//!
//! A hub that was closed covers everything in it by durable marks. No mark covers the very last mark itself, the padding
//! of headers and frames, and free space: damage there changes nothing. But the sector of the last mark holds what was
//! written just before it, too. If that sector is zeroed or overwritten whole, it looks like the torn tail that a power cut leaves, and
//! the log is opened as it was before. That is the one loss that is not noticed, and the test allows it nowhere else.

use crate::house::{DIRECTORY, House, PARTITIONS, Plan};
use crate::mount::Mount;
use ringmain::storage::Storage;
use ringmain::storage::sim::{SECTOR_BYTES, SimDisk, Unsynced};
use ringmain::{Error, ManualClock, Message, Start};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Everything that can be read from a hub.
#[derive(Debug, PartialEq, Eq)]
pub struct Picture {
    /// Queue, id, value, failures.
    pub waiting: Vec<(String, u64, Vec<u8>, u32)>,
    pub records: Vec<(u32, u64, Vec<u8>)>,
    pub committed: Vec<Option<u64>>,
}

impl Picture {
    fn difference(&self, good: &Self) -> String {
        let of = |a: &Self, b: &Self| {
            let waiting: Vec<_> =
                a.waiting.iter().filter(|w| !b.waiting.contains(w)).map(|w| (&w.0, w.1, w.3)).collect();
            let records: Vec<_> =
                a.records.iter().filter(|r| !b.records.contains(r)).map(|r| (r.0, r.1)).collect();
            format!("{waiting:?} {records:?} {:?}", a.committed)
        };
        format!("found {}, missed {}", of(self, good), of(good, self))
    }
}

/// A disk with a small hub: sealed segments and a tail in its queue and its stream, closed in order.
pub fn closed_hub() -> ringmain::Result<(SimDisk, Picture)> {
    let disk = SimDisk::new();
    let clock = ManualClock::new();
    let house = House::open(Plan::SYNCED, Arc::new(disk.clone()), &clock)?;
    for number in 0..45u64 {
        let value = vec![number as u8; 700];
        house.jobs.send(Message::new(&value).key("k").header("number", &number.to_string()))?;
        house.events.append(Message::new(&value).key(&number.to_string()))?;
    }
    let held = house.jobs.receive_batch(6, Duration::ZERO)?;
    held[1].ack()?;
    held[2].fail("no luck")?;
    held[3].reject("never")?;
    let mut member = house.events.group(crate::house::GROUP).join()?;
    member.poll(20, Duration::ZERO)?;
    member.commit()?;
    house.hub.close(Duration::from_secs(60))?;
    drop((held, member, house));
    let picture = picture(&disk)?;
    Ok((disk, picture))
}

/// Reads everything, and changes nothing that counts.
pub fn picture(disk: &SimDisk) -> ringmain::Result<Picture> {
    let mount = Mount::new(disk);
    let house = House::open(Plan::SYNCED, Arc::new(mount.clone()), &ManualClock::new());
    let picture = house.and_then(|house| {
        let picture = read(&house);
        mount.kill();
        picture
    });
    mount.kill();
    picture
}

fn read(house: &House) -> ringmain::Result<Picture> {
    let mut waiting = Vec::new();
    for queue in [&house.jobs, &house.mail, &house.dead] {
        for seen in queue.peek(0, 65_536)? {
            waiting.push((queue.name().to_owned(), seen.id(), seen.value().to_vec(), seen.failures()));
        }
    }
    let mut records = Vec::new();
    for partition in 0..PARTITIONS {
        for record in house.events.partition_reader(partition, Start::Earliest)? {
            let record = record?;
            records.push((partition, record.offset(), record.value().to_vec()));
        }
    }
    Ok(Picture { waiting, records, committed: house.events.group(crate::house::GROUP).committed()? })
}

/// A disk with a hub whose process was killed, and how many bytes of its journal a later batch proves to have been synced.
pub fn killed_hub(plan: Plan) -> ringmain::Result<(SimDisk, Picture, u64)> {
    let disk = SimDisk::new();
    let mount = Mount::new(&disk);
    let house = House::open(plan, Arc::new(mount.clone()), &ManualClock::new())?;
    for number in 0..9u64 {
        house.jobs.send(Message::new(&[number as u8; 300]))?;
        house.events.append(Message::new(&[number as u8; 300]))?;
    }
    let proven = journal_end(&disk);
    house.jobs.send(Message::new(b"the batch that proves those before it"))?;
    mount.kill();
    drop(house);
    let picture = picture(&disk.image_with(disk.operation_count(), Unsynced::Kept))?;
    Ok((disk, picture, proven))
}

/// The journal of a [`killed_hub`], which has not come to its second file.
pub fn journal() -> PathBuf {
    Path::new(DIRECTORY).join("journal.0")
}

fn journal_end(disk: &SimDisk) -> u64 {
    content(disk, &journal()).iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1)
}

/// Whether anybody is deceived by a flipped bit in the journal of a killed hub.
pub fn is_deceived(plan: Plan, disk: &SimDisk, good: &Picture, byte: u64) -> bool {
    let copy = disk.image_with(disk.operation_count(), Unsynced::Kept);
    copy.flip_bit(journal(), byte, (byte % 8) as u8).expect("a place in the journal");
    let mount = Mount::new(&copy);
    let house = House::open(plan, Arc::new(mount.clone()), &ManualClock::new());
    let found = house.and_then(|house| read(&house));
    mount.kill();
    match found {
        Ok(found) => found != *good,
        Err(Error::Corrupt { path, .. } | Error::Unsupported { path, .. }) => path != journal(),
        Err(_) => true,
    }
}

/// Every file of the hub, the lock excepted.
pub fn files(disk: &SimDisk) -> Vec<PathBuf> {
    fn walk(disk: &SimDisk, directory: &Path, found: &mut Vec<PathBuf>) {
        for path in disk.list(directory).expect("a directory of the hub") {
            match disk.open(&path) {
                Ok(_) => found.push(path),
                Err(_) => walk(disk, &path, found),
            }
        }
    }
    let mut found = Vec::new();
    walk(disk, Path::new(DIRECTORY), &mut found);
    found.retain(|path| !path.ends_with("LOCK"));
    found
}

/// What became of a damaged disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Reported,
    /// The sector of the last mark was damaged.
    LikeATornTail,
    OfNoConsequence,
}

/// How many damaged disks came to what.
#[derive(Debug, Default)]
pub struct Tally {
    pub reported: u64,
    pub like_a_torn_tail: u64,
    pub of_no_consequence: u64,
    /// Who was deceived, in words.
    pub deceived: Vec<String>,
}

impl Tally {
    pub fn count(&self) -> u64 {
        self.reported + self.like_a_torn_tail + self.of_no_consequence + self.deceived.len() as u64
    }

    pub fn add(&mut self, verdict: Result<Verdict, String>) {
        match verdict {
            Ok(Verdict::Reported) => self.reported += 1,
            Ok(Verdict::LikeATornTail) => self.like_a_torn_tail += 1,
            Ok(Verdict::OfNoConsequence) => self.of_no_consequence += 1,
            Err(words) => self.deceived.push(words),
        }
    }
}

/// A damage to a file.
#[derive(Debug, Clone, Copy)]
pub enum Damage {
    Bit {
        byte: u64,
        bit: u8,
    },
    /// It reads as zeros.
    Zeroed {
        sector: u64,
        in_last_mark: bool,
    },
    /// The next one was written here, too.
    Misdirected {
        sector: u64,
        in_last_mark: bool,
    },
}

impl Damage {
    /// Whether a part of the last mark is damaged, and others with it.
    pub fn is_in_last_mark(self) -> bool {
        matches!(self, Self::Zeroed { in_last_mark: true, .. } | Self::Misdirected { in_last_mark: true, .. })
    }

    /// Damages a disk.
    pub fn inflict(self, disk: &SimDisk, path: &Path) {
        let done = match self {
            Self::Bit { byte, bit } => disk.flip_bit(path, byte, bit),
            Self::Zeroed { sector, .. } => disk.zero_sector(path, sector),
            Self::Misdirected { sector, .. } => disk.open(path).and_then(|file| {
                let (from, to) = ((sector + 1) * SECTOR_BYTES, sector * SECTOR_BYTES);
                let mut bytes = vec![0; file.len()?.saturating_sub(from).min(SECTOR_BYTES) as usize];
                file.read_exact_at(&mut bytes, from)?;
                file.write_all_at(&bytes, to)
            }),
        };
        done.expect("a place in the file");
    }
}

/// Damages a copy of the disk, and looks what comes of it. An error: somebody is deceived.
pub fn try_damage(disk: &SimDisk, good: &Picture, path: &Path, damage: Damage) -> Result<Verdict, String> {
    let copy = disk.image_with(disk.operation_count(), Unsynced::Kept);
    damage.inflict(&copy, path);
    let place = format!("{damage:?} of {path:?}");
    match picture(&copy) {
        Ok(found) if found == *good => Ok(Verdict::OfNoConsequence),
        Ok(found) if damage.is_in_last_mark() => {
            let known = |value: &Vec<u8>| good.waiting.iter().any(|seen| seen.2 == *value);
            let is_of_ours = found.waiting.iter().all(|seen| seen.2.len() == 700 || known(&seen.2));
            if is_of_ours && found.records.iter().all(|record| good.records.contains(record)) {
                return Ok(Verdict::LikeATornTail);
            }
            Err(format!("{place}: something was invented"))
        }
        Ok(found) => {
            Err(format!("{place} changed what is read, and was not reported: {}", found.difference(good)))
        }
        // The version and feature words have no checksum of their own before they are understood.
        Err(Error::Corrupt { path: named, byte_position, .. }) => {
            let bytes = disk.open(path).and_then(|file| file.len()).unwrap_or(0);
            match named == path && byte_position <= bytes {
                true => Ok(Verdict::Reported),
                false => Err(format!("{place} is reported at byte {byte_position} of {named:?}")),
            }
        }
        Err(Error::Unsupported { path: named, .. }) if named == path => Ok(Verdict::Reported),
        Err(other) => Err(format!("{place} is reported as {other:?}")),
    }
}

/// How dense flipped bits are where something was written, and where nothing was.
const WRITTEN_STEP: usize = 1;
const ZEROS_STEP: usize = 29;

/// Flipped bits of a file: one in every byte that was written, and in every 29th of the rest; another bit each time.
pub fn bits(disk: &SimDisk, path: &Path) -> Vec<Damage> {
    let content = content(disk, path);
    let written: Vec<bool> = content.chunks(16).map(|piece| piece.iter().any(|byte| *byte != 0)).collect();
    let chosen = (0..content.len()).filter(|byte| {
        let step = if written[byte / 16] { WRITTEN_STEP } else { ZEROS_STEP };
        byte.is_multiple_of(step)
    });
    chosen
        .enumerate()
        .map(|(index, byte)| Damage::Bit { byte: byte as u64, bit: (index % 8) as u8 })
        .collect()
}

/// Bytes of a durable mark's frame.
const MARK_BYTES: u64 = 32;

fn content(disk: &SimDisk, path: &Path) -> Vec<u8> {
    let file = disk.open(path).expect("a file of the hub");
    let mut content = vec![0; file.len().expect("a length") as usize];
    file.read_exact_at(&mut content, 0).expect("the file's bytes");
    content
}

/// Every sector of a file zeroed, and overwritten by the next; and whether it holds a part of the last frame in it.
pub fn sectors(disk: &SimDisk, path: &Path) -> Vec<Damage> {
    let content = content(disk, path);
    let end = content.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1);
    let first = end.next_multiple_of(8).saturating_sub(MARK_BYTES) / SECTOR_BYTES;
    let last = end.saturating_sub(1) / SECTOR_BYTES;
    let is_segment = path.extension().is_some_and(|extension| extension == "segment");
    let sectors = (0..(content.len() as u64).div_ceil(SECTOR_BYTES)).flat_map(|sector| {
        let in_last_mark = is_segment && (first..=last).contains(&sector);
        [Damage::Zeroed { sector, in_last_mark }, Damage::Misdirected { sector, in_last_mark }]
    });
    sectors.collect()
}
