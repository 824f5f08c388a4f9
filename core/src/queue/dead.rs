//! Dying: a message that is exhausted or rejected moves to the dead letter queue, or is dropped.
//!
//! **Promise.** Exactly one dead letter: first the source notes that the message dies (it is not delivered again), then the
//! letter is made durable, then the source forgets the message. A crash in between is finished when the queue is
//! opened: a dying message whose letter exists is only forgotten.
//!
//! **A full dead letter queue** does what its capacity says. Where that makes no room, the message stays here, dying: it is not
//! delivered, counts for the capacity of its own queue, and is buried as soon as there is room, the oldest first.
//!
//! **Not promised.** If the letter was already taken *and* its segment released before such a crash, a second is made.

use crate::error::Result;
use crate::journal::SeededBug;
use crate::log::{Draft, Kind, Level, Log, Options, Place, Reader};
use crate::notice::{self, lock_quietly};
use crate::queue::capacity::Load;
use crate::queue::envelope::{self, Origin};
use crate::queue::finished::Ending;
use crate::queue::overflow::Refusal;
use crate::queue::rank::PRIORITY_DEFAULT;
use crate::queue::relocated::message_found;
use crate::queue::settlement::Event;
use crate::queue::shared::Shared;
use crate::queue::state::{Death, Message, Status};
use crate::sync::{Ordering, lock};
use std::collections::HashSet;
use std::sync::{Arc, Weak};

/// Dying messages of queues, beside those that wait for room.
pub(crate) type Work = Vec<(Arc<Shared>, Vec<u64>)>;

/// What became of a letter.
enum Letter {
    /// It is in the dead letter queue, up to this place; these messages went to make room.
    Written(Place, Vec<u64>),
    /// There is no room now: for others neither.
    Waits,
    /// It is longer than all of its queue.
    NeverFits,
}

/// Buries, and what dies or finds room because of it, without recursion: a dead path may be long.
pub(crate) fn bury_all(mut work: Work) -> Result<()> {
    let mut failed = Ok(());
    while let Some((queue, ids)) = work.pop() {
        failed = failed.and(queue.bury_own(&ids, &mut work));
    }
    failed
}

impl Shared {
    /// Buries dying messages, and those that wait for room in the dead letter queue.
    ///
    /// # Errors
    /// `Corrupt` or `Io` reading a message, `Poisoned` writing. What is not buried now is when the queue is opened.
    pub(crate) fn bury(&self, ids: &[u64]) -> Result<()> {
        let mut work = Work::new();
        let buried = self.bury_own(ids, &mut work);
        buried.and(bury_all(work))
    }

