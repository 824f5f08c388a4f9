//! Everybody who waits for one thing of which the core knows only the waker that it was polled with last.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

/// Those who wait.
#[derive(Default)]
pub struct Crowd(Mutex<Vec<Waker>>);

impl Crowd {
    /// Joins; polling with what this gives has everybody woken.
    pub fn join(self: &Arc<Self>, waker: &Waker) -> Waker {
        let mut wakers = self.wakers();
        if !wakers.iter().any(|other| other.will_wake(waker)) {
            wakers.push(waker.clone());
        }
        Waker::from(self.clone())
    }

    /// Does not wait any more.
    pub fn leave(&self, waker: &Waker) {
        self.wakers().retain(|other| !other.will_wake(waker));
    }

    fn wakers(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Crowd {
    fn wake(self: Arc<Self>) {
        // Each polls again, and joins again if it still waits.
        let wakers = std::mem::take(&mut *self.wakers());
        wakers.into_iter().for_each(Waker::wake);
    }
}
