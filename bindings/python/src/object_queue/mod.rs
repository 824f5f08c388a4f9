//! `ringmain.Queue` and `ringmain.SimpleQueue`: Python objects by reference from thread to thread and to event loops, as
//! the standard library's queues do it.
//!
//! **Promise.** What CPython's `queue` module promises. No callback of Python runs inside a queue, so `put` may be called
//! from finalizers, signal handlers and callbacks of weak references, in the middle of another call of the same queue.
//! A forked child has a copy of what was in the queue, and none of those who waited.
//!
//! **Not promised.** That an overridden `_put`, `_get`, `_init` or `_qsize` is called: there is none.
//!
//! **Picture.** A `Channel` is a `Store` of objects, which is one of the core's rings, and a `Line` for each reason to
//! wait. Whoever waits stands in a line, looks once more and sleeps; whoever changes what is waited for calls the first.
//!
//! **Protocol.** `P1 attached`: objects go in and out, and lines are changed, only by threads that are attached to the
//! interpreter. So under the GIL nobody is in the middle of it when a collector of garbage looks (`Store::visit`) or the
//! process forks; without a GIL both stop the world first, and the rings are made for the rest. What a sleeper does
//! detached is to sleep.
//!
//! **Where next.** `queue.rs` for the class, `hot.rs` for its hot verbs, `channel.rs` for what verbs do, `line.rs` for waiting.

mod alarm;
mod arguments;
mod channel;
mod fork;
mod hot;
mod line;
mod nest;
mod queue;
mod simple;
mod store;

use pyo3::prelude::*;

use channel::Refusal;

pub use alarm::Alarm;
pub use fork::_after_fork;
pub use queue::Queue;
pub use simple::SimpleQueue;

/// Completes the classes, once, before anybody uses them.
pub fn complete(py: Python<'_>) -> PyResult<()> {
    // While the interpreter is ending nothing is imported any more, and finalizers may still call queues.
    drop([queue::raised(Refusal::Empty), queue::raised(Refusal::Full)]);
    hot::add::<Queue>(&py.get_type::<Queue>())?;
    hot::add::<SimpleQueue>(&py.get_type::<SimpleQueue>())
}
