//! Producers by name, whose retries append nothing twice.
//!
//! **Promise.** A producer numbers its messages from 0. What it appended is known by those numbers, across crashes and for as long as
//! its name is kept, whatever became of the records: an append that is retried, because nobody heard how it ended, appends what is
//! missing and nothing else, and the producer is told where to go on. One handle at a time may append: the one opened last.
//!
//! **Not promised.** That messages with the same numbers are the same: they are not compared. That positions of duplicates are known
//! for long.
//!
//! **How.** A call's messages that go to one partition are one batch with the frame that tells of them. So each partition knows how far
//! it has come, and a batch over several of them may be half there after a crash: the retry goes to those that lack it.
//!
//! | file | what |
//! |---|---|
//! | `append` | the verb |
//! | `session`, `sessions` | one producer; all of a stream, opened and saved |
//! | `record` | how that lies in the logs |
//! | `recover` | back from them |

mod append;
mod record;
mod recover;
mod session;
mod sessions;
#[cfg(test)]
mod tests;

pub(crate) use sessions::Sessions;

use crate::error::Result;
use crate::name::Name;
use crate::stream::Stream;
use crate::stream::record::Position;
use session::Session;
use std::sync::Arc;

/// A producer of a stream, by its name. Clones are the same handle; all verbs may be called from any thread.
///
/// ```
/// use ringmain::{Hub, Message};
/// # let scratch = tempfile::tempdir().unwrap();
/// # let directory = scratch.path().join("data");
/// let flights = Hub::open(&directory)?.stream("flights").partitions(4).open()?;
/// let lines = ["N14228,EWR-IAH", "N24211,LGA-IAH", "N619AA,JFK-MIA"];
///
/// // Begins where the last run ended, however that was.
/// let import = flights.producer("flights-import")?;
/// for (sequence, line) in lines.iter().enumerate().skip(import.next_sequence()? as usize) {
///     import.append(sequence as u64, &[Message::new(line).key(&line[..6])])?;
/// }
/// // Nobody heard how that ended? Once more:
/// let retry = import.append(2, &[Message::new(lines[2]).key(&lines[2][..6])])?;
/// assert!(retry.duplicate);
/// assert_eq!(import.next_sequence()?, 3);
/// # Ok::<(), ringmain::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Producer {
    stream: Stream,
    session: Arc<Session>,
    epoch: u64,
}

/// What became of the messages of one append of a [`Producer`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Accepted {
    /// Everything was there already, from an earlier append: nothing was appended.
    pub duplicate: bool,
    /// Where each message is, in order. Of one that was there already it may not be known any more: it is for the last call,
    /// and for about a thousand messages before it.
    pub positions: Vec<Option<Position>>,
}

impl Stream {
    /// Opens a producer of this stream, making it if there is none of that name. From then on handles that were opened before are
    /// refused, with `ProducerFenced`: what they had not appended, they will not.
    ///
    /// At most 10,000 producers are kept, until they are [deleted](Self::delete_producer).
    ///
    /// # Errors
    /// `InvalidName`; `Full`; `Poisoned`, `Closed`.
    pub fn producer(&self, name: &str) -> Result<Producer> {
        self.shared.check_open()?;
        let (session, epoch) = self.shared.sessions.open(Name::new(name)?)?;
        Ok(Producer { stream: self.clone(), session, epoch })
    }

    /// Names of the producers that are kept, in order.
    ///
    /// # Errors
    /// `Closed`.
    pub fn producers(&self) -> Result<Vec<String>> {
        self.shared.check_open()?;
        Ok(self.shared.sessions.names())
    }

    /// Forgets how far a producer has come: opened again, it begins at sequence 0. Its records stay, its handles are refused.
    ///
    /// # Errors
    /// `NotFound`; `InvalidName`; `Poisoned`, `Closed`.
    pub fn delete_producer(&self, name: &str) -> Result<()> {
        self.shared.check_open()?;
        self.shared.sessions.delete(&Name::new(name)?)
    }
}

impl Producer {
    /// The name.
    pub fn name(&self) -> &str {
        self.session.name.as_str()
    }

    /// How often it was opened, this time included. Outlives the hub.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The sequence to go on with: all messages before it were appended. After a crash, what was not waited for may be lost, and
    /// this says so.
    ///
    /// # Errors
    /// `ProducerFenced`; `NotFound` if it was deleted; `Closed`.
    pub fn next_sequence(&self) -> Result<u64> {
        self.stream.shared.check_open()?;
        let state = self.session.state();
        state.check(&self.stream.shared.name, &self.session.name, self.epoch)?;
        Ok(state.progress.next)
    }
}
