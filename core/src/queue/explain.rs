//! Why a message is not being delivered: as data, and in words.
//!
//! **Promise.** Every cause that holds it back now, its own first, then its key's, then its queue's. Asking changes nothing.
//!
//! **Not promised.** That it is cheap: it may read the message, and counts what stands before it.

use crate::error::Result;
use crate::log::{INDEXED, Payload, Reader};
use crate::queue::finished::Ending;
use crate::queue::limits::Limit;
use crate::queue::rank::Rank;
use crate::queue::shared::Shared;
use crate::queue::state::{Message, State, Status};
use crate::sync::lock;
use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Why a message is not being delivered now. [`Queue::explain`](crate::Queue::explain) tells; its `Display` says it in words.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// The queue.
    pub queue: String,
    /// The message.
    pub id: u64,
    /// When this was so, in nanoseconds since 1970.
    pub time_ns: u64,
    /// What holds it back, its own causes first; never empty.
    pub causes: Vec<Cause>,
}

/// One reason for which a message is not being delivered. Times are nanoseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// No message of that id was sent yet.
    NotSent,
    /// It is no longer there: it was acked, died, expired, or was cancelled, purged or sent back.
    Gone,
    /// It has left the queue, which keeps a [`history`](crate::QueueBuilder::history).
    Finished {
        /// How.
        ending: Ending,
        /// When.
        at_ns: u64,
        /// Leases that were granted on it.
        attempts: u32,
    },
    /// It waits for its time.
    Scheduled {
        /// When it is due.
        due_ns: u64,
        /// Failures counted so far: if there are any, this may be a retry.
        failures: u32,
    },
    /// It is out with a worker.
    Leased {
        /// When the lease runs out.
        until_ns: u64,
        /// Leases granted so far, this one included.
        attempts: u32,
    },
    /// Another message of its ordering key must end first.
    Blocked {
        /// The message that it waits for.
        by: u64,
    },
    /// A message of its ordering key died, and the key is halted until it is [resumed](crate::Queue::resume_group).
    Halted {
        /// The message that died.
        by: u64,
        /// Why: `failed`, `rejected` or `deadline`.
        reason: &'static str,
        /// What was said of that.
        error: String,
    },
    /// It was cancelled while it was out: it does not come back.
    Recalled,
    /// It was set aside: [`receive_deferred`](crate::Queue::receive_deferred) delivers it.
    Deferred,
    /// It is exhausted, rejected or expired, or missed a deadline, and is on its way out.
    Dying,
    /// The same, and the dead letter queue has no room for it: it stays until there is some.
    NoRoom {
        /// The dead letter queue.
        queue: String,
    },
    /// It missed a deadline, and is on its way to the queue that is named for that.
    Moving,
    /// It is a dead letter on its way back.
    Leaving,
    /// A limit of its key is in the way.
    Key(Limit),
    /// A limit of its queue is in the way.
    Queue(Limit),
    /// Only a consumer may receive, and there is none.
    NoConsumer,
    /// It is ready, and others come first.
    Behind {
        /// How many stand before it; those of other ordering keys, which take turns with it, aside.
        count: u64,
        /// The message that is next.
        next: u64,
    },
    /// It is ready and the next: whoever receives gets it.
    Next,
}

