//! honker: queues in SQLite by functions of its own. Payloads are JSON, so a message is a text of as many bytes; delays are
//! whole seconds. All threads share its connection, as its own handles do.

use super::bell::Bell;
use super::sqlite::tune;
use crate::queue::cell::{HONKER, Level};
use crate::queue::peer::{Peer, Queue, Receiver, Sender};
use crate::queue::tally::MESSAGE_BYTES;
use anyhow::{Context, Result, ensure};
use honker::{Database, EnqueueOpts, Job, OpenOptions, QueueOpts};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

/// Hexadecimal digits of the first eight bytes, which say which message it is.
const DIGITS: usize = 16;

struct Honker {
    database: Database,
    queue: honker::Queue,
    bell: Bell,
    workers: AtomicUsize,
}

fn open(directory: &Path, level: Level) -> Result<Box<dyn Queue>> {
    // Nobody here waits for its watcher, so it need not look every millisecond.
    let options = OpenOptions::default().watcher_poll_interval(Duration::from_secs(1))?;
    let database = Database::open_with_options(directory.join("queue.sqlite"), options)?;
    database.with_conn(|connection| tune(connection, level))?;
    let queue = database.queue("queue", QueueOpts::default());
    Ok(Box::new(Honker { database, queue, bell: Bell::default(), workers: AtomicUsize::new(0) }))
}

/// The message as text.
struct Text(String);

impl Text {
    fn new() -> Self {
        Self("x".repeat(MESSAGE_BYTES))
    }

    fn of(&mut self, message: &[u8]) -> &str {
        let word = message.first_chunk().copied().map_or(0, u64::from_le_bytes);
        self.0.replace_range(..DIGITS, &format!("{word:016x}"));
        &self.0
    }

    /// The message that it was, as far as it says.
    fn read(text: &str) -> Result<[u8; MESSAGE_BYTES]> {
        ensure!(text.len() == MESSAGE_BYTES, "a payload came with {} bytes", text.len());
        let digits = text.get(..DIGITS).context("a payload came that is not what was sent")?;
        let mut message = [0; MESSAGE_BYTES];
        message[..8].copy_from_slice(&u64::from_str_radix(digits, 16)?.to_le_bytes());
        Ok(message)
    }
}

struct Sending<'a> {
    of: &'a Honker,
    text: Text,
}

impl Sending<'_> {
    /// Sends several in one transaction.
    fn send_all<'a>(
        &mut self,
        messages: impl ExactSizeIterator<Item = (Option<i64>, &'a [u8])>,
    ) -> Result<()> {
        let count = messages.len();
        let transaction = self.of.database.transaction()?;
        for (run_at, message) in messages {
            let options = EnqueueOpts { run_at, ..EnqueueOpts::default() };
            self.of.queue.enqueue_tx(&transaction, &self.text.of(message), options)?;
        }
        transaction.commit()?;
        self.of.bell.ring(count);
        Ok(())
    }
}

impl Sender for Sending<'_> {
    fn send(&mut self, message: &[u8]) -> Result<()> {
        self.of.queue.enqueue(&self.text.of(message), EnqueueOpts::default())?;
        self.of.bell.ring(1);
        Ok(())
    }

    fn send_batch(&mut self, messages: &[&[u8]]) -> Result<()> {
        self.send_all(messages.iter().map(|message| (None, *message)))
    }

    fn send_delayed(&mut self, messages: &[(&[u8], Duration)]) -> Result<()> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).context("it is before 1970")?;
        // The second in which it is due has to be over, as those before it are counted whole.
        let second = |delay: Duration| (now + delay).as_secs() as i64 + 1;
        self.send_all(messages.iter().map(|(message, delay)| (Some(second(*delay)), *message)))
    }
}

struct Working<'a> {
    of: &'a Honker,
    name: String,
}

impl Working<'_> {
    fn ack(&self, jobs: &[Job]) -> Result<()> {
        let acked = match jobs {
            [] => return Ok(()),
            [job] => usize::from(job.ack()?),
            jobs => {
                let ids: Vec<i64> = jobs.iter().map(|job| job.id).collect();
                self.of.queue.ack_batch(&ids, &self.name)? as usize
            }
        };
        ensure!(acked == jobs.len(), "of {} leases {} ran out", jobs.len(), jobs.len() - acked);
        Ok(())
    }
}

impl Receiver for Working<'_> {
    fn work(&mut self, count_max: usize, wait: Duration, each: &mut dyn FnMut(&[u8])) -> Result<usize> {
        let mut jobs = Vec::new();
        let count = self.of.bell.wait_for(wait, || {
            jobs = self.of.queue.claim_batch(&self.name, count_max as i64)?;
            Ok(jobs.len())
        })?;
        for job in &jobs {
            each(&Text::read(&job.payload_as::<String>()?)?);
        }
        self.ack(&jobs)?;
        Ok(count)
    }
}

impl Queue for Honker {
    fn sender(&self) -> Result<Box<dyn Sender + '_>> {
        Ok(Box::new(Sending { of: self, text: Text::new() }))
    }

    fn receiver(&self) -> Result<Box<dyn Receiver + '_>> {
        // ORDERING: Relaxed: each takes another number.
        let number = self.workers.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(Working { of: self, name: format!("worker {number}") }))
    }
}

pub fn peer() -> Peer {
    Peer::new(HONKER, &[Level::Written, Level::Synced], open).delays(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::record::identity;

    #[test]
    fn a_message_is_the_same_after_it_was_text() {
        let message: Vec<u8> = (0..MESSAGE_BYTES as u8).rev().collect();
        let text = Text::new().of(&message).to_owned();
        assert_eq!(text.len(), MESSAGE_BYTES);
        assert_eq!(identity(&Text::read(&text).unwrap()), identity(&message));
    }
}
