//! One open queue, shared by its handles: the log, the state, and the rules that both verbs and the clock apply.
//!
//! **Protocol.** Plain messages go their way without a lock (`plain`). Of all others every change of state appends its event to the log under the state's lock, so that the log tells the
//! changes in the order in which they happened; waiting for the disk happens after the lock is given back.

use crate::error::{Error, Result};
use crate::journal::Journal;
use crate::log::{Appended, Draft, Kind, Log, Place, Reader};
use crate::message::duration_ns;
use crate::name::Name;
use crate::notice;
use crate::queue::classes::ErrorClass;
use crate::queue::dead::bury_all;
use crate::queue::deadline::Deadline;
use crate::queue::delivery::Kept;
use crate::queue::history::Reason;
use crate::queue::options::{OnExhausted, QueueOptions};
use crate::queue::plain::{Counted, Cursor, Runs, Seats};
use crate::queue::processing::Processing;
use crate::queue::rank::PRIORITY_DEFAULT;
use crate::queue::receive::Seat;
use crate::queue::recovery::Recovered;
use crate::queue::settlement::{Event, Failure};
use crate::queue::state::{DETOUR_ADOPTED, DETOUR_CLOSED, Death, Message, State, Status, waiting};
use crate::queue::tally::Tally;
use crate::queue::timers::Timer;
use crate::sync::counter::Counter;
use crate::sync::event_count::EventCount;
use crate::sync::lock;
use crate::sync::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use crossbeam_utils::CachePadded;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

/// One of them may be gone of a lease that is taken for whole.
const LEASE_PARTS: u64 = 100;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Itself, for queues that tell it of room.
    pub(crate) me: Weak<Shared>,
    pub(crate) name: Name,
    pub(crate) log: Arc<Log>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) options: Mutex<QueueOptions>,
    /// Where exhausted messages go.
    pub(crate) dead: Mutex<Option<Arc<Shared>>>,
    /// Held by whoever writes letters: what had no room is not written twice when there is some.
    pub(crate) burying: Mutex<()>,
    /// Where messages go that miss a deadline. The hub holds it: two queues may name each other.
    pub(crate) breach_target: Mutex<Weak<Shared>>,
    pub(crate) state: CachePadded<Mutex<State>>,
    /// The way of plain messages, which needs no state.
    pub(crate) cursor: CachePadded<Cursor>,
    pub(crate) seats: Seats<Seat>,
    pub(crate) runs: CachePadded<Runs<Kept>>,
    /// Why messages are not to be taken on that way; 0: they are.
    pub(crate) detours: Arc<AtomicU32>,
    pub(crate) tally: CachePadded<Tally>,
    /// Acks since the queue was opened.
    pub(crate) acked: Counter,
    pub(crate) processing: Processing,
    /// How many messages there had been when the queue was opened.
    pub(crate) sent_before: u64,
    /// How long a receive leases, in nanoseconds.
    pub(crate) lease_ns: AtomicU64,
    /// Where the last event of the queue ends in the log.
    events_end: CachePadded<AtomicU64>,
    /// How long a message may wait, by the queue's options; `u64::MAX` for ever.
    pub(crate) ttl_ns: AtomicU64,
    /// It has a capacity.
    pub(crate) is_bounded: AtomicBool,
    /// What is too much for memory leaves it.
    pub(crate) spills: AtomicBool,
    /// Tells senders that there is more room.
    pub(crate) freed: Arc<EventCount>,
    pub(crate) closed: AtomicBool,
    deleted: AtomicBool,
}

