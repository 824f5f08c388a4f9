//! Queues in queues in queues: letting go of one must not need a stack as deep as they are nested.

use super::store::Object;
use std::cell::{Cell, RefCell};

/// So deep they are let go of within each other, as anything else is.
const DEPTH_MAX: usize = 64;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// What was too deep: the outermost lets go of it.
    static DEFERRED: RefCell<Vec<Object>> = const { RefCell::new(Vec::new()) };
}

/// Lets go of all objects that `next` gives.
pub fn let_go(next: impl Fn() -> Option<Object>) {
    let depth = DEPTH.get();
    if depth >= DEPTH_MAX {
        while let Some(object) = next() {
            DEFERRED.with_borrow_mut(|deferred| deferred.push(object));
        }
        return;
    }
    DEPTH.set(depth + 1);
    while let Some(object) = next() {
        drop(object);
    }
    if depth == 0 {
        // Not dropped while it is borrowed: it may hold queues itself.
        while let Some(object) = DEFERRED.with_borrow_mut(Vec::pop) {
            drop(object);
        }
    }
    DEPTH.set(depth);
}
