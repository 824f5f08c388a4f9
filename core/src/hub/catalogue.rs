//! The catalogue: which queues and streams a hub has, and their options. One small text file, replaced whole.
//!
//! ```text
//! ringmain catalogue 1 crc32c 0123abcd          CRC-32C of everything behind this line
//! { ... JSON ... }
//! ```

use crate::error::{Error, Result};
use crate::hub::directory::{self, Directory};
use crate::hub::schedule::ScheduleEntry;
use crate::limits::PARTITION_COUNT_MAX;
use crate::name::Name;
use crate::queue::{OnExhausted, QueueOptions};
use crate::storage::Storage;
use crate::stream::StreamOptions;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

/// Its name in the directory.
pub(super) const FILE: &str = "catalogue";
const NEW_FILE: &str = "catalogue.new";
/// The name of what will be the catalogue once everything else is there.
pub(super) const UNFINISHED: &str = "catalogue.unfinished";
const HEAD: &str = "ringmain catalogue 1 crc32c ";
/// Largest catalogue that is read, in bytes.
const BYTES_MAX: u64 = 64 << 20;

/// See the module's description.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Catalogue {
    /// Log ids begin here: two hubs do not take each other's segments for their own.
    hub_id: u64,
    logs: u64,
    pub(super) queues: BTreeMap<String, QueueEntry>,
    pub(super) streams: BTreeMap<String, StreamEntry>,
    /// Queues that are gone, whose files may still be there.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) deleted: BTreeSet<String>,
    /// The same of streams.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) deleted_streams: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) schedules: BTreeMap<String, ScheduleEntry>,
    /// How many schedules there ever were: their ids.
    #[serde(default, skip_serializing_if = "is_zero")]
    schedules_made: u64,
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct QueueEntry {
    pub(super) log: u64,
    pub(super) options: QueueOptions,
}

/// A stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct StreamEntry {
    pub(super) partitions: Vec<u64>,
    pub(super) offsets: u64,
    #[serde(default, skip_serializing_if = "StreamOptions::is_default")]
    pub(super) options: StreamOptions,
    /// Where the reading of each partition began when options were altered last: other limits bring nothing back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) starts: Vec<u64>,
}

impl Catalogue {
    pub(super) fn new() -> Self {
        let hub_id = RandomState::new().hash_one(std::process::id());
        Self {
            hub_id,
            logs: 0,
            queues: BTreeMap::new(),
            streams: BTreeMap::new(),
            deleted: BTreeSet::new(),
            deleted_streams: BTreeSet::new(),
            schedules: BTreeMap::new(),
            schedules_made: 0,
        }
    }

    /// Tells this hub's files from another one's.
    pub(super) fn hub_id(&self) -> u64 {
        self.hub_id
    }

    /// The directory of a log, made if need be. None: it is of no queue and no stream.
    pub(super) fn path_of(&self, log: u64, directory: &Directory) -> Option<Result<PathBuf>> {
        let queue = self.queues.iter().find(|(_, entry)| entry.log == log);
        if let Some((name, _)) = queue {
            return Some(Name::new(name).and_then(|name| directory.queue(&name)));
        }
        self.streams.iter().find_map(|(name, entry)| {
            let part = match entry.partitions.iter().position(|id| *id == log) {
                Some(partition) => partition.to_string(),
                None if entry.offsets == log => "offsets".to_owned(),
                None => return None,
            };
            Some(Name::new(name).and_then(|name| directory.stream(&name, &part)))
        })
    }

    /// All logs: their ids, and where they are from the hub's directory.
    ///
    /// # Errors
    /// A name that is none.
    pub(super) fn logs(&self) -> Result<Vec<(u64, PathBuf)>> {
        let mut logs = Vec::new();
        for (name, queue) in &self.queues {
            logs.push((queue.log, directory::path_of_queue(&Name::new(name)?)));
        }
        for (name, stream) in &self.streams {
            let name = Name::new(name)?;
            let parts = stream.partitions.iter().enumerate().map(|(index, id)| (*id, index.to_string()));
            let parts = parts.chain([(stream.offsets, "offsets".to_owned())]);
            logs.extend(parts.map(|(id, part)| (id, directory::path_of_stream(&name, &part))));
        }
        Ok(logs)
    }

