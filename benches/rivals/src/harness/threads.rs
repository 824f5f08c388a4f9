//! How the workloads run threads: start together, wait the same way, stay on their cores.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Idle steps before the core is given away.
const STEPS_MAX: u32 = 64;

/// How a thread waits between tries, the same for everybody: a pause each step, and after 64 steps in vain
/// the core is given to whoever wants it.
#[derive(Debug, Default)]
pub struct Idle {
    steps: u32,
}

impl Idle {
    /// Waits a little. Whether the core was given away, which is when there is time for other things too.
    #[inline(always)]
    pub fn step(&mut self) -> bool {
        std::hint::spin_loop();
        self.steps += 1;
        if self.steps < STEPS_MAX {
            return false;
        }
        self.steps = 0;
        std::thread::yield_now();
        true
    }

    /// The last try was not in vain.
    #[inline(always)]
    pub fn reset(&mut self) {
        self.steps = 0;
    }
}

/// Lets several threads begin at the same time.
#[derive(Debug)]
pub struct Gate {
    missing: AtomicUsize,
}

impl Gate {
    /// Opens when this many threads have come.
    pub fn for_threads(count: usize) -> Self {
        Self { missing: AtomicUsize::new(count) }
    }

    /// Waits for the others; the time when it went on.
    pub fn pass(&self) -> Instant {
        // ORDERING: Relaxed: the gate orders beginnings in time; it carries nothing.
        self.missing.fetch_sub(1, Ordering::Relaxed);
        let mut idle = Idle::default();
        while self.missing.load(Ordering::Relaxed) > 0 {
            idle.step();
        }
        Instant::now()
    }
}

/// When a thread went through the gate and when it was done.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    /// Through the gate.
    pub begin: Instant,
    /// Done.
    pub end: Instant,
}

/// From the first beginning to the last end.
pub fn elapsed(stretches: &[Stretch]) -> std::time::Duration {
    let begin = stretches.iter().map(|stretch| stretch.begin).min();
    let end = stretches.iter().map(|stretch| stretch.end).max();
    begin.zip(end).map_or_else(Default::default, |(begin, end)| end - begin)
}

/// Keeps this thread on one of the cores that the process may use, if there is a core with that index.
pub fn pin(index: usize) {
    #[cfg(target_os = "linux")]
    // SAFETY: both calls get a pointer to a set of ours and its size, and keep neither; an all-zero set is
    // valid.
    unsafe {
        let size = size_of::<libc::cpu_set_t>();
        let mut allowed: libc::cpu_set_t = std::mem::zeroed();
        if libc::sched_getaffinity(0, size, &mut allowed) != 0 {
            return;
        }
        let cores = 0..libc::CPU_SETSIZE as usize;
        let Some(core) = cores.filter(|core| libc::CPU_ISSET(*core, &allowed)).nth(index) else { return };
        let mut chosen: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(core, &mut chosen);
        libc::sched_setaffinity(0, size, &chosen);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = index;
}
