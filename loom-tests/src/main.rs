//! The rings, the log and the journal of the core under a scheduler that looks for their races.
//!
//! **Picture.** The very files of `core/src` are compiled into this program, those of the log only for models, so that their
//! `cfg(ringmain_loom)` and `cfg(ringmain_shuttle)` concern nobody else and models reach the event count, which is not
//! public. Of the C surface the table's slots are compiled likewise.
//!
//! | feature | scheduler | what it finds |
//! |---|---|---|
//! | `loom` | every interleaving and every value that a weak memory may show, for small models | orderings, lost wake-ups |
//! | `shuttle` | random and depth-first schedules, memory taken as sequentially consistent | lost wake-ups in larger models |
//! | none | the machine's; a stress test, for the sanitizers | data races, misused memory |
//!
//! With the feature `mutated` it is a copy of those files that has planted bugs in it (`mutations.toml`), one of which
//! the environment variable `MUTATION` wakes: each must make a model fail.
//!
//! **Where next.** `flavour.rs` is what the models see of a ring, `models/` are the models.

#[cfg(all(feature = "loom", feature = "shuttle"))]
compile_error!("one scheduler at a time: loom or shuttle");

#[cfg(not(feature = "mutated"))]
#[path = "../../core/src"]
#[allow(dead_code, unused_imports, unused_macros, reason = "the models do not use every verb")]
mod product {
    #[cfg(any(feature = "loom", feature = "shuttle"))]
    pub(crate) mod clock;
    #[cfg(any(feature = "loom", feature = "shuttle"))]
    pub(crate) mod durability;
    #[cfg(any(feature = "loom", feature = "shuttle"))]
    pub(crate) mod error;
    #[cfg(any(feature = "loom", feature = "shuttle"))]
    pub(crate) mod journal;
    #[cfg(any(feature = "loom", feature = "shuttle"))]
    pub(crate) mod limits;
    #[cfg(any(feature = "loom", feature = "shuttle"))]
    pub(crate) mod log;
    #[cfg(any(feature = "loom", feature = "shuttle"))]
    pub(crate) mod message;
    #[cfg(any(feature = "loom", feature = "shuttle"))]
    pub(crate) mod name;
    #[cfg(any(feature = "loom", feature = "shuttle"))]
    pub(crate) mod notice;
    /// Only what is without a lock.
    #[cfg(any(feature = "loom", feature = "shuttle"))]
    pub(crate) mod queue {
        pub(crate) mod guests;
        pub(crate) mod plain;
        pub(crate) mod tally;
    }
    pub mod ring;
    #[cfg(any(feature = "loom", feature = "shuttle"))]
    pub(crate) mod storage;
    /// As of the queue.
    #[cfg(any(feature = "loom", feature = "shuttle"))]
    pub(crate) mod stream {
        pub(crate) mod growing;
    }
    pub(crate) mod sync;
}
/// The handles of the C surface.
#[cfg(all(any(feature = "loom", feature = "shuttle"), not(feature = "mutated")))]
#[path = "../../ffi/src/table"]
#[allow(dead_code, reason = "the models do not use every verb")]
mod table {
    pub(crate) mod free;
    pub(crate) mod slot;
}
#[cfg(feature = "mutated")]
include!("../../target/loom/mutated.rs");

mod flavour;
#[cfg(ringmain_instrumented)]
mod instrumented;
#[cfg(feature = "mutated")]
mod mutation;
mod task;

#[cfg(any(ringmain_loom, ringmain_shuttle))]
mod explore;
#[cfg(any(ringmain_loom, ringmain_shuttle))]
mod models;
#[cfg(not(any(ringmain_loom, ringmain_shuttle)))]
mod stress;

#[cfg(ringmain_loom)]
pub(crate) use loom::thread;
#[cfg(any(feature = "loom", feature = "shuttle"))]
pub(crate) use product::{
    clock, durability, error, journal, limits, log, message, name, notice, queue, storage, stream,
};
pub(crate) use product::{ring, sync};
#[cfg(ringmain_shuttle)]
pub(crate) use shuttle::thread;

#[cfg(any(ringmain_loom, ringmain_shuttle))]
use explore::main as run;
#[cfg(not(any(ringmain_loom, ringmain_shuttle)))]
use stress::main as run;

fn main() -> std::process::ExitCode {
    run()
}
