//! Admission: what a message must pass before it is appended, if it has a deduplication key or if its queue has a capacity.
//!
//! **Promise.** Looking for a key, or for room, and appending the message are one step: of any number of senders with the same
//! key one has the message. A batch is admitted as a whole or not at all. A duplicate is told so only when the first message has reached the
//! hub's durability, too.
//!
//! **Not promised.** Speed: this goes through the state's lock. Messages without a key never come here, unless their queue has a
//! capacity. Nor fairness: whoever comes when room appears may have it before those that wait.
//!
//! **Failure.** Whoever is refused leaves no key behind, and nobody was dropped for it.

use crate::error::{Error, Result};
use crate::log::{Appended, Draft, Level, Place};
use crate::message::{Message, duration_ns};
use crate::queue::capacity::Load;
use crate::queue::dedup::{Dedup, DedupMode, Entry, OnConflict, value_hash};
use crate::queue::finished::Ending;
use crate::queue::overflow::Refusal;
use crate::queue::rank::PRIORITY_DEFAULT;
use crate::queue::send::{Prepared, prepare};
use crate::queue::settlement::Event;
use crate::queue::shared::Shared;
use crate::queue::state::{State, Status};
use crate::sync::event_count;
use crate::sync::{Ordering, lock};
use std::collections::HashMap;
use std::future::poll_fn;
use std::task::Context;
use std::time::Duration;

/// What [`Queue::send_unique`](crate::Queue::send_unique) found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Sent {
    /// The message's id; of a duplicate the first message's, or, if it replaced that one, its own.
    pub id: u64,
    /// The queue still remembered its deduplication key.
    pub is_duplicate: bool,
}

/// What happened to a message that was appended and is not in the index yet, because it is not durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is to be delivered, from this time on or at once.
    Due(u64),
    /// It is not wanted any more.
    Gone,
}

/// What becomes of one message.
#[derive(Debug, Clone, Copy)]
enum Verdict {
    /// It is appended, maybe in the place of an earlier one.
    Fresh { replaces: Option<u64> },
    /// That message is it, and is put off if a time is given.
    Same { entry: Entry, due_ns: u64 },
    /// The message with this index of the batch is it.
    Again(usize),
}

/// The messages of a batch and what becomes of them.
struct Plan<'a> {
    now_ns: u64,
    dedup: Dedup,
    prepared: Vec<Prepared<'a>>,
    verdicts: Vec<Verdict>,
    is_duplicate: Vec<bool>,
    /// Messages of this batch that are appended, by their keys.
    fresh_keys: HashMap<&'a [u8], usize>,
}

/// What was let in.
struct Admitted<'a> {
    plan: Plan<'a>,
    let_in: LetIn,
    /// What must be durable for all of it.
    end: Place,
}

/// What letting messages in has brought.
struct LetIn {
    /// Indices of those that were appended, and where.
    fresh: Vec<usize>,
    appended: Option<Appended>,
    /// Messages that are no longer there.
    gone: Vec<u64>,
}

