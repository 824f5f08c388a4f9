//! What a queue knows of its messages beyond the log: only of those that are out, returned, or waiting for their
//! time. Messages that nobody has received yet are just records ahead of the cursor.

use crate::limits::PRIORITY_MAX;
use crate::log::{Draft, Frame, Options, Place, Reader};
use crate::message::header_of;
use crate::queue::admission::Fate;
use crate::queue::breach::Breach;
use crate::queue::capacity::Room;
use crate::queue::classes::ClassCounts;
use crate::queue::dead_letters::Terms;
use crate::queue::deadline::{Copies, CopyKey, Deadline};
use crate::queue::dedup::{Dedup, DedupMode, Entries, Entry};
use crate::queue::finished::FinishedMessages;
use crate::queue::fired::Fired;
use crate::queue::group_options::GroupOptions;
use crate::queue::groups::{Groups, Member};
use crate::queue::history::History;
use crate::queue::limits::Limits;
use crate::queue::plain::Bytes;
use crate::queue::rank::{Ageing, NEW, PRIORITY_DEFAULT, RETURNED, Rank};
use crate::queue::rests::Rests;
use crate::queue::row::Row;
use crate::queue::settle::Token;
use crate::queue::settlement::Leaving;
use crate::queue::shared::Shared;
use crate::queue::stats::{Rates, Totals};
use crate::queue::timers::{Timer, Timers};
use crate::queue::told::Told;
use crate::sync::{AtomicU32, Ordering};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, VecDeque};
use std::sync::{Arc, Weak};

/// Something in the index is ready.
pub(crate) const DETOUR_WAITING: u32 = 1;
/// Something ahead of the cursor is not to be taken there.
pub(crate) const DETOUR_ADOPTED: u32 = 2;
/// There are limits to be asked.
pub(crate) const DETOUR_LIMITED: u32 = 4;
/// The queue counts what it holds.
pub(crate) const DETOUR_BOUNDED: u32 = 8;
/// The queue is closed.
pub(crate) const DETOUR_CLOSED: u32 = 16;
/// What becomes of messages is kept.
pub(crate) const DETOUR_HISTORY: u32 = 32;

/// Header: the ordering key.
pub const ORDERING_KEY: &str = "rm-ordering-key";

/// Why a message dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Death {
    /// Its failures reached the limit.
    Failed = 1,
    /// A worker said so.
    Rejected = 2,
    /// It waited longer than it may.
    Expired = 3,
    /// It missed a deadline.
    Deadline = 20,
    /// There was no room for it.
    Overflow = 30,
}

impl Death {
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        [Self::Failed, Self::Rejected, Self::Expired, Self::Deadline, Self::Overflow]
            .into_iter()
            .find(|death| *death as u8 == byte)
    }

    /// Whether it came of what befell it while it was out: what it died of is then the last of its failures.
    pub(crate) fn is_by_failing(self) -> bool {
        matches!(self, Self::Failed | Self::Rejected)
    }

    /// The value of the `rm-dead-reason` header.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Deadline => "deadline",
            Self::Overflow => "overflow",
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
    /// Deliverable, if its key had room.
    Held,
    /// Out with a worker.
    Leased { deadline_ns: u64 },
    /// Set aside: delivered only by its id.
    Deferred,
    /// On its way to the dead letter queue, or to be dropped.
    Dying { death: Death },
    /// On its way to another queue, because it missed a deadline.
    Moving,
    /// A letter on its way back.
    Leaving,
}

impl Status {
    /// It is in the queue, and nobody has it.
    pub(crate) fn is_waiting(self) -> bool {
        self.is_droppable() || self == Self::Deferred
    }

    /// Whether the message may go to make room.
    pub(crate) fn is_droppable(self) -> bool {
        matches!(self, Self::Ready | Self::Held | Self::Scheduled { .. })
    }
}

