//! Whether the scheduler sees what it must. Stock loom 0.7.2 does not: when a thread loads a word that another one
//! loads and then stores, it forgets the other thread's load and queues no alternative.

use super::{Model, Size};
use crate::sync::{Arc, AtomicU32, Mutex, Ordering};
use crate::thread;
use std::sync::atomic::AtomicBool;

pub const MODELS: &[Model] = &[
    Model {
        name: "probe::a_load_sees_both_sides_of_a_store",
        size: Size::Small,
        body: load_beside_a_store,
        after: || assert_both_were_seen(&LOADED, "a load, the word before or after the store"),
    },
    Model {
        name: "probe::a_try_finds_a_lock_held_and_free",
        size: Size::Small,
        body: try_beside_a_lock,
        after: || assert_both_were_seen(&TRIED, "a try, the lock held or free"),
    },
];

static LOADED: [AtomicBool; 2] = [const { AtomicBool::new(false) }; 2];
static TRIED: [AtomicBool; 2] = [const { AtomicBool::new(false) }; 2];

fn load_beside_a_store() {
    let word = Arc::new(AtomicU32::new(0));
    let theirs = word.clone();
    let other = thread::spawn(move || {
        let seen = theirs.load(Ordering::Relaxed);
        theirs.store(seen + 1, Ordering::Release);
    });
    let seen = usize::from(word.load(Ordering::Acquire) == 0);
    LOADED[seen].store(true, Ordering::Relaxed);
    // The load that hides the other thread's from a scheduler that remembers the latest access only.
    word.load(Ordering::Acquire);
    other.join().unwrap();
}

fn try_beside_a_lock() {
    let locked = Arc::new(Mutex::new(()));
    let theirs = locked.clone();
    let other = thread::spawn(move || drop(theirs.lock().unwrap()));
    let held = usize::from(locked.try_lock().is_err());
    TRIED[held].store(true, Ordering::Relaxed);
    other.join().unwrap();
}

fn assert_both_were_seen(seen: &[AtomicBool; 2], what: &str) {
    let both = seen.iter().all(|seen| seen.load(Ordering::Relaxed));
    assert!(both, "no execution saw one of the two outcomes of {what}: blind");
}
