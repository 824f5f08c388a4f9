//! What members were given, and what they said of it.

use ringmain::{Member, Record};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// Offsets of one partition: all below one, and others.
#[derive(Debug, Default, Clone)]
pub struct Marks {
    pub below: u64,
    pub beyond: BTreeSet<u64>,
}

impl Marks {
    pub fn has(&self, offset: u64) -> bool {
        offset < self.below || self.beyond.contains(&offset)
    }

    pub fn raise(&mut self, below: u64) {
        self.below = self.below.max(below);
    }

    fn add(&mut self, other: &Self) {
        self.raise(other.below);
        self.beyond.extend(&other.beyond);
    }

    /// Nothing at or beyond an offset any more.
    pub fn cut(&mut self, offset: u64) {
        self.below = self.below.min(offset);
        self.beyond.split_off(&offset);
    }
}

/// What a group has done in one partition.
#[derive(Debug, Default, Clone)]
pub struct Share {
    /// Acknowledged, asked for since the last rewind, and asked for ever.
    pub done: Marks,
    pub asked: Marks,
    pub asked_ever: Marks,
    /// Given to somebody, or passed over by name.
    pub given: BTreeSet<u64>,
    pub passed: Marks,
}

impl Share {
    pub fn ask(&mut self, mut to: impl FnMut(&mut Marks)) {
        to(&mut self.asked);
        to(&mut self.asked_ever);
    }

    /// These offsets will be given anew, to other records.
    pub fn lose(&mut self, end: u64) {
        for marks in [&mut self.done, &mut self.asked, &mut self.asked_ever, &mut self.passed] {
            marks.cut(end);
        }
        self.given.split_off(&end);
    }
}

/// See the module's description.
#[derive(Debug, Default)]
pub struct Group {
    pub shares: BTreeMap<u32, Share>,
    /// What it had done before it was deleted: a power cut may bring that back where nobody waited for a sync.
    pub former: Vec<BTreeMap<u32, Share>>,
    /// Who was given records of a partition in a generation.
    pub readers: BTreeMap<(u64, u32), u64>,
}

impl Group {
    pub fn share(&mut self, partition: u32) -> &mut Share {
        self.shares.entry(partition).or_default()
    }

    /// It was deleted: the generations of a group of that name begin anew.
    pub fn forget(&mut self) {
        self.readers.clear();
        self.former.push(std::mem::take(&mut self.shares));
    }

    /// The deletions may be forgotten themselves.
    pub fn recall(&mut self) {
        for (partition, former) in self.former.drain(..).flatten() {
            let share = self.shares.entry(partition).or_default();
            share.asked_ever.add(&former.asked_ever);
            share.passed.add(&former.passed);
            share.given.extend(former.given);
        }
    }
}

/// What the callbacks of a member said.
#[derive(Debug)]
pub enum Event {
    Assigned(Vec<u32>),
    Revoked(Vec<u32>),
    Lost(Vec<u32>),
}

/// Where a member is in a partition that it reads.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub next: u64,
    pub since_ns: u64,
    /// It went back by name.
    pub is_sought: bool,
}

/// A member, as far as it knows.
#[derive(Debug)]
pub struct Sitting {
    pub id: u64,
    pub group: usize,
    pub name: Option<u8>,
    pub member: Member,
    pub events: Arc<Mutex<Vec<Event>>>,
    pub places: BTreeMap<u32, Place>,
    /// What it reads no more and has not let go of.
    pub stopped: BTreeMap<u32, Place>,
    pub records: Vec<Record>,
    /// Marked and not committed.
    pub marked: BTreeMap<u32, BTreeSet<u64>>,
    pub polled_ns: u64,
    /// Another one has taken its name.
    pub is_replaced: bool,
}

impl Sitting {
    /// Up to where it would commit each partition.
    pub fn polled(&self) -> Vec<(u32, u64)> {
        self.places.iter().chain(&self.stopped).map(|(partition, place)| (*partition, place.next)).collect()
    }

    /// What it has let go of by itself is no more its.
    pub fn look_at_stopped(&mut self) {
        let revoking = self.member.revoking();
        self.stopped.retain(|partition, _| revoking.contains(partition));
        let (places, stopped) = (&self.places, &self.stopped);
        self.marked.retain(|partition, _| places.contains_key(partition) || stopped.contains_key(partition));
    }
}
