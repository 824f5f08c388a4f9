//! How a member commits: the next offset to read, of each partition that it owns, and what is done beyond it.

use crate::error::{Error, Result};
use crate::journal::Receipt;
use crate::log::Place;
use crate::stream::commit_frame::Done;
use crate::stream::member::Member;
use crate::stream::progress::Progress;
use crate::stream::reader::{Start, resolve};
use crate::stream::record::{Position, Record};
use crate::sync::lock;
use std::collections::BTreeSet;

/// When a [`Member`] commits what it has polled.
///
/// ```
/// use ringmain::{CommitMode, Hub, Message};
/// use std::time::Duration;
/// let flights = Hub::memory().stream("flights").open()?;
/// flights.append_batch(&[Message::new(b"EWR"), Message::new(b"IAH")])?;
/// let mut member = flights.group("billing").join()?.commit_mode(CommitMode::OnPoll);
/// member.poll(1, Duration::ZERO)?;
/// assert_eq!(member.lag()?, 2, "handed out, and perhaps not handled yet");
/// member.poll(1, Duration::ZERO)?;
/// assert_eq!(member.lag()?, 1, "whoever comes back for more has handled what it had");
/// # Ok::<(), ringmain::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum CommitMode {
    /// When it is told to, by [`commit`](Member::commit) and its siblings. What was not committed is read again: at least once.
    #[default]
    Manual,
    /// Each poll first commits everything that the polls before it returned; the disk has it within the hub's `relaxed_max`. At
    /// least once. What the last poll returned is committed by [`commit`](Member::commit), or read again.
    OnPoll,
    /// Before poll hands the records over, and after the commit has reached the hub's durability: what is not handled then, because
    /// of a crash or an error, is lost.
    AtMostOnce,
}

impl Member {
    /// When it commits. Default [`CommitMode::Manual`].
    pub fn commit_mode(mut self, mode: CommitMode) -> Self {
        self.commit_mode = mode;
        self
    }

    /// Commits everything polled so far of the partitions that this member still owns, those included that it was asked to let go
    /// of, which are given on then.
    ///
    /// # Errors
    /// `Fenced` for the first partition that it no longer owns (those that it owns are committed), `Poisoned`.
    pub fn commit(&mut self) -> Result<()> {
        let end = self.append_polled()?;
        self.wait_for_commit(end)
    }

