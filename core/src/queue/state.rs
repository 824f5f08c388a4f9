//! What a queue knows of its messages beyond the log: only of those that are out, returned, or waiting for their
//! time. Messages that nobody has received yet are just records ahead of the cursor.

use crate::log::{Place, Reader};
use crate::queue::stats::Totals;
use crate::queue::tally::Tally;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, VecDeque};

/// How many acks are remembered, so that a second one of the same delivery is fine.
const REMEMBERED_COUNT_MAX: usize = 4096;
/// And for how long.
const REMEMBERED_NS_MAX: u64 = 60_000_000_000;

/// Why a message dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Death {
    /// Its failures reached the limit.
    Failed = 1,
    /// A worker said so.
    Rejected = 2,
}

impl Death {
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        [Self::Failed, Self::Rejected].into_iter().find(|death| *death as u8 == byte)
    }

    /// The value of the `rm-dead-reason` header.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Rejected => "rejected",
        }
    }
}

/// Where a message is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Returned and deliverable.
    Ready,
    /// Waits for its time.
    Scheduled { due_ns: u64 },
    /// Out with a worker.
    Leased { deadline_ns: u64 },
    /// On its way to the dead letter queue, or to be dropped.
    Dying { death: Death },
}

/// A message that is no longer, or never was, plain.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) place: Place,
    pub(crate) status: Status,
    /// Leases granted.
    pub(crate) attempts: u32,
    /// What `max_failures` is compared with.
    pub(crate) failures: u32,
    /// Leases that ran out.
    pub(crate) expirations: u32,
    /// Of the last failure.
    pub(crate) reason: String,
}

impl Message {
    pub(crate) fn new(place: Place, status: Status) -> Self {
        Self { place, status, attempts: 0, failures: 0, expirations: 0, reason: String::new() }
    }
}

/// See the module's description.
#[derive(Debug)]
pub(crate) struct State {
    /// Next plain message that nobody has received.
    pub(crate) cursor: Reader,
    pub(crate) messages: HashMap<u64, Message>,
    /// Ids of ready messages: delivered before those ahead of the cursor, in order of id.
    pub(crate) returned: BTreeSet<u64>,
    scheduled: BTreeSet<(u64, u64)>,
    /// Deadline, id and attempt of every lease that was granted; stale ones are recognised when they come up.
    deadlines: BinaryHeap<Reverse<(u64, u64, u32)>>,
    leased: usize,
    /// Indexed messages that the cursor has not passed: not counted as plain ones.
    pub(crate) ahead: BTreeSet<u64>,
    /// Messages to be buried as soon as the lock is free.
    pub(crate) dying: Vec<u64>,
    acked: VecDeque<(u64, u64, u32)>,
    pub(crate) tally: Tally,
    pub(crate) totals: Totals,
    random: u64,
}

impl State {
    pub(crate) fn new(cursor: Reader, seed: u64) -> Self {
        Self {
            cursor,
            messages: HashMap::new(),
            returned: BTreeSet::new(),
            scheduled: BTreeSet::new(),
            deadlines: BinaryHeap::new(),
            leased: 0,
            ahead: BTreeSet::new(),
            dying: Vec::new(),
            acked: VecDeque::new(),
            tally: Tally::default(),
            totals: Totals::default(),
            random: seed | 1,
        }
    }

