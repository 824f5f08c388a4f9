//! Consumer groups: members share the partitions of a stream, and commit how far they have come.
//!
//! **Promise.** Each partition is read by one member at a time. A partition that moves is let go of by its old owner first, and
//! starts from its committed offset; a commit by a member that no longer owns it is refused for that partition. What was polled
//! and not committed is read again by whoever gets the partition: at least once. One that does not move is not paused.

use crate::error::{Error, Result};
use crate::message::duration_ns;
use crate::name::Name;
use crate::stream::coordinator::{Coordinator, Presence, Seat};
use crate::stream::handover::Callbacks;
use crate::stream::liveness::Pulse;
use crate::stream::member::Member;
use crate::stream::reader::{Start, resolve};
use crate::stream::shared::Shared;
use std::sync::Arc;
use std::time::Duration;

/// A consumer group of a stream, and how whoever joins by this value does.
///
/// The name, `session_timeout`, `max_poll_interval` and the callbacks are the member's own: members of a group may differ in them.
/// `revoke_timeout` is the group's: the first member that says one decides, until no member is left; another one that says
/// something else is refused. None of these is kept beyond that.
///
/// ```
/// use ringmain::{Hub, Message};
/// use std::time::Duration;
/// let flights = Hub::memory().stream("flights").partitions(4).open()?;
/// let mut desk = flights
///     .group("billing")
///     .member_name("desk-1")
///     .max_poll_interval(Duration::from_secs(60))
///     .on_revoke(|member, _partitions| member.commit())
///     .join()?;
/// flights.append(Message::new(b"EWR-IAH").key("N14228"))?;
/// assert_eq!(desk.poll(100, Duration::ZERO)?.len(), 1);
/// desk.commit()?;
/// # Ok::<(), ringmain::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Group {
    stream: Arc<Shared>,
    name: String,
    member_name: Option<String>,
    session_timeout: Duration,
    max_poll_interval: Option<Duration>,
    revoke_timeout: Option<Duration>,
    callbacks: Callbacks,
}

impl Group {
    pub(crate) fn new(stream: Arc<Shared>, name: &str) -> Self {
        Self {
            stream,
            name: name.to_owned(),
            member_name: None,
            session_timeout: Duration::from_secs(45),
            max_poll_interval: Some(Duration::from_secs(300)),
            revoke_timeout: None,
            callbacks: Callbacks::default(),
        }
    }

    /// Joins under a name, which is no other's at the same time: what the member has is kept for the name while it is away (see
    /// [`session_timeout`](Self::session_timeout)), so that a restart moves nothing. Who joins by the name of a member that is there takes its place: that
    /// one's verbs are refused as `Fenced` from then on. Default none. The rules are those of [`Name`].
    pub fn member_name(mut self, name: &str) -> Self {
        self.member_name = Some(name.to_owned());
        self
    }

    /// For how long a member with a name may be away, left or dropped, before others get what it has. Meanwhile nobody reads
    /// that. On the hub's clock; default 45 seconds, 0 gives it up at once. Without a name it is not looked at.
    pub fn session_timeout(mut self, timeout: Duration) -> Self {
        self.session_timeout = timeout;
        self
    }

