//! A simulated disk: it remembers every change, and can show any state in which a power cut could have left it.
//!
//! **Promise.** The disk itself behaves like [`Blocking`](super::Blocking) does, and never forgets while it runs.
//! Each mutating call is one numbered operation (a `create_dir` one for each directory that it makes);
//! [`SimDisk::image`] gives the disk as it could be found if power went right after the first so many, as a new
//! disk that can be used, and cut, in its turn. The same calls, cut and seed give the same image.
//!
//! **Fault model.** What may happen at a cut:
//! - *Contents.* What a file's `sync` covered is there. Of each write since then, every 512-byte sector is there,
//!   is not there, or is torn (a prefix of the new bytes, at any byte, and then the old ones), each independently
//!   of the others and of the order in which they were written.
//! - *Length.* Without a `sync`, a file has its last durable length or any length that a create or write gave it
//!   since, independently of the contents. Where it is long and the contents are not there, it reads as zeros.
//! - *Names.* What `sync_dir` covered is there. Of the creates, renames and removes since then, those of different
//!   names happened or not independently; those of one name happened up to some point of their order. A rename
//!   happens whole or not at all. A file or directory whose name is lost is lost with everything in it, synced
//!   or not.
//! - *Again.* An image can be cut while it is being recovered, as often as you like.
//!
//! What may happen at any time: a call fails ([`Fault`]), at a place of your choice ([`SimDisk::fail_nth`]). What
//! may happen to bytes at rest: a flipped bit, a zeroed sector. Those must be found, they need not be survived.
//!
//! **Not modelled.** A disk that lies about a sync. A torn sector that cannot be read any more, or that damages
//! bytes which were not being written. Old or foreign contents in space that a file newly got. Misdirected
//! writes. File systems that lose both names in a rename. Short reads and writes and interrupted calls, which the
//! [`Storage`] contract has already dealt with. Symbolic links, modes and time. Space that is used up: what a disk says is free
//! is set by hand.
//!
//! **Cost.** Every written byte is kept as long as the disk lives. An image shares the durable bytes and copies
//! what it changes, 4 KiB at a time; sweep cuts in rising order, since going back replays from the start.
//!
//! **Where next.** `medium.rs` holds the rules of a cut, `fault.rs` the failing calls, `tree.rs` the running state.
//!
//! ```
//! use ringmain::storage::{Storage, sim::SimDisk};
//! use std::path::Path;
//! let disk = SimDisk::new();
//! let file = disk.create(Path::new("/a"), 0)?;
//! disk.sync_dir(Path::new("/"))?;
//! file.write_all_at(b"kept", 0)?;
//! file.sync()?;
//! let acknowledged = disk.operation_count();
//! file.write_all_at(b"gone", 0)?;
//! for cut in acknowledged..=disk.operation_count() {
//!     for seed in 0..100 {
//!         let found = disk.image(cut, seed).open(Path::new("/a"))?;
//!         assert_eq!(found.len()?, 4);
//!     }
//! }
//! # Ok::<(), std::io::Error>(())
//! ```

mod content;
mod fault;
mod medium;
#[cfg(test)]
mod tests;
mod tree;

pub use fault::Fault;

use super::{File, Lock, Space, Storage};
use crate::sync::lock;
use content::Content;
use fault::{Call, Faults};
use medium::{Action, Medium, Operation};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tree::{Node, NodeId, Tree, os};

/// What a disk writes whole or in part, in bytes.
pub const SECTOR_BYTES: u64 = 512;

/// How large a disk says that it is.
const TOTAL_BYTES: u64 = 1 << 40;

/// What becomes of what was not synced when power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsynced {
    /// None of it is there.
    Dropped,
    /// All of it is there, as after a killed process.
    Kept,
    /// Each part of it has its own fate, drawn from this seed.
    Seeded(u64),
}

/// A disk in memory that can lose power, fail and rot. Clones are the same disk.
#[derive(Clone)]
pub struct SimDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    tree: Tree,
    start: Tree,
    operations: Vec<Operation>,
    /// The medium after the first so many operations, where the last image was drawn.
    medium: (usize, Medium),
    faults: Faults,
    locks: BTreeMap<NodeId, String>,
    space: Space,
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    file: NodeId,
    path: PathBuf,
}

