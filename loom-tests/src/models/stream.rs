//! What is without a lock of a stream: its partitions, which may become more while it is used.

use super::{Model, Size};
use crate::stream::growing::Growing;
use crate::sync::{AtomicU64, Ordering};
use crate::thread;
use std::sync::Arc;

models_of! {
    "stream";
    growth_is_seen_whole Size::Small,
    growth_moves_nothing Size::Small,
}

/// An item that was made and then told its number, which nothing but the list carries to others.
fn numbered(number: u64) -> AtomicU64 {
    let item = AtomicU64::new(0);
    item.store(number, Ordering::Relaxed);
    item
}

fn number(item: &AtomicU64) -> u64 {
    item.load(Ordering::Relaxed)
}

/// A list of one item, that another thread makes one of three.
fn growing() -> (Arc<Growing<AtomicU64>>, thread::JoinHandle<()>) {
    let list = Arc::new(Growing::from(vec![numbered(0)]));
    let theirs = list.clone();
    let pushing = thread::spawn(move || {
        assert!(theirs.push(numbered(1)));
        assert!(theirs.push(numbered(2)));
    });
    (list, pushing)
}

/// Whoever sees a length finds everything before it, and what was done to that before it was added.
fn growth_is_seen_whole() {
    let (list, pushing) = growing();
    for _ in 0..2 {
        let len = list.len();
        assert!((0..len).map(|index| list.get(index).map(number)).eq((0..len).map(|n| Some(u64::from(n)))));
    }
    pushing.join().unwrap();
    assert!(list.iter().map(number).eq(0..3));
}

/// A length never goes back, and who holds an item keeps it.
fn growth_moves_nothing() {
    let (list, pushing) = growing();
    let (first, before) = (list.get(0).unwrap(), list.len());
    assert!(list.len() >= before);
    pushing.join().unwrap();
    assert_eq!((list.len(), number(first)), (3, 0));
    assert!(std::ptr::eq(first, list.get(0).unwrap()));
}
