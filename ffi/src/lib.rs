//! The C surface of Ringmain: `ringmain.h`, `libringmain.so` and `libringmain.a`.
//!
//! **Promise.** Whatever a caller passes by value (closed, foreign or forged handles, NULL, misaligned pointers,
//! lengths and enum values out of range, text that is not UTF-8) is answered by a code, and no panic crosses the
//! boundary. **Not promised.** A pointer that is not NULL, is aligned, and still does not lead to as many bytes as
//! the caller says: C cannot tell, and neither can this library.
//!
//! Every exported function is one expression, `entry(handle, || ...)` or `infallible(fallback, || ...)` of [`guard`]; a test reads
//! the sources and insists. Handles are numbers ([`table`]), never pointers. Everything that dereferences a caller's
//! pointer is in [`argument`] and [`answer`]. The rest of the files, one per noun, only translate.

// The types are named here as they are in C, so that a search for a name finds it in both.
#![allow(non_camel_case_types)]
// One contract for all of them, in the preamble of the header (cbindgen.toml) and in `argument`.
#![allow(clippy::missing_safety_doc)]

// How a call comes in and goes out.
mod answer;
mod argument;
mod batch;
mod foreign;
mod guard;
mod handle;
mod sync;
mod table;
mod waiting;

// What it says, in the order of the header.
mod error;
mod text;

mod clock;
mod directory;
mod hub;
mod info;

mod notices;

mod header;
mod message;

mod consumer;
mod queue;
mod queue_options;
mod receive;

mod delivery;
mod packed;
mod peeked;
mod settle;

mod cancel;
mod dead_letters;
mod explain;
mod job;
mod outcome;
mod pause;
mod schedule;
mod worker;

mod append;
mod batcher;
mod partitioner;
mod producer;
mod stream;
mod stream_options;

mod receipt;

mod canceller;
mod filter;
mod reader;
mod records;
mod replay;

mod group;
mod group_stats;
mod member;
mod packed_records;

mod bell;

mod stream_table;
mod stream_worker;

use guard::infallible;
use std::ffi::c_char;

/// Major version of this header; the library's is in `ringmain_version()`.
pub const RINGMAIN_VERSION_MAJOR: u32 = 0;
/// Minor version of this header.
pub const RINGMAIN_VERSION_MINOR: u32 = 1;
/// Patch version of this header.
pub const RINGMAIN_VERSION_PATCH: u32 = 0;
const _: () = {
    assert!(matches!(u32::from_str_radix(env!("CARGO_PKG_VERSION_MAJOR"), 10), Ok(RINGMAIN_VERSION_MAJOR)));
    assert!(matches!(u32::from_str_radix(env!("CARGO_PKG_VERSION_MINOR"), 10), Ok(RINGMAIN_VERSION_MINOR)));
    assert!(matches!(u32::from_str_radix(env!("CARGO_PKG_VERSION_PATCH"), 10), Ok(RINGMAIN_VERSION_PATCH)));
};

/// The library's version, such as "0.1.0". Static: never free it.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_version() -> *const c_char {
    infallible(c"".as_ptr(), || concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast())
}

/// Panics, so that a test written in C can see that the panic stays on this side.
/// cbindgen:ignore
#[cfg(feature = "test-panic")]
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_test_panic(handle: u64) -> i32 {
    guard::entry(handle, || panic!("a panic on purpose"))
}