#[derive(Debug)]
struct SimLock {
    disk: SimDisk,
    file: NodeId,
}

impl SimDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::starting_as(Tree::new())
    }

    fn starting_as(tree: Tree) -> Self {
        Self(Arc::new(Mutex::new(State {
            medium: (0, Medium::holding(&tree)),
            start: tree.clone(),
            tree,
            operations: Vec::new(),
            faults: Faults::default(),
            locks: BTreeMap::new(),
            space: Space { free_bytes: TOTAL_BYTES, total_bytes: TOTAL_BYTES },
        })))
    }

    /// How many operations were done. A workload notes it when something is acknowledged to it: in every image
    /// cut there or later, that something must be found.
    pub fn operation_count(&self) -> u64 {
        lock(&self.0).operations.len() as u64
    }

    /// The operations in their order, to print beside the cut and seed of an image that fails.
    pub fn operations(&self) -> Vec<String> {
        lock(&self.0).operations.iter().map(ToString::to_string).collect()
    }

    /// The disk as it could be found if power had gone right after the first `cut` operations, the fate of
    /// everything unsynced drawn from `seed`. No lock is held on it.
    ///
    /// # Panics
    /// If `cut` is more than [`operation_count`](Self::operation_count).
    pub fn image(&self, cut: u64, seed: u64) -> Self {
        self.image_with(cut, Unsynced::Seeded(seed))
    }

    /// The disk as it could be found if power had gone right after the first `cut` operations. No lock is held
    /// on it.
    ///
    /// # Panics
    /// If `cut` is more than [`operation_count`](Self::operation_count).
    pub fn image_with(&self, cut: u64, unsynced: Unsynced) -> Self {
        let state = &mut *lock(&self.0);
        let done = state.operations.len();
        assert!(cut <= done as u64, "cut {cut} lies after the last of {done} operations");
        let cut_index = cut as usize;
        if cut_index < state.medium.0 {
            state.medium = (0, Medium::holding(&state.start));
        }
        let (at, medium) = &mut state.medium;
        for operation in &state.operations[*at..cut_index] {
            medium.apply(&operation.action);
        }
        *at = cut_index;
        Self::starting_as(medium.draw(unsynced, cut))
    }

    /// Whether both hold the same names and bytes. False for two that differ only in what nobody can tell, such as a hole and zeros.
    pub fn holds_the_same_as(&self, other: &Self) -> bool {
        // One after the other: whoever compares the other way round at the same time must not wait for us.
        let tree = lock(&self.0).tree.clone();
        tree == lock(&other.0).tree
    }

    /// Lets the `nth` call from now that `fault` can hit fail, counted from 1; every call may, reading ones too,
    /// except those that only look at the disk from outside, like this one. Several faults may wait at once.
    ///
    /// To try every place, raise `nth` until [`fault_hit_count`](Self::fault_hit_count) stays 0.
    pub fn fail_nth(&self, nth: u64, fault: Fault) {
        lock(&self.0).faults.arm(nth.max(1), fault);
    }

    /// Says from now on that so much is free, whatever is written.
    pub fn set_free_bytes(&self, bytes: u64) {
        lock(&self.0).space.free_bytes = bytes;
    }

    /// How many calls were made to fail.
    pub fn fault_hit_count(&self) -> u64 {
        lock(&self.0).faults.hit_count
    }

    /// Flips one bit (0 to 7) of a file, on the medium and for readers. Counts as an operation.
    ///
    /// # Errors
    /// No such file, or not so many bytes in it.
    pub fn flip_bit(&self, path: impl AsRef<Path>, byte: u64, bit: u8) -> io::Result<()> {
        self.rot(path.as_ref(), byte, 1, |bytes| bytes.iter_mut().for_each(|b| *b ^= 1 << (bit % 8)))
    }

    /// Zeroes one sector of a file, on the medium and for readers. Counts as an operation.
    ///
    /// # Errors
    /// No such file, or not so many sectors in it.
    pub fn zero_sector(&self, path: impl AsRef<Path>, index: u64) -> io::Result<()> {
        let position = index.checked_mul(SECTOR_BYTES).ok_or_else(|| os(libc::EINVAL))?;
        self.rot(path.as_ref(), position, SECTOR_BYTES, |bytes| bytes.fill(0))
    }

    fn rot(&self, path: &Path, position: u64, len: u64, damage: impl FnOnce(&mut [u8])) -> io::Result<()> {
        let state = &mut *lock(&self.0);
        let file = state.tree.find(path)?;
        let content = state.tree.content_mut(file)?;
        if position >= content.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = vec![0; len.min(content.len() - position) as usize];
        content.read(position, &mut bytes);
        damage(&mut bytes);
        content.write(position, &bytes);
        state.done(path, Action::Rot { file, position, bytes: bytes.into() });
        Ok(())
    }
}

