//! One member of a consumer group: what it owns, and what it reads of that.

use crate::error::Result;
use crate::name::Name;
use crate::stream::commit::CommitMode;
use crate::stream::coordinator::Coordinator;
use crate::stream::group::Group;
use crate::stream::handled::Handled;
use crate::stream::handover::{Callbacks, Revoking};
use crate::stream::liveness::{Processing, Pulse};
use crate::stream::reader::Reader;
use crate::stream::shared::Shared;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// One member of a group: polls the partitions that it owns, and commits what it has handled. Dropping it leaves.
///
/// **A partition that moves** to another member is asked for first. From its next poll (or `seek`, or `assignment`) on, this
/// member gets nothing more of it, and its [`on_revoke`](Group::on_revoke) is called, which may commit. It is given on once all that was polled
/// of it is committed, by that call or a later one, or [`confirm_revoke`](Member::confirm_revoke) says that it need not be; at the latest after the
/// group's [`revoke_timeout`](Group::revoke_timeout), on the hub's clock. The others are read on as if nothing had happened.
///
/// **A partition that was lost** (too late, or not polled in time, see [`max_poll_interval`](Group::max_poll_interval)) is committed to
/// in vain: `Fenced`, for that partition only. A member that was given up for dead comes back by its next poll. One whose name
/// another one has taken gets `Fenced` from its verbs for ever.
#[derive(Debug)]
pub struct Member {
    pub(super) group: Name,
    pub(super) number: u64,
    pub(super) generation: u64,
    /// Since which generation it owns each partition, as of its last look.
    pub(super) since: BTreeMap<u32, u64>,
    pub(super) revoking: Vec<Revoking>,
    pub(super) coordinator: Arc<Mutex<Coordinator>>,
    pub(super) stream: Arc<Shared>,
    pub(super) reader: Reader,
    pub(super) commit_mode: CommitMode,
    pub(super) handled: Handled,
    pub(super) callbacks: Callbacks,
    pulse: Arc<Pulse>,
    /// A task of its waits for records.
    pub(super) waiting: Option<Processing>,
}

impl Member {
    /// One that has joined, and has not looked yet.
    pub(super) fn new(
        stream: Arc<Shared>,
        group: Name,
        number: u64,
        coordinator: Arc<Mutex<Coordinator>>,
        callbacks: Callbacks,
        pulse: Arc<Pulse>,
    ) -> Self {
        let reader = Reader::new(stream.clone(), Vec::new());
        Self {
            group,
            number,
            generation: 0,
            since: BTreeMap::new(),
            revoking: Vec::new(),
            coordinator,
            stream,
            reader,
            commit_mode: CommitMode::default(),
            handled: Handled::default(),
            callbacks,
            pulse,
            waiting: None,
        }
    }

    /// While the value lives, a handler of this member's records is running, and the member is not given up for dead, however
    /// long it does not poll. A thread that is gone has dropped it.
    ///
    /// ```
    /// use ringmain::{Clock, Hub, ManualClock};
    /// use std::time::Duration;
    /// let clock = ManualClock::new();
    /// let hub = Hub::builder().clock(Clock::Manual(clock.clone())).memory()?;
    /// let flights = hub.stream("flights").open()?;
    /// let mut member = flights.group("billing").join()?;
    /// let processing = member.processing();
    /// clock.advance(Duration::from_secs(3600));
    /// drop(processing);
    /// assert_eq!(member.assignment()?, [0]);
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    pub fn processing(&self) -> Processing {
        Processing::new(&self.pulse, &self.stream)
    }

    /// Continues one owned partition at `offset`. That commits nothing; records that were [done](Member::done) when the partition came
    /// to this member are passed over. [`rewind`](Member::rewind) reads everything again.
    ///
    /// # Errors
    /// `OutOfRange`; `NotFound` if it does not own the partition, or was asked to let go of it; `Fenced` as [`poll`](Self::poll).
    pub fn seek(&mut self, partition: u32, offset: u64) -> Result<()> {
        self.refresh()?;
        self.reader.seek(partition, offset)?;
        self.handled.seek(partition, offset);
        Ok(())
    }

    /// The partitions that it reads now, in order; without those that it was asked to let go of, see
    /// [`revoking`](Member::revoking).
    ///
    /// # Errors
    /// As [`poll`](Self::poll).
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

    /// Leaves the group; what it polled and did not commit is read again by the others. What a member with a name has is kept
    /// for that name for its [`session_timeout`](Group::session_timeout).
    ///
    /// # Errors
    /// None today.
    pub fn leave(self) -> Result<()> {
        Ok(())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let number = self.number;
        let leave = |coordinator: &mut Coordinator, now_ns| coordinator.leave(number, now_ns);
        self.stream.change_group(&self.group, &self.coordinator, leave);
    }
}