    /// How long a member may go without polling before it is given up for dead: others get what it has, and its commits of that
    /// are `Fenced`. While a poll waits, or a handler is known to run (see [`Member::processing`]), that time does not begin.
    /// It comes back by its next poll. On the hub's clock; default 5 minutes, `None` for never, 0 is not allowed.
    pub fn max_poll_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.max_poll_interval = interval.into();
        self
    }

    /// How long the owner of a partition that is to move may take to commit what it has polled of it, before the partition is
    /// given on nevertheless. On the hub's clock; default 30 seconds, 0 does not wait. The group's: the first member that says
    /// one decides.
    pub fn revoke_timeout(mut self, timeout: Duration) -> Self {
        self.revoke_timeout = Some(timeout);
        self
    }

    /// Called with the partitions that the member is to let go of, in order; when it is called nothing of them is polled any more, and what was
    /// can be committed. Called by the thread that polls, within the poll, and no lock is held: every verb of the member may be
    /// used. What it returns as an error the poll does; the partitions are still to be let go of.
    pub fn on_revoke(
        mut self,
        callback: impl Fn(&mut Member, &[u32]) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.callbacks.on_revoke = Some(Arc::new(callback));
        self
    }

    /// Called with the partitions that the member has got, in order, before the first of their records is polled, as
    /// [`on_revoke`](Self::on_revoke) is. [`Member::seek`] may be used there.
    pub fn on_assign(
        mut self,
        callback: impl Fn(&mut Member, &[u32]) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.callbacks.on_assign = Some(Arc::new(callback));
        self
    }

    /// Called with the partitions that the member has lost without having been asked, in order, as [`on_revoke`](Self::on_revoke) is: it was too late
    /// for that, or given up for dead. Somebody else may have them already, and commits of them were refused.
    pub fn on_lost(
        mut self,
        callback: impl Fn(&mut Member, &[u32]) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.callbacks.on_lost = Some(Arc::new(callback));
        self
    }

    /// Joins. A partition without a committed offset is read from the earliest record.
    ///
    /// # Errors
    /// `InvalidName` of the group or the member; `InvalidArgument` if an option is out of its range, or the group has 4096
    /// members; `OptionMismatch` if the members of the group have agreed on another `revoke_timeout`; `Closed`, and those of a commit.
    pub fn join(&self) -> Result<Member> {
        self.join_at(Start::Earliest)
    }

    /// Joins; partitions without a committed offset start at `start`, which is committed at once, so that it means the
    /// same for whoever joins next.
    ///
    /// # Errors
    /// As [`join`](Self::join); `OutOfRange`.
    pub fn join_at(&self, start: Start) -> Result<Member> {
        self.join_from(|partition| resolve(&self.stream, partition, start))
    }

    /// Joins if the group has committed before, so that nobody begins anywhere by mistake.
    ///
    /// ```
    /// # use ringmain::{Error, Hub, Start};
    /// let flights = Hub::memory().stream("flights").open()?;
    /// let billing = flights.group("billing");
    /// assert!(matches!(billing.join_committed(), Err(Error::NotFound { .. })));
    /// billing.join_at(Start::Latest)?;
    /// assert!(billing.join_committed().is_ok(), "where the first one began is stored");
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`join`](Self::join); `NotFound` if it has not.
    pub fn join_committed(&self) -> Result<Member> {
        let advice = " among those that have committed; join or join_at to say where it begins";
        self.join_from(|_| Err(Error::NotFound { noun: "group", name: self.name.clone(), advice }))
    }

    fn join_from(&self, first: impl Fn(u32) -> Result<u64>) -> Result<Member> {
        self.stream.check_open()?;
        let group = Name::new(&self.name)?;
        let pulse = Arc::new(Pulse::new(self.stream.now_ns()));
        let seat = self.seat(&pulse)?;
        self.store_first(&first)?;
        let coordinator = self.stream.coordinator(&group);
        let partition_count = self.stream.partition_count();
        let join = |coordinator: &mut Coordinator, now_ns| {
            coordinator.grow(partition_count, now_ns);
            coordinator.join(seat, self.revoke_timeout, now_ns)
        };
        let number = self.stream.change_group(&group, &coordinator, join)?;
        let callbacks = self.callbacks.clone();
        let member = Member::new(self.stream.clone(), group, number, coordinator, callbacks, pulse);
        // WHY: again: until it had a member the group could be deleted.
        self.store_first(&first)?;
        Ok(member)
    }

    /// Stores where partitions begin that have no committed offset.
    fn store_first(&self, first: impl Fn(u32) -> Result<u64>) -> Result<()> {
        let offsets = self.first_offsets(first)?;
        self.stream.offsets.wait(self.stream.offsets.append_first(&self.name, &offsets)?)
    }

    /// Where partitions begin that have no committed offset.
    fn first_offsets(&self, first: impl Fn(u32) -> Result<u64>) -> Result<Vec<(u32, u64)>> {
        let has_begun = self.stream.offsets.has_group(&self.name);
        let mut offsets = Vec::new();
        for partition in 0..self.stream.partition_count() {
            if self.stream.offsets.committed(&self.name, partition).is_none() {
                // One that came later: the group has seen none of it.
                let start = || resolve(&self.stream, partition, Start::Earliest);
                offsets.push((partition, if has_begun { start() } else { first(partition) }?));
            }
        }
        Ok(offsets)
    }

    /// What the coordinator is told of a new member.
    fn seat(&self, pulse: &Arc<Pulse>) -> Result<Seat> {
        if self.max_poll_interval == Some(Duration::ZERO) {
            let detail = "0 is not allowed: no member could poll in time; give a longer one, or None";
            return Err(Error::invalid("max_poll_interval", detail));
        }
        Ok(Seat {
            name: self.member_name.as_deref().map(Name::new).transpose()?,
            pulse: pulse.clone(),
            poll_interval_ns_max: self.max_poll_interval.map_or(u64::MAX, duration_ns),
            session_ns: duration_ns(self.session_timeout),
            presence: Presence::Here,
        })
    }

    /// Committed offsets by partition: the next to read, `None` where nothing was committed.
    ///
    /// # Errors
    /// `Closed`.
    pub fn committed(&self) -> Result<Vec<Option<u64>>> {
        self.stream.check_open()?;
        let partitions = 0..self.stream.partition_count();
        Ok(partitions.map(|partition| self.stream.offsets.committed(&self.name, partition)).collect())
    }

    /// Records not yet committed, over all partitions.
    ///
    /// # Errors
    /// `Closed`.
    pub fn lag(&self) -> Result<u64> {
        self.stream.check_open()?;
        Ok(self.stream.lag(&self.name))
    }
}