/// Where a message waits that may be delivered from `due_ns` on.
pub(crate) fn waiting(due_ns: u64) -> Status {
    if due_ns == 0 { Status::Ready } else { Status::Scheduled { due_ns } }
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
    /// Of its frame, for the count of a queue with a capacity.
    pub(crate) bytes: u32,
    /// Its last failures.
    pub(crate) history: History,
    pub(crate) asks: Asks,
    /// How far its lease can be prolonged.
    pub(crate) lease_limit_ns: u64,
    /// It was cancelled while it was out: it does not come back.
    pub(crate) is_recalled: bool,
    /// The second part of its rank: when it was due, `RETURNED` or `NEW`.
    pub(crate) due_ns: u64,
    /// When it was sent; 0 if it was not looked at.
    pub(crate) sent_ns: u64,
    pub(crate) group: Option<u64>,
    /// The number of its key, once the limits were asked and have something to say of it.
    pub(crate) key: Option<u64>,
    /// The log says that it is in the index.
    pub(crate) is_told: bool,
    /// It is leased, and the log does not say so yet: it was taken ahead.
    pub(crate) is_ahead: bool,
    /// Attempts that the log does not tell of, because they ended before anybody had it in his hands.
    pub(crate) untold: u32,
}

/// What a message asks of its queue, for as long as it is there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asks {
    pub(crate) priority: u8,
    /// `u64::MAX`: never.
    pub(crate) expires_ns: u64,
    /// `u64::MAX`: it has no such deadline, or has missed it.
    pub(crate) start_by_ns: u64,
    pub(crate) complete_by_ns: u64,
    /// Failures that it is allowed; 0: as many as its queue says.
    pub(crate) failures_max: u32,
}

impl Default for Asks {
    fn default() -> Self {
        let never = u64::MAX;
        Self {
            priority: PRIORITY_DEFAULT,
            expires_ns: never,
            start_by_ns: never,
            complete_by_ns: never,
            failures_max: 0,
        }
    }
}

impl Asks {
    fn of(options: &Options) -> Self {
        let plain = Self::default();
        Self {
            priority: options
                .priority
                .map_or(plain.priority, |priority| priority.min(PRIORITY_MAX.into()) as u8),
            expires_ns: options.expires_ns.unwrap_or(plain.expires_ns),
            start_by_ns: options.start_by_ns.unwrap_or(plain.start_by_ns),
            complete_by_ns: options.complete_by_ns.unwrap_or(plain.complete_by_ns),
            failures_max: counter(options.failures_max),
        }
    }

    /// When what comes, beside its being due.
    fn timers(&self) -> impl Iterator<Item = (u64, Timer)> {
        let timers = [
            (self.expires_ns, Timer::Expires),
            (self.start_by_ns, Timer::StartBy),
            (self.complete_by_ns, Timer::CompleteBy),
        ];
        timers.into_iter().filter(|(at_ns, _)| *at_ns != u64::MAX)
    }
}

impl Message {
    /// Failures of which the last kills it, where its queue says so many; `u32::MAX` where none does.
    pub(crate) fn failures_max(&self, of_queue: u32) -> u32 {
        match self.asks.failures_max {
            0 => of_queue,
            _ if of_queue == u32::MAX => of_queue,
            own => own,
        }
    }

    /// Whether one failure more kills it, and it has failed before.
    pub(crate) fn has_last_chance(&self, failures_max_of_queue: u32) -> bool {
        self.failures > 0 && self.failures.saturating_add(1) >= self.failures_max(failures_max_of_queue)
    }
}

/// A count as a frame has it; 0 if there is none.
fn counter(field: Option<u64>) -> u32 {
    field.map_or(0, |count| count.try_into().unwrap_or(u32::MAX))
}

impl Message {
    pub(crate) fn new(place: Place, status: Status) -> Self {
        Self {
            place,
            status,
            attempts: 0,
            failures: 0,
            expirations: 0,
            bytes: 0,
            history: History::default(),
            asks: Asks::default(),
            lease_limit_ns: 0,
            is_recalled: false,
            due_ns: NEW,
            sent_ns: 0,
            group: None,
            key: None,
            is_told: false,
            is_ahead: false,
            untold: 0,
        }
    }

    /// Found in this frame.
    pub(crate) fn with_bytes(self, frame: &Frame<'_>) -> Self {
        Self { bytes: frame.bytes().len() as u32, sent_ns: frame.time_ns(), ..self }
    }

    /// Since when it waits.
    fn since_ns(&self) -> u64 {
        if matches!(self.due_ns, RETURNED | NEW) { self.sent_ns } else { self.due_ns }
    }

    pub(crate) fn is_grouped(&self) -> bool {
        self.group.is_some()
    }

    pub(crate) fn rank(&self, id: u64) -> Rank {
        (Reverse(self.asks.priority), self.due_ns, id)
    }

