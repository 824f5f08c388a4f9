//! What holds back messages that could be delivered otherwise: pauses, limits on how many are out and how often, of the queue and
//! of each key.
//!
//! **Promise.** A limit is asked when a message is about to be leased, and touches neither its counts nor its lease. What a key's
//! limit holds waits here, and keeps nobody of another key waiting; when the key has room, its first in rank is offered again.
//!
//! **Not promised.** That limits outlive the process: buckets are full again when the queue is opened. A rest that a handler asked
//! for is in the log, also when its segment has gone (`release.rs`); a pause is in the catalogue.
//!
//! **Picture.** A key has room when it is not shut (by a rest, or until it has a token) and fewer of its messages are out than may
//! be. As long as it has room and somebody waits, the first in rank is offered.
//!
//! **Where next.** `gate.rs`: who asks; `rate.rs`: the bucket.

use crate::error::{Error, Result};
use crate::log::Place;
use crate::queue::rank::Rank;
use crate::queue::rate::{Bucket, Rate};
use crate::queue::settlement::Event;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};

/// Fewest keys before those that say nothing any more are looked for.
const SWEEP_COUNT_MIN: usize = 1024;

/// The limits of a queue as kept in the catalogue.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LimitOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) concurrency_max: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) concurrency_max_per_key: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rate: Option<Rate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rate_per_key: Option<Rate>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) single_active_consumer: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) paused: bool,
}

impl LimitOptions {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn check(&self) -> Result<()> {
        let counts = [
            ("concurrency_max", self.concurrency_max),
            ("concurrency_max_per_key", self.concurrency_max_per_key),
        ];
        if let Some((argument, _)) = counts.iter().find(|(_, count)| *count == Some(0)) {
            return Err(Error::invalid(
                argument,
                "0 is not allowed; at least 1 is, and pause() delivers nothing",
            ));
        }
        self.rate.map_or(Ok(()), |rate| rate.check("rate"))?;
        self.rate_per_key.map_or(Ok(()), |rate| rate.check("rate_per_key"))
    }

    fn is_by_key(&self) -> bool {
        self.concurrency_max_per_key.is_some() || self.rate_per_key.is_some()
    }
}

/// A limit that is in a message's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// The queue is paused.
    Paused,
    /// A handler said [`rate_limited`](crate::Delivery::rate_limited): there is a rest until then, in nanoseconds since 1970.
    Resting {
        /// When it ends.
        until_ns: u64,
    },
    /// As many messages are out as may be.
    Concurrency {
        /// How many that is.
        max: u32,
    },
    /// As many messages have been delivered as may be for now.
    Rate {
        /// When the next may be, in nanoseconds since 1970.
        until_ns: u64,
    },
}

impl Limit {
    /// `paused`, `resting`, `concurrency` or `rate`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Resting { .. } => "resting",
            Self::Concurrency { .. } => "concurrency",
            Self::Rate { .. } => "rate",
        }
    }

    /// When it ends by itself.
    pub(crate) fn until_ns(self) -> Option<u64> {
        match self {
            Self::Resting { until_ns } | Self::Rate { until_ns } => Some(until_ns),
            Self::Paused | Self::Concurrency { .. } => None,
        }
    }
}

/// What a handler asked for.
#[derive(Debug, Clone, Copy, Default)]
struct Rest {
    until_ns: u64,
    /// Where it was told in the log.
    told: Place,
}

#[derive(Debug, Default)]
struct Key {
    name: Box<[u8]>,
    /// Messages that have its number.
    messages: usize,
    leased: usize,
    /// Of them, those that are ready, without an ordering key that may hold them up.
    offered: BTreeSet<Rank>,
    bucket: Bucket,
    rest: Rest,
    /// It has no room before that; 0: it may have.
    shut_until_ns: u64,
    waiting: BTreeSet<Rank>,
}

impl Key {
    /// It says nothing that a new one would not.
    fn is_idle(&self, now_ns: u64) -> bool {
        self.messages == 0 && self.rest.until_ns <= now_ns && self.bucket.is_full(now_ns)
    }
}

