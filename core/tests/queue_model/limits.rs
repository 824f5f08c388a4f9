//! What holds messages back: a pause, rests, how many are out, and how often one may go out.

use crate::model::Model;
use crate::setup::Tokens;
use std::collections::BTreeMap;

/// What of it a process forgets: its buckets are full again when it begins anew.
#[derive(Debug, Default)]
pub struct Limits {
    of_queue: Bucket,
    of_keys: BTreeMap<u8, Bucket>,
}

/// What was taken from a bucket and has not come back yet, in the time that takes, as of `at_ms`.
#[derive(Debug, Default)]
struct Bucket {
    missing_ms: u64,
    at_ms: u64,
}

impl Bucket {
    fn missing_ms(&self, now_ms: u64) -> u64 {
        self.missing_ms.saturating_sub(now_ms - self.at_ms)
    }

    fn has_token(&self, tokens: Option<Tokens>, now_ms: u64) -> bool {
        let is_there = |tokens: Tokens| {
            self.missing_ms(now_ms) + tokens.token_ms <= u64::from(tokens.burst) * tokens.token_ms
        };
        tokens.is_none_or(is_there)
    }

    fn take(&mut self, tokens: Option<Tokens>, now_ms: u64) {
        if let Some(Tokens { token_ms, .. }) = tokens {
            *self = Self { missing_ms: self.missing_ms(now_ms) + token_ms, at_ms: now_ms };
        }
    }
}

impl Model {
    fn rests(&self, key: Option<u8>) -> bool {
        self.kept.rests.get(&key).is_some_and(|until_ms| *until_ms > self.now_ms)
    }

    /// Whether some key has, or had, a limit of its own.
    pub fn limits_keys(&self) -> bool {
        self.setup.limits_keys() || self.kept.rests.keys().any(Option::is_some)
    }

    fn count_out(&self, of: impl Fn(Option<u8>) -> bool) -> usize {
        self.kept.messages.values().filter(|entry| entry.is_leased() && of(entry.key)).count()
    }

    /// Whether the queue delivers anything.
    pub fn is_open(&self) -> bool {
        let setup = &self.setup.limits;
        let has_room = setup.concurrency_max.is_none_or(|max| self.count_out(|_| true) < max as usize);
        let has_token = self.limits.of_queue.has_token(setup.rate, self.now_ms);
        !self.is_paused && !self.rests(None) && has_room && has_token
    }

    /// Whether it delivers messages of that key, if any.
    pub fn is_key_open(&self, key: Option<u8>) -> bool {
        let setup = &self.setup.limits;
        let Some(name) = key else { return true };
        let out = || self.count_out(|other| other == key);
        let has_room = setup.concurrency_max_per_key.is_none_or(|max| out() < max as usize);
        let bucket = self.limits.of_keys.get(&name);
        let has_token = bucket.is_none_or(|bucket| bucket.has_token(setup.rate_per_key, self.now_ms));
        !self.rests(key) && has_room && has_token
    }

    /// A message is leased.
    pub fn spend(&mut self, key: Option<u8>) {
        self.limits.of_queue.take(self.setup.limits.rate, self.now_ms);
        if let Some(key) = key {
            self.limits.of_keys.entry(key).or_default().take(self.setup.limits.rate_per_key, self.now_ms);
        }
    }

    pub fn rest(&mut self, key: Option<u8>, ms: u64) {
        let until_ms = self.kept.rests.entry(key).or_default();
        *until_ms = (*until_ms).max(self.now_ms + ms);
    }
}
