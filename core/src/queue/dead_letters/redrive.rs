//! Sending letters back.
//!
//! **Promise.** A letter goes back exactly once, as a message becomes a letter once (`dead.rs`): its queue notes that it is on
//! its way, then the message is made durable where it goes, then its queue forgets it, and only then may the message be
//! delivered. A crash in between is finished when the queue is opened: a letter whose message is there is only forgotten, of
//! the others the message is written. A letter whose message cannot be written waits as before.
//!
//! **Not promised.** If after such a crash a program opens only the queue that a letter went to, and works it off, before the one
//! that it came from is opened, the message may come a second time.
//!
//! **Pace.** All go at once, each with the time from which on it may be delivered: nobody has to be there meanwhile.

use crate::error::{Error, Result};
use crate::log::{Appended, Draft, Kind, Level, Options, Payload, Reader};
use crate::name::Name;
use crate::queue::Queues;
use crate::queue::dead_letters::Letters;
use crate::queue::dead_letters::scan::Scan;
use crate::queue::envelope::{self, DEAD_QUEUE, Headers, REDRIVEN};
use crate::queue::relocated::message_found;
use crate::queue::settlement::{Event, Leaving};
use crate::queue::shared::Shared;
use crate::queue::state::{Message, State, Status};
use crate::queue::walk::Found;
use crate::sync::{Ordering, lock};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// How letters go back.
///
/// ```
/// use ringmain::Redrive;
/// let gently = Redrive { per_second: Some(10.0), ..Redrive::default() };
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Redrive {
    /// To this queue. Default: each to the one that it died in.
    pub to: Option<String>,
    /// The first may be delivered at once, the others one after the other, so many a second. Default: all at once.
    pub per_second: Option<f64>,
    /// Failures go on from where they were. Default: they begin again at 0, else the next one would be the last.
    pub keep_failures: bool,
}

/// Where a letter goes, and how: what its queue notes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Terms {
    pub(crate) to: Name,
    pub(crate) keeps_failures: bool,
}

/// When which letter may be delivered.
struct Pace {
    start_ns: u64,
    interval_ns: f64,
    count: u64,
}

impl Pace {
    fn next_ns(&mut self) -> u64 {
        let after_ns = (self.count as f64 * self.interval_ns) as u64;
        self.count += 1;
        if after_ns == 0 { 0 } else { self.start_ns.saturating_add(after_ns) }
    }
}

/// The message that a letter becomes.
struct Return<'a> {
    payload: &'a Payload,
    headers: Headers<'a>,
    options: Options,
    due_ns: u64,
}

impl Shared {
    pub(crate) fn redrive(&self, letters: &Letters, how: &Redrive, hub: &dyn Queues) -> Result<u64> {
        let interval_ns = how.per_second.map_or(0.0, |rate| 1e9 / rate);
        let is_above_0 = |rate: f64| rate > 0.0 && interval_ns.is_finite();
        if let Some(rate) = how.per_second.filter(|rate| !is_above_0(*rate)) {
            return Err(Error::invalid("per_second", format!("{rate} is not allowed; a number above 0 is")));
        }
        let to = how.to.as_deref().map(Name::new).transpose()?;
        let mut targets = BTreeMap::new();
        // All of them, before any letter moves.
        let mut scan = Scan::new(self, letters)?;
        while let Some(found) = scan.next()? {
            if found.counts_if_waiting(self, &lock(&self.state)).is_none() {
                continue;
            }
            let name = self.target_of(&found, to.as_ref())?;
            if !targets.contains_key(&name) {
                targets.insert(name.clone(), hub.open_queue(&name).map_err(|error| not_there(error, &name))?);
            }
        }
        let mut pace = Pace { start_ns: self.journal.now_ns(), interval_ns, count: 0 };
        let mut scan = scan.again()?;
        let mut count = 0;
        loop {
            let step = scan.next_step()?;
            if step.is_empty() {
                return Ok(count);
            }
            self.check_open()?;
            self.journal.check_space()?;
            let mut parties: BTreeMap<Name, Vec<(Leaving, Payload)>> = BTreeMap::new();
            let (mut state, _) = self.state_now();
            let noted = self.hold_cursor(&mut state, |state| {
                for found in step {
                    let is_waiting = found.counts_if_waiting(self, state).is_some();
                    // One that was out when the others were looked at, and for which nothing was opened, stays.
                    if let Some(name) =
                        self.target_of(&found, to.as_ref()).ok().filter(|name| targets.contains_key(name))
                        && is_waiting
                    {
                        // It may have been moved since it was found.
                        let place =
                            state.messages.get(&found.id).map_or(found.place, |message| message.place);
                        let leaving = Leaving { id: found.id, place, due_ns: pace.next_ns() };
                        parties.entry(name).or_default().push((leaving, found.payload));
                    }
                }
                parties.iter().try_for_each(|(name, party)| {
                    let terms = Terms { to: name.clone(), keeps_failures: how.keep_failures };
                    self.leave_locked(state, terms, party)
                })
            });
            self.unlock(state);
            noted?;
            let mut carried = Ok(());
            for (name, party) in &parties {
                let Some(target) = targets.get(name) else { continue };
                match self.carry(target, party, how.keep_failures) {
                    Ok(went) => count += went,
                    Err(error) => carried = carried.and(Err(error)),
                }
            }
            carried?;
        }
    }