    /// The same; `work` is told who has something to bury then.
    fn bury_own(&self, ids: &[u64], work: &mut Work) -> Result<()> {
        // Quietly: making room in the other queue may tell something.
        let burying = lock_quietly(&self.burying);
        let noted = {
            let state = lock(&self.state);
            if ids.is_empty() && state.letters_held.is_empty() {
                return Ok(());
            }
            self.events_end()
        };
        let dead = lock(&self.dead).clone();
        let mut buried = Vec::new();
        let tried = match &dead {
            Some(dead) => {
                // Durable before the letter is written: otherwise a crash could keep the letter and forget the death.
                self.journal.commit_to(&self.log, noted, Level::Durable)?;
                let (mut end, mut gone) = (Place::default(), Vec::new());
                let tried = self.each_dying(ids, |id, message, death| {
                    Ok(match self.write_letter(dead, id, message, death)? {
                        Letter::Written(written, victims) => {
                            end = written;
                            gone.extend(victims);
                            buried.push((id, message.clone(), death));
                            None
                        }
                        waits => Some(waits),
                    })
                });
                // Durable whatever the hub's level: the two logs have no order otherwise, and the loss of a letter whose
                // message is gone would be a lost message.
                dead.journal.commit_to(&dead.log, end, Level::Durable)?;
                dead.log.data().notify_all();
                work.extend(dead.count_settled(&gone));
                let dying = std::mem::take(&mut lock(&dead.state).dying);
                if !dying.is_empty() {
                    work.push((dead.clone(), dying));
                }
                tried
            }
            None => self.each_dying(ids, |id, message, death| {
                buried.push((id, message.clone(), death));
                Ok(None)
            }),
        };
        let mut state = lock(&self.state);
        let mut end = Place::default();
        let mut gone = Vec::with_capacity(buried.len());
        for (id, _, death) in &buried {
            let id = *id;
            end =
                self.append_event(&if dead.is_some() { Event::Dead { id } } else { Event::Dropped { id } })?;
            self.finish(&mut state, id, Ending::of_death(*death, dead.is_some()), None);
            state.remove(id);
            state.totals.expired += u64::from(*death == Death::Expired);
            gone.push(id);
        }
        match dead {
            Some(_) => state.totals.dead += gone.len() as u64,
            None => state.totals.dropped += gone.len() as u64,
        }
        drop(state);
        drop(burying);
        let to = dead.as_ref().map(|dead| dead.name.clone());
        buried.iter().for_each(|(id, message, death)| self.tell_of_death(*id, message, *death, to.clone()));
        self.journal.commit(&self.log, end)?;
        work.extend(self.count_settled(&gone));
        notice::tell();
        tried
    }

    /// Runs `write` on each dying message, those first that wait for room, until there is none, or it fails: the rest waits. One that
    /// it fails on stays as it is until the queue is opened.
    fn each_dying(
        &self,
        ids: &[u64],
        mut write: impl FnMut(u64, &Message, Death) -> Result<Option<Letter>>,
    ) -> Result<()> {
        let (mut ids, mut after, mut is_full, mut failed) = (ids.iter().copied(), 0, false, Ok(()));
        loop {
            let mut state = lock(&self.state);
            let held = state.letters_held.range(after..).next().copied().filter(|_| !is_full);
            let Some(id) = held.or_else(|| ids.next()) else { return failed };
            after = held.map_or(after, |id| id + 1);
            let Some(message) = state.messages.get(&id).cloned() else { continue };
            let Status::Dying { death } = message.status else { continue };
            if is_full {
                state.hold_letter(id);
                continue;
            }
            drop(state);
            match write(id, &message, death) {
                Ok(None) => {}
                Ok(Some(waits)) => {
                    is_full = matches!(waits, Letter::Waits);
                    lock(&self.state).hold_letter(id);
                }
                Err(error) => {
                    (is_full, failed) = (true, Err(error));
                    lock(&self.state).let_go_of_letter(id);
                }
            }
        }
    }

    fn write_letter(&self, dead: &Shared, id: u64, message: &Message, death: Death) -> Result<Letter> {
        // One that waited for room may be moved meanwhile.
        let found = self.find_indexed(id, |id| self.place_indexed(id))?.ok_or_else(|| self.lost(id, 0))?;
        let frame = found.payload.frame();
        let now_ns = self.journal.now_ns();
        let origin = Origin { queue: self.name.as_str(), log: self.log.id(), id };
        let headers = envelope::of_letter(&frame, origin, message, death, now_ns);
        let headers = headers.list();
        // ORDERING: Relaxed: a queue's limit altered meanwhile counts for this letter, or for the next.
        let ttl_ns = dead.ttl_ns.load(Ordering::Relaxed);
        // From its death on: what was left of the message's own time says nothing of the letter.
        let expires_ns = (ttl_ns != u64::MAX).then(|| now_ns.saturating_add(ttl_ns));
        let options = expires_ns.map(|_| Options { expires_ns, ..Options::default() });
        let draft = Draft {
            key: frame.key(),
            event_time_ns: frame.event_time_ns(),
            options: options.as_ref(),
            headers: &headers,
            ..Draft::control(Kind::Data, now_ns, frame.value())
        };
        let letter = dead.admit_letter(&draft, &self.me)?;
        if matches!(letter, Letter::Waits)
            && lock(&dead.options).capacity.is_some_and(|capacity| capacity.drops())
        {
            // What is not durable yet could not be dropped.
            dead.journal.commit_to(&dead.log, dead.log.claimed(), Level::Durable)?;
            return dead.admit_letter(&draft, &self.me);
        }
        Ok(letter)
    }