    /// A log id that was never used.
    pub(super) fn next_log(&mut self) -> u64 {
        self.logs += 1;
        self.hub_id.wrapping_add(self.logs)
    }

    /// A schedule id that was never used.
    #[cfg(any(test, feature = "cron"))]
    pub(super) fn next_schedule(&mut self) -> u64 {
        self.schedules_made += 1;
        self.schedules_made
    }

    /// The schedules that send to a queue.
    pub(super) fn schedules_of(&self, queue: &Name) -> impl Iterator<Item = &ScheduleEntry> {
        self.schedules.values().filter(|schedule| schedule.queue == queue.as_str())
    }

    /// Refuses a name that differs from another only in case: on some systems both would be one directory.
    pub(super) fn check_case(name: &Name, names: impl Iterator<Item = impl AsRef<str>>) -> Result<()> {
        for other in names {
            if Name::new(other.as_ref()).is_ok_and(|other| name.differs_only_in_case(&other)) {
                let detail = format!("{name} differs only in case from {}", other.as_ref());
                return Err(Error::invalid("name", detail));
            }
        }
        Ok(())
    }

    /// Refuses a name whose files of before are still there, because a snapshot copies them.
    pub(super) fn check_removed(name: &Name, deleted: &BTreeSet<String>) -> Result<()> {
        if deleted.contains(name.as_str()) {
            let detail = format!(
                "{name} was deleted, and a snapshot that is being taken still copies its files; make it again when that is done"
            );
            return Err(Error::invalid("name", detail));
        }
        Ok(())
    }

