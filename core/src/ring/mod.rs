//! Typed rings in memory: bounded channels whose verbs and errors are those of the usual Rust channels.
//!
//! | flavour | senders | receivers | for |
//! |---|---|---|---|
//! | [`spsc`] | one | one | pipelines |
//! | [`mpsc`] | many | one | fan-in |
//! | [`mpmc`] | many | many | competing consumers |
//! | [`unbounded`] | many | many | the same without a bound |
//! | [`broadcast`] | one or many | many, each gets everything | fan-out |
//!
//! **Promise**, of every flavour. A message that was sent is received exactly once (by each reader of a [`broadcast`]
//! ring, unless that is told that it missed it) or dropped exactly once, and in the order in which one sender sent it.
//! The capacity, if there is one, is exactly what was asked for. When the last handle of a side is dropped the other
//! side is woken: receivers get what is left and then learn that nothing will come, senders get their message back.
//!
//! **Not promised.** Fairness among the handles of one side. Lock-freedom: a thread that is suspended in the middle
//! of a call can make others wait for it, though only those who need its slot.
//!
//! **Failure.** Each error hands the message back, allocates nothing, and leaves the ring as it was. When a message's
//! `drop` panics while a ring drops what is left, the others are dropped while that panic goes on, as a `Vec` does it.
//!
//! # Verbs
//!
//! | | now or not | waiting | for a time | as a task |
//! |---|---|---|---|---|
//! | one message | `try_send` | `send` | `send_timeout`, `send_deadline` | `send_async` |
//! | | `try_recv` | `recv`, `iter` | `recv_timeout`, `recv_deadline` | `recv_async` |
//! | many | `try_send_batch` | `send_batch` | `send_batch_timeout` | `send_batch_async` |
//! | | `try_recv_batch`, `try_iter` | `recv_batch` | `recv_batch_timeout` | `recv_batch_async` |
//! | many, in place | `try_claim` | `claim` | `claim_timeout` | `claim_async` |
//! | | `try_peek` | `peek` | `peek_timeout` | `peek_async` |
//!
//! A batch moves messages out of or into a vector and is announced once. A [`Claim`] is a run of free slots to be
//! written and sent together, or not at all; a [`Peek`] is a run of messages to be looked at and received, or left.
//! Futures are plain: they need no runtime, and one that is dropped has sent or received nothing. Handles wait as
//! their [`Waiting`] says: they spin, yield, and then sleep; a sleeping side costs the other side no system call and no
//! fence unless somebody sleeps (on Linux; elsewhere a fence).
//!
//! # Coming from crossbeam-channel
//!
//! `use ringmain::ring::mpmc::{bounded, Sender, Receiver, ...}` in place of `use crossbeam_channel::{...}`: names, meanings
//! and errors are the same for bounded channels. What is different: there is no `select!`, no capacity of 0
//! (rendezvous), no `after`, `tick` and `never`; `bounded` and `unbounded` make different types; and when the drop of a
//! message panics, the messages behind it are dropped too, and not leaked.
//!
//! **Where next.** `claim.rs` and `peek.rs` are the two ends as all flavours have them, `verbs.rs` the verbs, `wait.rs` how a
//! thread waits, `pace.rs` how it keeps off a line that is being written; below them is only `sync.rs`.
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

mod block;
pub mod broadcast;
mod claim;
mod count;
mod error;
mod handles;
mod iter;
pub mod mpmc;
pub mod mpsc;
mod pace;
mod peek;
mod slot;
pub mod spsc;
mod stamped;
pub mod unbounded;
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