/// See the module's description.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    options: LimitOptions,
    bucket: Bucket,
    rest: Rest,
    /// Keys that rest, and `None` for the queue, by where that was told. Some of them may be over.
    rests: BTreeSet<(Place, Option<u64>)>,
    numbers: HashMap<Box<[u8]>, u64>,
    keys: HashMap<u64, Key>,
    next_number: u64,
    /// When a key may have room again, or the queue.
    timers: BTreeSet<(u64, Option<u64>)>,
    held: usize,
    sweep_count: usize,
}

impl Limits {
    pub(crate) fn new(options: LimitOptions) -> Self {
        Self { options, sweep_count: SWEEP_COUNT_MIN, ..Self::default() }
    }

    pub(crate) fn options(&self) -> &LimitOptions {
        &self.options
    }

    /// Limits anew. Returns the keys that may have room now.
    pub(crate) fn set_options(&mut self, options: LimitOptions) -> Vec<u64> {
        self.options = options;
        let shut: Vec<u64> =
            self.keys.iter().filter(|(_, key)| !key.waiting.is_empty()).map(|(n, _)| *n).collect();
        for number in &shut {
            self.reopen(*number);
        }
        shut
    }

    /// Nothing is limited, and nobody rests.
    pub(crate) fn is_idle(&self, now_ns: u64) -> bool {
        self.options.is_default() && self.keys.is_empty() && self.rest.until_ns <= now_ns
    }

    /// What keeps the whole queue from delivering, `leased` being out.
    pub(crate) fn of_queue(&self, leased: usize, now_ns: u64) -> Option<Limit> {
        if self.options.paused {
            return Some(Limit::Paused);
        }
        if self.rest.until_ns > now_ns {
            return Some(Limit::Resting { until_ns: self.rest.until_ns });
        }
        full(self.options.concurrency_max, leased).or_else(|| spent(self.options.rate, self.bucket, now_ns))
    }

    /// What keeps a key's messages from being delivered.
    pub(crate) fn of_key(&self, number: u64, now_ns: u64) -> Option<Limit> {
        let key = self.keys.get(&number)?;
        if key.rest.until_ns > now_ns {
            return Some(Limit::Resting { until_ns: key.rest.until_ns });
        }
        full(self.options.concurrency_max_per_key, key.leased)
            .or_else(|| spent(self.options.rate_per_key, key.bucket, now_ns))
    }

    /// A key's number, if there is anything to say of it.
    pub(crate) fn number(&self, name: &[u8]) -> Option<u64> {
        self.numbers.get(name).copied()
    }

    /// The same for a message, which leaves it when it is gone.
    pub(crate) fn join(&mut self, name: &[u8], now_ns: u64) -> Option<u64> {
        let number = match self.number(name) {
            None if !self.options.is_by_key() => return None,
            None => self.add(name, now_ns),
            Some(number) => number,
        };
        self.keys.get_mut(&number)?.messages += 1;
        Some(number)
    }

    fn add(&mut self, name: &[u8], now_ns: u64) -> u64 {
        if self.keys.len() >= self.sweep_count {
            self.keys.retain(|_, key| !key.is_idle(now_ns));
            self.numbers.retain(|_, number| self.keys.contains_key(number));
            self.rests.retain(|(_, who)| who.is_none_or(|number| self.keys.contains_key(&number)));
            self.sweep_count = SWEEP_COUNT_MIN.max(2 * self.keys.len());
        }
        let number = self.next_number;
        self.next_number += 1;
        self.numbers.insert(name.into(), number);
        self.keys.insert(number, Key { name: name.into(), ..Key::default() });
        number
    }

    fn remove_if_idle(&mut self, number: u64, now_ns: u64) {
        if self.keys.get(&number).is_some_and(|key| key.is_idle(now_ns))
            && let Some(key) = self.keys.remove(&number)
        {
            self.numbers.remove(&key.name);
        }
    }