    /// As [`commit`](Self::commit), and does not wait: the receipt does. Receipts are reached in the order of their commits, and a later
    /// commit replaces an earlier one. It counts for members of this hub at once.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub fn submit_commit(&mut self) -> Result<Receipt<()>> {
        let (end, lost) = self.append_polled()?;
        let receipt = self.stream.offsets.receipt(end)?;
        self.check_kept(&lost)?;
        Ok(receipt)
    }

    /// Commits one partition: `offset` is the next to read.
    ///
    /// # Errors
    /// `Fenced`, `OutOfRange`; `InvalidArgument` if it is lower than what is committed: [`rewind`](Self::rewind) goes back.
    pub fn commit_offset(&mut self, partition: u32, offset: u64) -> Result<()> {
        resolve(&self.stream, partition, Start::Offset(offset))?;
        if let Some(committed) = self.stream.offsets.committed(self.group.as_str(), partition)
            && offset < committed
        {
            let detail = format!(
                "{offset} is before the committed {committed}; a commit never goes back, a rewind does"
            );
            return Err(Error::invalid("offset", detail));
        }
        let end = self.append_owned(vec![Done { partition, next: offset, islands: Vec::new() }])?;
        self.wait_for_commit(end)
    }

    /// Marks one record as handled, whatever becomes of those before it, for handlers that run side by side;
    /// [`commit_done`](Self::commit_done) commits what is marked. Nothing is written here.
    ///
    /// ```
    /// use ringmain::{Hub, Message};
    /// use std::time::Duration;
    /// let flights = Hub::memory().stream("flights").open()?;
    /// flights.append_batch(&[Message::new(b"EWR"), Message::new(b"IAH"), Message::new(b"SFO")])?;
    /// let billing = flights.group("billing");
    /// let mut member = billing.join()?;
    /// let records = member.poll(3, Duration::ZERO)?;
    /// member.done(&records[1])?;
    /// member.commit_done()?;
    /// assert_eq!(billing.committed()?, [Some(0)], "the first one is not done");
    /// drop(member);
    /// let again = billing.join()?.poll(3, Duration::ZERO)?;
    /// let offsets: Vec<u64> = again.iter().map(|record| record.offset()).collect();
    /// assert_eq!(offsets, [0, 2]);
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Full` if there were more than 10,000 gaps between what is done in the partition: mark earlier records first. From 10,000 on poll
    /// gives no more of it. `NotFound` if the partition is not this member's.
    pub fn done(&mut self, record: &Record) -> Result<()> {
        self.done_at(record.position(), record.done_from())
    }

    /// As [`done`](Self::done), of a record that was polled by this member and of which the caller has kept the numbers only: where it is, and its
    /// [`done_from`](Record::done_from).
    ///
    /// ```
    /// use ringmain::{Hub, Message};
    /// use std::time::Duration;
    /// let flights = Hub::memory().stream("flights").open()?;
    /// flights.append(Message::new(b"EWR"))?;
    /// let mut member = flights.group("billing").join()?;
    /// let kept: Vec<_> = member.poll(3, Duration::ZERO)?.iter().map(|record| (record.position(), record.done_from())).collect();
    /// for (position, from) in kept {
    ///     member.done_at(position, from)?;
    /// }
    /// member.commit_done()?;
    /// assert_eq!(member.lag()?, 0);
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`done`](Self::done); `InvalidArgument` for numbers that no record has.
    pub fn done_at(&mut self, position: Position, from: u64) -> Result<()> {
        let Position { partition, offset } = position;
        let end = self.stream.partition(partition)?.end_sequence();
        if from > offset || offset >= end {
            let detail = format!(
                "{offset}, from {from} on, is no record of partition {partition}, which ends at {end}"
            );
            return Err(Error::invalid("offset", detail));
        }
        if self.handled.done(&self.group, position, from)? {
            self.reader.set_filter(self.handled.wanted());
        }
        Ok(())
    }

    /// Commits what was marked by [`done`](Self::done): up to the first record that is not, and those beyond it one by one, so that
    /// nobody gets them again, whoever has the partition next.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub fn commit_done(&mut self) -> Result<()> {
        let end = self.append_owned(self.handled.fresh())?;
        self.wait_for_commit(end)
    }

    /// Takes a partition back to `offset`: that is committed, whatever was done beyond it is forgotten, and this member goes on there.
    ///
    /// # Errors
    /// `Fenced`, `OutOfRange`; `InvalidArgument` if it is beyond what is committed: [`commit_offset`](Self::commit_offset) goes ahead.
    pub fn rewind(&mut self, partition: u32, offset: u64) -> Result<()> {
        self.refresh()?;
        self.stream.check_open()?;
        resolve(&self.stream, partition, Start::Offset(offset))?;
        let group = self.group.as_str();
        let end = {
            let coordinator = lock(&self.coordinator);
            coordinator.check_member(self.number)?;
            if !self.may_commit(&coordinator, partition) {
                return Err(self.fenced(partition));
            }
            if let Some(committed) = self.stream.offsets.committed(group, partition).filter(|c| offset > *c) {
                let detail = format!("{offset} is beyond the committed {committed}; a rewind only goes back");
                return Err(Error::invalid("offset", detail));
            }
            self.stream.offsets.rewind(group, partition, offset)?
        };
        if !self.go_back_in_revoking(partition, offset) {
            self.reader.seek(partition, offset)?;
        }
        self.handled.take_over(partition, Progress::at(offset));
        self.reader.set_filter(self.handled.wanted());
        self.hand_over();
        self.stream.offsets.wait(end)
    }

    /// Polls nothing of these partitions for now, and of the others.
    pub(super) fn hold(&mut self, held: BTreeSet<u32>) {
        self.handled.hold(held);
    }

    /// Commits what the polls before returned, if that is asked for.
    pub(super) fn commit_before_poll(&mut self) -> Result<()> {
        if self.commit_mode == CommitMode::OnPoll {
            // What is lost is somebody else's, who reads it again.
            let (end, _lost) = self.append_polled()?;
            drop(self.stream.offsets.receipt(end)?);
        }
        Ok(())
    }

    /// Commits everything polled so far. Returns the partitions that were lost.
    pub(super) fn commit_polled(&mut self) -> Result<Vec<u32>> {
        let (end, lost) = self.append_polled()?;
        self.stream.offsets.wait(end)?;
        Ok(lost)
    }

    /// Appends how far was polled. Also tells which partitions were lost.
    fn append_polled(&mut self) -> Result<(Place, Vec<u32>)> {
        // After a seek back there is nothing to commit: a commit never goes back.
        let ahead = self.polled().filter(|(partition, offset)| {
            self.stream.offsets.committed(self.group.as_str(), *partition) < Some(*offset)
        });
        let all = ahead.map(|(partition, next)| Done { partition, next, islands: Vec::new() }).collect();
        self.append_owned(all)
    }

    /// Appends those of the partitions that it owns. Also tells which it does not.
    fn append_owned(&mut self, dones: Vec<Done>) -> Result<(Place, Vec<u32>)> {
        self.stream.check_open()?;
        // The partitions stay this member's until the commit is in the log.
        let coordinator = lock(&self.coordinator);
        coordinator.check_member(self.number)?;
        let (owned, lost): (Vec<_>, Vec<_>) =
            dones.into_iter().partition(|done| self.may_commit(&coordinator, done.partition));
        let end = self.stream.offsets.append_done(self.group.as_str(), &owned)?;
        drop(coordinator);
        owned.iter().for_each(|done| self.handled.committed(done));
        self.hand_over();
        Ok((end, lost.into_iter().map(|done| done.partition).collect()))
    }

    fn wait_for_commit(&self, (end, lost): (Place, Vec<u32>)) -> Result<()> {
        self.stream.offsets.wait(end)?;
        self.check_kept(&lost)
    }

    fn check_kept(&self, lost: &[u32]) -> Result<()> {
        lost.first().map_or(Ok(()), |partition| Err(self.fenced(*partition)))
    }

    fn fenced(&self, partition: u32) -> Error {
        Error::Fenced { group: self.group.clone(), member: self.number, partition: Some(partition) }
    }
}
