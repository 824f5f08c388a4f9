//! Everything of Ringmain that parses bytes from a disk, as functions of bytes for a fuzzer.
//!
//! **Picture.** The very files of `core/src` are compiled into this crate, so that the targets reach what is not public,
//! and the core needs no door for them. With the feature `mutated` it is a copy of those files that has planted bugs in
//! it (`mutations.toml`), which the environment variable `MUTATION` wakes; the twin that skips checksums is some of them.
//!
//! **Where next.** `targets/` has a file per target; `seeds.rs` makes the corpus that a run starts from.

#[cfg(not(feature = "mutated"))]
#[path = "../../core/src"]
#[allow(
    dead_code,
    unused_imports,
    unfulfilled_lint_expectations,
    reason = "the targets do not use every verb, and not as a library of others"
)]
mod product {
    pub mod clock;
    pub(crate) mod durability;
    pub mod error;
    pub mod hub;
    pub(crate) mod journal;
    pub mod limits;
    pub(crate) mod log;
    pub mod message;
    pub mod name;
    pub(crate) mod notice;
    pub mod queue;
    pub mod ring;
    pub mod storage;
    pub mod stream;
    pub(crate) mod sync;
}
#[cfg(feature = "mutated")]
include!("../../target/fuzz/mutated.rs");

mod disk;
mod input;
#[cfg(feature = "mutated")]
mod mutation;
pub mod seeds;
pub mod targets;

pub(crate) use product::{
    clock, durability, error, hub, journal, limits, log, message, name, notice, queue, ring, storage, stream,
    sync,
};
