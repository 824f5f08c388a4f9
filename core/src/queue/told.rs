//! What the operator is told of a queue, as `notice.rs` says; and how often, where it goes on and on.

use crate::limits::BACKLOG_COUNT;
use crate::name::Name;
use crate::notice::{self, Notice};
use crate::queue::capacity::Overflow;
use crate::queue::shared::Shared;
use crate::queue::state::{Death, Message, State};
use crate::sync::lock;

/// Of what makes room the operator is told at most this often.
const OVERFLOW_INTERVAL_NS: u64 = 10_000_000_000;

/// What was told already.
#[derive(Debug, Default)]
pub(crate) struct Told {
    is_backlog: bool,
    /// Messages that went to make room, and nobody was told.
    overflowed: u64,
    overflow_next_ns: u64,
}

impl Shared {
    pub(crate) fn tell_of_death(&self, id: u64, message: &Message, death: Death, to: Option<Name>) {
        notice::later(|| {
            let last = message.history.last().cloned().unwrap_or_default();
            Notice::Died {
                queue: self.name.clone(),
                id,
                reason: death.as_str(),
                class: last.class,
                error: last.text,
                failures: message.failures,
                to,
            }
        });
    }

    pub(crate) fn tell_of_expiry(&self, state: &State, id: u64) {
        if let Some(message) = state.messages.get(&id) {
            let (queue, attempt, failures) = (self.name.clone(), message.attempts, message.failures);
            notice::later(|| Notice::LeaseExpired { queue, id, attempt, failures });
        }
    }

    pub(crate) fn tell_of_last_chance(&self, state: &State, id: u64) {
        let failures = state.messages.get(&id).map_or(0, |message| message.failures);
        notice::later(|| Notice::LastChance { queue: self.name.clone(), id, failures });
    }

    /// Once when there are more than [`BACKLOG_COUNT`], and not again before there were half as many.
    pub(crate) fn tell_of_backlog(&self, state: &mut State, ready: u64) {
        let is_backlog = &mut state.told.is_backlog;
        if ready > BACKLOG_COUNT && !*is_backlog {
            *is_backlog = true;
            notice::later(|| Notice::Backlog { queue: self.name.clone(), ready });
        } else if ready <= BACKLOG_COUNT / 2 {
            *is_backlog = false;
        }
    }

    /// Messages went to make room: told now and then, with how many they were meanwhile.
    pub(crate) fn tell_of_overflow(&self, state: &mut State, overflow: Overflow, count: u64) {
        let (told, now_ns) = (&mut state.told, self.journal.now_ns());
        told.overflowed += count;
        if told.overflowed > 0 && now_ns >= told.overflow_next_ns {
            told.overflow_next_ns = now_ns.saturating_add(OVERFLOW_INTERVAL_NS);
            let (count, queue) = (std::mem::take(&mut told.overflowed), self.name.clone());
            notice::later(|| Notice::Overflowed { queue, policy: overflow.as_str(), count });
        }
    }

    /// Dead letters that are there when the queue is opened.
    pub(crate) fn tell_of_letters(&self) {
        if let Some(dead) = lock(&self.dead).clone() {
            let count = dead.held_count();
            if count > 0 {
                notice::later(|| Notice::DeadLettersWait {
                    queue: self.name.clone(),
                    to: dead.name.clone(),
                    count,
                });
            }
        }
    }
}