    /// Appends a letter if there is room for it, or room can be made; if not, `sender` is told when there may be.
    fn admit_letter(&self, draft: &Draft<'_>, sender: &Weak<Shared>) -> Result<Letter> {
        let mut coming = Load::default();
        coming.add(draft.bytes() as u64);
        let mut state = lock(&self.state);
        let never_fits = state.room.as_ref().is_some_and(|room| room.never_fits(coming));
        let victims = if never_fits {
            Err(Letter::NeverFits)
        } else {
            match self.victims(&mut state, Vec::new(), coming, PRIORITY_DEFAULT) {
                Ok(victims) => Ok(victims),
                Err(Refusal::Full(_)) => Err(Letter::Waits),
                Err(Refusal::Error(error)) => return Err(error),
            }
        };
        let victims = match victims {
            Ok(victims) => victims,
            Err(waits) => {
                if !state.letter_senders.iter().any(|known| known.ptr_eq(sender)) {
                    state.letter_senders.push(sender.clone());
                }
                return Ok(waits);
            }
        };
        let appended = self.log.append(std::slice::from_ref(draft))?;
        let mut end = appended.end;
        let mut gone = Vec::new();
        self.drop_victims(&mut state, &victims, &mut gone)?;
        if !victims.is_empty() {
            end = end.max(self.events_end());
        }
        drop(state);
        if draft.is_indexed() {
            // It is delivered from the index, which does not ask.
            self.journal.commit_to(&self.log, end, Level::Durable)?;
            self.index(std::slice::from_ref(draft), appended);
        }
        // It comes in although there is no room in the scratch file.
        let _ = self.spill();
        Ok(Letter::Written(end, gone))
    }

    /// Finishes what a crash interrupted: dying messages whose letter is there are forgotten, the others buried.
    pub(crate) fn finish_burials(&self) -> Result<()> {
        let dying: Vec<u64> = {
            let mut state = lock(&self.state);
            let noted = std::mem::take(&mut state.dying);
            // Every death in the log was noted, most of them are long over: those must not be counted as settled again.
            let is_dying = |id: &u64| {
                state.messages.get(id).is_some_and(|message| matches!(message.status, Status::Dying { .. }))
            };
            // And one that was moved was noted once more.
            let mut known = HashSet::new();
            noted.into_iter().filter(is_dying).filter(|id| known.insert(*id)).collect()
        };
        if dying.is_empty() {
            return Ok(());
        }
        let dead = lock(&self.dead).clone();
        let written = match &dead {
            Some(dead) if !self.journal.has_bug(SeededBug::CarriedAgain) => self.letters_in(&dead.log)?,
            _ => HashSet::new(),
        };
        let (done, left): (Vec<u64>, Vec<u64>) = dying.into_iter().partition(|id| written.contains(id));
        let mut state = lock(&self.state);
        for id in &done {
            self.append_event(&Event::Dead { id: *id })?;
            state.remove(*id);
        }
        drop(state);
        self.settled(&done);
        self.bury(&left)
    }

    /// Ids of this queue's messages that have a letter in a log.
    fn letters_in(&self, log: &Arc<Log>) -> Result<HashSet<u64>> {
        let mut reader = Reader::earliest(log.clone());
        let mut found = HashSet::new();
        while reader.advance()? {
            if let Some((_, frame)) = message_found(&reader) {
                found.extend(envelope::is_of(&frame, self.name.as_str(), self.log.id()));
            }
        }
        Ok(found)
    }
}
