//! How a member commits: the next offset to read, of each partition that it owns.

use crate::error::{Error, Result};
use crate::stream::member::Member;
use crate::stream::reader::{Start, resolve};
use crate::sync::lock;

impl Member {
    /// Commits everything polled so far of the partitions that this member still owns, those included that it was asked to let go
    /// of, which are given on then.
    ///
    /// # Errors
    /// `Fenced` for the first partition that it no longer owns (those that it owns are committed), `Poisoned`.
    pub fn commit(&mut self) -> Result<()> {
        let ahead = |(partition, offset): &(u32, u64)| {
            // After a seek back there is nothing to commit: a commit never goes back.
            self.stream.offsets.committed(self.group.as_str(), *partition) < Some(*offset)
        };
        let offsets: Vec<(u32, u64)> = self.polled().filter(ahead).collect();
        let committed = self.commit_owned(&offsets);
        self.hand_over();
        committed
    }

    /// Commits one partition: `offset` is the next to read.
    ///
    /// # Errors
    /// `Fenced`, `OutOfRange`; `InvalidArgument` if it is lower than what is committed.
    pub fn commit_offset(&mut self, partition: u32, offset: u64) -> Result<()> {
        resolve(&self.stream, partition, Start::Offset(offset))?;
        if let Some(committed) = self.stream.offsets.committed(self.group.as_str(), partition)
            && offset < committed
        {
            let detail = format!("{offset} is before the committed {committed}; a commit never goes back");
            return Err(Error::invalid("offset", detail));
        }
        let committed = self.commit_owned(&[(partition, offset)]);
        self.hand_over();
        committed
    }

    fn commit_owned(&self, offsets: &[(u32, u64)]) -> Result<()> {
        self.stream.check_open()?;
        let (end, lost) = {
            // The partitions stay this member's until the commit is in the log.
            let coordinator = lock(&self.coordinator);
            coordinator.check_member(self.number)?;
            let is_owner = |(partition, _): &(u32, u64)| self.may_commit(&coordinator, *partition);
            let (owned, lost): (Vec<_>, Vec<_>) = offsets.iter().copied().partition(is_owner);
            (self.stream.offsets.append(self.group.as_str(), &owned)?, lost)
        };
        self.stream.offsets.wait(end)?;
        match lost.first() {
            None => Ok(()),
            Some((partition, _)) => {
                let partition = Some(*partition);
                Err(Error::Fenced { group: self.group.clone(), member: self.number, partition })
            }
        }
    }
}
