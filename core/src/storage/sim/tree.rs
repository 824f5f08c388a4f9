//! The directory tree of a simulated disk as a running process sees it.

use super::content::Content;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path};
use std::sync::Arc;

/// Which file or directory; never given again to another one of the same disk.
pub(super) type NodeId = usize;

/// The root directory, which is always there.
pub(super) const ROOT: NodeId = 0;

/// The names in a directory.
pub(super) type Entries = Arc<BTreeMap<OsString, NodeId>>;

/// A name in a directory, whether something is there or not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot {
    pub(super) dir: NodeId,
    pub(super) name: OsString,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Dir(Entries),
    File(Content),
}

/// Directories and files by number. Cloning shares what is in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
}

impl Tree {
    pub(super) fn new() -> Self {
        Self { nodes: vec![Node::Dir(Entries::default())] }
    }

    pub(super) fn add(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// The node at `path`.
    pub(super) fn find(&self, path: &Path) -> io::Result<NodeId> {
        let mut node = ROOT;
        for name in names(path) {
            node = *self.entries(node)?.get(name?).ok_or_else(|| os(libc::ENOENT))?;
        }
        Ok(node)
    }

    /// The place of `path` in its directory, which must exist.
    pub(super) fn slot(&self, path: &Path) -> io::Result<Slot> {
        let mut names = names(path).collect::<io::Result<Vec<_>>>()?;
        let name = names.pop().ok_or_else(|| os(libc::EBUSY))?.to_owned();
        let mut dir = ROOT;
        for name in names {
            dir = *self.entries(dir)?.get(name).ok_or_else(|| os(libc::ENOENT))?;
        }
        self.entries(dir)?;
        Ok(Slot { dir, name })
    }

    pub(super) fn at(&self, slot: &Slot) -> Option<NodeId> {
        self.entries(slot.dir).ok()?.get(&slot.name).copied()
    }

    pub(super) fn link(&mut self, slot: &Slot, node: Option<NodeId>) {
        if let Node::Dir(entries) = &mut self.nodes[slot.dir] {
            set(entries, &slot.name, node);
        }
    }

    pub(super) fn entries(&self, dir: NodeId) -> io::Result<&Entries> {
        match &self.nodes[dir] {
            Node::Dir(entries) => Ok(entries),
            Node::File(_) => Err(os(libc::ENOTDIR)),
        }
    }

    pub(super) fn content(&self, file: NodeId) -> io::Result<&Content> {
        match &self.nodes[file] {
            Node::File(content) => Ok(content),
            Node::Dir(_) => Err(os(libc::EISDIR)),
        }
    }

    pub(super) fn content_mut(&mut self, file: NodeId) -> io::Result<&mut Content> {
        match &mut self.nodes[file] {
            Node::File(content) => Ok(content),
            Node::Dir(_) => Err(os(libc::EISDIR)),
        }
    }

    /// Whether `inner` is `outer` or lies somewhere below it.
    pub(super) fn is_within(&self, inner: NodeId, outer: NodeId) -> bool {
        inner == outer
            || self.entries(outer).is_ok_and(|entries| entries.values().any(|n| self.is_within(inner, *n)))
    }
}

/// Puts `node` at `name`, or nothing.
pub(super) fn set(entries: &mut Entries, name: &OsString, node: Option<NodeId>) {
    let entries = Arc::make_mut(entries);
    match node {
        Some(node) => entries.insert(name.clone(), node),
        None => entries.remove(name),
    };
}

/// The error that the system gives for `errno`.
pub(super) fn os(errno: i32) -> io::Error {
    io::Error::from_raw_os_error(errno)
}

fn names(path: &Path) -> impl Iterator<Item = io::Result<&OsStr>> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(Ok(name)),
        Component::RootDir | Component::CurDir => None,
        Component::ParentDir | Component::Prefix(_) => {
            Some(Err(io::Error::new(io::ErrorKind::InvalidInput, "the simulated disk has no '..'")))
        }
    })
}
