//! Ringmain against its rivals, measured in one run.
//!
//! `harness` measures whatever a suite says: it knows no ring and no log. `rings` is the suite of the typed
//! rings, `log` that of the durable log, `queue` that of the task queue, `stream` that of event streams. Each suite has a program of its own in `bin` or in `../ours`.

pub mod harness;
pub mod log;
pub mod queue;
pub mod rings;
pub mod stream;