impl Shared {
    /// Sends what is new of these messages as one batch. Returns what became of each, and what must be durable for all of it.
    /// That has reached `level` already, if `waits` or if a message is to be found in the index. `waits`: for room, too.
    pub(crate) fn send_admitted(
        &self,
        messages: &[Message<'_>],
        level: Level,
        waits: bool,
    ) -> Result<(Vec<Sent>, Place)> {
        let admitted = self.admit(messages, waits)?;
        self.conclude(admitted, level, waits)
    }

    /// The same for a task, which waits for room as long as the queue says, on the hub's clock, and not for the disk.
    pub(crate) async fn send_admitted_async(
        &self,
        messages: &[Message<'_>],
        level: Level,
    ) -> Result<(Vec<Sent>, Place)> {
        let capacity = lock(&self.options).capacity.unwrap_or_default();
        if capacity.wait().is_zero() {
            return self.send_admitted(messages, level, false);
        }
        let deadline_ns = self.journal.now_ns().saturating_add(duration_ns(capacity.wait()));
        let mut place = event_count::Place::new(&*self.freed);
        let attempt = |context: &mut Context<'_>| {
            place.poll_for(context, |_| self.admit_by(messages, deadline_ns).transpose())
        };
        let admitted = poll_fn(attempt).await?;
        self.conclude(admitted, level, false)
    }

    /// Appends them if there is room. None: there is not, and it is not yet too late; when it is, those that wait are woken.
    fn admit_by<'a>(&self, messages: &'a [Message<'a>], deadline_ns: u64) -> Result<Option<Admitted<'a>>> {
        match self.try_admit(messages) {
            Ok(admitted) => Ok(Some(admitted)),
            Err(Refusal::Error(error)) => Err(error),
            Err(Refusal::Full(error)) => {
                let mut state = lock(&self.state);
                if self.journal.now_ns() >= deadline_ns {
                    state.totals.overflow.refused += messages.len() as u64;
                    return Err(error);
                }
                if let Some(room) = &mut state.room {
                    room.give_up_at(deadline_ns);
                }
                drop(state);
                self.journal.alarm().arm(deadline_ns);
                Ok(None)
            }
        }
    }

    /// Does what follows once they were let in.
    fn conclude(&self, admitted: Admitted<'_>, level: Level, waits: bool) -> Result<(Vec<Sent>, Place)> {
        let Admitted { plan, let_in: LetIn { fresh, appended, gone }, end } = admitted;
        let drafts = plan.drafts_of(&fresh);
        if waits || drafts.iter().any(Draft::is_indexed) || !gone.is_empty() {
            self.journal.commit_at(&self.log, end, level)?;
        }
        if let Some(appended) = appended {
            self.index(&drafts, appended);
        }
        if !gone.is_empty() {
            self.settled(&gone);
        }
        let first = appended.map_or(0, |appended| appended.sequence);
        Ok((plan.sent(first), end))
    }

    /// Appends them once there is room.
    fn admit<'a>(&self, messages: &'a [Message<'a>], waits: bool) -> Result<Admitted<'a>> {
        let capacity = lock(&self.options).capacity.unwrap_or_default();
        self.spill().inspect_err(|_| self.count_refused(messages))?;
        let mut full = None;
        let mut attempt = || match self.try_admit(messages) {
            Ok(admitted) => Some(Ok(admitted)),
            Err(Refusal::Error(error)) => Some(Err(error)),
            Err(Refusal::Full(error)) => {
                full = Some(error);
                None
            }
        };
        let wait = if waits { capacity.wait() } else { Duration::ZERO };
        let mut admitted = self.freed.wait_for(wait, &mut attempt);
        if admitted.is_none() && capacity.drops() {
            // What is not durable yet could not be dropped.
            self.journal.commit(&self.log, self.log.claimed())?;
            admitted = attempt();
        }
        admitted.unwrap_or_else(|| {
            self.count_refused(messages);
            Err(full.unwrap_or(Error::Timeout { doing: "waiting for room in a queue" }))
        })
    }

    fn count_refused(&self, messages: &[Message<'_>]) {
        lock(&self.state).totals.overflow.refused += messages.len() as u64;
    }

    fn try_admit<'a>(&self, messages: &'a [Message<'a>]) -> Result<Admitted<'a>, Refusal> {
        let now_ns = self.check_sendable(messages)?;
        // ORDERING: Relaxed: as in `with_drafts`.
        let ttl_ns = self.ttl_ns.load(Ordering::Relaxed);
        let (mut state, _) = self.state_now();
        let dedup = state.dedup_options;
        let prepared = messages.iter().map(|message| prepare(message, now_ns, ttl_ns, dedup.is_by_id()));
        let mut plan = Plan {
            now_ns,
            dedup,
            prepared: prepared.collect(),
            verdicts: Vec::with_capacity(messages.len()),
            is_duplicate: Vec::with_capacity(messages.len()),
            fresh_keys: HashMap::new(),
        };
        let admitted = self.admit_locked(&mut state, &mut plan);
        let end = state.admitted_end;
        self.unlock(state);
        Ok(Admitted { plan, let_in: admitted?, end })
    }

    fn admit_locked(&self, state: &mut State, plan: &mut Plan<'_>) -> Result<LetIn, Refusal> {
        self.judge(state, plan)?;
        let fresh = plan.fresh();
        let drafts = plan.drafts_of(&fresh);
        let (mut appended, mut gone) = (None, Vec::new());
        if !drafts.is_empty() {
            let victims = if state.room.is_some() {
                let mut coming = Load::default();
                drafts.iter().for_each(|draft| coming.add(draft.bytes() as u64));
                let going = fresh.iter().filter_map(|index| plan.prepared[*index].replaces());
                self.victims(state, going.collect(), coming, plan.priority_min(&fresh))?
            } else {
                Vec::new()
            };
            appended = Some(self.log.append(&drafts)?);
            self.drop_victims(state, &victims, &mut gone)?;
        }
        drop(drafts);
        self.note(state, plan, &fresh, appended, &mut gone)?;
        Ok(LetIn { fresh, appended, gone })
    }

    /// Alters what is done with deduplication keys. Those that only a message that is there can have are forgotten, if it is not;
    /// the others' messages are known by their ids from here on.
    pub(crate) fn set_dedup(&self, state: &mut State, options: Dedup) -> Result<()> {
        state.dedup_options = options;
        if options.is_by_time() {
            return Ok(());
        }
        for id in state.dedup.ids() {
            let is_kept = state.pending.contains_key(&id) || self.adopt_locked(state, id)?;
            let is_started = state.messages.get(&id).is_some_and(|message| message.attempts > 0);
            if !is_kept || is_started && options.mode == DedupMode::UntilStarted {
                state.dedup.forget(id);
            }
        }
        Ok(())
    }

    /// Decides for each message, and changes nothing that could be noticed.
    fn judge<'a>(&self, state: &mut State, plan: &mut Plan<'a>) -> Result<()> {
        state.dedup.expire(plan.dedup.over_before_ns(plan.now_ns));
        let mut new_keys = 0;
        for index in 0..plan.prepared.len() {
            let message: &'a Message<'a> = plan.prepared[index].message;
            let Some(key) = message.task.dedup_key else {
                plan.push(Verdict::Fresh { replaces: None }, false);
                continue;
            };
            if let Some(earlier) = plan.fresh_keys.get(key).copied() {
                plan.repeat(earlier, index, key)?;
                continue;
            }
            let verdict = match state.dedup.get(key) {
                Some(entry) => self.compare(state, plan, index, entry)?,
                None => Verdict::Fresh { replaces: None },
            };
            let is_duplicate = !matches!(verdict, Verdict::Fresh { replaces: None });
            new_keys += u64::from(!is_duplicate);
            if matches!(verdict, Verdict::Fresh { .. }) {
                plan.fresh_keys.insert(key, index);
            }
            plan.push(verdict, is_duplicate);
        }
        let (count, limit) = (state.dedup.len() as u64, plan.dedup.entries_max);
        if new_keys > 0 && count + new_keys > limit {
            return Err(Error::Full {
                noun: "queue",
                name: self.name.clone(),
                what: "deduplication keys",
                count,
                limit,
                advice: "raise entries_max or shorten the window of its dedup option, or send more slowly",
            });
        }
        Ok(())
    }

    /// What becomes of a message whose key is that of an entry.
    fn compare(&self, state: &mut State, plan: &Plan<'_>, index: usize, entry: Entry) -> Result<Verdict> {
        let Prepared { message, due_ns, .. } = &plan.prepared[index];
        if plan.dedup.verify_payload && entry.hash != 0 && entry.hash != value_hash(message.value) {
            return Err(another_value(entry.id));
        }
        match plan.dedup.on_conflict {
            OnConflict::Error => Err(Error::Duplicate { queue: self.name.clone(), id: entry.id }),
            OnConflict::Replace if self.is_waiting(state, entry.id)? => {
                Ok(Verdict::Fresh { replaces: Some(entry.id) })
            }
            OnConflict::Extend if *due_ns != 0 && self.is_waiting(state, entry.id)? => {
                Ok(Verdict::Same { entry, due_ns: *due_ns })
            }
            _ => Ok(Verdict::Same { entry, due_ns: 0 }),
        }
    }

    /// Whether a message waits, be it that it is not in the index yet.
    fn is_waiting(&self, state: &mut State, id: u64) -> Result<bool> {
        if state.pending.contains_key(&id) {
            return Ok(true);
        }
        self.adopt_locked(state, id)?;
        let status = state.messages.get(&id).map(|message| message.status);
        Ok(matches!(status, Some(Status::Ready | Status::Held | Status::Scheduled { .. })))
    }

    /// Does what was decided, but for what the index is told later.
    fn note(
        &self,
        state: &mut State,
        plan: &Plan<'_>,
        fresh: &[usize],
        appended: Option<Appended>,
        gone: &mut Vec<u64>,
    ) -> Result<()> {
        if let Some(appended) = appended {
            for (id, index) in (appended.sequence..).zip(fresh.iter().copied()) {
                let prepared = &plan.prepared[index];
                if prepared.is_indexed() {
                    state.pending.insert(id, Fate::Due(prepared.due_ns));
                }
                let Some(key) = prepared.message.task.dedup_key else { continue };
                let replaces = prepared.replaces();
                let value = prepared.message.value;
                let hash = if plan.dedup.verify_payload { value_hash(value) } else { 0 };
                let entry = Entry { id, since_ns: plan.now_ns, hash };
                if let Some(old) = replaces {
                    self.finish(state, old, Ending::Cancelled, None);
                }
                if state.note_key(key, entry, replaces, appended.end) {
                    gone.extend(replaces);
                }
            }
            state.admitted_end = state.admitted_end.max(appended.end);
        }
        for (prepared, verdict) in plan.prepared.iter().zip(&plan.verdicts) {
            let Verdict::Same { entry, due_ns } = *verdict else { continue };
            if due_ns != 0 {
                self.put_off(state, entry.id, due_ns)?;
            }
            if plan.dedup.mode == DedupMode::Sliding
                && let Some(key) = prepared.message.task.dedup_key
            {
                let entry = Entry { since_ns: plan.now_ns.max(entry.since_ns), ..entry };
                if self.log.is_durable() {
                    self.tell(state, Event::Remembered(vec![(key.into(), entry)]))?;
                    state.admitted_end = state.admitted_end.max(state.told_end);
                } else {
                    state.dedup.put(key, entry, Place::default());
                }
            }
        }
        state.totals.dedup_hits += plan.is_duplicate.iter().filter(|is| **is).count() as u64;
        Ok(())
    }

    /// Puts a waiting message off until then, if that is later.
    fn put_off(&self, state: &mut State, id: u64, due_ns: u64) -> Result<()> {
        let known_ns = match (state.pending.get(&id).copied(), state.messages.get(&id).map(|m| m.status)) {
            (Some(Fate::Due(due_ns)), _) | (None, Some(Status::Scheduled { due_ns })) => due_ns,
            (None, Some(Status::Ready | Status::Held)) => 0,
            _ => return Ok(()),
        };
        if due_ns <= known_ns {
            return Ok(());
        }
        let end = self.append_event(&Event::Released { id, due_ns })?;
        state.admitted_end = state.admitted_end.max(end);
        match state.pending.get_mut(&id) {
            Some(fate) => *fate = Fate::Due(due_ns),
            None => {
                state.set_status(id, Status::Scheduled { due_ns });
                self.wake_for(due_ns);
            }
        }
        Ok(())
    }
}

impl<'a> Plan<'a> {
    fn push(&mut self, verdict: Verdict, is_duplicate: bool) {
        self.verdicts.push(verdict);
        self.is_duplicate.push(is_duplicate);
    }

    /// The message at `index` has the key of one that the batch has already.
    fn repeat(&mut self, earlier: usize, index: usize, key: &'a [u8]) -> Result<()> {
        if self.dedup.verify_payload
            && self.prepared[earlier].message.value != self.prepared[index].message.value
        {
            return Err(Error::invalid(
                "dedup_key",
                "two messages of the batch have the same one and other values",
            ));
        }
        let mut verdict = Verdict::Again(earlier);
        match self.dedup.on_conflict {
            OnConflict::Error => {
                return Err(Error::invalid("dedup_key", "two messages of the batch have the same one"));
            }
            OnConflict::Replace => {
                verdict = std::mem::replace(&mut self.verdicts[earlier], Verdict::Again(index));
                self.fresh_keys.insert(key, index);
            }
            OnConflict::Extend => {
                let due_ns = self.prepared[index].due_ns;
                let first = &mut self.prepared[earlier];
                first.due_ns = first.due_ns.max(due_ns);
            }
            OnConflict::Ignore => {}
        }
        self.push(verdict, true);
        Ok(())
    }

    /// Indices of the messages that are appended, which are told then whose place they take.
    fn fresh(&mut self) -> Vec<usize> {
        let mut fresh = Vec::with_capacity(self.verdicts.len());
        for (index, verdict) in self.verdicts.iter().enumerate() {
            if let Verdict::Fresh { replaces } = verdict {
                fresh.push(index);
                if let Some(old) = replaces {
                    self.prepared[index].replace(*old);
                }
            }
        }
        fresh
    }

    /// The lowest priority of those.
    fn priority_min(&self, fresh: &[usize]) -> u8 {
        let priority =
            |index: &usize| self.prepared[*index].message.task.priority.unwrap_or(PRIORITY_DEFAULT);
        fresh.iter().map(priority).min().unwrap_or(PRIORITY_DEFAULT)
    }

    fn drafts_of(&self, fresh: &[usize]) -> Vec<Draft<'_>> {
        fresh.iter().map(|index| self.prepared[*index].draft(self.now_ns)).collect()
    }

    /// What became of each message, `first` being the id of the first that was appended.
    fn sent(&self, first: u64) -> Vec<Sent> {
        let mut ids = vec![0; self.verdicts.len()];
        let mut next = first;
        for (id, verdict) in ids.iter_mut().zip(&self.verdicts) {
            match verdict {
                Verdict::Fresh { .. } => (*id, next) = (next, next + 1),
                Verdict::Same { entry, .. } => *id = entry.id,
                Verdict::Again(_) => {}
            }
        }
        // Those that were replaced lead to a later one, those that were ignored to an earlier one.
        for index in (0..ids.len()).rev().chain(0..ids.len()) {
            if let Verdict::Again(other) = self.verdicts[index] {
                ids[index] = ids[other];
            }
        }
        let sent = ids.into_iter().zip(&self.is_duplicate);
        sent.map(|(id, is_duplicate)| Sent { id, is_duplicate: *is_duplicate }).collect()
    }
}

fn another_value(id: u64) -> Error {
    let detail = format!("message {id} was sent with this key and another value; give this one another key");
    Error::invalid("dedup_key", detail)
}