impl Shared {
    pub(crate) fn new(
        name: Name,
        log: Arc<Log>,
        journal: Arc<Journal>,
        options: QueueOptions,
        dead: Option<Arc<Shared>>,
        recovered: Recovered,
    ) -> Arc<Self> {
        let Recovered { state, cursor, tally } = recovered;
        let (detours, sent_before) = (state.detours.clone(), log.end_sequence());
        let seats = Seats::new(|| Seat::new(log.clone()));
        let lease_ns = AtomicU64::new(options.lease_ns());
        let ttl_ns = AtomicU64::new(options.ttl_ns());
        log.data().set_for_all(options.limits.single_active_consumer);
        let is_bounded = AtomicBool::new(options.is_bounded());
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            name,
            log,
            journal,
            cursor: CachePadded::new(cursor),
            seats,
            runs: CachePadded::new(Runs::new()),
            detours,
            tally: CachePadded::new(tally),
            acked: Counter::default(),
            processing: Processing::default(),
            sent_before,
            lease_ns,
            ttl_ns,
            is_bounded,
            spills: AtomicBool::new(false),
            freed: Arc::default(),
            options: Mutex::new(options),
            dead: Mutex::new(dead),
            burying: Mutex::default(),
            breach_target: Mutex::default(),
            state: CachePadded::new(Mutex::new(state)),
            events_end: CachePadded::new(AtomicU64::new(Place::default().0)),
            closed: AtomicBool::new(false),
            deleted: AtomicBool::new(false),
        })
    }

    pub(crate) fn check_open(&self) -> Result<()> {
        self.journal.check_owner()?;
        // ORDERING: Acquire: pairs with `close`.
        if self.closed.load(Ordering::Acquire) {
            // ORDERING: Relaxed: raised before the flag that was acquired.
            let is_deleted = self.deleted.load(Ordering::Relaxed);
            let what = if is_deleted { "this queue, which was deleted," } else { "the hub of this queue" };
            return Err(Error::Closed { what });
        }
        Ok(())
    }

    /// As `close`, for good, and says why.
    pub(crate) fn delete(&self) {
        // ORDERING: Relaxed: published by the flag that `close` raises.
        self.deleted.store(true, Ordering::Relaxed);
        self.close();
        self.log.close();
    }

    /// Refuses verbs from now on, wakes those that wait, and hands back what is out.
    pub(crate) fn close(&self) {
        // ORDERING: AcqRel: pairs with `check_open`.
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        let mut state = lock(&self.state);
        // Nobody takes what is handed back here.
        state.set_detour(DETOUR_CLOSED, true);
        self.leave_plain_way(&mut state);
        for id in state.leased_ids() {
            let _ = self.release_locked(&mut state, id, 0);
        }
        drop(state);
        self.log.data().notify_all();
        self.freed.notify_all();
    }

    /// How long a receive leases.
    pub(crate) fn lease(&self) -> Duration {
        // ORDERING: Relaxed: as where it is set.
        Duration::from_nanos(self.lease_ns.load(Ordering::Relaxed))
    }

    /// Whether so much of a lease that began then is gone that it has to begin anew to be whole. What is handed over soon costs
    /// no verb.
    pub(crate) fn is_worn(&self, taken_ns: u64) -> bool {
        let passed_ns = self.journal.now_ns().saturating_sub(taken_ns);
        // ORDERING: Relaxed: as above.
        passed_ns > self.lease_ns.load(Ordering::Relaxed) / LEASE_PARTS
    }

    /// Puts every lease of a plain message into the index.
    pub(crate) fn index_all(&self, state: &mut State) {
        for run in self.runs.in_use() {
            self.index_run(state, &run, u64::MAX);
        }
    }

    /// Appends an event; nobody waits for it to be durable.
    pub(crate) fn append_event(&self, event: &Event) -> Result<Place> {
        self.append_placed(event).map(|appended| appended.end)
    }

    /// The same, and says where it begins.
    pub(crate) fn append_placed(&self, event: &Event) -> Result<Appended> {
        let bytes = event.encode();
        let receipt = self.log.append(&[Draft::control(Kind::Control, self.journal.now_ns(), &bytes)])?;
        // ORDERING: Relaxed: whoever asks said an event before, or the state's lock orders it.
        self.events_end.fetch_max(receipt.end.0, Ordering::Relaxed);
        self.journal.note(&self.log);
        if event.is_freeing() {
            // Those whom a limit kept wait for the state's lock and see what the caller does next. Who looks without it may be too
            // early, and is told once more when something is there (`look_for_waiting`).
            self.log.data().notify_all();
        }
        Ok(receipt)
    }

    /// Where the last event ends, for whoever holds the state's lock, or said one.
    pub(crate) fn events_end(&self) -> Place {
        // ORDERING: Relaxed: as above.
        Place(self.events_end.load(Ordering::Relaxed))
    }

    /// Does what time has brought: due messages become ready, leases run out. `bury` is to be called once the lock is
    /// given back.
    pub(crate) fn tick_locked(&self, state: &mut State, now_ns: u64) {
        let mut woken = false;
        loop {
            let (promoted, brought) = state.promote(now_ns);
            woken |= promoted;
            let Some((id, timer)) = brought else { break };
            let done = match timer {
                Timer::Due | Timer::Expires => {
                    self.die_locked(state, id, Death::Expired, "".into()).map(drop)
                }
                Timer::StartBy => self.breach_locked(state, id, Deadline::Start, now_ns),
                Timer::CompleteBy => self.breach_locked(state, id, Deadline::Complete, now_ns),
            };
            if done.is_err() {
                // The log refuses: it stays until the queue is opened again.
                break;
            }
            woken = true;
        }
        woken |= state.open_limits(now_ns);
        if let Some(room) = &mut state.room {
            room.give_up(now_ns);
        }
        self.runs.for_each_due(now_ns, |run| self.index_run(state, run, u64::MAX));
        while let Some(id) = state.next_expired(now_ns) {
            self.tell_of_expiry(state, id);
            let failed = self.fail_locked(state, id, now_ns, "the lease ran out".into(), None, true);
            woken = true;
            if failed.is_err() {
                // The log refuses: the lease stays as it is until the queue is opened again.
                break;
            }
        }
        if woken {
            self.log.data().notify_all();
        }
        let runs_out = self.runs.next_deadline_ns();
        if let Some(next_ns) = state.next_deadline_ns().into_iter().chain(runs_out).min() {
            self.journal.alarm().arm(next_ns);
        }
    }

    /// The state, with everything done that time has brought.
    pub(crate) fn state_now(&self) -> (MutexGuard<'_, State>, u64) {
        let mut state = lock(&self.state);
        let now_ns = self.journal.now_ns();
        self.tick_locked(&mut state, now_ns);
        (state, now_ns)
    }

    /// For the hub's timer.
    pub(crate) fn tick(&self, now_ns: u64) {
        let mut state = lock(&self.state);
        self.tick_locked(&mut state, now_ns);
        let ready = self.plain_count(&state) + state.ready_count_max() as u64;
        self.tell_of_backlog(&mut state, ready);
        self.unlock(state);
    }

    /// Gives back the lock, buries whoever died under it, and settles what was taken out, and carries copies.
    pub(crate) fn unlock(&self, mut state: MutexGuard<'_, State>) {
        let dying = std::mem::take(&mut state.dying);
        let gone = std::mem::take(&mut state.gone);
        let (copies, end) = (state.copies.take_fresh(), self.events_end());
        drop(state);
        notice::tell();
        // Where it cannot be written, senders are told.
        let _ = self.spill();
        if !gone.is_empty() && self.journal.commit(&self.log, end).is_ok() {
            self.settled(&gone);
        }
        if !dying.is_empty() {
            // On failure the log is poisoned: they are buried when the queue is opened again.
            let _ = self.bury(&dying);
        }
        if !copies.is_empty() {
            // On failure likewise.
            let _ = self.carry_copies(&copies);
        }
    }

    /// Counts a failure of a leased message, unless its class is not to be: it is retried later, or dies.
    pub(crate) fn fail_locked(
        &self,
        state: &mut State,
        id: u64,
        now_ns: u64,
        reason: Reason,
        delay: Option<Duration>,
        expired: bool,
    ) -> Result<Place> {
        let random = state.random();
        let Some(message) = state.messages.get(&id) else { return Err(self.lost(id, 0)) };
        if message.is_recalled {
            return self.cancel_locked(state, id);
        }
        let failures = message.failures.saturating_add(1);
        let expirations = message.expirations.saturating_add(expired.into());
        let (class, exhausted, retry) = {
            let options = lock(&self.options);
            let class = options.class_of(&reason);
            let is_hopeless =
                class == ErrorClass::Permanent || failures >= message.failures_max(options.failures_max());
            let exhausted = is_hopeless && options.on_exhausted != OnExhausted::Keep;
            (class, exhausted && state.may_die(id, Death::Failed), options.retry)
        };
        let due_ns = if exhausted {
            0
        } else {
            let delay = delay.unwrap_or_else(|| retry.delay(failures, random));
            if delay.is_zero() { 0 } else { now_ns.saturating_add(duration_ns(delay)) }
        };
        state.failed_by_class.count(&reason.class);
        if class == ErrorClass::Ignored {
            state.totals.failures_ignored += 1;
            return self.release_locked(state, id, due_ns);
        }
        let death = exhausted.then_some(Death::Failed);
        let failure = Failure { id, failures, expirations, due_ns, death, reason: reason.cut() };
        let event = Event::Failed(failure.clone());
        let end = match death {
            Some(death) => self.append_death(state, id, event, (death, &failure.reason.text))?,
            None => self.append_event(&event)?,
        };
        state.totals.failures += 1;
        state.totals.leases_expired += u64::from(expired);
        apply_failure(state, failure, now_ns);
        Ok(end)
    }

    /// Notes that a message dies: it is delivered no more, and buried once the lock is given back.
    pub(crate) fn die_locked(
        &self,
        state: &mut State,
        id: u64,
        death: Death,
        reason: Reason,
    ) -> Result<Place> {
        let Some(message) = state.messages.get(&id) else { return Err(self.lost(id, 0)) };
        let (failures, expirations) = (message.failures, message.expirations);
        let failure =
            Failure { id, failures, expirations, due_ns: 0, death: Some(death), reason: reason.cut() };
        let event = Event::Failed(failure.clone());
        let end = self.append_death(state, id, event, (death, &failure.reason.text))?;
        apply_failure(state, failure, self.journal.now_ns());
        Ok(end)
    }

    /// The run in which a plain message is leased.
    pub(crate) fn run_of(&self, id: u64) -> Option<Counted<'_, Kept>> {
        self.runs.in_use().find(|run| {
            let index = id.wrapping_sub(run.first());
            index < 64 && run.held() & (1 << index) != 0
        })
    }

    /// Has all receives look at the state, and takes what is leased beside it into the index.
    pub(crate) fn leave_plain_way(&self, state: &mut State) {
        self.seats.pass_all();
        self.index_all(state);
    }

    /// Takes a plain message that nobody has received into the index, ready, so that it can be told something by its id. False:
    /// there is no such message, or it is no longer there. One that is in the index already stays as it is.
    pub(crate) fn adopt_locked(&self, state: &mut State, id: u64) -> Result<bool> {
        if state.messages.contains_key(&id) {
            return Ok(true);
        }
        self.hold_cursor(state, |state| self.adopt_plain(state, id))
    }

    /// Does something while nobody but us moves the cursor.
    pub(crate) fn hold_cursor<R>(&self, state: &mut State, then: impl FnOnce(&mut State) -> R) -> R {
        state.set_detour(DETOUR_ADOPTED, true);
        self.seats.pass_all();
        let done = then(state);
        state.forget_passed(self.cursor.next_sequence());
        done
    }

    fn adopt_plain(&self, state: &mut State, id: u64) -> Result<bool> {
        if let Some(run) = self.run_of(id) {
            self.index_run(state, &run, 1 << (id - run.first()));
        }
        if state.messages.contains_key(&id) {
            return Ok(true);
        }
        let Some(reader) = self.plain_at(state, id)? else { return Ok(false) };
        let place = reader.found_place();
        let message = Message::new(place, Status::Ready).with_bytes(&reader.frame());
        self.append_event(&Event::Adopted { id, place })?;
        state.adopt(id, message);
        Ok(true)
    }

    /// A reader that has found the message of this id; None if it is not held.
    pub(crate) fn reader_at(&self, id: u64) -> Result<Option<Reader>> {
        let mut reader = Reader::earliest(self.log.clone());
        reader.seek(id)?;
        // Events may stand before it.
        while reader.advance()? {
            if reader.kind().is_record() {
                let is_it = reader.sequence() == id && reader.kind() == Kind::Data;
                return Ok(is_it.then_some(reader));
            }
        }
        Ok(None)
    }

    /// Takes messages that wait, or letters that went, out of the queue; while the cursor is held, unless all of them are in the
    /// index. They are settled once that is durable.
    pub(crate) fn take_out_locked(&self, state: &mut State, ids: &[u64]) -> Result<Place> {
        if ids.is_empty() {
            return Ok(self.events_end());
        }
        let end = self.append_event(&Event::Gone(ids.to_vec()))?;
        for id in ids {
            if state.remove(*id).is_none() && *id >= self.cursor.next_sequence() {
                if state.room.is_some()
                    && let Some(reader) = self.reader_at(*id)?
                    && let Some(room) = &mut state.room
                {
                    room.removed(*id, PRIORITY_DEFAULT, reader.frame().bytes().len() as u64, Status::Ready);
                }
                state.ahead.insert(*id);
                state.adopted.insert(*id);
            }
        }
        // Others of their ordering keys may be next.
        self.log.data().notify_all();
        Ok(end)
    }

    /// Alters what the queue was told.
    ///
    /// # Errors
    /// `Corrupt` or `Io` looking at what is there, `Poisoned`.
    pub(crate) fn set_options(&self, options: QueueOptions, dead: Option<Arc<Shared>>) -> Result<()> {
        // ORDERING: Relaxed: as where it is read.
        self.ttl_ns.store(options.ttl_ns(), Ordering::Relaxed);
        // ORDERING: Relaxed: as above.
        self.lease_ns.store(options.lease_ns(), Ordering::Relaxed);
        // ORDERING: Relaxed: as above.
        self.is_bounded.store(options.is_bounded(), Ordering::Relaxed);
        let (capacity, dedup, history) = (options.capacity, options.dedup, options.history);
        *lock(&self.dead) = dead;
        self.set_limits(options);
        // So that it is seen.
        let admitted_end = lock(&self.state).admitted_end;
        self.journal.commit(&self.log, admitted_end)?;
        let mut state = lock(&self.state);
        self.set_history(&mut state, history);
        self.set_dedup(&mut state, dedup.unwrap_or_default())?;
        self.set_capacity(&mut state, capacity)?;
        let senders = std::mem::take(&mut state.letter_senders);
        drop(state);
        self.bury(&[])?;
        bury_all(senders.iter().filter_map(Weak::upgrade).map(|sender| (sender, Vec::new())).collect())
    }

    /// The same, if what it does with dead letters stays.
    pub(crate) fn set_limits(&self, options: QueueOptions) {
        let mut state = lock(&self.state);
        state.set_limits(&options.limits);
        state.ageing = options.ageing();
        state.set_groups(&options.groups);
        if state.limits.is_some() {
            self.leave_plain_way(&mut state);
            self.count_out(&mut state);
        }
        drop(state);
        // Of its consumers only one can use a message.
        let is_for_all = options.limits.single_active_consumer;
        *lock(&self.options) = options;
        self.log.data().set_for_all(is_for_all);
    }

    /// Hands a leased message back.
    pub(crate) fn release_locked(&self, state: &mut State, id: u64, due_ns: u64) -> Result<Place> {
        if state.is_recalled(id) {
            return self.cancel_locked(state, id);
        }
        let end = self.append_event(&Event::Released { id, due_ns })?;
        state.set_status(id, waiting(due_ns));
        self.wake_for(due_ns);
        Ok(end)
    }

    /// Tells receivers, or the alarm, that a message is or will be ready.
    pub(crate) fn wake_for(&self, due_ns: u64) {
        if due_ns == 0 {
            self.log.data().notify_all();
        } else {
            self.journal.alarm().arm(due_ns);
        }
    }

    pub(crate) fn lost(&self, id: u64, attempt: u32) -> Error {
        Error::LeaseLost { queue: self.name.clone(), id, attempt }
    }
}

/// The effect of a failure on the state: the same when it happens and when it is read back.
pub(crate) fn apply_failure(state: &mut State, failure: Failure, time_ns: u64) {
    let Some(message) = state.messages.get_mut(&failure.id) else { return };
    message.failures = failure.failures;
    message.expirations = failure.expirations;
    if failure.death.is_none_or(Death::is_by_failing) {
        message.history.push(time_ns, failure.reason);
        // It was out, even if the log was not told of that.
        message.attempts = message.attempts.max(1);
        message.untold = message.untold.min(message.attempts - 1);
        if !matches!(message.status, Status::Leased { .. }) {
            state.set_status(failure.id, Status::Leased { deadline_ns: u64::MAX });
        }
    }
    let status = failure.death.map_or(waiting(failure.due_ns), |death| Status::Dying { death });
    state.set_status(failure.id, status);
}
