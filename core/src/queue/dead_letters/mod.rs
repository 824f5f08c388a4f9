//! The dead letters of a queue: looking at them, sending them back, throwing them away, writing them down.
//!
//! **Promise.** Only letters that wait are meant: what is out with a worker stays with it, and messages that were sent here are
//! no letters. Each verb goes through the letters that were there when it began, so that it ends whatever comes meanwhile. A
//! letter is redriven once: a second call finds it gone.
//!
//! **Not promised.** One moment for all: letters are taken a few hundred at a time, and what was done before an error stays
//! done.
//!
//! | file | what |
//! |---|---|
//! | `letters` | which letters |
//! | `scan` | finding them |
//! | `redrive`, `discard`, `export` | the verbs |

mod discard;
mod export;
mod letters;
mod redrive;
mod scan;

pub use letters::Letters;
pub use redrive::Redrive;
pub(crate) use redrive::Terms;

use crate::error::Result;
use crate::queue::{Peeked, Queue};
use std::io::Write;

/// Letters that a verb takes at a time.
const STEP_COUNT: usize = 256;

/// The dead letters of a queue; from [`Queue::dead_letters`].
///
/// ```
/// use ringmain::{Hub, Letters, Message, Redrive};
/// let hub = Hub::memory();
/// let emails = hub.queue("emails").dead_letter("emails.dead").open()?;
/// emails.send(Message::new(b"hello"))?;
/// emails.try_receive()?.expect("one was sent").reject("no such host")?;
///
/// let dead = hub.queue("emails.dead").open()?;
/// for letter in dead.dead_letters().peek(&Letters::all().error_contains("host"), 10)? {
///     assert_eq!(letter.header("rm-dead-queue"), Some(&b"emails"[..]));
/// }
/// assert_eq!(dead.dead_letters().redrive(&Letters::all(), &Redrive::default())?, 1);
/// assert_eq!(emails.try_receive()?.expect("it is back").value(), b"hello");
/// # Ok::<(), ringmain::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct DeadLetters<'a> {
    queue: &'a Queue,
}

impl<'a> DeadLetters<'a> {
    pub(crate) fn new(queue: &'a Queue) -> Self {
        Self { queue }
    }

    /// Up to `count_max` (1 to 65,536) of these letters, by id, unchanged. The next ones are
    /// [`from_id`](Letters::from_id) one more than the last.
    ///
    /// # Errors
    /// `InvalidArgument`; `Closed`; `Corrupt` or `Io` if a file cannot be read.
    pub fn peek(&self, letters: &Letters, count_max: usize) -> Result<Vec<Peeked>> {
        self.queue.shared.peek_letters(letters, count_max)
    }

    /// Sends these letters back, as they were sent first, but for their time to live and their deadlines: those of the queue
    /// begin again. Returns how many. A redriven message is no duplicate of anything; its `rm-redrives` is one more, and its
    /// attempts go on from where they were.
    ///
    /// # Errors
    /// `NotFound` if a queue that one of them would go to does not exist: then nothing was moved. `InvalidArgument`, `DiskFull`,
    /// `Closed`. `Poisoned`: what was under way is finished when the hub is opened again.
    pub fn redrive(&self, letters: &Letters, how: &Redrive) -> Result<u64> {
        self.queue.shared.redrive(letters, how, &*self.queue.hub)
    }

    /// Throws these letters away. Returns how many.
    ///
    /// # Errors
    /// As [`peek`](Self::peek); `Poisoned`, then it is not known whether the last few hundred are gone.
    pub fn discard(&self, letters: &Letters) -> Result<u64> {
        self.queue.shared.discard(letters)
    }

    /// Writes these letters down, unchanged, one JSON object a line: `id`, `time_ns`, `event_time_ns` if it has one, `key` if it
    /// has one, `headers` (a list of `name` and its value), and `value`. Bytes are `{"text": ...}` where they are UTF-8, else
    /// `{"base64": ...}`. Returns how many.
    ///
    /// ```
    /// # use ringmain::{Hub, Letters, Message};
    /// # let hub = Hub::memory();
    /// # let emails = hub.queue("emails").dead_letter("emails.dead").open()?;
    /// # emails.send(Message::new(b"hello"))?;
    /// # emails.try_receive()?.expect("one was sent").reject("no such host")?;
    /// let dead = hub.queue("emails.dead").open()?;
    /// let mut lines = Vec::new();
    /// dead.dead_letters().export(&Letters::all(), &mut lines)?;
    /// assert!(String::from_utf8_lossy(&lines).ends_with("\"value\":{\"text\":\"hello\"}}\n"));
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`peek`](Self::peek); `Io` if `to` refuses.
    pub fn export(&self, letters: &Letters, to: &mut dyn Write) -> Result<u64> {
        self.queue.shared.export(letters, to)
    }
}
