//! What the medium holds for certain, what it may hold besides, and a draw from the disks that this allows.

use super::content::Content;
use super::tree::{self, Entries, Node, NodeId, ROOT, Slot, Tree};
use super::{SECTOR_BYTES, Unsynced};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// A name changes its meaning. A rename is one change of two names: it happens whole or not at all.
pub(super) type Relink = Vec<(Slot, Option<NodeId>)>;

/// One mutating call that was done.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) path: PathBuf,
    pub(super) action: Action,
}

#[derive(Debug)]
pub(super) enum Action {
    CreateDir { slot: Slot, node: NodeId },
    Create { slot: Slot, node: NodeId, bytes: u64 },
    Relink { what: String, changes: Relink },
    Write { file: NodeId, position: u64, bytes: Arc<[u8]> },
    Sync { file: NodeId },
    SyncForgets { file: NodeId },
    SyncDir { dir: NodeId },
    Rot { file: NodeId, position: u64, bytes: Arc<[u8]> },
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.action {
            Action::CreateDir { .. } => write!(f, "create directory {path}"),
            Action::Create { bytes, .. } => write!(f, "create {path} of {bytes} bytes"),
            Action::Relink { what, .. } => f.write_str(what),
            Action::Write { position, bytes, .. } => write!(f, "write {path} {position}+{}", bytes.len()),
            Action::Sync { .. } => write!(f, "sync {path}"),
            Action::SyncForgets { .. } => write!(f, "sync {path}, failed and forgotten"),
            Action::SyncDir { .. } => write!(f, "sync directory {path}"),
            Action::Rot { position, bytes, .. } => write!(f, "rot {path} {position}+{}", bytes.len()),
        }
    }
}

/// A write that is not simply part of the durable bytes. An empty one only lengthens the file.
#[derive(Clone, Debug)]
struct Write {
    position: u64,
    bytes: Arc<[u8]>,
    certainty: Certainty,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Certainty {
    /// The next sync makes it certain.
    Unsynced,
    /// A failed sync marked it clean: no sync will ever make it certain.
    Forgotten,
    /// On the medium; kept as a write because a forgotten one precedes it.
    Certain,
}

#[derive(Debug)]
enum Held {
    Dir(Entries),
    File { durable: Content, writes: Vec<Write> },
}

#[derive(Debug)]
pub(super) struct Medium {
    nodes: Vec<Held>,
    relinks: Vec<Relink>,
}

impl Medium {
    /// A medium on which everything in `tree` is durable.
    pub(super) fn holding(tree: &Tree) -> Self {
        let nodes = tree.nodes.iter().map(|node| match node {
            Node::Dir(entries) => Held::Dir(entries.clone()),
            Node::File(content) => Held::File { durable: content.clone(), writes: Vec::new() },
        });
        Self { nodes: nodes.collect(), relinks: Vec::new() }
    }

    /// Takes in what one more operation means for the medium.
    pub(super) fn apply(&mut self, action: &Action) {
        match action {
            Action::CreateDir { slot, node } => {
                self.nodes.push(Held::Dir(Entries::default()));
                self.relinks.push(vec![(slot.clone(), Some(*node))]);
            }
            Action::Create { slot, node, bytes } => {
                self.nodes.push(Held::File { durable: Content::default(), writes: Vec::new() });
                self.relinks.push(vec![(slot.clone(), Some(*node))]);
                self.write(*node, *bytes, Arc::default(), Certainty::Unsynced);
            }
            Action::Relink { changes, .. } => self.relinks.push(changes.clone()),
            Action::Write { file, position, bytes } => {
                self.write(*file, *position, Arc::clone(bytes), Certainty::Unsynced);
            }
            Action::Rot { file, position, bytes } => {
                self.write(*file, *position, Arc::clone(bytes), Certainty::Certain);
            }
            Action::Sync { file } => self.sync(*file),
            Action::SyncForgets { file } => {
                if let Held::File { writes, .. } = &mut self.nodes[*file] {
                    promote(writes, Certainty::Forgotten);
                }
            }
            Action::SyncDir { dir } => self.sync_dir(*dir),
        }
    }

