//! Senders whose messages every reader gets, while readers join and leave.

use super::exchange::{CAPACITY, Content, Message, WAYS, Way, finish, receive, send_all, spawn};
use crate::flavour::Sending;
use crate::ring::TryRecvError;
use crate::ring::broadcast::{self, Policy, Receiver, Writers};
use crate::task::keep;
use std::thread;
use std::time::Instant;

/// Rounds in which a reader and the one that it brought receive side by side.
const ROUNDS: usize = 3;

/// What kinds of readers there are.
#[derive(Debug, Clone, Copy)]
enum Audience {
    /// Some that hold the senders, some that they may overtake.
    Mixed,
    /// Nobody that holds the senders.
    Lagging,
}

/// One sender of a ring for one.
pub fn one_to_all(messages: usize) {
    for audience in [Audience::Mixed, Audience::Lagging] {
        for way in WAYS {
            let (sender, reader) = broadcast::bounded(CAPACITY);
            run("broadcast::bounded", audience, way, vec![sender], reader, messages);
        }
    }
}

/// One and three senders of a ring for many.
pub fn many_to_all(messages: usize) {
    for audience in [Audience::Mixed, Audience::Lagging] {
        for way in WAYS {
            for sender_count in [1, 3] {
                let (sender, reader) = broadcast::multi(CAPACITY);
                run("broadcast::multi", audience, way, vec![sender; sender_count], reader, messages);
            }
        }
    }
}

fn run<S: Sending<Message>, W: Writers>(
    name: &str,
    audience: Audience,
    way: Way,
    senders: Vec<S>,
    first: Receiver<Message, W>,
    messages: usize,
) {
    let started = Instant::now();
    let sender_count = senders.len();
    let each = messages / sender_count;
    let lagging = first.subscribe(Policy::Lag);
    let receivers = match audience {
        Audience::Mixed => [first.clone(), lagging.clone(), first, lagging],
        Audience::Lagging => {
            drop(first);
            [lagging.clone(), lagging.clone(), lagging.clone(), lagging]
        }
    };
    let mut threads = Vec::new();
    for (number, receiver) in receivers.into_iter().enumerate() {
        let reader = Reader { receiver, next: vec![Some(0); sender_count] };
        threads.push(spawn(move || {
            keep(if number < 2 { reader.bring_others(way, each) } else { reader.stay(way, each) });
        }));
    }
    let sending = senders.into_iter().enumerate();
    threads.extend(sending.map(|(number, sender)| spawn(move || send_all(sender, number, each, way))));
    threads.into_iter().for_each(finish);
    let milliseconds = started.elapsed().as_millis();
    println!("{name} {sender_count}p {audience:?} {way:?}\t{}\t{milliseconds}", each * sender_count);
}

/// A reader and what it is to get.
struct Reader<W: Writers> {
    receiver: Receiver<Message, W>,
    /// The next message of each sender; unknown to who has joined in between. One that may be overtaken may get a later
    /// one instead.
    next: Vec<Option<usize>>,
}

impl<W: Writers> Reader<W> {
    /// Receives some messages. Returns how many.
    fn receive(&mut self, way: Way) -> Result<usize, TryRecvError> {
        let mut batch = Vec::new();
        receive(&mut self.receiver, &mut batch, way)?;
        let policy = self.receiver.policy();
        for message in &batch {
            let Content { sender, number } = **message;
            let next = self.next[sender].replace(number + 1).unwrap_or(number);
            let is_right = if policy == Policy::Gate { number == next } else { number >= next };
            assert!(is_right, "a {policy:?} reader got message {number} of sender {sender}, not {next}");
        }
        Ok(batch.len())
    }

    /// Receives until the end of `each` messages of every sender. Returns how many.
    fn receive_all(&mut self, way: Way, each: usize) -> usize {
        let mut count = 0;
        loop {
            match self.receive(way) {
                Ok(received) => count += received,
                Err(TryRecvError::Empty) => thread::yield_now(),
                Err(TryRecvError::Disconnected) => break,
            }
        }
        let is_complete = self.next.iter().all(|next| next.is_none_or(|next| next == each));
        assert!(is_complete || self.receiver.policy() == Policy::Lag, "{:?} of {each} came", self.next);
        count
    }

    /// Stays from the beginning to the end.
    fn stay(mut self, way: Way, each: usize) -> Self {
        let count = self.receive_all(way, each) as u64 + self.receiver.take_missed();
        assert_eq!(count, (each * self.next.len()) as u64, "what came and what was missed is not all");
        self
    }

    /// Brings another reader, receives beside it for a while and leaves; so does the other, until the end.
    fn bring_others(mut self, way: Way, each: usize) -> Self {
        let mut begins_at_end = false;
        loop {
            let mut other = self.another(begins_at_end);
            begins_at_end = !begins_at_end;
            if self.receive_beside(&mut other, way).is_err() {
                self.receive_all(way, each);
                other.receive_all(way, each);
                keep(other);
                return self;
            }
            self = other;
        }
    }

    /// Receives for a while; fails at the end of all messages.
    fn receive_beside(&mut self, other: &mut Self, way: Way) -> Result<(), TryRecvError> {
        for _ in 0..ROUNDS {
            for reader in [&mut *self, &mut *other] {
                match reader.receive(way) {
                    Ok(_) => {}
                    Err(TryRecvError::Empty) => thread::yield_now(),
                    Err(error @ TryRecvError::Disconnected) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// A clone, or one that begins at the end.
    fn another(&self, begins_at_end: bool) -> Self {
        if begins_at_end {
            let receiver = self.receiver.subscribe(self.receiver.policy());
            return Self { receiver, next: vec![None; self.next.len()] };
        }
        Self { receiver: self.receiver.clone(), next: self.next.clone() }
    }
}