    /// A number in 0..1 (xorshift64), for jitter only.
    pub(crate) fn random(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Puts a message where its status says, from wherever it was.
    pub(crate) fn set_status(&mut self, id: u64, status: Status) {
        let Some(message) = self.messages.get_mut(&id) else { return };
        let (before, attempts) = (std::mem::replace(&mut message.status, status), message.attempts);
        self.leave(id, before);
        match status {
            Status::Ready => {
                self.returned.insert(id);
            }
            Status::Scheduled { due_ns } => {
                self.scheduled.insert((due_ns, id));
            }
            Status::Leased { deadline_ns } => {
                self.leased += 1;
                self.deadlines.push(Reverse((deadline_ns, id, attempts)));
            }
            Status::Dying { .. } => self.dying.push(id),
        }
    }

    /// Adds a message in the given status.
    pub(crate) fn insert(&mut self, id: u64, message: Message) {
        let status = message.status;
        self.messages.insert(id, Message { status: Status::Dying { death: Death::Failed }, ..message });
        self.set_status(id, status);
    }

    /// Forgets a message.
    pub(crate) fn remove(&mut self, id: u64) -> Option<Message> {
        let message = self.messages.remove(&id)?;
        self.leave(id, message.status);
        Some(message)
    }

    fn leave(&mut self, id: u64, status: Status) {
        match status {
            Status::Ready => {
                self.returned.remove(&id);
            }
            Status::Scheduled { due_ns } => {
                self.scheduled.remove(&(due_ns, id));
            }
            Status::Leased { .. } => {
                self.leased -= 1;
                self.forget_stale_deadlines();
            }
            Status::Dying { .. } => {}
        }
    }

    /// Acks leave their deadline behind; when those are most of the heap, it is swept.
    fn forget_stale_deadlines(&mut self) {
        if self.deadlines.len() < 1024 || self.deadlines.len() < 4 * self.leased {
            return;
        }
        let deadlines = std::mem::take(&mut self.deadlines).into_vec();
        let current: Vec<_> =
            deadlines.into_iter().filter(|Reverse(lease)| self.is_current(*lease)).collect();
        self.deadlines = current.into();
    }

    fn is_current(&self, (deadline_ns, id, attempt): (u64, u64, u32)) -> bool {
        self.messages
            .get(&id)
            .is_some_and(|m| m.attempts == attempt && m.status == Status::Leased { deadline_ns })
    }

    /// Makes ready what is due.
    pub(crate) fn promote(&mut self, now_ns: u64) -> bool {
        let mut any = false;
        while let Some((due_ns, id)) = self.scheduled.first().copied().filter(|(due_ns, _)| *due_ns <= now_ns)
        {
            self.scheduled.remove(&(due_ns, id));
            self.set_status(id, Status::Ready);
            any = true;
        }
        any
    }

    /// A lease that has run out by now.
    pub(crate) fn next_expired(&mut self, now_ns: u64) -> Option<u64> {
        while let Some(Reverse(lease)) = self.deadlines.peek().copied().filter(|lease| lease.0.0 <= now_ns) {
            self.deadlines.pop();
            if self.is_current(lease) {
                return Some(lease.1);
            }
        }
        None
    }

    /// When something happens by itself next.
    pub(crate) fn next_deadline_ns(&self) -> Option<u64> {
        let due = self.scheduled.first().map(|(due_ns, _)| *due_ns);
        let lease = self.deadlines.peek().map(|Reverse((deadline_ns, ..))| *deadline_ns);
        due.into_iter().chain(lease).min()
    }

    /// Remembers an ack.
    pub(crate) fn remember_ack(&mut self, now_ns: u64, id: u64, attempt: u32) {
        if self.acked.len() == REMEMBERED_COUNT_MAX {
            self.acked.pop_front();
        }
        self.acked.push_back((now_ns, id, attempt));
    }

    /// Whether this very delivery was acked a short while ago.
    pub(crate) fn was_acked(&self, now_ns: u64, id: u64, attempt: u32) -> bool {
        self.acked.iter().any(|(at_ns, i, a)| {
            (*i, *a) == (id, attempt) && now_ns.saturating_sub(*at_ns) <= REMEMBERED_NS_MAX
        })
    }

    pub(crate) fn scheduled_count(&self) -> usize {
        self.scheduled.len()
    }

    pub(crate) fn leased_count(&self) -> usize {
        self.leased
    }

    pub(crate) fn leased_ids(&self) -> Vec<u64> {
        let mut ids: Vec<u64> = self
            .messages
            .iter()
            .filter(|(_, message)| matches!(message.status, Status::Leased { .. }))
            .map(|(id, _)| *id)
            .collect();
        ids.sort_unstable();
        ids
    }
}
