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
use crate::stream::reader::{Reset, Start, resolve};
use crate::stream::shared::Shared;
use std::sync::Arc;
use std::time::Duration;

/// A consumer group of a stream, and how whoever joins by this value does.
///
/// The name, `session_timeout`, `max_poll_interval`, `on_out_of_range` and the callbacks are the member's own: members of a group may differ in them.
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
    reset: Reset,
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
            reset: Reset::default(),
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

    /// What the member does when the records that it would read next were removed, as [`Reader::on_out_of_range`](crate::Reader::on_out_of_range). Told to
    /// go on, it gets the error once, until it commits: whoever has the partition before that is told again. Default
    /// [`Reset::Fail`].
    ///
    /// ```
    /// use ringmain::{Error, Hub, Message, Reset};
    /// use std::time::Duration;
    /// let positions = Hub::memory().stream("positions").count_max(2).open()?;
    /// let mut member = positions.group("map").on_out_of_range(Reset::Earliest).join()?;
    /// for minute in 0..5u8 {
    ///     positions.append(Message::new(&[minute]))?;
    /// }
    /// let told = member.poll(9, Duration::ZERO);
    /// assert!(matches!(told, Err(Error::OutOfRange { offset: 0, start: 3, end: 5, .. })));
    /// assert_eq!(member.poll(9, Duration::ZERO)?.len(), 2);
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    pub fn on_out_of_range(mut self, reset: Reset) -> Self {
        self.reset = reset;
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
        self.join_from(Some(start))
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
        self.join_from(None)
    }

    /// Joins; None: if it has committed before.
    fn join_from(&self, start: Option<Start>) -> Result<Member> {
        self.stream.check_open()?;
        let group = Name::new(&self.name)?;
        let pulse = Arc::new(Pulse::new(self.stream.now_ns()));
        let seat = self.seat(&pulse)?;
        self.store_first(start)?;
        let coordinator = self.stream.coordinator(&group);
        let partition_count = self.stream.partition_count();
        let join = |coordinator: &mut Coordinator, now_ns| {
            coordinator.grow(partition_count, now_ns);
            coordinator.join(seat, self.revoke_timeout, now_ns)
        };
        let number = self.stream.change_group(&group, &coordinator, join)?;
        let callbacks = self.callbacks.clone();
        let mut member = Member::new(self.stream.clone(), group, number, coordinator, callbacks, pulse);
        member.reader.set_reset(self.reset);
        // WHY: again: until it had a member the group could be deleted.
        self.store_first(start)?;
        Ok(member)
    }

    /// Stores where partitions begin that have no committed offset.
    fn store_first(&self, start: Option<Start>) -> Result<()> {
        let has_begun = self.stream.offsets.has_group(&self.name);
        let first = self.first_offsets(start, has_begun)?;
        let is_exact = !has_begun && matches!(start, Some(Start::Offset(_)));
        let settle = |partition, offset| {
            let log = self.stream.partition(partition)?;
            let (start, end) = (log.first_readable(), log.end_sequence());
            match offset {
                // Released since it was found, for groups that had read it.
                offset if offset < start && is_exact => {
                    Err(Error::OutOfRange { partition, offset, start, end })
                }
                offset => Ok(offset.max(start)),
            }
        };
        self.stream.offsets.wait(self.stream.offsets.append_first(&self.name, &first, settle)?)
    }

    /// Where partitions begin that have no committed offset.
    fn first_offsets(&self, start: Option<Start>, has_begun: bool) -> Result<Vec<(u32, u64)>> {
        let is_new = |partition: &u32| self.stream.offsets.committed(&self.name, *partition).is_none();
        let new = (0..self.stream.partition_count()).filter(is_new);
        let first = |partition| match start {
            // One that came later: the group has seen none of it.
            _ if has_begun => resolve(&self.stream, partition, Start::Earliest),
            Some(start) => resolve(&self.stream, partition, start),
            None => {
                let advice = " among those that have committed; join or join_at to say where it begins";
                Err(Error::NotFound { noun: "group", name: self.name.clone(), advice })
            }
        };
        new.map(|partition| Ok((partition, first(partition)?))).collect()
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
