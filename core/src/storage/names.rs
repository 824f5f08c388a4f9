//! How paths are looked up: from the root of the file system, or below a directory that is held open.
//!
//! **Promise.** Below a directory that is held, no link is followed, neither in the place of a file nor of a directory on the way, and the
//! directory stays the one that was opened, whatever becomes of its name.
//!
//! **Not promised.** That of other paths: there links among the directories are followed.
//!
//! **Cost.** An open for each directory on the way, of which a hub has at most three.

use super::Space;
use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// See the module's description.
#[derive(Debug, Clone)]
pub(super) struct Names(Option<Arc<Held>>);

#[derive(Debug)]
struct Held {
    path: PathBuf,
    directory: OwnedFd,
}

/// Where a name is looked up.
struct Place<'a> {
    /// None: where the system begins.
    directory: Option<OwnedFd>,
    name: &'a Path,
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY);

impl Place<'_> {
    fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_ref().map_or(CWD, AsFd::as_fd)
    }

    fn open(&self, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
        let links = if self.directory.is_some() { OFlags::NOFOLLOW } else { OFlags::empty() };
        Ok(rustix::fs::openat(self.directory(), self.name, flags | links | OFlags::CLOEXEC, mode)?)
    }
}

impl Names {
    /// All paths, from the root.
    pub(super) const ALL: Self = Self(None);

    /// Paths below `path` from there, and others from the root. Links on the way to `path` are followed, now.
    pub(super) fn beneath(path: &Path) -> io::Result<Self> {
        let directory = Self::ALL.open(path, DIRECTORY, Mode::empty())?.into();
        Ok(Self(Some(Arc::new(Held { path: path.to_owned(), directory }))))
    }

    /// The directory that is held, and the way from there to `path`, if that lies below it.
    fn held<'a>(&self, path: &'a Path) -> Option<(&Held, &'a Path)> {
        let held = self.0.as_deref()?;
        Some((held, path.strip_prefix(&held.path).ok()?))
    }

    fn place<'a>(&self, path: &'a Path) -> io::Result<Place<'a>> {
        let Some((held, below)) = self.held(path) else { return Ok(Place { directory: None, name: path }) };
        let mut names = below.components();
        let name = names.next().map_or(Ok(Path::new(".")), step)?;
        let mut place = Place { directory: Some(held.directory.try_clone()?), name };
        for name in names {
            place = Place { directory: Some(place.open(DIRECTORY, Mode::empty())?), name: step(name)? };
        }
        Ok(place)
    }

    /// Opens a file or directory.
    pub(super) fn open(&self, path: &Path, flags: OFlags, mode: Mode) -> io::Result<File> {
        Ok(self.place(path)?.open(flags, mode)?.into())
    }

    /// Makes a directory, and those on the way to it that are missing, for the owner alone.
    pub(super) fn create_dir(&self, path: &Path) -> io::Result<()> {
        let Some((held, below)) = self.held(path) else {
            return DirBuilder::new().recursive(true).mode(0o700).create(path);
        };
        let mut directory = held.directory.try_clone()?;
        let mut names = below.components();
        while let Some(name) = names.next() {
            let place = Place { directory: Some(directory), name: step(name)? };
            let made = rustix::fs::mkdirat(place.directory(), place.name, Mode::RWXU);
            if let Err(error) = made
                && error != Errno::EXIST
            {
                return Err(error.into());
            }
            directory = place.open(DIRECTORY, Mode::empty()).map_err(|error| match made {
                // It is something else.
                Err(exists) if names.as_path().as_os_str().is_empty() => exists.into(),
                _ => error,
            })?;
        }
        Ok(())
    }

    /// The entries of a directory, in order of name.
    pub(super) fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let directory = self.open(path, DIRECTORY, Mode::empty())?;
        let mut found = Vec::new();
        for entry in Dir::read_from(directory)? {
            let entry = entry?;
            match entry.file_name().to_bytes() {
                b"." | b".." => {}
                name => found.push(path.join(OsStr::from_bytes(name))),
            }
        }
        found.sort();
        Ok(found)
    }

    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (from, to) = (self.place(from)?, self.place(to)?);
        Ok(rustix::fs::renameat(from.directory(), from.name, to.directory(), to.name)?)
    }

    pub(super) fn remove(&self, path: &Path) -> io::Result<()> {
        self.unlink(path, AtFlags::empty())
    }

    pub(super) fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.unlink(path, AtFlags::REMOVEDIR)
    }

    fn unlink(&self, path: &Path, flags: AtFlags) -> io::Result<()> {
        let place = self.place(path)?;
        Ok(rustix::fs::unlinkat(place.directory(), place.name, flags)?)
    }

    pub(super) fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.open(path, DIRECTORY, Mode::empty())?.sync_all()
    }

    /// The room on the file system that a file or directory is on.
    pub(super) fn space(&self, path: &Path) -> io::Result<Space> {
        space(self.open(path, OFlags::RDONLY, Mode::empty())?)
    }
}

/// The room on the file system that a file is on.
pub(super) fn space(file: impl AsFd) -> io::Result<Space> {
    let found = rustix::fs::fstatvfs(file)?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Ok(Space { free_bytes: bytes(found.f_bavail), total_bytes: bytes(found.f_blocks) })
}

/// One step on the way down.
fn step(component: Component<'_>) -> io::Result<&Path> {
    match component {
        Component::Normal(name) => Ok(Path::new(name)),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "a path that leads back")),
    }
}
