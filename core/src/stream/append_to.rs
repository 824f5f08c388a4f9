//! Appending where the caller says: to a partition, by a partitioner of its own, or only where a partition ends as expected.
//!
//! **Promise.** A partitioner is asked, and what it says is checked, before anything is claimed and without a lock: if it panics,
//! nothing was appended.

use crate::error::{Error, Result};
use crate::journal::{Ends, Receipt};
use crate::message::{Message, safest};
use crate::stream::Stream;
use crate::stream::append::draft;
use crate::stream::guard::Guard;
use crate::stream::partitioner::Custom;
use crate::stream::record::Position;
use crate::stream::shared::Shared;

impl Stream {
    /// The same stream, with a partitioner of its own for everything that is appended by the handle returned, and its clones. It
    /// is given the key, the record and the number of partitions; it is not stored. Records of a key that always goes to the same
    /// partition keep their order.
    ///
    /// A choice that there is not is refused with `InvalidArgument`; a panic goes on to whoever appends. Either way nothing was
    /// appended.
    ///
    /// ```
    /// use ringmain::{Hub, Message};
    /// let flights = Hub::memory().stream("flights").partitions(3).open()?;
    /// let by_carrier = flights.partitioner(|key, _, count| match key {
    ///     Some(key) if key.starts_with(b"UA") => 0, // has one of its own
    ///     Some(key) => 1 + u32::from(key[0]) % (count - 1),
    ///     None => 1,
    /// });
    /// assert_eq!(by_carrier.append(Message::new(b"EWR-IAH").key("UA1"))?.partition, 0);
    /// assert_ne!(by_carrier.append(Message::new(b"JFK-SFO").key("DL9"))?.partition, 0);
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    pub fn partitioner(
        &self,
        choose: impl Fn(Option<&[u8]>, &Message<'_>, u32) -> u32 + Send + Sync + 'static,
    ) -> Self {
        Self { custom: Some(Custom::new(choose)), ..self.clone() }
    }

    /// As [`append`](Self::append), to this partition whatever the key.
    ///
    /// ```
    /// # use ringmain::{Hub, Message};
    /// let flights = Hub::memory().stream("flights").partitions(4).open()?;
    /// assert_eq!(flights.append_to(3, Message::new(b"EWR-IAH").key("N14228"))?.partition, 3);
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// `NotFound` if there is no such partition; as [`append`](Self::append).
    pub fn append_to(&self, partition: u32, message: Message<'_>) -> Result<Position> {
        self.submit_to(partition, message)?.wait()
    }

    /// As [`append_batch`](Self::append_batch), to this partition whatever the keys: one atomic batch.
    ///
    /// # Errors
    /// As [`append_to`](Self::append_to); nothing was appended.
    pub fn append_batch_to(&self, partition: u32, messages: &[Message<'_>]) -> Result<Vec<Position>> {
        self.submit_batch_to(partition, messages)?.wait()
    }

    /// As [`append_to`](Self::append_to), and does not wait: the receipt does.
    ///
    /// # Errors
    /// As [`append_to`](Self::append_to).
    pub fn submit_to(&self, partition: u32, message: Message<'_>) -> Result<Receipt<Position>> {
        self.shared.submit_to(partition, &message)
    }

    /// As [`append_batch_to`](Self::append_batch_to), and does not wait: the receipt does.
    ///
    /// # Errors
    /// As [`append_to`](Self::append_to); nothing was appended.
    pub fn submit_batch_to(
        &self,
        partition: u32,
        messages: &[Message<'_>],
    ) -> Result<Receipt<Vec<Position>>> {
        self.shared.submit_batch_to(partition, messages)
    }

    /// Appends to a partition as one atomic batch, but only if it ends at this offset: of several who read up to there and append
    /// what follows from it, one succeeds. Nobody else waits for that, and no lock is taken.
    ///
    /// ```
    /// use ringmain::{Error, Hub, Message};
    /// let ledger = Hub::memory().stream("ledger").open()?;
    /// ledger.append_expecting(0, 0, &[Message::new(b"opened")])?;
    /// let late = ledger.append_expecting(0, 0, &[Message::new(b"opened, too")]);
    /// assert!(matches!(late, Err(Error::Conflict { expected: 0, actual: 1, .. })));
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Conflict` saying where it ends; `NotFound`; `InvalidArgument` for no messages; as [`append`](Self::append). Nothing was
    /// appended, unless it is `Poisoned`.
    pub fn append_expecting(
        &self,
        partition: u32,
        end: u64,
        messages: &[Message<'_>],
    ) -> Result<Vec<Position>> {
        self.shared.append_expecting(partition, end, messages)
    }
}

impl Shared {
    fn receipt<T>(&self, messages: &[Message<'_>], ends: Ends, value: T) -> Receipt<T> {
        Receipt::new(&self.journal, safest(messages).into(), ends, value)
    }

    fn submit_to(&self, partition: u32, message: &Message<'_>) -> Result<Receipt<Position>> {
        let messages = std::slice::from_ref(message);
        let now_ns = self.admit(messages)?.now_ns;
        let log = self.partition(partition)?;
        let guard = self.let_in(messages, |_| partition)?;
        let appended = log.append_each(messages.iter().map(|message| draft(message, now_ns)))?;
        guard.into_iter().for_each(Guard::appended);
        self.upkeep().notice(partition, appended.end);
        let position = Position { partition, offset: appended.sequence };
        Ok(self.receipt(messages, vec![(log.clone(), appended.end)], position))
    }

    fn submit_batch_to(&self, partition: u32, messages: &[Message<'_>]) -> Result<Receipt<Vec<Position>>> {
        let batch = self.admit(messages)?;
        let (positions, ends) = self.take_together(messages, partition, &batch)?;
        Ok(self.receipt(messages, ends, positions))
    }

    pub(super) fn submit_by(&self, custom: &Custom, message: &Message<'_>) -> Result<Receipt<Position>> {
        self.submit_to(custom.partition(message, self.partition_count())?, message)
    }

    pub(super) fn append_by(&self, custom: &Custom, message: &Message<'_>) -> Result<Position> {
        self.submit_by(custom, message)?.wait()
    }

    pub(super) fn submit_batch_by(
        &self,
        custom: &Custom,
        messages: &[Message<'_>],
    ) -> Result<Receipt<Vec<Position>>> {
        let now_ns = self.admit(messages)?.now_ns;
        let count = self.partition_count();
        let routes: Vec<u32> =
            messages.iter().map(|message| custom.partition(message, count)).collect::<Result<_>>()?;
        let (positions, ends) = self.take_scattered(messages, |index| routes[index], now_ns)?;
        Ok(self.receipt(messages, ends, positions))
    }

    pub(super) fn append_batch_by(&self, custom: &Custom, messages: &[Message<'_>]) -> Result<Vec<Position>> {
        self.submit_batch_by(custom, messages)?.wait()
    }

    fn append_expecting(
        &self,
        partition: u32,
        expected: u64,
        messages: &[Message<'_>],
    ) -> Result<Vec<Position>> {
        let now_ns = self.admit(messages)?.now_ns;
        let log = self.partition(partition)?;
        let guard = self.let_in(messages, |_| partition)?;
        let drafts = messages.iter().map(|message| draft(message, now_ns));
        let appended = log.append_at(expected, drafts)?.map_err(|actual| Error::Conflict {
            stream: self.name.clone(),
            partition,
            expected,
            actual,
        })?;
        guard.into_iter().for_each(Guard::appended);
        self.upkeep().notice(partition, appended.end);
        self.journal.commit_at(log, appended.end, safest(messages).into())?;
        let offsets = appended.sequence..appended.sequence + messages.len() as u64;
        Ok(offsets.map(|offset| Position { partition, offset }).collect())
    }
}
