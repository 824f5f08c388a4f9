//! A storage over another one that is only read: what is changed stays in memory, and is gone with it.
//!
//! **Promise.** The storage below is never written, whatever is done here. So a hub's directory can be recovered, and even
//! opened, to see what would come of it.
//!
//! **Cost.** A file that is written is kept in memory whole.

use super::{File, Lock, Storage};
use crate::sync::{Mutex, lock};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Overlay {
    below: Arc<dyn Storage>,
    changed: Mutex<Changed>,
}

#[derive(Debug, Default)]
struct Changed {
    directories: BTreeSet<PathBuf>,
    /// None: it was removed.
    files: BTreeMap<PathBuf, Option<Arc<OverlayFile>>>,
}

/// A file: as it is below until it is written.
#[derive(Debug)]
struct OverlayFile(Mutex<Content>);

#[derive(Debug)]
enum Content {
    Below(Arc<dyn File>),
    Here(Vec<u8>),
}

impl Overlay {
    pub(crate) fn new(below: Arc<dyn Storage>) -> Self {
        Self { below, changed: Mutex::new(Changed::default()) }
    }

    fn file(&self, changed: &mut Changed, path: &Path) -> io::Result<Arc<OverlayFile>> {
        if let Some(known) = changed.files.get(path) {
            return known.clone().ok_or_else(|| io::ErrorKind::NotFound.into());
        }
        let file = Arc::new(OverlayFile(Mutex::new(Content::Below(self.below.open(path)?))));
        changed.files.insert(path.to_owned(), Some(file.clone()));
        Ok(file)
    }
}

impl Storage for Overlay {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        lock(&self.changed).directories.extend(path.ancestors().map(Path::to_owned));
        Ok(())
    }

    fn create(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn File>> {
        let changed = &mut *lock(&self.changed);
        match self.file(changed, path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
            Ok(_) => return Err(io::ErrorKind::AlreadyExists.into()),
        }
        let file = Arc::new(OverlayFile(Mutex::new(Content::Here(vec![0; bytes as usize]))));
        changed.files.insert(path.to_owned(), Some(file.clone()));
        Ok(file)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        self.file(&mut lock(&self.changed), path).map(|file| file as _)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let changed = lock(&self.changed);
        let below = match self.below.list(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound && changed.directories.contains(path) => Vec::new(),
            listed => listed?,
        };
        let is_in = |found: &&PathBuf| found.parent() == Some(path);
        let mut found: BTreeSet<PathBuf> = below.into_iter().collect();
        found.extend(changed.directories.iter().filter(is_in).cloned());
        for (file, content) in changed.files.iter().filter(|(file, _)| is_in(file)) {
            match content {
                Some(_) => found.insert(file.clone()),
                None => found.remove(file),
            };
        }
        Ok(found.into_iter().collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let changed = &mut *lock(&self.changed);
        let file = self.file(changed, from)?;
        changed.files.insert(to.to_owned(), Some(file));
        changed.files.insert(from.to_owned(), None);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let changed = &mut *lock(&self.changed);
        self.file(changed, path)?;
        changed.files.insert(path.to_owned(), None);
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        lock(&self.changed).directories.remove(path);
        Ok(())
    }

    fn sync_dir(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    /// Nobody else sees this storage: whoever needs the lock below takes it there.
    fn lock(&self, _path: &Path, _holder: &str) -> io::Result<Result<Box<dyn Lock>, String>> {
        Ok(Ok(Box::new(Alone)))
    }
}

#[derive(Debug)]
struct Alone;

impl Lock for Alone {}

impl File for OverlayFile {
    fn read_exact_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()> {
        match &*lock(&self.0) {
            Content::Below(file) => file.read_exact_at(buffer, position),
            Content::Here(bytes) => {
                let rest = usize::try_from(position).ok().and_then(|position| bytes.get(position..));
                let found = rest.and_then(|rest| rest.get(..buffer.len()));
                buffer.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
        }
    }

    fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        let content = &mut *lock(&self.0);
        if let Content::Below(file) = content {
            let mut copy = vec![0; file.len()? as usize];
            file.read_exact_at(&mut copy, 0)?;
            *content = Content::Here(copy);
        }
        if let Content::Here(held) = content {
            let position = position as usize;
            held.resize(held.len().max(position + bytes.len()), 0);
            held[position..position + bytes.len()].copy_from_slice(bytes);
        }
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        match &*lock(&self.0) {
            Content::Below(file) => file.len(),
            Content::Here(bytes) => Ok(bytes.len() as u64),
        }
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Blocking;

    #[test]
    fn what_is_changed_is_seen_here_and_not_below() {
        let scratch = tempfile::tempdir().unwrap();
        let path = |name: &str| scratch.path().join(name);
        for name in ["kept", "written", "removed"] {
            std::fs::write(path(name), name).unwrap();
        }
        let overlay = Overlay::new(Arc::new(Blocking));
        overlay.open(&path("written")).unwrap().write_all_at(b"WR, and longer", 0).unwrap();
        overlay.remove(&path("removed")).unwrap();
        overlay.create(&path("made"), 3).unwrap().write_all_at(b"x", 1).unwrap();
        overlay.create_dir(&path("deep/er")).unwrap();
        assert!(overlay.create(&path("kept"), 1).is_err());
        assert!(overlay.open(&path("removed")).is_err());
        overlay.rename(&path("made"), &path("renamed")).unwrap();

        let read = |name: &str| {
            let file = overlay.open(&path(name)).unwrap();
            let mut bytes = vec![9; file.len().unwrap() as usize];
            file.read_exact_at(&mut bytes, 0).unwrap();
            bytes
        };
        assert_eq!((read("kept"), read("written")), (b"kept".into(), b"WR, and longer".into()));
        assert_eq!(read("renamed"), b"\0x\0");
        let names = ["deep", "kept", "renamed", "written"].map(path);
        assert_eq!(overlay.list(scratch.path()).unwrap(), names);
        assert_eq!(overlay.list(&path("deep/er")).unwrap(), Vec::<PathBuf>::new());
        assert_eq!(std::fs::read(path("written")).unwrap(), b"written");
        assert_eq!(Blocking.list(scratch.path()).unwrap(), ["kept", "removed", "written"].map(path));
    }
}
