//! Ringmain against its rivals, measured in one run.
//!
//! `harness` measures whatever a suite says: it knows no ring. `rings` is the suite of the typed rings. Each
//! suite has a program of its own in `bin`.

pub mod harness;
pub mod rings;