    /// Reads the catalogue of a directory; an empty one if there is none.
    pub(super) fn load(storage: &dyn Storage, directory: &Path) -> Result<Self> {
        let path = directory.join(FILE);
        let file = match storage.open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return refuse_unfinished(storage, directory).map(|()| Self::new());
            }
            Err(e) => return Err(Error::io("open", path, &e)),
        };
        let bytes = file.len().map_err(|e| Error::io("measure", &path, &e))?;
        let corrupt =
            |byte_position, detail: String| Error::Corrupt { path: path.clone(), byte_position, detail };
        if bytes > BYTES_MAX {
            return Err(corrupt(0, format!("{bytes} bytes are impossible for a catalogue")));
        }
        let mut text = vec![0; bytes as usize];
        file.read_exact_at(&mut text, 0).map_err(|e| Error::io("read", &path, &e))?;
        let head = HEAD.len() + 9;
        let (Some(found), Some(body)) = (text.get(..head), text.get(head..)) else {
            return Err(corrupt(0, "this is not a catalogue of Ringmain".into()));
        };
        if found != Self::head(body).as_bytes() {
            return Err(corrupt(0, "the first line does not fit the rest".into()));
        }
        let catalogue: Self =
            serde_json::from_slice(body).map_err(|e| corrupt(head as u64, e.to_string()))?;
        catalogue.check().map_err(|detail| corrupt(head as u64, detail))?;
        Ok(catalogue)
    }

    /// Refuses what was never saved, and what others rely on: names are paths, dead paths end, log ids are used once.
    fn check(&self) -> Result<(), String> {
        let deleted = self.deleted.iter().chain(&self.deleted_streams);
        for name in self.queues.keys().chain(self.streams.keys()).chain(deleted) {
            Name::new(name).map_err(|error| error.to_string())?;
        }
        if let Some(name) = self.deleted.iter().find(|name| self.queues.contains_key(*name)) {
            return Err(format!("queue {name} is there, and is deleted"));
        }
        if let Some(name) = self.deleted_streams.iter().find(|name| self.streams.contains_key(*name)) {
            return Err(format!("stream {name} is there, and is deleted"));
        }
        for (name, stream) in &self.streams {
            let count = stream.partitions.len();
            if count == 0 || count > PARTITION_COUNT_MAX as usize {
                return Err(format!(
                    "stream {name} has {count} partitions; 1 to {PARTITION_COUNT_MAX} are possible"
                ));
            }
            stream.options.check().map_err(|error| format!("stream {name}: {error}"))?;
        }
        let streams = self.streams.values().flat_map(|s| s.partitions.iter().chain([&s.offsets]));
        let mut seen = HashSet::new();
        for id in self.queues.values().map(|queue| &queue.log).chain(streams) {
            let number = id.wrapping_sub(self.hub_id);
            if !(1..=self.logs).contains(&number) || self.logs == u64::MAX || !seen.insert(id) {
                return Err(format!("log {id:#x} is not one of {}, or not the only one", self.logs));
            }
        }
        self.check_schedules()?;
        self.check_dead_paths()
    }

    /// What a schedule left in the log of its queue is its own.
    fn check_schedules(&self) -> Result<(), String> {
        let mut seen = HashSet::new();
        for (name, schedule) in &self.schedules {
            Name::new(name).map_err(|error| error.to_string())?;
            schedule.check().map_err(|error| format!("schedule {name}: {error}"))?;
            if !(1..=self.schedules_made).contains(&schedule.id) || !seen.insert(schedule.id) {
                let (id, made) = (schedule.id, self.schedules_made);
                return Err(format!(
                    "schedule {name} has number {id}, which is not one of {made}, or not its own"
                ));
            }
        }
        Ok(())
    }

    /// Every dead path comes to an end, whichever queue it begins at.
    fn check_dead_paths(&self) -> Result<(), String> {
        let mut ends = HashSet::new();
        for start in self.queues.keys() {
            let mut path = HashSet::new();
            let mut next = Some(start);
            while let Some(name) = next.filter(|name| !ends.contains(name)) {
                if !path.insert(name) {
                    return Err(format!("the dead letters of queue {name} come back to it"));
                }
                next = match self.queues.get(name).map(|queue| &queue.options.on_exhausted) {
                    Some(OnExhausted::DeadLetter(dead)) => Some(dead),
                    _ => None,
                };
            }
            ends.extend(path);
        }
        Ok(())
    }

    /// Replaces the catalogue of a directory, durably.
    pub(super) fn save(&self, storage: &dyn Storage, directory: &Path) -> Result<()> {
        let (path, new) = (directory.join(FILE), directory.join(NEW_FILE));
        match storage.remove(&new) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(Error::io("write", path, &e)),
            _ => {}
        }
        self.write(storage, &new)?;
        put_in_place(storage, directory, &new)
    }

    /// Writes what will be the catalogue of a directory once it is [put in place](finish), durably.
    pub(super) fn save_unfinished(&self, storage: &dyn Storage, directory: &Path) -> Result<()> {
        self.write(storage, &directory.join(UNFINISHED))?;
        storage.sync_dir(directory).map_err(|e| Error::io("sync", directory, &e))
    }

    fn write(&self, storage: &dyn Storage, path: &Path) -> Result<()> {
        let body = serde_json::to_vec_pretty(self).map_err(|e| Error::Internal { detail: e.to_string() })?;
        let text = [Self::head(&body).as_bytes(), &body].concat();
        let made = storage.create(path, 0);
        let written = made.and_then(|file| file.write_all_at(&text, 0).and_then(|()| file.sync()));
        written.map_err(|e| Error::io("write", path, &e))
    }

    fn head(body: &[u8]) -> String {
        let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, body) as u32;
        format!("{HEAD}{crc:08x}\n")
    }
}

/// Has what [`Catalogue::save_unfinished`] wrote be the catalogue, durably.
pub(super) fn finish(storage: &dyn Storage, directory: &Path) -> Result<()> {
    put_in_place(storage, directory, &directory.join(UNFINISHED))
}

fn put_in_place(storage: &dyn Storage, directory: &Path, new: &Path) -> Result<()> {
    let path = directory.join(FILE);
    let replaced = storage.rename(new, &path).and_then(|()| storage.sync_dir(directory));
    replaced.map_err(|e| Error::io("write", path, &e))
}