    /// A message of the key is gone.
    pub(crate) fn leave(&mut self, number: u64) {
        if let Some(key) = self.keys.get_mut(&number) {
            key.messages -= 1;
            // Those with a rest or a rate are swept in time.
            self.remove_if_idle(number, 0);
        }
    }

    /// A message is leased: counts against the rates.
    pub(crate) fn spend(&mut self, number: Option<u64>, now_ns: u64) {
        if let Some(rate) = self.options.rate {
            self.bucket.take(rate, now_ns);
        }
        if let Some(rate) = self.options.rate_per_key
            && let Some(key) = number.and_then(|number| self.keys.get_mut(&number))
        {
            key.bucket.take(rate, now_ns);
        }
    }

    /// One more, or one less, of a key's messages is out.
    pub(crate) fn count_leased(&mut self, number: u64, change: isize) {
        if let Some(key) = self.keys.get_mut(&number) {
            key.leased = key.leased.saturating_add_signed(change);
        }
    }

    /// A message of the key is ready, and held up by nothing else; or is so no longer.
    pub(crate) fn note_offered(&mut self, number: u64, rank: Rank, is_offered: bool) {
        match self.keys.get_mut(&number) {
            Some(key) if is_offered => drop(key.offered.insert(rank)),
            Some(key) => drop(key.offered.remove(&rank)),
            None => {}
        }
    }

    /// A message of the key waits for room.
    pub(crate) fn hold(&mut self, number: u64, rank: Rank) {
        if let Some(key) = self.keys.get_mut(&number) {
            self.held += usize::from(key.waiting.insert(rank));
        }
    }

    /// It waits no longer.
    pub(crate) fn let_go(&mut self, number: u64, rank: Rank) {
        if let Some(key) = self.keys.get_mut(&number) {
            self.held -= usize::from(key.waiting.remove(&rank));
        }
    }

    /// A key has no room before that.
    pub(crate) fn shut(&mut self, number: u64, until_ns: u64) {
        if let Some(key) = self.keys.get_mut(&number).filter(|key| key.shut_until_ns < until_ns) {
            self.timers.remove(&(key.shut_until_ns, Some(number)));
            key.shut_until_ns = until_ns;
            self.timers.insert((until_ns, Some(number)));
        }
    }

    fn reopen(&mut self, number: u64) {
        if let Some(key) = self.keys.get_mut(&number) {
            self.timers.remove(&(key.shut_until_ns, Some(number)));
            key.shut_until_ns = 0;
        }
    }

    /// Somebody waits for the queue, which delivers nothing before that.
    pub(crate) fn wait_until(&mut self, until_ns: u64) {
        self.timers.insert((until_ns, None));
    }

    /// Nothing of this key, or of the queue, is delivered before that, as was told there. Of several rests the longest counts.
    pub(crate) fn rest(&mut self, name: Option<&[u8]>, until_ns: u64, told: Place) {
        let who = name.map(|name| self.number(name).unwrap_or_else(|| self.add(name, 0)));
        let Some(rest) = self.rest_of(who).filter(|rest| rest.until_ns <= until_ns) else { return };
        let before = std::mem::replace(rest, Rest { until_ns, told });
        self.rests.remove(&(before.told, who));
        self.rests.insert((told, who));
        match who {
            Some(number) => self.shut(number, until_ns),
            None => self.wait_until(until_ns),
        }
    }

    fn rest_of(&mut self, who: Option<u64>) -> Option<&mut Rest> {
        match who {
            Some(number) => self.keys.get_mut(&number).map(|key| &mut key.rest),
            None => Some(&mut self.rest),
        }
    }

    pub(crate) fn has_rests(&self) -> bool {
        !self.rests.is_empty()
    }

    /// Rests that were told before that place and are not over, in that order, to be told again.
    pub(crate) fn rests_told_before(&mut self, end: Place, now_ns: u64) -> Vec<(Place, Event)> {
        let told: Vec<_> = self.rests.range(..(end, None)).copied().collect();
        let mut left = Vec::with_capacity(told.len());
        for (told, who) in told {
            match self.rest_of(who).map(|rest| rest.until_ns).filter(|until_ns| *until_ns > now_ns) {
                Some(until_ns) => {
                    let key = who.and_then(|number| Some(self.keys.get(&number)?.name.to_vec()));
                    left.push((told, Event::Resting { until_ns, key }));
                }
                None => drop(self.rests.remove(&(told, who))),
            }
        }
        left
    }

