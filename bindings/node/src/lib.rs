//! The native half of the Node package `ringmain`: thin classes over the core's public API.
//!
//! **Promise.** Every entry returns a value or throws an error whose `code` is a name of [`ringmain::ErrorCode`];
//! no panic and no bad argument ends the process. **Not promised.** Ergonomics: `lib/*.js` holds the classes that
//! users see, their argument forms, waiting, and iteration. Only those files call this addon.
//!
//! ```text
//! lib/*.js      Hub  Queue  Job  Stream  Reader  Group  Member      forms, promises, AbortSignal
//!    |  packed messages (codec), millisecond numbers, BigInt nanoseconds
//! this crate    HubHandle  QueueHandle  (leases)  StreamHandle  ReaderHandle  MemberHandle
//!    |                                                             registry: one hub a directory a process
//! core          Hub  Queue  Delivery  Stream  Reader  Member
//! ```
//!
//! Verbs that may wait for the disk come twice: the plain one blocks the calling thread, the one that ends in
//! `_async` runs on libuv's pool ([`work`]). Waiting for messages never takes a thread ([`wake`]).
//!
//! Where next: [`registry`] for sharing between worker threads, [`codec`] for the bytes that cross.

// The items that `#[napi]` generates beside each class carry no documentation and no `Debug`.
#![allow(missing_debug_implementations)]
// Under test `#[napi]` registers nothing, so that what only it calls looks dead to clippy.
#![cfg_attr(test, allow(dead_code))]

mod argument;
mod batcher;
mod codec;
mod consumer;
mod error;
mod filter;
mod gather;
mod handle;
mod hot;
mod hub;
mod keeper;
mod line;
mod member;
mod notice;
mod producer;
#[cfg(debug_assertions)]
mod provoke;
mod queue;
mod reader;
mod reads;
mod registry;
mod replay;
mod snapshot;
mod start;
mod stream;
mod table;
mod wake;
mod work;

use napi_derive::napi;
use ringmain::{ErrorCode, limits};

/// One row of the table of errors.
#[napi(object)]
pub struct CodeRow {
    /// The name, upper case with underscores.
    pub name: String,
    /// The stable number, the same in every language.
    pub number: i32,
}

/// Every error code, in order of number.
#[napi]
pub fn codes() -> Vec<CodeRow> {
    ErrorCode::ALL.iter().map(|code| CodeRow { name: code.name().to_owned(), number: *code as i32 }).collect()
}

/// The limits that the JavaScript side checks before it copies anything.
#[napi(object)]
pub struct Limits {
    /// Longest message (key, headers and value together) in bytes.
    pub message_bytes_max: f64,
    /// Most messages of one batch.
    pub batch_records_max: f64,
    /// Longest batch in bytes.
    pub batch_bytes_max: f64,
    /// Most messages that one receive hands out.
    pub receive_count_max: f64,
    /// Most partitions of a stream.
    pub partition_count_max: u32,
    /// Longest result of a job in bytes.
    pub result_bytes_max: f64,
}

/// The limits of this build.
#[napi]
pub fn limits() -> Limits {
    Limits {
        message_bytes_max: limits::MESSAGE_BYTES_MAX as f64,
        batch_records_max: limits::BATCH_RECORDS_MAX as f64,
        batch_bytes_max: limits::BATCH_BYTES_MAX as f64,
        receive_count_max: limits::RECEIVE_COUNT_MAX as f64,
        partition_count_max: limits::PARTITION_COUNT_MAX,
        result_bytes_max: limits::RESULT_BYTES_MAX as f64,
    }
}

/// The profile of cargo that this build comes from, as near as it can tell.
#[napi]
pub fn profile() -> &'static str {
    if cfg!(debug_assertions) { "dev" } else { "release" }
}