impl Explanation {
    fn words(&self, cause: &Cause) -> String {
        let left = |until_ns: &u64| {
            let left_ns = until_ns.saturating_sub(self.time_ns);
            format!("{:.3} s", left_ns as f64 / 1e9)
        };
        let limit = |whose: &str, limit: &Limit| match limit {
            Limit::Paused => format!("{whose} is paused; resume it"),
            Limit::Resting { until_ns } => format!("{whose} is rate limited for {}", left(until_ns)),
            Limit::Concurrency { max } => format!("{whose} has {max} messages out, as many as may be"),
            Limit::Rate { until_ns } => {
                format!("{whose} has used up its rate; the next may go in {}", left(until_ns))
            }
        };
        match cause {
            Cause::NotSent => "it was not sent yet".into(),
            Cause::Gone => {
                "it is no longer there; it was acked, died, expired or was taken out, or never was one".into()
            }
            Cause::Finished { ending, at_ns, attempts } => {
                let ago = self.time_ns.saturating_sub(*at_ns) as f64 / 1e9;
                match (ending, attempts) {
                    (Ending::Done, attempts) => format!("it was acked {ago:.3} s ago by attempt {attempts}"),
                    (_, 0) => format!("it left {ago:.3} s ago, {}, and was never out", ending.as_str()),
                    _ => format!(
                        "it left {ago:.3} s ago, {}, having been out {attempts} times",
                        ending.as_str()
                    ),
                }
            }
            Cause::Scheduled { due_ns, failures: 0 } => format!("it is due in {}", left(due_ns)),
            Cause::Scheduled { due_ns, failures } => {
                format!("it has failed {failures} times and is due again in {}", left(due_ns))
            }
            Cause::Leased { until_ns, attempts } => {
                format!("it is out, for the {attempts}. time, and its lease ends in {}", left(until_ns))
            }
            Cause::Blocked { by } => format!("message {by} of its ordering key must end first"),
            Cause::Halted { by, reason, error } => {
                let error = if error.is_empty() { String::new() } else { format!(", {error}") };
                format!(
                    "its ordering key is halted because message {by} of this key died ({reason}{error}); resume it"
                )
            }
            Cause::Recalled => "it was cancelled and does not come back".into(),
            Cause::Deferred => "it was set aside; it is delivered to who asks for it by its id".into(),
            Cause::Dying => "it is on its way out".into(),
            Cause::NoRoom { queue } => {
                format!(
                    "it is dead, and waits for room in dead letter queue {queue}; drain that, or raise its capacity"
                )
            }
            Cause::Moving => "it missed a deadline and is on its way to another queue".into(),
            Cause::Leaving => "it is a dead letter on its way back".into(),
            Cause::Key(of) => limit("its key", of),
            Cause::Queue(of) => limit("its queue", of),
            Cause::NoConsumer => "only a consumer may receive, and there is none".into(),
            Cause::Behind { count, next } => {
                format!("it is ready, {count} come before it, and message {next} is next")
            }
            Cause::Next => "it is ready and the next; nobody has asked for it".into(),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "message {} of queue {}: ", self.id, self.queue)?;
        let words: Vec<String> = self.causes.iter().map(|cause| self.words(cause)).collect();
        f.write_str(&words.join("; "))
    }
}

impl Shared {
    pub(crate) fn explain(&self, id: u64) -> Result<Explanation> {
        self.check_open()?;
        let (mut state, now_ns) = self.state_now();
        let causes = self.causes(&mut state, id, now_ns);
        self.unlock(state);
        Ok(Explanation { queue: self.name.to_string(), id, time_ns: now_ns, causes: causes? })
    }

    fn causes(&self, state: &mut State, id: u64, now_ns: u64) -> Result<Vec<Cause>> {
        let mut causes = Vec::new();
        let payload = match state.messages.get(&id).cloned() {
            Some(message) => {
                let halted = state.halt_before(id).map(|halt| Cause::Halted {
                    by: halt.id,
                    reason: halt.death.as_str(),
                    error: halt.error.clone(),
                });
                causes.extend(halted.filter(|_| message.status.is_waiting()));
                match message.status {
                    Status::Ready | Status::Held => causes.extend(state.blocker(id, &message)),
                    Status::Scheduled { due_ns } => {
                        causes.push(Cause::Scheduled { due_ns, failures: message.failures });
                    }
                    Status::Leased { deadline_ns } => {
                        let leased = Cause::Leased { until_ns: deadline_ns, attempts: message.attempts };
                        let recalled = message.is_recalled.then_some(Cause::Recalled);
                        return Ok([leased].into_iter().chain(recalled).collect());
                    }
                    Status::Deferred => causes.push(Cause::Deferred),
                    Status::Dying { .. } => {
                        let dead = lock(&self.dead).clone().filter(|_| state.letters_held.contains(&id));
                        let no_room = |dead: Arc<Shared>| Cause::NoRoom { queue: dead.name.to_string() };
                        return Ok(vec![dead.map_or(Cause::Dying, no_room)]);
                    }
                    Status::Moving => return Ok(vec![Cause::Moving]),
                    Status::Leaving => return Ok(vec![Cause::Leaving]),
                }
                self.payload_at(message.place, id)?
            }
            None if id >= self.log.end_sequence() => return Ok(vec![Cause::NotSent]),
            None => match (self.run_of(id), self.plain_at(state, id)?) {
                (Some(run), _) => {
                    return Ok(vec![Cause::Leased { until_ns: run.deadline_ns(), attempts: 1 }]);
                }
                (None, Some(reader)) => reader.payload(),
                (None, None) => {
                    let cause = state.finished(id, now_ns).map_or(Cause::Gone, |finished| Cause::Finished {
                        ending: finished.ending,
                        at_ns: finished.finished_ns,
                        attempts: finished.attempts,
                    });
                    return Ok(vec![cause]);
                }
            },
        };
        causes.extend(state.limiting(&payload, now_ns));
        if causes.is_empty() {
            let plain = self.peek_plain(state, now_ns)?;
            let to_come = self.cursor.next_sequence()..self.log.end_sequence();
            let rank = match state.messages.get(&id) {
                Some(message) => state.aged(message.rank(id), now_ns),
                None => state.ageing.plain_rank(id, payload.frame().time_ns(), now_ns),
            };
            causes.push(state.turn_of(rank, plain, to_come, now_ns));
        }
        Ok(causes)
    }

