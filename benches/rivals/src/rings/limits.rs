//! What the machine itself can do, for comparison.

use super::message::Message;
use super::peer::Peer;
use super::verbs::{Put, Take, flavour, one_each};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

flavour! {
    /// One word in a line of its own, with room for one number: nothing between two threads is faster.
    Mailbox, Outgoing, Incoming, |shape| {
        let word = Arc::new(Word(AtomicU64::new(0)));
        one_each(shape, (Outgoing(Arc::clone(&word)), Incoming { word, seen: 0 }))
    }
}

#[derive(Debug)]
#[repr(align(128))]
struct Word(AtomicU64);

/// Writes the word.
#[derive(Debug)]
pub struct Outgoing(Arc<Word>);

/// Looks whether the word has changed.
#[derive(Debug)]
pub struct Incoming {
    word: Arc<Word>,
    seen: u64,
}

impl<M: Message> Put<M> for Outgoing {
    #[inline(always)]
    fn put(&mut self, message: M) -> bool {
        // ORDERING: Release: as a ring would have to; there is nothing else to carry.
        self.0.0.store(message.number(), Ordering::Release);
        true
    }
}

impl<M: Message> Take<M> for Incoming {
    #[inline(always)]
    fn take(&mut self) -> Option<M> {
        // ORDERING: Acquire: pairs with the Release of `put`.
        let number = self.word.0.load(Ordering::Acquire);
        (number != self.seen).then(|| {
            self.seen = number;
            M::numbered(number)
        })
    }
}

/// They take part as references.
pub fn peers() -> Vec<Peer> {
    vec![Peer::spsc("one word (limit)").round_trips::<Mailbox>().reference()]
}
