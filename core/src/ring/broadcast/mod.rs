//! A bounded ring whose every reader gets every message: fan-out.
//!
//! **Promise.** A reader gets each message that was sent after it joined, in order, exactly once; or, if it
//! may be overtaken, is told exactly how many it missed. Readers join and leave while messages are sent.
//! Sending and receiving take no atomic read-modify-write, except that many senders take one a message or
//! batch, and a [`Lag`](Policy::Lag) reader one a message or batch. No allocation but for joining.
//!
//! **Not promised.** When a message is dropped: the ring keeps it until its slot is needed again, or until
//! the last handle goes, so that a message that holds a handle of its own ring may never be dropped. That a
//! suspended thread stops nobody: with many senders, one that was interrupted between taking a slot and
//! stamping it keeps the readers back there. That a message's `clone` or `drop` may wait for its ring: it may
//! come to wait for itself. (A `clone` that receives from the handle that clones it finds nothing.)
//!
//! **Picture.** Positions count messages and never wrap; slots are a power of two, so that an index needs no
//! division, and the capacity may be less than that. Each reader has a cursor on lines of its own. A sender
//! remembers up to where there is room, the `limit`, and looks at the cursors only when that is used up.
//!
//! ```text
//!          oldest gating cursor     other cursors      tail           limit = oldest + capacity
//!                     v               v       v         v               v
//!   ... reused [ full | full | full | full | full ]     | free | free ]
//!
//!   cursor == position                a reader that holds the senders
//!   cursor == position | LAG          one that they may overtake
//!   cursor == position | LAG | BUSY   one that they may overtake when it has finished cloning
//!   cursor == FREE                    nobody's
//! ```
//!
//! **Protocol.**
//! - `P1 publish-slot`: a single sender writes messages, then stores `tail` with Release; a reader loads it
//!   with Acquire and reads the messages before it. Many senders take positions by moving `tail`, and publish
//!   each message by its slot's stamp.
//! - `P2 release-slot`: a reader that is done with a message stores its cursor with Release; a sender loads
//!   all cursors with Acquire before it writes up to a capacity after the oldest. Stored for each message or
//!   batch: stored lazily, it would eat capacity.
//! - `P3 close`: the last sender says that it goes with Release after its last message; a reader that has had
//!   everything loads that with Acquire, and then looks once more. Without readers nothing can be sent.
//! - `P4 park-wake`: after P1 and P3 senders notify `not_empty`, of all readers; readers notify `not_full`
//!   after P2, and when they leave. The event count orders each against the sleeper's last look.
//! - `P5 join`: a reader first makes its cursor known, then counts itself in `joins`, and only then chooses
//!   where it begins: at `tail` as it is then, or at the cursor of a reader that stands still meanwhile. A
//!   sender takes no limit past its own `tail` + capacity, looks at `joins` before and after the cursors, and
//!   does it again if they differ. So either it sees the new cursor, or its limit was good for where that
//!   reader begins. (The pair of barriers orders the sender's tail and look at `joins` against the reader's
//!   count and look at `tail`.)
//! - `P6 overtake`: a sender that needs the slot where a `LAG` cursor stands moves that cursor on by
//!   compare-and-swap. A reader makes it `BUSY` by the same means before it looks at a slot, and where it
//!   finds it moved, it knows by how much. A sender waits while it is busy, which is for the time of a clone
//!   or a batch of them.
//! - `P7 hold`: with many senders, a claim sets `HELD` in `tail`, and no other sender moves it until the
//!   claim ends.
//!
//! **Failure.** Errors hand the message back. A `clone` that panics leaves its message to be received again,
//! unless it came in a batch: then this reader goes on after the batch. A message whose `drop` panics when
//! its slot is needed lets that panic out of the send, and the ring stays whole.
//!
//! **Where next.** `readers.rs`: the cursors. `ring.rs`: the slots. `sender.rs`, `multi.rs`, `receiver.rs`:
//! the ends.

mod multi;
mod readers;
mod receiver;
mod ring;
mod sender;

pub use multi::{Many, MultiSender};
pub use receiver::Receiver;
pub use ring::Writers;
pub use sender::{One, Sender};

use crate::sync::Arc;
use ring::Ring;

/// The receiving side of [`multi`].
pub type MultiReceiver<T> = Receiver<T, Many>;

/// What happens when a reader is so far behind that there is no more room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Policy {
    /// Senders wait for it: it gets everything.
    Gate,
    /// Senders overtake it: it goes on with the oldest message that is left, and is told how many it
    /// [missed](Receiver::take_missed). One that has been overtaken is put an eighth of the capacity further
    /// on than need be, so that it does not slow down each of the next messages.
    ///
    /// A [`Peek`](super::Peek) makes it a `Gate` for that long.
    Lag,
}

/// Makes a ring for `capacity` messages with one sender, and with a first reader, whose policy is
/// [`Policy::Gate`].
///
/// # Panics
/// If `capacity` is 0 or over [`CAPACITY_MAX`](super::CAPACITY_MAX).
///
/// ```
/// use ringmain::ring::broadcast::{self, Policy};
/// let (sender, receiver) = broadcast::bounded(2);
/// let watcher = sender.subscribe(Policy::Lag);
/// sender.send("a").unwrap();
/// sender.send("b").unwrap();
/// assert!(sender.try_send("c").unwrap_err().is_full());
/// assert_eq!(receiver.recv(), Ok("a"));
/// sender.send("c").unwrap();
/// assert_eq!((watcher.recv(), watcher.take_missed()), (Ok("b"), 1));
/// ```
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let ring = Ring::new(capacity);
    let receiver = Receiver::join(&ring, Policy::Gate);
    (Sender::new(ring), receiver)
}

/// The same for many senders.
///
/// # Panics
/// If `capacity` is 0 or over [`CAPACITY_MAX`](super::CAPACITY_MAX).
///
/// ```
/// let (sender, receiver) = ringmain::ring::broadcast::multi(8);
/// let also = receiver.clone();
/// let threads: Vec<_> = (0..4).map(|n| (n, sender.clone())).collect();
/// drop(sender);
/// for (n, sender) in threads {
///     std::thread::spawn(move || sender.send(n).unwrap());
/// }
/// assert_eq!(receiver.iter().sum::<i32>(), 6);
/// assert_eq!(also.iter().sum::<i32>(), 6);
/// ```
pub fn multi<T>(capacity: usize) -> (MultiSender<T>, MultiReceiver<T>) {
    let ring = Ring::new(capacity);
    let receiver = Receiver::join(&ring, Policy::Gate);
    (MultiSender::new(Arc::clone(&ring)), receiver)
}
