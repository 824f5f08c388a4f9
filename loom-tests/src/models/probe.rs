//! Whether the scheduler sees what it must. Stock loom 0.7.2 does not: when a thread loads a word that another one
//! loads and then stores, it forgets the other thread's load and queues no alternative.

use super::{Model, Size};
use crate::sync::{Arc, AtomicU32, Ordering};
use crate::thread;
use std::sync::atomic::AtomicBool;

pub const MODELS: &[Model] = &[Model {
    name: "probe::a_load_sees_both_sides_of_a_store",
    size: Size::Small,
    body: load_beside_a_store,
    after: both_were_seen,
}];

static BEFORE: AtomicBool = AtomicBool::new(false);
static AFTER: AtomicBool = AtomicBool::new(false);

fn load_beside_a_store() {
    let word = Arc::new(AtomicU32::new(0));
    let theirs = word.clone();
    let other = thread::spawn(move || {
        let seen = theirs.load(Ordering::Relaxed);
        theirs.store(seen + 1, Ordering::Release);
    });
    let seen = if word.load(Ordering::Acquire) == 0 { &BEFORE } else { &AFTER };
    seen.store(true, Ordering::Relaxed);
    // The load that hides the other thread's from a scheduler that remembers the latest access only.
    word.load(Ordering::Acquire);
    other.join().unwrap();
}

fn both_were_seen() {
    for (seen, when) in [(&BEFORE, "before"), (&AFTER, "after")] {
        assert!(seen.load(Ordering::Relaxed), "no execution saw the word {when} the store: blind");
    }
}
