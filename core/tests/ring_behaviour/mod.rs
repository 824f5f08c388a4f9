//! What every flavour of ring does alike.
//!
//! The test file of a flavour with a bound calls `behaviours!(flavour)`, that of one without passes a
//! function that takes a capacity all the same. What only some flavours do is in macros of its own:
//! `moving_behaviours!` for those whose messages are received once, `competing_behaviours!` for those whose
//! receivers compete for them, `fan_in_behaviours!` for those whose claims keep other senders' messages back.
//! All verbs together: `ring_model.rs`.

#![allow(dead_code, reason = "each flavour's test file is a program of its own and uses what it needs")]

mod batch;
mod bounded;
mod claim;
mod competing;
mod fan_in;
mod moving;
mod peek;
mod single;
mod waiting;
mod within;

pub use within::{SOON, within};

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Lets another thread come to its wait. Nothing depends on it: without it, the wait is merely not tested.
pub fn let_it_sleep() {
    std::thread::sleep(Duration::from_millis(20));
}

/// How long a wait is that should cost nothing.
pub const A_WHILE: Duration = Duration::from_millis(300);

/// More processor time than going to sleep and waking up takes, and much less than being awake all the while.
pub const LITTLE: Duration = Duration::from_millis(50);

/// The processor time that this thread has used.
pub fn thread_cpu_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes one timespec, which is ours.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(result, 0, "this system has a clock for each thread");
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[test]
fn the_clock_of_a_thread_goes_on_while_it_is_awake() {
    within(|| {
        let before = thread_cpu_time();
        while thread_cpu_time() - before <= LITTLE {
            std::hint::spin_loop();
        }
    });
}

/// Counts how many of its kind are alive.
pub struct Counted {
    alive: Arc<AtomicUsize>,
    panics: bool,
}

impl Counted {
    pub fn new(alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::SeqCst);
        Self { alive: Arc::clone(alive), panics: false }
    }

    pub fn panicking(alive: &Arc<AtomicUsize>) -> Self {
        let mut new = Self::new(alive);
        new.panics = true;
        new
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Self::new(&self.alive)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let before = self.alive.fetch_sub(1, Ordering::SeqCst);
        assert!(before != 0 && before < usize::MAX / 2, "dropped twice");
        if self.panics {
            panic!("a drop that panics");
        }
    }
}

/// A message that needs more room than its size says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(align(256))]
pub struct Aligned(pub u8);

/// The tests that every flavour has to pass whose messages are received once.
#[macro_export]
macro_rules! behaviours {
    ($flavour:ident) => {
        behaviours!($flavour, ringmain::ring::$flavour::bounded);
        bounded_behaviours!(ringmain::ring::$flavour::bounded);
    };
    ($flavour:ident, $make:path) => {
        channel_behaviours!($make);
        moving_behaviours!($flavour, $make);
    };
}

/// The tests that every flavour has to pass.
#[macro_export]
macro_rules! channel_behaviours {
    ($make:path) => {
        $crate::single_behaviours!($make);
        $crate::batch_behaviours!($make);
        $crate::claim_behaviours!($make);
        $crate::peek_behaviours!($make);
        $crate::waiting_behaviours!($make);
    };
}
