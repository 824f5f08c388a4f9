//! What a member does when partitions come and go: takes over, lets go, and tells its program.
//!
//! **Promise.** No lock of ours is held while a callback runs, and the member is as it will be: a callback may use every verb.
//! A partition that is asked for is read no more from the next poll on, and goes to its next owner once what was polled of it is
//! committed, or its owner says so.

use crate::error::{Error, Result};
use crate::stream::Member;
use crate::stream::coordinator::Coordinator;
use crate::stream::progress::Progress;
use crate::stream::reader::PartitionReader;
use crate::sync::lock;
use std::fmt;
use std::sync::Arc;

type Callback = Arc<dyn Fn(&mut Member, &[u32]) -> Result<()> + Send + Sync>;

/// What a program wants to be told.
#[derive(Clone, Default)]
pub(super) struct Callbacks {
    pub(super) on_assign: Option<Callback>,
    pub(super) on_revoke: Option<Callback>,
    pub(super) on_lost: Option<Callback>,
}

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callbacks").finish_non_exhaustive()
    }
}

/// A partition that this member reads no more, and has not let go of yet.
#[derive(Debug)]
pub(super) struct Revoking {
    pub(super) partition: u32,
    /// The next offset that it would have read.
    offset: u64,
    /// Whether the program has been told: before that it is not given away.
    is_told: bool,
}

impl Member {
    /// Takes over what was assigned since the last look, and lets go of what is to go.
    pub(super) fn refresh(&mut self) -> Result<()> {
        let generation = lock(&self.coordinator).generation();
        if generation == self.generation { Ok(()) } else { self.take_over() }
    }

    fn take_over(&mut self) -> Result<()> {
        let number = self.number;
        let look = |coordinator: &mut Coordinator, now_ns| coordinator.look(number, now_ns);
        let view = self.stream.change_group(&self.group, &self.coordinator, look)?;
        // One that was lost in between is read from its committed offset, like any that moves.
        let stays = |partition: u32| {
            let since = view.since.get(&partition);
            since.is_some() && since == self.since.get(&partition)
        };
        let is_read = |partition: u32| stays(partition) && !view.stopped.contains(&partition);
        let given = view.since.keys().copied().filter(|partition| !stays(*partition));
        let (asked_unseen, given): (Vec<u32>, Vec<u32>) =
            given.partition(|partition| view.stopped.contains(partition));
        // These may fail: nothing is changed before.
        let read_from = |partition: &u32| self.read_from_committed(*partition);
        let unseen = asked_unseen.iter().map(read_from).collect::<Result<Vec<_>>>()?;
        let read = given.iter().map(read_from).collect::<Result<Vec<_>>>()?;
        let places = self.reader.take_partitions();
        let (kept, gone): (Vec<_>, Vec<_>) = places.into_iter().partition(|place| is_read(place.partition));
        let (asked, lost): (Vec<_>, Vec<_>) = gone.into_iter().partition(|place| stays(place.partition));
        self.handled.retain(stays);
        for (place, progress) in read.iter().chain(&unseen) {
            self.handled.take_over(place.partition, progress.clone());
        }
        self.reader.set_filter(self.handled.wanted());
        let mut read: Vec<_> = read.into_iter().map(|(place, _)| place).collect();
        // What had been asked for, and was told so, and has been taken away since, needs no telling again.
        self.revoking.retain(|revoking| stays(revoking.partition));
        read.extend(kept);
        self.reader.set_partitions(read);
        let revoking = |place: PartitionReader| Revoking {
            partition: place.partition,
            offset: place.offset(),
            is_told: false,
        };
        let lost: Vec<u32> = sorted(lost.iter().map(|place| place.partition));
        // Of what came and is to go at once the program knows nothing.
        let unseen = unseen.into_iter().map(|(place, _)| Revoking { is_told: true, ..revoking(place) });
        self.revoking.extend(unseen);
        let asked: Vec<u32> = {
            let from = self.revoking.len();
            self.revoking.extend(asked.into_iter().map(revoking));
            sorted(self.revoking[from..].iter().map(|revoking| revoking.partition))
        };
        (self.generation, self.since) = (view.generation, view.since);
        self.tell(lost, asked, given)
    }

    /// Runs the callbacks: all of them, whatever one of them says.
    fn tell(&mut self, lost: Vec<u32>, asked: Vec<u32>, given: Vec<u32>) -> Result<()> {
        let Callbacks { on_assign, on_revoke, on_lost } = self.callbacks.clone();
        let was_lost = self.call(on_lost, &lost);
        let was_revoked = self.call(on_revoke, &asked);
        let told = self.revoking.iter_mut().filter(|revoking| asked.contains(&revoking.partition));
        told.for_each(|revoking| revoking.is_told = true);
        self.hand_over();
        let was_assigned = self.call(on_assign, &given);
        was_lost.and(was_revoked).and(was_assigned)
    }