    /// The same once it is ready: one that was out comes back to its place by its id.
    fn rank_when_ready(&self, id: u64) -> Rank {
        let was_out = matches!(self.status, Status::Leased { .. });
        (Reverse(self.asks.priority), if was_out { 0 } else { self.due_ns }, id)
    }
}

/// Where the next indexed message comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    Ready,
    /// Those of that priority.
    Groups {
        priority: u8,
    },
}

/// An indexed message that is ready.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiting {
    pub(crate) id: u64,
    pub(crate) rank: Rank,
    pub(crate) from: From,
}

/// Of several ready messages: the first to be sent of those that were never due, and when the first of the others was.
#[derive(Debug, Default)]
pub(crate) struct Oldest {
    pub(crate) first: Option<u64>,
    pub(crate) due_ns: Option<u64>,
}

impl Oldest {
    fn add(&mut self, id: u64, due_ns: u64) {
        let (known, new) = match due_ns {
            RETURNED | NEW => (&mut self.first, id),
            _ => (&mut self.due_ns, due_ns),
        };
        *known = Some(known.map_or(new, |known| known.min(new)));
    }
}

/// See the module's description.
#[derive(Debug)]
pub(crate) struct State {
    /// Reads at the cursor.
    pub(crate) reader: Reader,
    pub(crate) frames: Vec<Bytes>,
    pub(crate) messages: HashMap<u64, Message>,
    /// Ready messages that are in no group.
    ready: BTreeSet<Rank>,
    pub(crate) groups: Groups,
    pub(crate) ageing: Ageing,
    /// Something is ready.
    has_waiting: bool,
    /// Groups had the last turn.
    groups_had_it: bool,
    timers: Timers,
    /// Deadline, id and attempt of every lease that was granted; stale ones are recognised when they come up.
    deadlines: BinaryHeap<Reverse<(u64, u64, u32)>>,
    leased: usize,
    deferred: usize,
    /// Messages in the index that the cursor has not passed: not counted as plain ones.
    pub(crate) ahead: BTreeSet<u64>,
    /// Those among them that the cursor would take for plain ones.
    pub(crate) adopted: BTreeSet<u64>,
    /// Why receives have to look here; shared with those who ask without the lock.
    pub(crate) detours: Arc<AtomicU32>,
    /// Letters that were on their way when the process ended, or before: their status tells.
    pub(crate) leaving: HashMap<u64, (Terms, Leaving)>,
    /// Dying messages whose letters found no room in the dead letter queue. They count as long as they are there.
    pub(crate) letters_held: BTreeSet<u64>,
    /// Queues with letters that found no room here.
    pub(crate) letter_senders: Vec<Weak<Shared>>,
    /// Messages to be buried as soon as the lock is free.
    pub(crate) dying: Vec<u64>,
    /// Messages that were taken out: settled as soon as the lock is free and that is durable.
    pub(crate) gone: Vec<u64>,
    pub(crate) copies: Copies,
    /// The last ones, until somebody asks for them.
    pub(crate) breaches: VecDeque<Breach>,
    /// Deduplication keys.
    pub(crate) dedup: Entries,
    pub(crate) dedup_options: Dedup,
    /// Messages on their way into the index, of those that `admission.rs` has let in.
    pub(crate) pending: HashMap<u64, Fate>,
    /// Where the last of those ends.
    pub(crate) admitted_end: Place,
    /// Slots of schedules.
    pub(crate) fired: Fired,
    pub(crate) rests: Rests,
    /// Where the last event ends that tells what must outlive its segment.
    pub(crate) told_end: Place,
    /// How much was held when stragglers were looked for last, and not enough of it would have gone.
    pub(crate) looked_bytes: u64,
    /// How many messages of that were not settled then.
    pub(crate) looked_left: u64,
    /// Of a queue with a capacity.
    pub(crate) room: Option<Box<Room>>,
    /// None: nothing is limited.
    pub(crate) limits: Option<Box<Limits>>,
    pub(crate) row: Row,
    pub(crate) totals: Totals,
    pub(crate) failed_by_class: ClassCounts,
    pub(crate) rates: Rates,
    pub(crate) told: Told,
    /// None: it is not kept.
    pub(crate) finished: Option<Box<FinishedMessages>>,
    random: u64,
}