    /// A reader that has found a plain message which nobody received or altered. `None`: there is no such message.
    pub(crate) fn plain_at(&self, state: &State, id: u64) -> Result<Option<Reader>> {
        if id < self.cursor.next_sequence() || id >= self.log.end_sequence() || state.ahead.contains(&id) {
            return Ok(None);
        }
        Ok(self.reader_at(id)?.filter(|reader| !reader.frame().has(INDEXED)))
    }
}

impl State {
    /// The message of its ordering key that must end first.
    fn blocker(&self, id: u64, message: &Message) -> Option<Cause> {
        let by = self.groups.blocker_of(message.group?, id)?;
        // Unless the same halt is what keeps it from ending.
        self.halt_before(by).is_none().then_some(Cause::Blocked { by })
    }

    /// The limits in a message's way.
    fn limiting(&self, payload: &Payload, now_ns: u64) -> Vec<Cause> {
        let Some(limits) = &self.limits else { return Vec::new() };
        let key = payload.frame().key().and_then(|name| limits.number(name));
        let key = key.and_then(|number| limits.of_key(number, now_ns)).map(Cause::Key);
        let queue = limits.of_queue(self.leased_count(), now_ns).map(Cause::Queue);
        let is_deserted = limits.options().single_active_consumer && self.row.first().is_none();
        key.into_iter().chain(queue).chain(is_deserted.then_some(Cause::NoConsumer)).collect()
    }

    /// Where a message stands that could be delivered, `to_come` being those that the cursor has not passed, and `plain` the next
    /// of them that is plain.
    fn turn_of(&mut self, rank: Rank, plain: Option<Rank>, to_come: Range<u64>, now_ns: u64) -> Cause {
        let id = rank.2;
        let next = match (self.first_waiting(now_ns), plain) {
            (Some(first), Some(plain)) if self.is_before(plain, first) => Some(plain.2),
            (Some(first), _) => Some(first.id),
            (None, plain) => plain.map(|plain| plain.2),
        };
        let Some(next) = next.filter(|next| *next != id) else { return Cause::Next };
        let count = match self.messages.get(&id).and_then(|message| message.group) {
            Some(group) => self.groups.turns_before(group) as u64,
            None => self.ready_before(rank, now_ns) + self.plain_before(rank, plain, to_come),
        };
        Cause::Behind { count, next }
    }

    /// How many plain messages stand before that rank, as if all were as old as the next one.
    fn plain_before(&self, rank: Rank, plain: Option<Rank>, to_come: Range<u64>) -> u64 {
        let (Some(plain), Range { start: passed, end }) = (plain, to_come) else { return 0 };
        let before = match rank.0.cmp(&plain.0) {
            Ordering::Greater => end,
            Ordering::Equal if rank > plain => rank.2.max(passed),
            _ => passed,
        };
        before - passed - self.ahead.range(passed..before).count() as u64
    }
}