    fn write(&mut self, file: NodeId, position: u64, bytes: Arc<[u8]>, certainty: Certainty) {
        if let Held::File { writes, .. } = &mut self.nodes[file] {
            writes.push(Write { position, bytes, certainty });
        }
    }

    fn sync(&mut self, file: NodeId) {
        let Held::File { durable, writes } = &mut self.nodes[file] else { return };
        promote(writes, Certainty::Certain);
        let settled = writes.iter().take_while(|w| w.certainty == Certainty::Certain).count();
        for write in writes.drain(..settled) {
            write.apply(durable);
        }
    }

    /// Makes the names in `dir` durable, and with them every earlier change of another directory's name that one
    /// of these changes builds on.
    fn sync_dir(&mut self, dir: NodeId) {
        let mut needed: Vec<Slot> = Vec::new();
        let mut settles: Vec<bool> = Vec::new();
        for relink in self.relinks.iter().rev() {
            let touches = relink.iter().any(|(slot, _)| slot.dir == dir || needed.contains(slot));
            if touches {
                needed.extend(relink.iter().map(|(slot, _)| slot.clone()));
            }
            settles.push(touches);
        }
        for relink in std::mem::take(&mut self.relinks) {
            if settles.pop() == Some(true) {
                for (slot, node) in &relink {
                    if let Held::Dir(entries) = &mut self.nodes[slot.dir] {
                        tree::set(entries, &slot.name, *node);
                    }
                }
            } else {
                self.relinks.push(relink);
            }
        }
    }

    /// One disk as it could be found if power went now.
    pub(super) fn draw(&self, unsynced: Unsynced, cut: u64) -> Tree {
        let mut draw = Draw::new(unsynced, cut);
        let mut tree = Tree { nodes: Vec::with_capacity(self.nodes.len()) };
        for held in &self.nodes {
            tree.nodes.push(match held {
                Held::Dir(entries) => Node::Dir(entries.clone()),
                Held::File { .. } => Node::File(Content::default()),
            });
        }
        self.draw_names(&mut tree, &mut draw);
        self.draw_contents(ROOT, &mut tree, &mut draw);
        tree
    }

    /// Changes of different names happened or not independently; those of one name in their order.
    fn draw_names(&self, tree: &mut Tree, draw: &mut Draw) {
        let mut undone: Vec<&Slot> = Vec::new();
        for relink in &self.relinks {
            let blocked = relink.iter().any(|(slot, _)| undone.contains(&slot));
            if !blocked && draw.happened() {
                for (slot, node) in relink {
                    tree.link(slot, *node);
                }
            } else {
                undone.extend(relink.iter().map(|(slot, _)| slot));
            }
        }
    }

    /// Fills in the files that can be reached from `dir`.
    fn draw_contents(&self, dir: NodeId, tree: &mut Tree, draw: &mut Draw) {
        let Ok(entries) = tree.entries(dir) else { return };
        for node in entries.clone().values() {
            match &self.nodes[*node] {
                Held::Dir(_) => self.draw_contents(*node, tree, draw),
                Held::File { durable, writes } => {
                    tree.nodes[*node] = Node::File(draw_content(durable, writes, draw));
                }
            }
        }
    }
}

impl Write {
    fn end(&self) -> u64 {
        self.position + self.bytes.len() as u64
    }

