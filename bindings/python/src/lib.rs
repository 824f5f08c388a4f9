//! `ringmain._core`: the classes of the Python package, each a thin skin over the core's type of the same name.
//!
//! **Promise.** No call crashes the interpreter: a panic below becomes `ringmain.Internal`, every other error the
//! class of its code. Ctrl-C interrupts every wait. The GIL is never held while waiting for a message or the disk,
//! and nothing in the core ever asks for it, so the two kinds of lock cannot deadlock.
//!
//! **Where next.** `call` decides who holds the GIL; `message` takes Python's bytes in; `envelope` gives them out.

#![expect(
    missing_debug_implementations,
    reason = "nobody sees these from Rust; Python sees their `__repr__`"
)]

mod call;
mod clock;
mod consumer;
mod envelope;
mod error;
mod exclusive;
mod hub;
mod job;
mod keeper;
mod lease;
mod member;
mod message;
mod notices;
mod queue;
mod reader;
mod receipt;
mod seconds;
mod stream;
mod waiter;

use pyo3::prelude::*;

/// Ringmain's core. Import `ringmain` instead: it re-exports everything here.
#[pymodule]
mod _core {
    use super::*;

    #[pymodule_export]
    use super::clock::ManualClock;
    #[pymodule_export]
    use super::consumer::Consumer;
    #[pymodule_export]
    use super::hub::Hub;
    #[pymodule_export]
    use super::job::{Job, Peeked};
    #[pymodule_export]
    use super::keeper::Keeper;
    #[pymodule_export]
    use super::lease::Lease;
    #[pymodule_export]
    use super::member::{Group, Member};
    #[pymodule_export]
    use super::message::Message;
    #[pymodule_export]
    use super::queue::{JobIterator, Queue};
    #[pymodule_export]
    use super::reader::{Reader, Record};
    #[pymodule_export]
    use super::receipt::Receipt;
    #[pymodule_export]
    use super::stream::Stream;
    #[pymodule_export]
    use super::waiter::Waiter;

    #[pymodule_export]
    use super::call::_panic;
    #[pymodule_export]
    use super::hub::_global_call;
    #[pymodule_export]
    use super::notices::{_notice, _take_notices};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("ERROR_CODES", error::codes(module.py())?)
    }
}
