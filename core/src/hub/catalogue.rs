//! The catalogue: which queues and streams a hub has, and their options. One small text file, replaced whole.
//!
//! ```text
//! ringmain catalogue 1 crc32c 0123abcd          CRC-32C of everything behind this line
//! { ... JSON ... }
//! ```

use crate::error::{Error, Result};
use crate::hub::directory::Directory;
use crate::name::Name;
use crate::queue::QueueOptions;
use crate::storage::Storage;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

/// Its name in the directory.
pub(super) const FILE: &str = "catalogue";
const NEW_FILE: &str = "catalogue.new";
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
}

impl Catalogue {
    pub(super) fn new() -> Self {
        let hub_id = RandomState::new().hash_one(std::process::id());
        Self { hub_id, logs: 0, queues: BTreeMap::new(), streams: BTreeMap::new() }
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

    /// A log id that was never used.
    pub(super) fn next_log(&mut self) -> u64 {
        self.logs += 1;
        self.hub_id.wrapping_add(self.logs)
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

    /// Reads the catalogue of a directory; an empty one if there is none.
    pub(super) fn load(storage: &dyn Storage, directory: &Path) -> Result<Self> {
        let path = directory.join(FILE);
        let file = match storage.open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Self::new()),
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
        serde_json::from_slice(body).map_err(|e| corrupt(head as u64, e.to_string()))
    }

    /// Replaces the catalogue of a directory, durably.
    pub(super) fn save(&self, storage: &dyn Storage, directory: &Path) -> Result<()> {
        let (path, new) = (directory.join(FILE), directory.join(NEW_FILE));
        let body = serde_json::to_vec_pretty(self).map_err(|e| Error::Internal { detail: e.to_string() })?;
        let text = [Self::head(&body).as_bytes(), &body].concat();
        let saved = storage
            .remove(&new)
            .or_else(|e| if e.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(e) })
            .and_then(|()| storage.create(&new, 0))
            .and_then(|file| file.write_all_at(&text, 0).and_then(|()| file.sync()))
            .and_then(|()| storage.rename(&new, &path))
            .and_then(|()| storage.sync_dir(directory));
        saved.map_err(|e| Error::io("write", path, &e))
    }

    fn head(body: &[u8]) -> String {
        let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, body) as u32;
        format!("{HEAD}{crc:08x}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::OnExhausted;
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
}
