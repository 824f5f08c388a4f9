//! A pair of barriers of unequal cost: `light` for the side that runs at every message, `heavy` for the side that is
//! about to sleep. Together they order like two sequentially consistent fences.
//!
//! On Linux `heavy` is `membarrier(PRIVATE_EXPEDITED)`, which makes every running thread of the process pass a full
//! fence, so `light` need only stop the compiler. Where the kernel has no such call (or another system runs), the pair
//! is not asymmetric: both are fences. A fence per append cost 22 to 31 % of single appends where it was measured
//! (log-protocol prototype, 2026-11-22).

use super::{Ordering, fence};

/// Whether `light` alone is enough, from the first message on. The first call of a process may take milliseconds.
pub(crate) fn is_asymmetric() -> bool {
    expedited::register()
}

/// The cheap side, where the pair is asymmetric.
#[inline(always)]
pub(crate) fn light() {
    #[cfg(any(ringmain_loom, ringmain_shuttle))]
    expedited::light();
    std::sync::atomic::compiler_fence(std::sync::atomic::Ordering::SeqCst);
}

/// The cheap side, where it may not be.
pub(crate) fn light_by_fence() {
    if !expedited::registered() {
        // ORDERING: SeqCst: write the condition, fence, read the flag; pairs with `heavy`: write the flag, fence,
        // read the condition. Anything weaker lets both sides read the old value.
        fence(Ordering::SeqCst);
    }
}

/// The dear side.
pub(crate) fn heavy() {
    if !expedited::run() {
        // ORDERING: SeqCst: the other half of `light_by_fence`.
        fence(Ordering::SeqCst);
    }
}

#[cfg(all(target_os = "linux", not(any(ringmain_loom, ringmain_shuttle))))]
mod expedited {
    use std::sync::atomic::{AtomicU8, Ordering};

    const UNKNOWN: u8 = 0;
    const REGISTERED: u8 = 1;
    const MISSING: u8 = 2;
    const QUERY: libc::c_int = 0;
    const PRIVATE_EXPEDITED: libc::c_int = 1 << 3;
    const REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;

    static STATE: AtomicU8 = AtomicU8::new(UNKNOWN);

    fn membarrier(command: libc::c_int) -> libc::c_long {
        // SAFETY: membarrier takes three integers and touches no memory of ours.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) }
    }

    /// Whether `light` may rely on the other side. Unknown counts as no: a fence too many is never wrong.
    #[inline]
    pub(super) fn registered() -> bool {
        // ORDERING: Relaxed: once registered the process stays so; a stale read costs a fence.
        STATE.load(Ordering::Relaxed) == REGISTERED
    }

    /// Whether the process is registered now.
    pub(super) fn register() -> bool {
        // ORDERING: Relaxed: registering twice is harmless.
        let mut state = STATE.load(Ordering::Relaxed);
        if state == UNKNOWN {
            let offered = membarrier(QUERY);
            let able = offered > 0 && offered & libc::c_long::from(PRIVATE_EXPEDITED) != 0;
            state = if able && membarrier(REGISTER_PRIVATE_EXPEDITED) == 0 { REGISTERED } else { MISSING };
            // ORDERING: Relaxed: as above.
            STATE.store(state, Ordering::Relaxed);
        }
        state == REGISTERED
    }

    pub(super) fn run() -> bool {
        if !register() || membarrier(PRIVATE_EXPEDITED) == 0 {
            return registered();
        }
        // A registered call cannot fail; should it nevertheless, fall back to a fence, and let
        // the other side know as soon as anybody sleeps.
        // ORDERING: Relaxed: as above.
        STATE.store(MISSING, Ordering::Relaxed);
        false
    }
}

#[cfg(any(ringmain_loom, ringmain_shuttle))]
pub(crate) mod expedited {
    //! Models take the call for what it does to their threads: a fence on either side. A fence on the light side also
    //! orders what has nothing to do with sleeping, and would hide that something else does not; so models in which
    //! nobody sleeps do without.

    use crate::sync::{Ordering, fence};
    use std::sync::atomic::AtomicU8;

    /// Nobody sleeps: the light side orders nothing.
    pub(crate) const NOBODY_SLEEPS: u8 = 0;
    /// The system has the call.
    pub(crate) const OFFERED: u8 = 1;
    /// The system does not have the call.
    pub(crate) const MISSING: u8 = 2;

    /// Which of these the model is about. No part of the execution, hence not the scheduler's.
    pub(crate) static MODEL: AtomicU8 = AtomicU8::new(NOBODY_SLEEPS);

    fn is(model: u8) -> bool {
        // ORDERING: Relaxed: set before the model runs.
        MODEL.load(Ordering::Relaxed) == model
    }

    pub(super) fn light() {
        if is(OFFERED) {
            // ORDERING: SeqCst: as in `light_by_fence`.
            fence(Ordering::SeqCst);
        }
    }

    pub(super) fn registered() -> bool {
        !is(MISSING)
    }

    pub(super) fn register() -> bool {
        registered()
    }

    pub(super) fn run() -> bool {
        assert!(!is(NOBODY_SLEEPS), "somebody sleeps in a model in which nobody does");
        if is(OFFERED) {
            // ORDERING: SeqCst: the other half of `light`.
            fence(Ordering::SeqCst);
        }
        is(OFFERED)
    }
}

#[cfg(not(any(target_os = "linux", ringmain_loom, ringmain_shuttle)))]
mod expedited {
    pub(super) fn registered() -> bool {
        false
    }

    pub(super) fn register() -> bool {
        false
    }

    pub(super) fn run() -> bool {
        false
    }
}
