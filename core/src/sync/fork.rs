//! Telling a forked child from its parent without a system call.

use std::sync::Once;
// A static of the process: models have no forks, so this is never loom's.
use std::sync::atomic::{AtomicU32, Ordering};

/// Which process of a line of forks this is. A hub belongs to the one that opened it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lineage {
    forks: u32,
    process: u32,
}

static FORKS: AtomicU32 = AtomicU32::new(0);

#[cfg(unix)]
extern "C" fn count_fork() {
    // ORDERING: Relaxed: the child has one thread.
    FORKS.fetch_add(1, Ordering::Relaxed);
}

impl Lineage {
    /// This process.
    pub(crate) fn current() -> Self {
        static ONCE: Once = Once::new();
        #[cfg(unix)]
        ONCE.call_once(|| {
            // SAFETY: the handler touches one atomic counter, which is async-signal-safe.
            unsafe { libc::pthread_atfork(None, None, Some(count_fork)) };
        });
        // ORDERING: Relaxed: changes only in a child that has one thread.
        Self { forks: FORKS.load(Ordering::Relaxed), process: std::process::id() }
    }

    /// Whether this is still the process that it was made in.
    pub(crate) fn is_current(self) -> bool {
        // ORDERING: Relaxed: as above.
        self.forks == FORKS.load(Ordering::Relaxed)
    }

    /// The number of the process that it was made in.
    pub(crate) fn process(self) -> u32 {
        self.process
    }
}
