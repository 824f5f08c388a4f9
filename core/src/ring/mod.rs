//! Typed rings in memory: bounded channels whose verbs and errors are those of the usual Rust channels.
//!
//! | flavour | senders | receivers | for |
//! |---|---|---|---|
//! | [`spsc`] | one | one | pipelines |
//! | [`mpsc`] | many | one | fan-in |
//! | [`mpmc`] | many | many | competing consumers |
//!
//! **Promise**, of every flavour. A message that was sent is received exactly once or dropped exactly once, and in
//! the order in which one sender sent it. The capacity is exactly what was asked for. When the last handle of a
//! side is dropped the other side is woken: receivers get what is left and then learn that nothing will come,
//! senders get their message back.
//!
//! **Not promised.** Fairness among the handles of one side. Lock-freedom: a thread that is suspended in the middle
//! of a call can make others wait for it, though only those who need its slot.
//!
//! **Failure.** Each error hands the message back, allocates nothing, and leaves the ring as it was.
//!
//! **Where next.** `wait.rs` is how a thread waits, `iter.rs` the iterators, and below them is only `sync.rs`.
//!
//! ```
//! use ringmain::ring::mpmc;
//! let (sender, receiver) = mpmc::bounded(64);
//! let worker = std::thread::spawn(move || receiver.iter().sum::<u64>());
//! for number in 1..=100 {
//!     sender.send(number)?;
//! }
//! drop(sender);
//! assert_eq!(worker.join().unwrap(), 5050);
//! # Ok::<(), ringmain::ring::SendError<u64>>(())
//! ```

mod claim;
mod error;
mod iter;
pub mod mpmc;
pub mod mpsc;
mod peek;
mod slot;
pub mod spsc;
mod stamped;
mod verbs;
mod wait;

pub use claim::Claim;
pub use error::{RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError};
pub use iter::{IntoIter, Iter, TryIter};
pub use peek::Peek;
pub use wait::Waiting;

/// Most messages that a ring can be made for.
pub const CAPACITY_MAX: usize = 1 << 31;

/// Refuses a capacity that no ring has. A wrong constant in a program is no condition that it could handle.
fn check_capacity(capacity: usize) {
    assert!(
        (1..=CAPACITY_MAX).contains(&capacity),
        "the capacity of a ring is 1 to {CAPACITY_MAX} messages, not {capacity}"
    );
}

/// Receives and drops until `next` has no more, even when dropping a message panics: the rest is then dropped
/// while the panic goes on.
fn drop_all<T>(next: impl Fn() -> Option<T>) {
    struct Rest<T, F: Fn() -> Option<T>>(F);

    impl<T, F: Fn() -> Option<T>> Drop for Rest<T, F> {
        fn drop(&mut self) {
            while let Some(message) = (self.0)() {
                drop(message);
            }
        }
    }

    let rest = Rest(next);
    while let Some(message) = (rest.0)() {
        drop(message);
    }
}
