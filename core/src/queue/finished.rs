//! What became of messages that have left a queue, for a time, if the queue was told to keep that.
//!
//! **Promise.** Never more than the queue was told, and never for longer. A queue that was not told pays nothing.
//!
//! **Not promised.** That it outlives the hub: it is kept in memory. What was purged, discarded, sent back or moved to another queue is not
//! in it. Messages that are ahead of the cursor are received by the index, and what ends is read once more for its key: slower than without.

use crate::error::{Error, Result};
use crate::limits::{HISTORY_ENTRIES_MAX, HISTORY_WINDOW_SECONDS_MAX, RECEIVE_COUNT_MAX, RESULT_BYTES_MAX};
use crate::message::duration_ns;
use crate::queue::delivery::Delivery;
use crate::queue::shared::Shared;
use crate::queue::state::{DETOUR_HISTORY, Death, State};
use crate::sync::lock;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How a message left its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ending {
    /// It was acked.
    Done,
    /// It became a dead letter.
    Dead,
    /// It waited longer than it may, and was dropped.
    Expired,
    /// It was cancelled, by its id or because of a deadline, or another one took its place.
    Cancelled,
    /// It was exhausted, rejected, missed a deadline or made room, and was dropped.
    Dropped,
}

impl Ending {
    /// `done`, `dead`, `expired`, `cancelled` or `dropped`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Dropped => "dropped",
        }
    }

    /// Of a message that died.
    pub(crate) fn of_death(death: Death, has_letter: bool) -> Self {
        match death {
            _ if has_letter => Self::Dead,
            Death::Expired => Self::Expired,
            Death::Failed | Death::Rejected | Death::Deadline | Death::Overflow => Self::Dropped,
        }
    }
}

/// A message that has left its queue. Times are nanoseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finished {
    /// Its id.
    pub id: u64,
    /// Its key, if it had one.
    pub key: Option<Vec<u8>>,
    /// How it ended.
    pub ending: Ending,
    /// When it was sent.
    pub sent_ns: u64,
    /// When it ended.
    pub finished_ns: u64,
    /// Leases that were granted on it.
    pub attempts: u32,
    /// Failures that were counted.
    pub failures: u32,
    /// What [`Delivery::ack_with`](crate::Delivery::ack_with) said.
    pub result: Option<Vec<u8>>,
}

/// How much of that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HistoryOptions {
    pub(crate) window: Duration,
    pub(crate) count_max: u32,
}

impl HistoryOptions {
    /// Nothing is.
    pub(crate) fn is_none(&self) -> bool {
        self.window.is_zero() || self.count_max == 0
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.window > Duration::from_secs(HISTORY_WINDOW_SECONDS_MAX) {
            let detail = format!("{:?} is not allowed; at most 30 days are", self.window);
            return Err(Error::invalid("history window", detail));
        }
        if self.count_max > HISTORY_ENTRIES_MAX {
            let detail = format!("{} is not allowed; at most {HISTORY_ENTRIES_MAX} are", self.count_max);
            return Err(Error::invalid("history count_max", detail));
        }
        Ok(())
    }
}

/// See the module's description.
#[derive(Debug)]
pub(crate) struct FinishedMessages {
    options: HistoryOptions,
    by_id: BTreeMap<u64, Finished>,
    /// In the order in which they ended.
    order: VecDeque<(u64, u64)>,
}

impl FinishedMessages {
    fn add(&mut self, finished: Finished) {
        let (now_ns, id) = (finished.finished_ns, finished.id);
        self.order.push_back((now_ns, id));
        self.by_id.insert(id, finished);
        self.expire(now_ns);
    }

    /// Forgets what is over, and what is too much.
    fn expire(&mut self, now_ns: u64) {
        let before_ns = now_ns.saturating_sub(duration_ns(self.options.window));
        while let Some((at_ns, id)) = self.order.front().copied()
            && (at_ns <= before_ns || self.order.len() > self.options.count_max as usize)
        {
            self.order.pop_front();
            self.by_id.remove(&id);
        }
    }
}

impl State {
    /// What became of a message, if that is kept.
    pub(crate) fn finished(&mut self, id: u64, now_ns: u64) -> Option<&Finished> {
        let finished = self.finished.as_mut()?;
        finished.expire(now_ns);
        finished.by_id.get(&id)
    }
}

impl Shared {
    /// Keeps that from now on; what is out or comes is known to the index from here.
    pub(crate) fn set_history(&self, state: &mut State, options: Option<HistoryOptions>) {
        let Some(options) = options.filter(|options| !options.is_none()) else {
            state.finished = None;
            return state.set_detour(DETOUR_HISTORY, false);
        };
        match &mut state.finished {
            Some(finished) => finished.options = options,
            None => {
                let (by_id, order) = Default::default();
                state.finished = Some(Box::new(FinishedMessages { options, by_id, order }));
                state.set_detour(DETOUR_HISTORY, true);
                self.leave_plain_way(state);
            }
        }
    }

    /// A message is about to be forgotten, having ended so.
    pub(crate) fn finish(&self, state: &mut State, id: u64, ending: Ending, result: Option<&[u8]>) {
        let (Some(finished), Some(message)) = (&mut state.finished, state.messages.get(&id)) else { return };
        // Unless it cannot be read: that is a matter of whoever needs it.
        let Ok(payload) = self.payload_at(message.place, id) else { return };
        let frame = payload.frame();
        finished.add(Finished {
            id,
            key: frame.key().map(<[u8]>::to_vec),
            ending,
            sent_ns: frame.time_ns(),
            finished_ns: self.journal.now_ns(),
            attempts: message.attempts,
            failures: message.failures,
            result: result.map(<[u8]>::to_vec),
        });
    }

    /// Acks, and keeps a result.
    pub(crate) fn ack_with(&self, delivery: &Delivery, result: &[u8]) -> Result<()> {
        self.check_open()?;
        if result.len() > RESULT_BYTES_MAX {
            let (bytes, limit_bytes) = (result.len() as u64, RESULT_BYTES_MAX as u64);
            return Err(Error::TooLarge { what: "result", bytes, limit_bytes });
        }
        if lock(&self.state).finished.is_none() {
            return Err(Error::OptionMissing {
                noun: "queue",
                name: self.name.clone(),
                option: "history",
                advice: "without one no result is kept; ack it without, or say for how long and how many are",
            });
        }
        if !delivery.is_acked() {
            // It is in the index from here.
            let _ = delivery.token();
            return self.ack_indexed(&[delivery], Some(result)).into_iter().next().unwrap_or(Ok(()));
        }
        self.ack_one(delivery)
    }

    pub(crate) fn finished(&self, from_id: u64, count_max: usize) -> Result<Vec<Finished>> {
        self.check_open()?;
        if count_max == 0 || count_max > RECEIVE_COUNT_MAX {
            let detail = format!("{count_max} is not allowed; 1 to {RECEIVE_COUNT_MAX} are");
            return Err(Error::invalid("count_max", detail));
        }
        // Who dies of what time has brought is there when it was buried, which is under no lock.
        self.tick(self.journal.now_ns());
        let (mut state, now_ns) = self.state_now();
        let found = state.finished.as_mut().map_or_else(Vec::new, |finished| {
            finished.expire(now_ns);
            finished.by_id.range(from_id..).take(count_max).map(|(_, finished)| finished.clone()).collect()
        });
        self.unlock(state);
        Ok(found)
    }
}
