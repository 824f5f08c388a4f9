//! Ordering keys that are halted because a message of theirs died.
//!
//! **Promise.** With `OnGroupDeath::Halt` nothing that was sent behind a dead message of the same key is delivered before somebody
//! resumes the key, whatever is sent, dies or is purged meanwhile; over crashes, too: the death and the halt are one event of the
//! log.
//!
//! **Failure.** When as many keys are halted as may be, messages of others are retried instead of dying: a halt is never forgotten,
//! and what halts take is bounded.
//!
//! **Protocol.** The note of a halt outlives its segment: it is told again before that goes (`release.rs`).

use crate::error::{Error, Result};
use crate::limits::GROUP_HALTED_COUNT_MAX;
use crate::log::Place;
use crate::queue::groups::Groups;
use crate::queue::settlement::Event;
use crate::queue::shared::Shared;
use crate::queue::state::{Death, State};

/// An ordering key of which nothing is delivered: [`Queue::halted_groups`](crate::Queue::halted_groups).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HaltedGroup {
    /// The ordering key.
    pub key: Vec<u8>,
    /// The message that died. Those of the key that were sent after it wait.
    pub id: u64,
    /// Why it died: `failed`, `rejected` or `deadline`, as in the header `rm-dead-reason`.
    pub reason: String,
    /// What was said of that.
    pub error: String,
    /// When it died, in nanoseconds since 1970.
    pub time_ns: u64,
    /// Messages of the key that are in the queue.
    pub messages: u64,
}

/// Why a key is halted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Halt {
    /// The message that died.
    pub(crate) id: u64,
    pub(crate) time_ns: u64,
    pub(crate) death: Death,
    pub(crate) error: String,
}

impl Shared {
    /// Appends an event that has a message die, and the halt of its key, if it brings one.
    pub(crate) fn append_death(
        &self,
        state: &mut State,
        id: u64,
        event: Event,
        (death, error): (Death, &str),
    ) -> Result<Place> {
        let Some(key) = state.key_to_halt(id, death) else { return self.append_event(&event) };
        let halt = Halt { id, time_ns: self.journal.now_ns(), death, error: error.to_owned() };
        let halted = Event::Halted { key, halt, by: Some(Box::new(event)) };
        let end = self.append_event(&halted)?;
        state.keep(&halted, end);
        Ok(end)
    }

    /// Refuses a death that would halt a key too many.
    pub(crate) fn check_death(&self, state: &State, id: u64, death: Death) -> Result<()> {
        if state.may_die(id, death) {
            return Ok(());
        }
        Err(Error::Full {
            noun: "queue",
            name: self.name.clone(),
            what: "halted ordering keys",
            count: state.groups.halted_count() as u64,
            limit: GROUP_HALTED_COUNT_MAX as u64,
            advice: "see halted_groups(), and resume_group() those that may go on",
        })
    }

    pub(crate) fn halted_groups(&self) -> Result<Vec<HaltedGroup>> {
        self.check_open()?;
        let (state, _) = self.state_now();
        let mut halted: Vec<HaltedGroup> = state.groups.halted().collect();
        self.unlock(state);
        halted.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        Ok(halted)
    }

    /// Has a halted key go on. False: it was not halted.
    pub(crate) fn resume_group(&self, key: &[u8]) -> Result<bool> {
        self.check_open()?;
        let (mut state, _) = self.state_now();
        let resumed = if state.groups.is_halted(key) {
            self.append_event(&Event::Resumed { key: key.to_vec() }).map(|end| {
                state.resume_group(key);
                Some(end)
            })
        } else {
            Ok(None)
        };
        self.unlock(state);
        let Some(end) = resumed? else { return Ok(false) };
        self.log.data().notify_all();
        self.journal.commit(&self.log, end)?;
        Ok(true)
    }
}

impl State {
    /// Whether a message may die of that: it halts no key, or there is room for one more that is halted.
    pub(crate) fn may_die(&self, id: u64, death: Death) -> bool {
        let group = self.messages.get(&id).and_then(|message| message.group);
        group.is_none_or(|group| {
            !(self.groups.halts() && death.halts())
                || self.groups.halt_of(group).is_some()
                || self.groups.halted_count() < GROUP_HALTED_COUNT_MAX
        })
    }

    /// The key of a message that is halted when that dies of this; `None`: none, or it is halted already where an earlier one died.
    fn key_to_halt(&self, id: u64, death: Death) -> Option<Vec<u8>> {
        let group = self.messages.get(&id)?.group.filter(|_| self.groups.halts() && death.halts())?;
        let is_halted = self.groups.halt_of(group).is_some_and(|halt| halt.id <= id);
        self.groups.key_of(group).filter(|_| !is_halted).map(<[u8]>::to_vec)
    }

    /// Why a message waits for somebody to resume its key.
    pub(crate) fn halt_before(&self, id: u64) -> Option<&Halt> {
        let group = self.messages.get(&id)?.group?;
        self.groups.halt_of(group).filter(|halt| halt.id < id)
    }

    pub(crate) fn resume_group(&mut self, key: &[u8]) {
        self.groups.resume(key);
        self.look_for_waiting();
    }
}

impl Death {
    fn halts(self) -> bool {
        matches!(self, Self::Failed | Self::Rejected | Self::Deadline)
    }
}

impl Groups {
    /// What is to be told again before the log up to that place goes, the earliest first, with where it was told.
    pub(crate) fn halts_told_before(&self, end: Place) -> Vec<(Place, Event)> {
        let mut told: Vec<(Place, Event)> = self
            .halts_told()
            .filter(|(_, _, told)| *told < end)
            .map(|(key, halt, told)| {
                (told, Event::Halted { key: key.to_vec(), halt: halt.clone(), by: None })
            })
            .collect();
        told.sort_unstable_by_key(|(told, _)| *told);
        told
    }
}
