//! What one writes in an afternoon: a `VecDeque` behind a mutex, and a map of what is leased. In memory only.

use crate::queue::cell::Level;
use crate::queue::peer::{Peer, Queue, Receiver, Sender};
use anyhow::{Result, ensure};
use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const LEASE: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Leases {
    state: Mutex<State>,
    sent: Condvar,
}

#[derive(Default)]
struct State {
    id_next: u64,
    ready: VecDeque<Message>,
    /// Of each ordering key that has any, those behind the one that is ready or leased.
    behind: HashMap<u64, VecDeque<Message>>,
    delayed: BinaryHeap<Reverse<Delayed>>,
    leased: HashMap<u64, Message>,
    /// In the order in which leases end; those that were acked are skipped.
    ends: VecDeque<(Instant, u64, u32)>,
}

/// When it is due, its number and its bytes.
type Delayed = (Instant, u64, Arc<[u8]>);

#[derive(Clone)]
struct Message {
    id: u64,
    attempt: u32,
    key: Option<u64>,
    bytes: Arc<[u8]>,
}

impl State {
    fn send(&mut self, bytes: &[u8], key: Option<u64>) {
        let message = Message { id: self.id_next, attempt: 0, key, bytes: bytes.into() };
        self.id_next += 1;
        match key.map(|key| self.behind.entry(key)) {
            Some(Entry::Occupied(mut behind)) => behind.get_mut().push_back(message),
            Some(Entry::Vacant(first)) => {
                first.insert(VecDeque::new());
                self.ready.push_back(message);
            }
            None => self.ready.push_back(message),
        }
    }

    /// Makes ready as much as is wanted of what is due, and what was leased too long; leases up to `count_max`.
    fn receive(&mut self, count_max: usize) -> Vec<Message> {
        let now = Instant::now();
        while self.ready.len() < count_max
            && let Some(Reverse((due, ..))) = self.delayed.peek()
            && *due <= now
            && let Some(Reverse((_, id, bytes))) = self.delayed.pop()
        {
            self.ready.push_back(Message { id, attempt: 0, key: None, bytes });
        }
        while let Some((end, id, attempt)) = self.ends.front().copied() {
            let is_out = self.leased.get(&id).is_some_and(|message| message.attempt == attempt);
            if is_out && end > now {
                break;
            }
            self.ends.pop_front();
            if is_out && let Some(message) = self.leased.remove(&id) {
                self.ready.push_front(message);
            }
        }
        let mut taken = Vec::with_capacity(count_max.min(self.ready.len()));
        while taken.len() < count_max
            && let Some(mut message) = self.ready.pop_front()
        {
            message.attempt += 1;
            self.ends.push_back((now + LEASE, message.id, message.attempt));
            self.leased.insert(message.id, message.clone());
            taken.push(message);
        }
        taken
    }

    /// Whether the lease was still held.
    fn ack(&mut self, id: u64, attempt: u32) -> bool {
        let is_held = self.leased.get(&id).is_some_and(|message| message.attempt == attempt);
        let Some(message) = is_held.then(|| self.leased.remove(&id)).flatten() else { return false };
        if let Some(key) = message.key {
            match self.behind.get_mut(&key).and_then(VecDeque::pop_front) {
                Some(next) => self.ready.push_back(next),
                None => drop(self.behind.remove(&key)),
            }
        }
        true
    }
}

impl Leases {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sender for &Leases {
    fn send(&mut self, message: &[u8]) -> Result<()> {
        self.lock().send(message, None);
        self.sent.notify_one();
        Ok(())
    }

    fn send_batch(&mut self, messages: &[&[u8]]) -> Result<()> {
        let mut state = self.lock();
        messages.iter().for_each(|message| state.send(message, None));
        drop(state);
        self.sent.notify_all();
        Ok(())
    }

    fn send_keyed(&mut self, messages: &[(&[u8], u64)]) -> Result<()> {
        let mut state = self.lock();
        messages.iter().for_each(|(message, key)| state.send(message, Some(*key)));
        drop(state);
        self.sent.notify_all();
        Ok(())
    }

    fn send_delayed(&mut self, messages: &[(&[u8], Duration)]) -> Result<()> {
        let (now, mut state) = (Instant::now(), self.lock());
        for (message, delay) in messages {
            let id = state.id_next;
            state.id_next += 1;
            state.delayed.push(Reverse((now + *delay, id, (*message).into())));
        }
        Ok(())
    }
}

impl Receiver for &Leases {
    fn work(&mut self, count_max: usize, wait: Duration, each: &mut dyn FnMut(&[u8])) -> Result<usize> {
        let mut state = self.lock();
        let mut taken = state.receive(count_max);
        if taken.is_empty() && !wait.is_zero() {
            let waited = self.sent.wait_timeout_while(state, wait, |state| state.ready.is_empty());
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            taken = state.receive(count_max);
        }
        drop(state);
        taken.iter().for_each(|message| each(&message.bytes));
        let mut state = self.lock();
        let held = taken.iter().filter(|message| state.ack(message.id, message.attempt)).count();
        ensure!(held == taken.len(), "{} leases ran out", taken.len() - held);
        Ok(held)
    }
}

impl Queue for Leases {
    fn sender(&self) -> Result<Box<dyn Sender + '_>> {
        Ok(Box::new(self))
    }

    fn receiver(&self) -> Result<Box<dyn Receiver + '_>> {
        Ok(Box::new(self))
    }
}

pub fn peer() -> Peer {
    Peer::new("mutex + VecDeque", &[Level::Memory], |_, _| Ok(Box::new(Leases::default())))
        .delays(Duration::ZERO)
        .keys()
}