/// Refuses a directory that was to become a hub, and did not: it must not be taken for an empty one.
///
/// # Errors
/// `NotFound`, `Io`.
pub(super) fn refuse_unfinished(storage: &dyn Storage, directory: &Path) -> Result<()> {
    let path = directory.join(UNFINISHED);
    match storage.open(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Error::io("open", path, &e)),
        Ok(_) => Err(Error::NotFound {
            noun: "hub",
            name: directory.display().to_string(),
            advice: ": what is in this directory is a copy that was not finished; remove the directory, and copy again",
        }),
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::schedule::{Missed, StoredMessage};
    use crate::storage::Blocking;

    #[test]
    fn a_saved_catalogue_is_loaded_and_a_damaged_one_is_refused() {
        let scratch = tempfile::tempdir().unwrap();
        let mut catalogue = Catalogue::new();
        let log = catalogue.next_log();
        let entry = QueueEntry { log, options: QueueOptions::new(OnExhausted::DeadLetter("dead".into())) };
        catalogue.queues.insert("emails".into(), entry);
        catalogue.save(&Blocking, scratch.path()).unwrap();
        catalogue.save(&Blocking, scratch.path()).unwrap();
        assert_eq!(Catalogue::load(&Blocking, scratch.path()).unwrap(), catalogue);
        let path = scratch.path().join(FILE);
        let good = std::fs::read(&path).unwrap();
        for byte in 0..good.len() {
            let mut damaged = good.clone();
            damaged[byte] ^= 1;
            std::fs::write(&path, damaged).unwrap();
            assert!(Catalogue::load(&Blocking, scratch.path()).is_err(), "byte {byte}");
        }
    }

    #[test]
    fn a_catalogue_that_no_hub_makes_is_refused_although_its_checksum_fits() {
        let queue = |catalogue: &mut Catalogue, name: &str, policy| {
            let log = catalogue.next_log();
            catalogue.queues.insert(name.into(), QueueEntry { log, options: QueueOptions::new(policy) });
        };
        let to = |dead: &str| OnExhausted::DeadLetter(dead.into());
        let stream = |catalogue: &mut Catalogue, partitions: u64| {
            let partitions = (0..partitions).map(|_| catalogue.next_log()).collect();
            let offsets = catalogue.next_log();
            let (options, starts) = Default::default();
            catalogue.streams.insert("s".into(), StreamEntry { partitions, offsets, options, starts });
        };
        type Change<'a> = &'a dyn Fn(&mut Catalogue);
        let schedule = |catalogue: &mut Catalogue, name: &str, queue: &str, max: u32| {
            let entry = ScheduleEntry {
                id: catalogue.next_schedule(),
                expression: "@daily".into(),
                time_zone: "UTC".into(),
                missed: Missed::All { max },
                queue: queue.into(),
                message: StoredMessage::default(),
                paused: false,
                anchor_ns: 0,
                after_ns: 0,
            };
            catalogue.schedules.insert(name.into(), entry);
        };
        let changes: [(Change<'_>, &str); 16] = [
            (
                &|c| ["a", "b", "c"].iter().zip(["b", "c", "b"]).for_each(|(q, d)| queue(c, q, to(d))),
                "come back",
            ),
            (&|c| queue(c, "a", to("a")), "come back"),
            (&|c| queue(c, "../a", OnExhausted::Drop), "../a"),
            (&|c| c.deleted.extend(["../a".into()]), "../a"),
            (&|c| (queue(c, "a", OnExhausted::Drop), c.deleted.extend(["a".into()])).1, "is deleted"),
            (&|c| c.deleted_streams.extend(["../a".into()]), "../a"),
            (&|c| (stream(c, 1), c.deleted_streams.extend(["s".into()])).1, "is deleted"),
            (&|c| stream(c, 0), "0 partitions"),
            (&|c| stream(c, 1025), "1025 partitions"),
            (&|c| (queue(c, "a", OnExhausted::Drop), c.logs = 0).1, "log 0x"),
            (&|c| (queue(c, "a", OnExhausted::Drop), c.logs = u64::MAX).1, "log 0x"),
            (&|c| schedule(c, "../s", "a", 1), "../s"),
            (&|c| schedule(c, "s", "../a", 1), "../a"),
            (&|c| schedule(c, "s", "a", 65), "up to 65"),
            (&|c| (schedule(c, "s", "a", 1), c.schedules_made = 0).1, "number 1"),
            (&|c| (schedule(c, "s", "a", 1), c.schedules_made = 0, schedule(c, "t", "a", 1)).2, "number 1"),
        ];
        for (change, word) in changes {
            let scratch = tempfile::tempdir().unwrap();
            let mut catalogue = Catalogue::new();
            change(&mut catalogue);
            catalogue.save(&Blocking, scratch.path()).unwrap();
            let error = Catalogue::load(&Blocking, scratch.path()).unwrap_err();
            assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
            assert!(error.to_string().contains(word), "{word:?} is not in {error}");
        }
    }
}