    fn call(&mut self, callback: Option<Callback>, partitions: &[u32]) -> Result<()> {
        match callback {
            Some(callback) if !partitions.is_empty() => callback(self, partitions),
            _ => Ok(()),
        }
    }

    fn read_from_committed(&self, partition: u32) -> Result<(PartitionReader, Progress)> {
        let progress = match self.stream.offsets.progress(self.group.as_str(), partition) {
            Some(progress) => progress,
            None => Progress::at(self.stream.readable(partition)?.first_readable()),
        };
        // What was removed meanwhile is told by poll, so that seek is still possible.
        Ok((PartitionReader::at(&self.stream, partition, progress.next())?, progress))
    }

    /// The next offset of each partition that it has polled and still has, those that it is to let go of included.
    pub(super) fn polled(&self) -> impl Iterator<Item = (u32, u64)> {
        let read = self.reader.partitions().iter().map(|place| (place.partition, place.offset()));
        read.chain(self.revoking.iter().map(|revoking| (revoking.partition, revoking.offset)))
    }

    /// Whether it owns a partition, and has not lost it since it last looked: what it polled then may be committed. One that has
    /// never looked has polled nothing that could be out of date.
    pub(super) fn may_commit(&self, coordinator: &Coordinator, partition: u32) -> bool {
        let since = coordinator.owned_since(self.number, partition);
        since.is_some() && (self.generation == 0 || self.since.get(&partition).copied() == since)
    }

    /// What is committed may have caught up with what was polled: lets go of what it was asked for, as far as it has.
    pub(super) fn hand_over(&mut self) {
        if self.revoking.is_empty() {
            return;
        }
        let (stream, group) = (&self.stream, self.group.as_str());
        let start = |partition| stream.readable(partition).map_or(0, |log| log.first_readable());
        let is_over = |revoking: &Revoking| {
            let Revoking { partition, offset, is_told } = *revoking;
            let committed = stream.offsets.committed(group, partition);
            is_told && committed.unwrap_or_else(|| start(partition)) >= offset
        };
        let over = self.revoking.iter().filter(|revoking| is_over(revoking));
        let over: Vec<u32> = over.map(|revoking| revoking.partition).collect();
        self.let_go(&over);
    }

    /// A partition that it is to let go of is rewound: its next owner begins there, and nothing of it is left to be committed here.
    pub(super) fn go_back_in_revoking(&mut self, partition: u32, offset: u64) -> bool {
        let revoking = self.revoking.iter_mut().find(|revoking| revoking.partition == partition);
        revoking.map(|revoking| revoking.offset = offset).is_some()
    }

    fn let_go(&mut self, partitions: &[u32]) {
        if partitions.is_empty() {
            return;
        }
        self.revoking.retain(|revoking| !partitions.contains(&revoking.partition));
        let number = self.number;
        self.stream.change_group(&self.group, &self.coordinator, |coordinator, _| {
            coordinator.release(number, partitions);
        });
    }

    /// The partitions that it was asked to let go of and still has, in order: nothing is polled of them any more, what was can
    /// be committed.
    pub fn revoking(&self) -> Vec<u32> {
        sorted(self.revoking.iter().map(|revoking| revoking.partition))
    }

    /// Lets go of a partition that it was asked for, although not everything polled of it is committed: what is not will be
    /// polled again by the next owner. Without this it is given on when it is committed, or when the group's
    /// [`revoke_timeout`](crate::Group::revoke_timeout) has passed.
    ///
    /// ```
    /// use ringmain::{Hub, Message};
    /// use std::time::Duration;
    /// let flights = Hub::memory().stream("flights").partitions(2).open()?;
    /// (0..10u8).try_for_each(|i| flights.append(Message::new(&[i]).key(&[i])).map(drop))?;
    /// let group = flights.group("billing");
    /// let mut first = group.join()?;
    /// assert_eq!(first.poll(100, Duration::ZERO)?.len(), 10);
    /// let mut second = group.join()?;
    /// assert_eq!(second.poll(100, Duration::ZERO)?.len(), 0);
    /// first.poll(100, Duration::ZERO)?;
    /// for partition in first.revoking() {
    ///     first.confirm_revoke(partition)?;
    /// }
    /// assert!(second.poll(100, Duration::ZERO)?.len() > 0);
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// `NotFound` if it was not asked for that partition, or does not have it any more.
    pub fn confirm_revoke(&mut self, partition: u32) -> Result<()> {
        if !self.revoking.iter().any(|revoking| revoking.partition == partition) {
            let advice = " that this member was asked to let go of; Member::revoking tells which";
            return Err(Error::NotFound { noun: "partition", name: partition.to_string(), advice });
        }
        self.let_go(&[partition]);
        Ok(())
    }
}

fn sorted(partitions: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut partitions: Vec<u32> = partitions.collect();
    partitions.sort_unstable();
    partitions
}