impl State {
    pub(crate) fn new(reader: Reader, seed: u64) -> Self {
        Self {
            reader,
            frames: Vec::new(),
            messages: HashMap::new(),
            ready: BTreeSet::new(),
            groups: Groups::default(),
            ageing: Ageing { step_ns: u64::MAX },
            has_waiting: false,
            groups_had_it: false,
            timers: Timers::default(),
            deadlines: BinaryHeap::new(),
            leased: 0,
            deferred: 0,
            ahead: BTreeSet::new(),
            adopted: BTreeSet::new(),
            detours: Arc::default(),
            leaving: HashMap::new(),
            letters_held: BTreeSet::new(),
            letter_senders: Vec::new(),
            dying: Vec::new(),
            gone: Vec::new(),
            copies: Copies::default(),
            breaches: VecDeque::new(),
            dedup: Entries::default(),
            dedup_options: Dedup::default(),
            pending: HashMap::new(),
            admitted_end: Place::default(),
            rests: Rests::default(),
            told_end: Place::default(),
            looked_bytes: 0,
            looked_left: 0,
            room: None,
            fired: Fired::default(),
            limits: None,
            row: Row::default(),
            totals: Totals::default(),
            failed_by_class: ClassCounts::default(),
            rates: Rates::default(),
            told: Told::default(),
            finished: None,
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

    /// Puts a message where its status says, from wherever it was; its key may have room for another then.
    pub(crate) fn set_status(&mut self, id: u64, status: Status) {
        let Some(message) = self.messages.get(&id) else { return };
        let (key, is_grouped) = (message.key, message.is_grouped());
        // Whoever waits for the key and stands before it goes before it.
        let rank = message.rank_when_ready(id);
        let waits = |key| self.limits.as_ref().is_some_and(|limits| limits.has_waiting_before(key, rank));
        let is_behind = status == Status::Ready && !is_grouped && key.is_some_and(waits);
        self.put(id, if is_behind { Status::Held } else { status });
        if let Some(key) = key {
            self.offer(key);
        }
    }

    /// The same, and no other message is offered.
    pub(crate) fn put(&mut self, id: u64, status: Status) {
        self.leave(id);
        let Some(message) = self.messages.get_mut(&id) else { return };
        let was_out = matches!(message.status, Status::Leased { .. });
        if was_out {
            // It comes back to its place by its id, unless it is to wait.
            message.due_ns = RETURNED;
            message.is_ahead &= matches!(status, Status::Leased { .. });
        }
        let was = std::mem::replace(&mut message.status, status);
        let (asks, group, key, is_new) = (message.asks, message.group, message.key, message.attempts == 0);
        let (priority, rank) = (asks.priority, message.rank(id));
        if let Some(room) = &mut self.room {
            room.moved(id, priority, message.bytes.into(), was, status);
        }
        match status {
            Status::Ready => match group {
                Some(group) => self.groups.set(group, id, Member::Ready { priority }),
                None => {
                    self.ready.insert(rank);
                    self.tell_limits(key, |limits, key| limits.note_offered(key, rank, true));
                }
            },
            Status::Held => {
                if let Some(group) = group {
                    self.groups.set(group, id, Member::Held);
                }
                self.tell_limits(key, |limits, key| limits.hold(key, rank));
            }
            Status::Scheduled { due_ns } => {
                message.due_ns = due_ns;
                // Its first delay keeps nobody waiting; a retry does.
                match group {
                    Some(group) if message.attempts > 0 => self.groups.set(group, id, Member::Held),
                    Some(group) => self.groups.withdraw(group, id),
                    None => {}
                }
                self.timers.insert(due_ns, id, Timer::Due);
            }
            Status::Leased { deadline_ns } => {
                self.leased += 1;
                if self.dedup_options.mode == DedupMode::UntilStarted {
                    self.dedup.forget(id);
                }
                self.deadlines.push(Reverse((deadline_ns, id, message.attempts)));
                if let Some(group) = group {
                    self.groups.set(group, id, Member::Held);
                }
                self.tell_limits(key, |limits, key| limits.count_leased(key, 1));
            }
            // It was out, and goes on holding up its ordering key.
            Status::Deferred => self.deferred += 1,
            Status::Dying { .. } | Status::Moving | Status::Leaving => {
                if let Some(group) = group {
                    self.groups.withdraw(group, id);
                }
                if matches!(status, Status::Dying { .. }) {
                    self.dying.push(id);
                }
            }
        }
        self.look_for_waiting();
        for (at_ns, timer) in asks.timers() {
            let counts = match timer {
                Timer::StartBy => is_new && status.is_waiting(),
                Timer::CompleteBy => status.is_waiting() || matches!(status, Status::Leased { .. }),
                Timer::Due | Timer::Expires => status.is_waiting(),
            };
            if counts {
                self.timers.insert(at_ns, id, timer);
            }
        }
    }

    /// A message that is out was only taken ahead: it is as if it had not been, with its place among those that were due. Nobody can
    /// say anything of that lease any more, for the delivery is gone. It is nowhere until its status is set.
    pub(crate) fn untake(&mut self, id: u64) {
        self.leave(id);
        if let Some(message) = self.messages.get_mut(&id) {
            message.attempts = message.attempts.saturating_sub(1);
            message.untold = message.untold.saturating_sub(message.is_ahead.into());
            message.is_ahead = false;
            message.status = Status::Moving;
        }
    }

    /// Adds a message in the given status.
    pub(crate) fn insert(&mut self, id: u64, message: Message) {
        let status = message.status;
        self.messages.insert(id, Message { status: Status::Dying { death: Death::Failed }, ..message });
        self.set_status(id, status);
    }

    /// Adds a plain message that nobody has received: the cursor will pass it.
    pub(crate) fn adopt(&mut self, id: u64, message: Message) {
        self.ahead.insert(id);
        self.adopted.insert(id);
        self.insert(id, Message { is_told: true, ..message });
    }

    /// Attempts and failures of a message, if it waits: ready or scheduled, in the index or ahead of the cursor, which is at
    /// `next_sequence`.
    pub(crate) fn counts_if_waiting(
        &self,
        id: u64,
        next_sequence: u64,
        is_indexed: bool,
    ) -> Option<(u32, u32)> {
        match self.messages.get(&id) {
            Some(message) if message.status.is_waiting() => Some((message.attempts, message.failures)),
            None if id >= next_sequence && !is_indexed && !self.ahead.contains(&id) => Some((0, 0)),
            _ => None,
        }
    }

    /// Adds a message that was sent with options: it is no plain one.
    pub(crate) fn insert_sent(&mut self, id: u64, place: Place, draft: &Draft<'_>) {
        let options = draft.options.copied().unwrap_or_default();
        let message = Message::new(place, waiting(draft.due_ns));
        let message = Message { bytes: draft.bytes() as u32, sent_ns: draft.time_ns, ..message };
        self.insert_indexed(id, message, options, header_of(draft.headers.iter().copied(), ORDERING_KEY));
    }

    /// The same from its frame.
    pub(crate) fn insert_read(&mut self, id: u64, place: Place, frame: &Frame<'_>) {
        let message = Message::new(place, waiting(frame.due_ns())).with_bytes(frame);
        self.insert_indexed(id, message, frame.options(), header_of(frame.headers(), ORDERING_KEY));
    }

    fn insert_indexed(&mut self, id: u64, message: Message, options: Options, key: Option<&[u8]>) {
        self.ahead.insert(id);
        let (asks, group) = (Asks::of(&options), key.map(|key| self.groups.join(key)));
        let failures = counter(options.failures);
        self.insert(id, Message { asks, group, failures, ..message });
        if let Some(message) = self.messages.get_mut(&id) {
            // Only now: it has not been out in this life, so that a delay of its own holds up nobody.
            message.attempts = counter(options.attempts);
        }
    }

    /// What is to be in the place of a message that is read again, with the attempts of its earlier life. It is not in the index
    /// from now on.
    pub(crate) fn replace_read(&mut self, id: u64, place: Place, frame: &Frame<'_>) -> Message {
        self.leave(id);
        if let Some(group) = self.messages.remove(&id).and_then(|message| message.group) {
            self.groups.leave(group, id);
        }
        let options = frame.options();
        let group = header_of(frame.headers(), ORDERING_KEY).map(|key| self.groups.join(key));
        let attempts = counter(options.attempts);
        Message {
            asks: Asks::of(&options),
            group,
            attempts,
            ..Message::new(place, Status::Ready).with_bytes(frame)
        }
    }

    /// A dying message no longer waits for room for its letter.
    pub(crate) fn let_go_of_letter(&mut self, id: u64) {
        if self.letters_held.remove(&id)
            && let (Some(message), Some(room)) = (self.messages.get(&id), &mut self.room)
        {
            room.leave_held(message.bytes.into());
        }
    }

    /// Forgets a message.
    pub(crate) fn remove(&mut self, id: u64) -> Option<Message> {
        self.let_go_of_letter(id);
        self.leave(id);
        let message = self.messages.remove(&id)?;
        if let Some(group) = message.group {
            self.groups.leave(group, id);
        }
        if let Some(key) = message.key {
            self.tell_limits(Some(key), |limits, key| limits.leave(key));
            self.offer(key);
        }
        self.look_for_waiting();
        if !self.dedup_options.is_by_time() {
            self.dedup.forget(id);
        }
        if let Some(room) = &mut self.room {
            room.removed(id, message.asks.priority, message.bytes.into(), message.status);
        }
        Some(message)
    }

    /// There is no room for the letter of a dying message: it stays, and counts again.
    pub(crate) fn hold_letter(&mut self, id: u64) {
        if self.letters_held.insert(id)
            && let (Some(message), Some(room)) = (self.messages.get(&id), &mut self.room)
        {
            room.enter(message.bytes.into());
        }
    }

    /// Remembers the deduplication key of a message that is told at `place`, maybe in the place of another one. True: that one
    /// was there, and is gone.
    pub(crate) fn note_key(
        &mut self,
        key: &[u8],
        mut entry: Entry,
        replaces: Option<u64>,
        place: Place,
    ) -> bool {
        let mut is_gone = false;
        if let Some(old) = replaces {
            if self.dedup_options.mode == DedupMode::Fixed
                && let Some(first) = self.dedup.get(key)
            {
                entry.since_ns = first.since_ns;
            }
            is_gone = match self.pending.get_mut(&old) {
                Some(fate) => {
                    *fate = Fate::Gone;
                    false
                }
                None => self.remove(old).is_some(),
            };
        }
        self.dedup.put(key, entry, place);
        is_gone
    }

    fn tell_limits(&mut self, key: Option<u64>, tell: impl FnOnce(&mut Limits, u64)) {
        if let (Some(limits), Some(key)) = (&mut self.limits, key) {
            tell(limits, key);
        }
    }

    /// Takes a message from where its status has put it.
    fn leave(&mut self, id: u64) {
        let Some(message) = self.messages.get(&id) else { return };
        let (key, rank, is_grouped) = (message.key, message.rank(id), message.is_grouped());
        match message.status {
            Status::Ready => {
                self.ready.remove(&rank);
                let key = key.filter(|_| !is_grouped);
                self.tell_limits(key, |limits, key| limits.note_offered(key, rank, false));
            }
            Status::Held => self.tell_limits(key, |limits, key| limits.let_go(key, rank)),
            Status::Scheduled { due_ns } => self.timers.remove(due_ns, id, Timer::Due),
            Status::Leased { .. } => {
                self.leased -= 1;
                self.tell_limits(key, |limits, key| limits.count_leased(key, -1));
                self.forget_stale_deadlines();
            }
            Status::Deferred => self.deferred -= 1,
            Status::Dying { .. } | Status::Moving | Status::Leaving => {}
        }
        if let Some(message) = self.messages.get(&id) {
            message.asks.timers().for_each(|(at_ns, timer)| self.timers.remove(at_ns, id, timer));
        }
    }

    /// Has receives look here, or not, for that reason.
    pub(crate) fn set_detour(&self, reason: u32, is_set: bool) {
        // ORDERING: Release: pairs with the load of a receive; what is to be found here is here. Under the lock: nobody else
        // changes it.
        if is_set {
            self.detours.fetch_or(reason, Ordering::Release);
        } else {
            self.detours.fetch_and(!reason, Ordering::Release);
        }
    }

    pub(crate) fn look_for_waiting(&mut self) {
        let is_any = !self.ready.is_empty() || self.groups.has_turns();
        if is_any != self.has_waiting {
            self.has_waiting = is_any;
            self.set_detour(DETOUR_WAITING, is_any);
            if is_any {
                // Who was woken before may have looked without the lock, and seen nothing of it.
                self.reader.tell();
            }
        }
    }

    /// Whether one failure more kills a message that has failed before.
    pub(crate) fn has_last_chance(&self, id: u64, failures_max: u32) -> bool {
        self.messages.get(&id).is_some_and(|message| message.has_last_chance(failures_max))
    }

    /// A message, if that attempt has it.
    pub(crate) fn message_leased(&mut self, token: Token) -> Option<&mut Message> {
        let is_held = |message: &&mut Message| {
            message.attempts == token.attempt && matches!(message.status, Status::Leased { .. })
        };
        self.messages.get_mut(&token.id).filter(is_held)
    }

    /// Says what the frame of a message tells of it.
    pub(crate) fn set_frame(&mut self, id: u64, frame: &Frame<'_>) {
        if let Some(message) = self.messages.get_mut(&id) {
            (message.bytes, message.sent_ns) = (frame.bytes().len() as u32, frame.time_ns());
        }
    }

    /// Says where a message is.
    pub(crate) fn set_place(&mut self, id: u64, place: Place) {
        if let Some(message) = self.messages.get_mut(&id) {
            message.place = place;
        }
    }

    /// Forgets what is ahead of the cursor no longer.
    pub(crate) fn forget_passed(&mut self, next_sequence: u64) {
        let is_passed = |set: &BTreeSet<u64>| set.first().is_some_and(|id| *id < next_sequence);
        if is_passed(&self.ahead) {
            self.ahead = self.ahead.split_off(&next_sequence);
        }
        if is_passed(&self.adopted) {
            self.adopted = self.adopted.split_off(&next_sequence);
        }
        self.set_detour(DETOUR_ADOPTED, !self.adopted.is_empty());
    }

    /// The indexed message that is next; `is_before` tells whether a plain one comes before it, `turn_over` is told who did.
    pub(crate) fn first_waiting(&mut self, now_ns: u64) -> Option<Waiting> {
        let ready = if self.ageing.is_on() {
            let firsts = (0..=PRIORITY_MAX).flat_map(|priority| self.firsts(Reverse(priority)));
            firsts.map(|rank| self.aged(rank, now_ns)).min()
        } else {
            self.ready.first().copied()
        };
        let ready = ready.map(|rank| Waiting { id: rank.2, rank, from: From::Ready });
        let group = self.first_of_groups(now_ns);
        match (ready, group) {
            (Some(one), Some(other)) => Some(if self.is_before(one.rank, other) { one } else { other }),
            (None, None) => {
                // Groups waited for turns that they had no use for.
                self.look_for_waiting();
                None
            }
            (one, other) => one.or(other),
        }
    }

    /// Has messages of one ordering key come as that says.
    pub(crate) fn set_groups(&mut self, options: &GroupOptions) {
        self.groups.set_options(options);
        self.look_for_waiting();
    }

    /// The first of the groups whose turn it is, of the highest priority by now.
    fn first_of_groups(&mut self, now_ns: u64) -> Option<Waiting> {
        let Self { groups, messages, ageing, .. } = self;
        let fronts = groups.fronts().map(|(id, priority)| {
            let since_ns = messages.get(&id).map_or(now_ns, Message::since_ns);
            let rank = ageing.rank((Reverse(priority), NEW, id), since_ns, now_ns);
            Waiting { id, rank, from: From::Groups { priority } }
        });
        fronts.min_by_key(|front| front.rank)
    }

    /// Where a message stands by now.
    pub(crate) fn aged(&self, rank: Rank, now_ns: u64) -> Rank {
        let since_ns = self.messages.get(&rank.2).map_or(now_ns, Message::since_ns);
        self.ageing.rank(rank, since_ns, now_ns)
    }

    /// Whether a message that is in no group comes before that one. With groups of the same priority it takes turns.
    pub(crate) fn is_before(&self, rank: Rank, other: Waiting) -> bool {
        match other.from {
            From::Groups { .. } if rank.0 == other.rank.0 => self.groups_had_it,
            _ => rank < other.rank,
        }
    }

    /// Notes whose turn it was.
    pub(crate) fn turn_over(&mut self, first: Waiting) {
        self.groups_had_it = false;
        if let From::Groups { priority } = first.from {
            self.groups_had_it = true;
            self.groups.pass(priority);
        }
    }

    /// The same for a plain message.
    pub(crate) fn plain_turn_over(&mut self) {
        self.groups_had_it = false;
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

    /// Makes ready what is due. Messages to which time brings something else are returned one at a time: that goes on coming
    /// until somebody sees to it.
    pub(crate) fn promote(&mut self, now_ns: u64) -> (bool, Option<(u64, Timer)>) {
        let mut any = false;
        while let Some((id, timer)) = self.timers.first_by(now_ns) {
            if timer != Timer::Due {
                return (any, Some((id, timer)));
            }
            self.set_status(id, Status::Ready);
            any = true;
        }
        (any, None)
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
        let due = self.timers.next_ns();
        let lease = self.deadlines.peek().map(|Reverse((deadline_ns, ..))| *deadline_ns);
        let limit = self.limits.as_ref().and_then(|limits| limits.next_ns());
        let room = self.room.as_ref().and_then(|room| room.give_up_ns());
        due.into_iter().chain(lease).chain(limit).chain(room).min()
    }

    pub(crate) fn scheduled_count(&self) -> usize {
        self.timers.due_count()
    }

    /// Of a priority the first that came back, the first that had to wait, and the first that nobody had.
    fn firsts(&self, priority: Reverse<u8>) -> impl Iterator<Item = Rank> {
        let parts = [RETURNED..=RETURNED, RETURNED + 1..=NEW - 1, NEW..=NEW];
        parts.into_iter().filter_map(move |part| {
            let (from, to) = part.into_inner();
            self.ready.range((priority, from, 0)..=(priority, to, u64::MAX)).next().copied()
        })
    }

    /// The indexed messages that have been ready longest.
    pub(crate) fn oldest_ready(&self) -> Oldest {
        let mut oldest = Oldest::default();
        for priority in (0..=PRIORITY_MAX).map(Reverse) {
            self.firsts(priority).for_each(|(_, due_ns, id)| oldest.add(id, due_ns));
        }
        for id in self.groups.heads() {
            if let Some(message) = self.messages.get(&id) {
                oldest.add(id, message.due_ns);
            }
        }
        oldest
    }

    /// Indexed messages without an ordering key that are ready and stand before that rank.
    pub(crate) fn ready_before(&self, rank: Rank, now_ns: u64) -> u64 {
        self.ready.iter().filter(|other| self.aged(**other, now_ns) < rank).count() as u64
    }

    /// Indexed messages that a receive would get now.
    pub(crate) fn ready_count(&self) -> usize {
        self.ready.len() + self.groups.deliverable_count()
    }

    /// The same, and those that would be ready but for others of their ordering key: that many at the most.
    pub(crate) fn ready_count_max(&self) -> usize {
        self.ready.len() + self.groups.ready_count()
    }

    /// Messages that wait for others of their ordering key, or for room of their key.
    pub(crate) fn blocked_count(&self) -> usize {
        self.groups.blocked_count() + self.limits.as_ref().map_or(0, |limits| limits.held_count())
    }

    pub(crate) fn leased_count(&self) -> usize {
        self.leased
    }

    /// A message's deadline is over: it was missed.
    pub(crate) fn forget_deadline(&mut self, id: u64, deadline: Deadline) {
        let Some(message) = self.messages.get_mut(&id) else { return };
        let (at_ns, timer) = match deadline {
            Deadline::Start => (&mut message.asks.start_by_ns, Timer::StartBy),
            Deadline::Complete => (&mut message.asks.complete_by_ns, Timer::CompleteBy),
        };
        self.timers.remove(std::mem::replace(at_ns, u64::MAX), id, timer);
    }

    /// A copy of a message is where it was to go, or the message itself, which is forgotten. True: the message is to be settled.
    pub(crate) fn finish_copy(&mut self, key: CopyKey) -> bool {
        let is_move = self.copies.get(key).is_some_and(|copy| copy.is_move);
        let is_moving = self.messages.get(&key.0).is_some_and(|message| message.status == Status::Moving);
        let was_message = is_move && is_moving && self.remove(key.0).is_some();
        self.copies.finish(key, was_message)
    }

    pub(crate) fn deferred_count(&self) -> usize {
        self.deferred
    }

    /// Notes that a message that is out is not to come back.
    pub(crate) fn recall(&mut self, id: u64) {
        if let Some(message) = self.messages.get_mut(&id) {
            message.is_recalled = true;
        }
    }

    /// Messages that came back, and were not to.
    pub(crate) fn recalled_ids(&self) -> Vec<u64> {
        let is_back = |message: &Message| message.is_recalled && message.status.is_waiting();
        self.messages.iter().filter(|(_, message)| is_back(message)).map(|(id, _)| *id).collect()
    }

    pub(crate) fn is_recalled(&self, id: u64) -> bool {
        self.messages.get(&id).is_some_and(|message| message.is_recalled)
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