impl Default for SimDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimDisk").field("operation_count", &self.operation_count()).finish_non_exhaustive()
    }
}

impl State {
    /// Fails the call if a fault is due.
    fn admit(&mut self, call: Call) -> io::Result<()> {
        match self.faults.strike(call) {
            Some(fault) => Err(fault.error()),
            None => Ok(()),
        }
    }

    fn done(&mut self, path: &Path, action: Action) {
        self.operations.push(Operation { path: path.to_owned(), action });
    }

    fn make_file(&mut self, path: &Path, bytes: u64) -> io::Result<NodeId> {
        let slot = self.tree.slot(path)?;
        if self.tree.at(&slot).is_some() {
            return Err(os(libc::EEXIST));
        }
        let node = self.tree.add(Node::File(Content::zeros(bytes)));
        self.tree.link(&slot, Some(node));
        self.done(path, Action::Create { slot, node, bytes });
        Ok(node)
    }

    fn make_dir(&mut self, path: &Path) -> io::Result<()> {
        if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            match self.tree.find(parent) {
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::NotFound => self.make_dir(parent)?,
                Err(e) => return Err(e),
            }
        }
        let slot = self.tree.slot(path)?;
        let node = self.tree.add(Node::Dir(tree::Entries::default()));
        self.tree.link(&slot, Some(node));
        self.done(path, Action::CreateDir { slot, node });
        Ok(())
    }

    fn relink(&mut self, path: &Path, what: String, changes: medium::Relink) {
        for (slot, node) in &changes {
            self.tree.link(slot, *node);
        }
        self.done(path, Action::Relink { what, changes });
    }

    /// Whether a rename may put the node `from` in the place of `to`.
    fn check_replaces(&self, from: NodeId, to: NodeId) -> io::Result<()> {
        match (&self.tree.nodes[from], &self.tree.nodes[to]) {
            (Node::File(_), Node::File(_)) => Ok(()),
            (Node::File(_), Node::Dir(_)) => Err(os(libc::EISDIR)),
            (Node::Dir(_), Node::File(_)) => Err(os(libc::ENOTDIR)),
            (Node::Dir(_), Node::Dir(entries)) if entries.is_empty() => Ok(()),
            (Node::Dir(_), Node::Dir(_)) => Err(os(libc::ENOTEMPTY)),
        }
    }
}