    /// Where a letter goes.
    fn target_of(&self, letter: &Found, to: Option<&Name>) -> Result<Name> {
        let name = match to {
            Some(name) => name.clone(),
            None => Name::new(envelope::text(&letter.payload.frame(), DEAD_QUEUE).unwrap_or_default())?,
        };
        if name == self.name {
            let detail = format!("letter {} of {name} would go where it is; name another queue", letter.id);
            return Err(Error::invalid("to", detail));
        }
        Ok(name)
    }

    /// Notes that letters are on their way: they are delivered no more.
    fn leave_locked(&self, state: &mut State, terms: Terms, party: &[(Leaving, Payload)]) -> Result<()> {
        let letters = party.iter().map(|(leaving, _)| *leaving).collect();
        self.append_event(&Event::Leaving { terms, letters })?;
        for (letter, payload) in party {
            state.set_leaving(letter);
            state.set_frame(letter.id, &payload.frame());
        }
        Ok(())
    }

    /// Writes the messages that letters become, makes them durable, and forgets the letters. Those that cannot be written wait
    /// again. Returns how many went.
    fn carry(&self, target: &Shared, party: &[(Leaving, Payload)], keeps_failures: bool) -> Result<u64> {
        // Durable before a message is written: otherwise a crash could keep both.
        let noted = self.events_end();
        self.journal.commit_to(&self.log, noted, Level::Durable)?;
        let now_ns = self.journal.now_ns();
        // ORDERING: Relaxed: as where messages are sent.
        let ttl_ns = target.ttl_ns.load(Ordering::Relaxed);
        let expires_ns = (ttl_ns != u64::MAX).then(|| now_ns.saturating_add(ttl_ns));
        let returns: Vec<Return<'_>> = party
            .iter()
            .map(|(leaving, payload)| {
                let (headers, options) =
                    envelope::of_redriven(&payload.frame(), self.log.id(), leaving.id, keeps_failures);
                Return {
                    payload,
                    headers,
                    options: Options { expires_ns, ..options },
                    due_ns: leaving.due_ns,
                }
            })
            .collect();
        let lists: Vec<_> = returns.iter().map(|message| message.headers.list()).collect();
        let drafts: Vec<Draft<'_>> =
            returns.iter().zip(&lists).map(|(message, headers)| message.draft(headers, now_ns)).collect();
        let mut written: Vec<Appended> = Vec::with_capacity(drafts.len());
        let mut refused = target.check_open();
        for draft in &drafts {
            if refused.is_ok() {
                refused = target.append_beyond(draft).map(|appended| written.push(appended));
            }
        }
        if let Some(last) = written.last() {
            // On failure it is not known what is there: that is found out when the queue is opened again.
            target.journal.commit_to(&target.log, last.end, Level::Durable)?;
        }
        let (gone, left) = party.split_at(written.len());
        let gone: Vec<u64> = gone.iter().map(|(leaving, _)| leaving.id).collect();
        let mut state = lock(&self.state);
        let mut end = self.take_out_locked(&mut state, &gone);
        for (leaving, _) in left {
            end = end.and_then(|_| self.release_locked(&mut state, leaving.id, 0));
        }
        state.totals.redriven += gone.len() as u64;
        self.unlock(state);
        self.journal.commit_to(&self.log, end?, Level::Durable)?;
        // Only now may it be delivered: nobody finishes it, and has it forgotten, before its letter is forgotten for good.
        for (draft, appended) in drafts.iter().zip(&written) {
            target.index(std::slice::from_ref(draft), *appended);
        }
        self.settled(&gone);
        refused.map(|()| gone.len() as u64)
    }

