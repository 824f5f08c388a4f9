//! One member of a consumer group: what it owns, and what it reads of that.

use crate::error::{Result, something};
use crate::name::Name;
use crate::stream::commit::CommitMode;
use crate::stream::coordinator::Coordinator;
use crate::stream::group::Group;
use crate::stream::handled::Handled;
use crate::stream::progress::Progress;
use crate::stream::reader::{PartitionReader, Reader};
use crate::stream::record::Record;
use crate::stream::shared::Shared;
use crate::sync::lock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

/// One member of a group: polls the partitions that it owns, and commits what it has handled. Dropping it leaves.
#[derive(Debug)]
pub struct Member {
    pub(super) group: Name,
    pub(super) number: u64,
    generation: u64,
    /// Since which generation it owns each partition, as of its last look.
    pub(super) since: BTreeMap<u32, u64>,
    pub(super) coordinator: Arc<Mutex<Coordinator>>,
    pub(super) stream: Arc<Shared>,
    pub(super) reader: Reader,
    pub(super) commit_mode: CommitMode,
    pub(super) handled: Handled,
}

impl Member {
    /// One that has joined, and has not looked yet.
    pub(super) fn new(
        stream: Arc<Shared>,
        group: Name,
        number: u64,
        coordinator: Arc<Mutex<Coordinator>>,
    ) -> Self {
        let reader = Reader::new(stream.clone(), Vec::new());
        Self {
            group,
            number,
            generation: 0,
            since: BTreeMap::new(),
            coordinator,
            stream,
            reader,
            commit_mode: CommitMode::default(),
            handled: Handled::default(),
        }
    }

    /// Takes over what was assigned since the last look, and lets go of what was taken away.
    pub(super) fn refresh(&mut self) -> Result<()> {
        let (generation, since): (u64, BTreeMap<u32, u64>) = {
            let coordinator = lock(&self.coordinator);
            if coordinator.generation() == self.generation {
                return Ok(());
            }
            let owned = coordinator.assignment(self.number).iter().copied();
            let since = owned.filter_map(|p| Some((p, coordinator.owned_since(self.number, p)?))).collect();
            (coordinator.generation(), since)
        };
        // One that was lost in between is read from its committed offset, like any that moves.
        let stays = |partition: &u32| {
            since.contains_key(partition) && since.get(partition) == self.since.get(partition)
        };
        // These may fail: nothing is changed before.
        let moved = since.keys().filter(|partition| !stays(partition)).map(|partition| {
            let committed = self.stream.offsets.progress(self.group.as_str(), *partition);
            let progress = match committed {
                Some(progress) => progress,
                None => Progress::at(self.stream.readable(*partition)?.first_readable()),
            };
            // What was removed meanwhile is told by poll, so that seek is still possible.
            Ok((PartitionReader::at(&self.stream, *partition, progress.next())?, progress))
        });
        let moved = moved.collect::<Result<Vec<_>>>()?;
        self.handled.retain(|partition| stays(&partition));
        let handled = &mut self.handled;
        let moved = moved.into_iter().map(|(reader, progress)| {
            handled.take_over(reader.partition, progress);
            reader
        });
        let mut partitions = self.reader.take_partitions();
        partitions.retain(|partition| stays(&partition.partition));
        partitions.extend(moved);
        self.reader.set_partitions(partitions);
        (self.generation, self.since) = (generation, since);
        Ok(())
    }

    fn take(&mut self, count_max: usize) -> Result<Vec<Record>> {
        self.refresh()?;
        self.read(count_max)
    }

    /// Up to `count_max` records of the partitions that this member owns, waiting at most `wait` for the first.
    ///
    /// # Errors
    /// `OutOfRange` if what it would read next was removed, until [`seek`](Member::seek) takes it to an offset that is held.
    /// `Closed`, also while waiting; `Corrupt` or `Io` if a file cannot be read.
    pub fn poll(&mut self, count_max: usize, wait: Duration) -> Result<Vec<Record>> {
        self.begin_poll()?;
        let stream = self.stream.clone();
        stream.wait_for(wait, || something(self.take(count_max))).unwrap_or(Ok(Vec::new()))
    }

    /// As [`poll`](Self::poll) without blocking: if there is nothing, `context`'s task is woken when there may be.
    pub fn poll_records(&mut self, context: &mut Context<'_>, count_max: usize) -> Poll<Result<Vec<Record>>> {
        self.begin_poll()?;
        let stream = self.stream.clone();
        stream.data().poll_for(context, || something(self.take(count_max)))
    }

    /// Continues one owned partition at `offset`. That commits nothing; records that were [done](Member::done) when the partition came
    /// to this member are passed over. [`rewind`](Member::rewind) reads everything again.
    ///
    /// # Errors
    /// `OutOfRange`; `NotFound` if it does not own the partition.
    pub fn seek(&mut self, partition: u32, offset: u64) -> Result<()> {
        self.refresh()?;
        self.reader.seek(partition, offset)?;
        self.handled.seek(partition, offset);
        Ok(())
    }

    /// The partitions that it owns now, in order.
    ///
    /// # Errors
    /// Those of reading the committed offsets' records.
    pub fn assignment(&mut self) -> Result<Vec<u32>> {
        self.refresh()?;
        let mut partitions: Vec<u32> = self.reader.partitions().iter().map(|p| p.partition).collect();
        partitions.sort_unstable();
        Ok(partitions)
    }

    /// Records of its group not yet committed, over all partitions.
    ///
    /// # Errors
    /// `Closed`.
    pub fn lag(&self) -> Result<u64> {
        Group::new(self.stream.clone(), self.group.as_str()).lag()
    }

    /// Leaves the group; what it polled and did not commit is read again by the others.
    ///
    /// # Errors
    /// None today.
    pub fn leave(self) -> Result<()> {
        Ok(())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        lock(&self.coordinator).leave(self.number);
        self.stream.data().notify_all();
    }
}
