//! Which process this is: in a forked child the threads and event loops that waited are gone.

use pyo3::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

static FORKS: AtomicU64 = AtomicU64::new(0);

/// How many forks lead to this process.
pub fn forks() -> u64 {
    // ORDERING: Relaxed: changes only while the process has one thread.
    FORKS.load(Ordering::Relaxed)
}

/// Python calls it in a forked child.
#[pyfunction]
pub fn _after_fork() {
    // ORDERING: Relaxed: a forked child has one thread.
    FORKS.fetch_add(1, Ordering::Relaxed);
}