    /// The message of a key to be offered: it has room, and nobody of it is offered that stands before this one.
    pub(crate) fn next_of(&self, number: u64) -> Option<u64> {
        let key = self.keys.get(&number)?;
        let has_room =
            key.shut_until_ns == 0 && full(self.options.concurrency_max_per_key, key.leased).is_none();
        let is_next = |rank: &&Rank| key.offered.first().is_none_or(|offered| **rank < *offered);
        key.waiting.first().filter(|_| has_room).filter(is_next).map(|(_, _, id)| *id)
    }

    /// Keys, and `None` for the queue, whose time has come.
    pub(crate) fn due(&mut self, now_ns: u64) -> Vec<Option<u64>> {
        let mut due = Vec::new();
        while let Some((at_ns, who)) = self.timers.first().copied().filter(|(at_ns, _)| *at_ns <= now_ns) {
            self.timers.remove(&(at_ns, who));
            if let Some(over) = self.rest_of(who).map(|rest| *rest).filter(|rest| rest.until_ns <= now_ns) {
                self.rests.remove(&(over.told, who));
            }
            if let Some(number) = who {
                self.reopen(number);
                self.remove_if_idle(number, now_ns);
            }
            due.push(who);
        }
        due
    }

    /// When the next of those is.
    pub(crate) fn next_ns(&self) -> Option<u64> {
        self.timers.first().map(|(at_ns, _)| *at_ns)
    }

    /// Whether a message of the key waits for room that stands before that rank.
    pub(crate) fn has_waiting_before(&self, number: u64, rank: Rank) -> bool {
        let first = self.keys.get(&number).and_then(|key| key.waiting.first());
        first.is_some_and(|first| *first < rank)
    }

    /// Messages that wait for room of their key.
    pub(crate) fn held_count(&self) -> usize {
        self.held
    }
}

fn full(max: Option<u32>, leased: usize) -> Option<Limit> {
    max.filter(|max| leased >= *max as usize).map(|max| Limit::Concurrency { max })
}

