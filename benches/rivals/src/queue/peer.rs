//! A queue that takes part: what it must do, and what it can.

use super::cell::Level;
use crate::harness::Role;
use anyhow::{Result, bail};
use std::path::Path;
use std::time::Duration;

/// An open queue at one level of durability.
pub trait Queue: Send + Sync {
    /// What one thread sends through.
    ///
    /// # Errors
    /// There can be no more.
    fn sender(&self) -> Result<Box<dyn Sender + '_>>;

    /// What one thread receives through.
    ///
    /// # Errors
    /// There can be no more.
    fn receiver(&self) -> Result<Box<dyn Receiver + '_>>;
}

/// Sends for one thread. A call returns when the queue's level is reached.
pub trait Sender {
    /// Sends a message.
    ///
    /// # Errors
    /// It failed.
    fn send(&mut self, message: &[u8]) -> Result<()>;

    /// Sends several in order, by one call if the queue has one.
    ///
    /// # Errors
    /// It failed.
    fn send_batch(&mut self, messages: &[&[u8]]) -> Result<()> {
        messages.iter().try_for_each(|message| self.send(message))
    }

    /// Sends several, each with its ordering key.
    ///
    /// # Errors
    /// It cannot, or failed.
    fn send_keyed(&mut self, messages: &[(&[u8], u64)]) -> Result<()> {
        let _ = messages;
        bail!("it knows no ordering keys");
    }

    /// Sends several that nobody may receive before their delay is over.
    ///
    /// # Errors
    /// It cannot, or failed.
    fn send_delayed(&mut self, messages: &[(&[u8], Duration)]) -> Result<()> {
        let _ = messages;
        bail!("it cannot delay a message");
    }
}

/// Receives for one thread.
pub trait Receiver {
    /// Takes up to `count_max` messages so that nobody else has them, waiting at most `wait` for the first, shows each,
    /// and acks them; by one call for all if there is one. Says how many; that they are acked has reached the queue's
    /// level.
    ///
    /// # Errors
    /// It failed.
    fn work(&mut self, count_max: usize, wait: Duration, each: &mut dyn FnMut(&[u8])) -> Result<usize>;
}

/// Opens or makes the queue in a directory, which exists.
pub type Open = fn(&Path, Level) -> Result<Box<dyn Queue>>;

/// A queue, by what it can.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Names it in the tables.
    pub name: &'static str,
    /// As what it takes part.
    pub role: Role,
    /// What its verbs can wait for.
    pub levels: &'static [Level],
    /// Opens it.
    pub open: Open,
    /// Delays messages, and by how much more than it was asked to at most.
    pub delays: Option<Duration>,
    /// Knows ordering keys.
    pub keys: bool,
    /// Takes so long for a million of messages that a quick run has no time for it.
    pub fills_slowly: bool,
}

impl Peer {
    /// A queue that can send, receive and ack.
    pub fn new(name: &'static str, levels: &'static [Level], open: Open) -> Self {
        Self { name, role: Role::Rival, levels, open, delays: None, keys: false, fills_slowly: false }
    }

    /// In another role than that of a rival.
    pub fn role(self, role: Role) -> Self {
        Self { role, ..self }
    }

    /// Takes part in quick runs only where nothing waits.
    pub fn fills_slowly(self) -> Self {
        Self { fills_slowly: true, ..self }
    }

    /// Has [`Sender::send_keyed`].
    pub fn keys(self) -> Self {
        Self { keys: true, ..self }
    }

    /// Has [`Sender::send_delayed`], which rounds delays up to multiples of `unit`.
    pub fn delays(self, unit: Duration) -> Self {
        Self { delays: Some(unit), ..self }
    }
}
