//! What wakes the receivers of a queue that cannot: they would have to ask again and again, and be in everybody's way.

use anyhow::Result;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Rings for each message that is sent in this process.
#[derive(Debug, Default)]
pub struct Bell {
    sends: Mutex<u64>,
    rung: Condvar,
}

impl Bell {
    /// Something was sent.
    pub fn ring(&self, count: usize) {
        *self.lock() += 1;
        if count == 1 { self.rung.notify_one() } else { self.rung.notify_all() }
    }

    /// Takes by `take` how many it says; if there are none, waits for a send, and takes once more.
    ///
    /// # Errors
    /// It cannot be taken from.
    pub fn wait_for(&self, wait: Duration, mut take: impl FnMut() -> Result<usize>) -> Result<usize> {
        let before = *self.lock();
        let taken = take()?;
        if taken > 0 || wait.is_zero() {
            return Ok(taken);
        }
        let waited = self.rung.wait_timeout_while(self.lock(), wait, |sends| *sends == before);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        take()
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.sends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