fn spent(rate: Option<Rate>, bucket: Bucket, now_ns: u64) -> Option<Limit> {
    bucket.empty_until(rate?, now_ns).map(|until_ns| Limit::Rate { until_ns })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cmp::Reverse;

    const RANKS: [Rank; 3] = [(Reverse(4), 0, 1), (Reverse(4), 0, 2), (Reverse(4), 0, 3)];

    fn per_key(max: u32) -> Limits {
        Limits::new(LimitOptions { concurrency_max_per_key: Some(max), ..LimitOptions::default() })
    }

    #[test]
    fn a_full_queue_is_open_again_when_one_comes_back() {
        let limits = Limits::new(LimitOptions { concurrency_max: Some(2), ..LimitOptions::default() });
        assert_eq!(limits.of_queue(1, 0), None);
        assert_eq!(limits.of_queue(2, 0), Some(Limit::Concurrency { max: 2 }));
    }

    #[test]
    fn a_full_key_offers_its_first_in_rank_when_one_comes_back_and_no_more_than_that() {
        let mut limits = per_key(1);
        let a = limits.join(b"a", 0).unwrap();
        (0..3).for_each(|_| assert_eq!(limits.join(b"a", 0), Some(a)));
        limits.count_leased(a, 1);
        assert_eq!(limits.of_key(a, 0), Some(Limit::Concurrency { max: 1 }));
        RANKS.iter().rev().for_each(|rank| limits.hold(a, *rank));
        assert_eq!((limits.next_of(a), limits.held_count()), (None, 3));
        limits.count_leased(a, -1);
        assert_eq!(limits.next_of(a), Some(1));
        limits.let_go(a, RANKS[0]);
        limits.note_offered(a, RANKS[0], true);
        assert_eq!(limits.next_of(a), None, "the first was not taken yet");
        limits.note_offered(a, RANKS[0], false);
        assert_eq!(limits.next_of(a), Some(2), "the first was cancelled");
    }

    #[test]
    fn a_key_without_tokens_is_shut_until_it_has_one() {
        let rate = Some(Rate::per_second(1.0));
        let mut limits = Limits::new(LimitOptions { rate_per_key: rate, ..LimitOptions::default() });
        let a = limits.join(b"a", 5).unwrap();
        limits.spend(Some(a), 5);
        let until_ns = 1_000_000_005;
        assert_eq!(limits.of_key(a, 5), Some(Limit::Rate { until_ns }));
        limits.hold(a, RANKS[0]);
        limits.shut(a, until_ns);
        assert_eq!((limits.next_of(a), limits.next_ns()), (None, Some(until_ns)));
        assert_eq!(limits.due(until_ns - 1), []);
        assert_eq!(limits.due(until_ns), [Some(a)]);
        assert_eq!((limits.of_key(a, until_ns), limits.next_of(a)), (None, Some(1)));
    }

    #[test]
    fn the_longer_of_two_rests_counts() {
        let mut limits = Limits::new(LimitOptions::default());
        assert_eq!(limits.join(b"a", 0), None, "nothing is to be said of it");
        for until_ns in [20, 10] {
            limits.rest(Some(b"a"), until_ns, Place(until_ns));
            limits.rest(None, until_ns, Place(until_ns));
        }
        let a = limits.join(b"a", 0).unwrap();
        assert_eq!(limits.of_key(a, 19), Some(Limit::Resting { until_ns: 20 }));
        assert_eq!(limits.of_queue(0, 19), Some(Limit::Resting { until_ns: 20 }));
        limits.leave(a);
        assert!(!limits.is_idle(19));
        limits.due(20);
        assert!(limits.is_idle(20), "{limits:?}");
    }

    #[test]
    fn rests_are_told_again_until_they_are_over_from_where_the_longest_was_told_last() {
        let mut limits = Limits::new(LimitOptions::default());
        limits.rest(None, 30, Place(1));
        limits.rest(Some(b"a"), 20, Place(2));
        limits.rest(Some(b"b"), 40, Place(3));
        limits.rest(Some(b"b"), 10, Place(4));
        let resting =
            |until_ns, key: Option<&[u8]>| Event::Resting { until_ns, key: key.map(<[u8]>::to_vec) };
        let queue = (Place(1), resting(30, None));
        let (a, b) = ((Place(2), resting(20, Some(b"a"))), (Place(3), resting(40, Some(b"b"))));
        assert_eq!(limits.rests_told_before(Place(4), 19), [queue.clone(), a, b.clone()]);
        assert_eq!(limits.rests_told_before(Place(3), 20), [queue]);
        limits.rest(None, 30, Place(5));
        assert_eq!(limits.rests_told_before(Place(5), 20), [b]);
        limits.due(40);
        assert!(!limits.has_rests() && limits.is_idle(40), "{limits:?}");
    }

    #[test]
    fn keys_that_have_nothing_to_say_are_forgotten() {
        let mut limits = per_key(1);
        for id in 0..10u64 {
            let number = limits.join(&id.to_le_bytes(), 0).unwrap();
            limits.leave(number);
        }
        assert!(limits.keys.is_empty() && limits.numbers.is_empty());
        let rate = Some(Rate::per_second(1000.0));
        let mut limits = Limits::new(LimitOptions { rate_per_key: rate, ..LimitOptions::default() });
        for second in 0..10_000u64 {
            let now_ns = second * 1_000_000_000;
            let number = limits.join(&second.to_le_bytes(), now_ns).unwrap();
            limits.spend(Some(number), now_ns);
            limits.leave(number);
        }
        assert!(limits.keys.len() <= SWEEP_COUNT_MIN && limits.numbers.len() == limits.keys.len());
    }
}
