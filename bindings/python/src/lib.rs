//! `ringmain._core`: the classes of the Python package, each a thin skin over the core's type of the same name.
//!
//! **Promise.** No call crashes the interpreter: a panic below becomes `ringmain.Internal`, every other error the
//! class of its code. Ctrl-C interrupts every wait. The GIL is never held while waiting for a message or the disk. The core
//! asks for it only to call what the program gave (a filter, a partitioner, a handler), and holds none of its own locks
//! then; locks of this module that are held meanwhile are only taken detached. So the two kinds of lock cannot deadlock.
//!
//! **Where next.** `call` decides who holds the GIL; `message` takes Python's bytes in; `envelope` gives them out.

#![expect(
    missing_debug_implementations,
    reason = "nobody sees these from Rust; Python sees their `__repr__`"
)]

mod batcher;
mod call;
mod clock;
mod consumer;
mod crowd;
mod envelope;
mod error;
mod exclusive;
mod filter;
mod gather;
mod group;
mod hub;
mod job;
mod keeper;
mod lease;
mod member;
mod message;
mod notices;
mod object_queue;
mod producer;
mod queue;
mod reader;
mod receipt;
mod record;
mod replay;
mod seconds;
mod start;
mod stream;
mod stream_worker;
mod table;
mod view;
mod waiter;

use pyo3::prelude::*;

/// Ringmain's core. Import `ringmain` instead: it re-exports everything here.
#[pymodule]
mod _core {
    use super::*;

    #[pymodule_export]
    use super::batcher::{Batcher, Pending};
    #[pymodule_export]
    use super::clock::ManualClock;
    #[pymodule_export]
    use super::consumer::Consumer;
    #[pymodule_export]
    use super::filter::Filter;
    #[pymodule_export]
    use super::group::Group;
    #[pymodule_export]
    use super::hub::Hub;
    #[pymodule_export]
    use super::job::{Job, Peeked};
    #[pymodule_export]
    use super::keeper::Keeper;
    #[pymodule_export]
    use super::lease::Lease;
    #[pymodule_export]
    use super::member::{Member, Processing};
    #[pymodule_export]
    use super::message::Message;
    #[pymodule_export]
    use super::object_queue::{_after_fork, Alarm, Queue as ObjectQueue, SimpleQueue};
    #[pymodule_export]
    use super::producer::Producer;
    #[pymodule_export]
    use super::queue::{JobIterator, Queue};
    #[pymodule_export]
    use super::reader::{Follow, Reader};
    #[pymodule_export]
    use super::receipt::Receipt;
    #[pymodule_export]
    use super::record::Record;
    #[pymodule_export]
    use super::replay::Replay;
    #[pymodule_export]
    use super::stream::Stream;
    #[pymodule_export]
    use super::stream_worker::StreamWorker;
    #[pymodule_export]
    use super::table::{Table, TableIterator};
    #[pymodule_export]
    use super::waiter::Waiter;

    #[pymodule_export]
    use super::call::{_panic, Stop};
    #[pymodule_export]
    use super::hub::_global_call;
    #[pymodule_export]
    use super::notices::{_notice, _take_notices};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        object_queue::complete(module.py())?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("ERROR_CODES", error::codes(module.py())?)
    }
}