    /// The queues that letters are on their way to since the process ended.
    pub(crate) fn unfinished(&self) -> Vec<Terms> {
        let State { leaving, messages, .. } = &mut *lock(&self.state);
        leaving.retain(|id, _| messages.get(id).is_some_and(|message| message.status == Status::Leaving));
        let terms: BTreeSet<&Terms> = leaving.values().map(|(terms, _)| terms).collect();
        terms.into_iter().cloned().collect()
    }

    /// Finishes the way of letters to a queue; if there is none any more, they wait again.
    ///
    /// # Errors
    /// `Corrupt` or `Io` reading, `Poisoned` writing.
    pub(crate) fn finish_redrive(&self, terms: &Terms, target: Option<&Shared>) -> Result<()> {
        let mut leaving: Vec<Leaving> = {
            let mut state = lock(&self.state);
            let theirs: Vec<u64> =
                state.leaving.iter().filter(|(_, (t, _))| t == terms).map(|(id, _)| *id).collect();
            theirs.iter().filter_map(|id| state.leaving.remove(id)).map(|(_, leaving)| leaving).collect()
        };
        leaving.sort_unstable_by_key(|letter| letter.id);
        let written = target.map_or(Ok(HashSet::new()), |target| self.redriven_to(target))?;
        let (done, left): (Vec<_>, Vec<_>) =
            leaving.into_iter().partition(|letter| written.contains(&letter.id));
        let mut state = lock(&self.state);
        let done: Vec<u64> = done.iter().map(|letter| letter.id).collect();
        let mut end = self.take_out_locked(&mut state, &done)?;
        if target.is_none() {
            for letter in &left {
                end = self.release_locked(&mut state, letter.id, 0)?;
            }
        }
        drop(state);
        self.journal.commit(&self.log, end)?;
        self.settled(&done);
        let Some(target) = target else { return Ok(()) };
        let payload = |letter: &Leaving| Ok((*letter, self.payload_at(letter.place, letter.id)?));
        let party: Vec<_> = left.iter().map(payload).collect::<Result<_>>()?;
        if party.is_empty() { Ok(()) } else { self.carry(target, &party, terms.keeps_failures).map(drop) }
    }

    /// Ids of this queue's letters that have gone to a queue.
    fn redriven_to(&self, target: &Shared) -> Result<HashSet<u64>> {
        let mut reader = Reader::earliest(target.log.clone());
        let mut found = HashSet::new();
        while reader.advance()? {
            if let Some((_, frame)) = message_found(&reader)
                && let Some(which) = envelope::text(&frame, REDRIVEN)
                && let Some((log, id)) = which.split_once('/')
                && log.parse() == Ok(self.log.id())
            {
                found.extend(id.parse::<u64>());
            }
        }
        Ok(found)
    }
}

impl Return<'_> {
    fn draft<'a>(&'a self, headers: &'a [(&'a str, &'a [u8])], now_ns: u64) -> Draft<'a> {
        let frame = self.payload.frame();
        Draft {
            kind: Kind::Data,
            time_ns: now_ns,
            key: frame.key(),
            event_time_ns: frame.event_time_ns(),
            due_ns: self.due_ns,
            options: Some(&self.options),
            is_tombstone: false,
            headers,
            value: frame.value(),
        }
    }
}

impl State {
    /// A letter is on its way.
    pub(crate) fn set_leaving(&mut self, letter: &Leaving) {
        if !self.messages.contains_key(&letter.id) {
            self.adopt(letter.id, Message::new(letter.place, Status::Ready));
        }
        self.set_status(letter.id, Status::Leaving);
    }
}

fn not_there(error: Error, name: &Name) -> Error {
    match error {
        Error::NotFound { .. } => Error::NotFound {
            noun: "queue",
            name: name.to_string(),
            advice: "; nothing was moved: name another queue to redrive to, or make it again",
        },
        other => other,
    }
}