impl Storage for SimDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let state = &mut *lock(&self.0);
        state.admit(Call::NeedsSpace)?;
        match state.tree.find(path) {
            Ok(node) => state.tree.entries(node).map(drop).map_err(|_| os(libc::EEXIST)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => state.make_dir(path),
            Err(e) => Err(e),
        }
    }

    fn create(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn File>> {
        let state = &mut *lock(&self.0);
        state.admit(Call::NeedsSpace)?;
        check_end(bytes, 0)?;
        let file = state.make_file(path, bytes)?;
        Ok(Arc::new(SimFile { disk: self.clone(), file, path: path.to_owned() }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let state = &mut *lock(&self.0);
        state.admit(Call::Other)?;
        let file = state.tree.find(path)?;
        state.tree.content(file)?;
        Ok(Arc::new(SimFile { disk: self.clone(), file, path: path.to_owned() }))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let state = &mut *lock(&self.0);
        state.admit(Call::Other)?;
        let dir = state.tree.find(path)?;
        Ok(state.tree.entries(dir)?.keys().map(|name| path.join(name)).collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let state = &mut *lock(&self.0);
        state.admit(Call::NeedsSpace)?;
        let (source, target) = (state.tree.slot(from)?, state.tree.slot(to)?);
        let node = state.tree.at(&source).ok_or_else(|| os(libc::ENOENT))?;
        if state.tree.is_within(target.dir, node) {
            return Err(os(libc::EINVAL));
        }
        match state.tree.at(&target) {
            Some(replaced) if replaced == node => return Ok(()),
            Some(replaced) => state.check_replaces(node, replaced)?,
            None => {}
        }
        let what = format!("rename {} to {}", from.display(), to.display());
        state.relink(from, what, vec![(source, None), (target, Some(node))]);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let state = &mut *lock(&self.0);
        state.admit(Call::Other)?;
        let slot = state.tree.slot(path)?;
        let file = state.tree.at(&slot).ok_or_else(|| os(libc::ENOENT))?;
        state.tree.content(file)?;
        state.relink(path, format!("remove {}", path.display()), vec![(slot, None)]);
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let state = &mut *lock(&self.0);
        state.admit(Call::Other)?;
        let slot = state.tree.slot(path)?;
        let dir = state.tree.at(&slot).ok_or_else(|| os(libc::ENOENT))?;
        if !state.tree.entries(dir)?.is_empty() {
            return Err(os(libc::ENOTEMPTY));
        }
        state.relink(path, format!("remove directory {}", path.display()), vec![(slot, None)]);
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let state = &mut *lock(&self.0);
        state.admit(Call::Other)?;
        let dir = state.tree.find(path)?;
        state.tree.entries(dir)?;
        state.done(path, Action::SyncDir { dir });
        Ok(())
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        let state = &mut *lock(&self.0);
        state.tree.find(path)?;
        Ok(state.space)
    }

    /// The text lives as long as the lock does; the file stays empty.
    fn lock(&self, path: &Path, holder: &str) -> io::Result<Result<Box<dyn Lock>, String>> {
        let state = &mut *lock(&self.0);
        state.admit(Call::NeedsSpace)?;
        let file = match state.tree.find(path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => state.make_file(path, 0)?,
            Err(e) => return Err(e),
        };
        state.tree.content(file)?;
        if let Some(text) = state.locks.get(&file) {
            return Ok(Err(text.clone()));
        }
        state.locks.insert(file, holder.to_owned());
        Ok(Ok(Box::new(SimLock { disk: self.clone(), file })))
    }

    /// The writer's, but nothing is made for it.
    fn lock_shared(&self, path: &Path) -> io::Result<Result<Box<dyn Lock>, String>> {
        let _ = lock(&self.0).tree.find(path)?;
        self.lock(path, "by somebody who only reads")
    }
}

impl File for SimFile {
    fn read_exact_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()> {
        let state = &mut *lock(&self.disk.0);
        state.admit(Call::Other)?;
        let content = state.tree.content(self.file)?;
        if check_end(position, buffer.len())? > content.len() && !buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        content.read(position, buffer);
        Ok(())
    }

    fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        let state = &mut *lock(&self.disk.0);
        check_end(position, bytes.len())?;
        let fault = state.faults.strike(Call::NeedsSpace);
        let done = if fault.is_some() { &bytes[..bytes.len() / 2] } else { bytes };
        if !done.is_empty() {
            state.tree.content_mut(self.file)?.write(position, done);
            state.done(&self.path, Action::Write { file: self.file, position, bytes: done.into() });
        }
        fault.map_or(Ok(()), |fault| Err(fault.error()))
    }

    fn len(&self) -> io::Result<u64> {
        let state = &mut *lock(&self.disk.0);
        state.admit(Call::Other)?;
        Ok(state.tree.content(self.file)?.len())
    }

    fn sync(&self) -> io::Result<()> {
        let state = &mut *lock(&self.disk.0);
        match state.faults.strike(Call::SyncFile) {
            None => {
                state.done(&self.path, Action::Sync { file: self.file });
                Ok(())
            }
            Some(fault) => {
                if fault == Fault::SyncForgets {
                    state.done(&self.path, Action::SyncForgets { file: self.file });
                }
                Err(fault.error())
            }
        }
    }
}

impl Lock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        lock(&self.disk.0).locks.remove(&self.file);
    }
}

/// One past the last byte, which must be a position that the system knows.
fn check_end(position: u64, bytes: usize) -> io::Result<u64> {
    let end = position.checked_add(bytes as u64).filter(|end| i64::try_from(*end).is_ok());
    end.ok_or_else(|| os(libc::EINVAL))
}