    fn apply(&self, content: &mut Content) {
        content.write(self.position, &self.bytes);
        content.reach(self.end());
    }
}

/// Turns every unsynced write into a write of another certainty.
fn promote(writes: &mut [Write], to: Certainty) {
    for write in writes.iter_mut().filter(|w| w.certainty == Certainty::Unsynced) {
        write.certainty = to;
    }
}

fn draw_content(durable: &Content, writes: &[Write], draw: &mut Draw) -> Content {
    let mut content = durable.clone();
    if writes.is_empty() {
        return content;
    }
    draw.next_file();
    let certain = writes.iter().filter(|w| w.certainty == Certainty::Certain).map(Write::end);
    let len_min = certain.fold(content.len(), u64::max);
    let lens = writes.iter().map(Write::end).filter(|end| *end > len_min);
    let len = draw.len(len_min, lens);
    content.reach(len);
    for write in writes {
        let mut position = write.position;
        let mut rest = &write.bytes[..write.bytes.len().min(len.saturating_sub(position) as usize)];
        while !rest.is_empty() {
            let room = SECTOR_BYTES - position % SECTOR_BYTES;
            let (sector, later) = rest.split_at(rest.len().min(room as usize));
            let kept = match write.certainty {
                Certainty::Certain => sector.len(),
                Certainty::Unsynced | Certainty::Forgotten => draw.kept_bytes(sector.len()),
            };
            content.write(position, &sector[..kept]);
            position += sector.len() as u64;
            rest = later;
        }
    }
    content
}

/// The dice. Each file gets a leaning of its own, because "this file is all there, that one not at all" is the
/// outcome that finds a missing sync, and even odds for each sector would all but never throw it.
struct Draw {
    unsynced: Unsynced,
    state: u64,
    leaning: Leaning,
}

#[derive(Clone, Copy)]
enum Leaning {
    Dropped,
    Kept,
    /// So many of 16 sectors are kept; of the others a quarter is torn.
    Mixed(u64),
}

impl Draw {
    fn new(unsynced: Unsynced, cut: u64) -> Self {
        let state = match unsynced {
            Unsynced::Seeded(seed) => seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ cut.rotate_left(32),
            Unsynced::Dropped | Unsynced::Kept => 0,
        };
        Self { unsynced, state, leaning: Leaning::Kept }
    }

    fn next_file(&mut self) {
        self.leaning = match self.unsynced {
            Unsynced::Dropped => Leaning::Dropped,
            Unsynced::Kept => Leaning::Kept,
            Unsynced::Seeded(_) => match self.below(8) {
                0 => Leaning::Dropped,
                1 => Leaning::Kept,
                2 | 3 => Leaning::Mixed(2),
                4 | 5 => Leaning::Mixed(8),
                _ => Leaning::Mixed(13),
            },
        };
    }

    /// Whether a change of a name happened.
    fn happened(&mut self) -> bool {
        match self.unsynced {
            Unsynced::Dropped => false,
            Unsynced::Kept => true,
            Unsynced::Seeded(_) => self.below(2) == 0,
        }
    }

    /// How many of a sector's new bytes are there.
    fn kept_bytes(&mut self, bytes: usize) -> usize {
        let kept_of_16 = match self.leaning {
            Leaning::Dropped => return 0,
            Leaning::Kept => return bytes,
            Leaning::Mixed(kept_of_16) => kept_of_16,
        };
        if self.below(16) < kept_of_16 {
            bytes
        } else if self.below(4) == 0 {
            self.below(bytes as u64) as usize
        } else {
            0
        }
    }

    /// The length of a file: `len_min`, or one that an unsynced write gave it.
    fn len(&mut self, len_min: u64, lens: impl Iterator<Item = u64> + Clone) -> u64 {
        match self.unsynced {
            Unsynced::Dropped => len_min,
            Unsynced::Kept => lens.fold(len_min, u64::max),
            Unsynced::Seeded(_) => match self.below(4) {
                0 => len_min,
                1 | 2 => lens.fold(len_min, u64::max),
                _ => {
                    let pick = self.below(lens.clone().count() as u64 + 1);
                    lens.take(pick as usize).last().unwrap_or(len_min)
                }
            },
        }
    }

    /// A number below `bound`, by SplitMix64.
    fn below(&mut self, bound: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound.max(1)
    }
}
