//! Filling a batch in slices of a wait, so that Ctrl-C works, with the limits that the core's own `fetch` has.
//!
//! An error that comes when there is something already is told by the next call, as the core does.

use crate::call::forget_raised;
use ringmain::{Error, Fetch, Record, Result};
use std::time::{Duration, Instant};

/// A reader or a member, and what its last call left to be told.
pub struct Source<T> {
    pub inner: T,
    later: Option<Error>,
}

/// What filling a batch needs.
pub trait Reads {
    /// Up to `count` records, waiting at most so long for the first.
    fn poll(&mut self, count: usize, wait: Duration) -> Result<Vec<Record>>;
    /// As many as that says.
    fn fetch(&mut self, fetch: &Fetch) -> Result<Vec<Record>>;
    /// Goes back, so that a record comes again.
    fn take_back(&mut self, record: &Record);
    /// Whether there is nothing to wait for.
    fn is_over(&self) -> bool;
}

impl<T: Reads> Source<T> {
    pub fn new(inner: T) -> Self {
        Self { inner, later: None }
    }

    /// Tells what the last call left.
    pub fn begin(&mut self) -> Result<()> {
        self.later.take().map_or(Ok(()), Err)
    }

    /// Up to `count` records; `None`: nothing yet.
    pub fn poll(&mut self, count: usize, wait: Duration) -> Result<Option<Vec<Record>>> {
        self.begin()?;
        let records = self.inner.poll(count, wait)?;
        Ok((!records.is_empty() || self.inner.is_over()).then_some(records))
    }
}

/// A batch that is being filled.
pub struct Filling {
    fetch: Fetch,
    records: Vec<Record>,
    bytes: u64,
    /// When it is over.
    deadline: Option<Instant>,
    /// Whether the time begins with the first record.
    from_first: bool,
}

impl Filling {
    /// As many as that says, from now on.
    pub fn fetch(fetch: Fetch) -> Self {
        let deadline = Instant::now().checked_add(fetch.wait_max);
        Self { fetch, records: Vec::new(), bytes: 0, deadline, from_first: false }
    }

    /// So many, or what there is so long after the first.
    pub fn batch(count_max: usize, fill_wait: Duration) -> Self {
        let fetch = Fetch { bytes_min: u64::MAX, bytes_max: u64::MAX, count_max, wait_max: fill_wait };
        Self { fetch, records: Vec::new(), bytes: 0, deadline: None, from_first: true }
    }

    /// Whether it has some.
    pub fn is_begun(&self) -> bool {
        !self.records.is_empty()
    }

    /// Takes what comes within a slice. `Some`: it is as full as it gets.
    pub fn fill<T: Reads>(&mut self, source: &mut Source<T>, slice: Duration) -> Result<Option<Vec<Record>>> {
        if self.records.is_empty() {
            source.begin()?;
        }
        let left = match self.deadline {
            Some(deadline) => deadline.saturating_duration_since(Instant::now()),
            None => slice,
        };
        let found = self.more(&mut source.inner, left.min(slice));
        match found {
            Ok(is_full) => {
                if self.from_first && self.deadline.is_none() && !self.records.is_empty() {
                    self.deadline = Instant::now().checked_add(self.fetch.wait_max);
                }
                let is_late = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
                let is_over = is_full || is_late || source.inner.is_over();
                Ok(is_over.then(|| std::mem::take(&mut self.records)))
            }
            Err(error) if self.records.is_empty() => Err(error),
            Err(error) => {
                // What the program's filter raised it raises again: the reader has gone back to where that was.
                if !forget_raised() {
                    source.later = Some(error);
                }
                Ok(Some(std::mem::take(&mut self.records)))
            }
        }
    }

    /// Takes more; whether that is enough.
    fn more(&mut self, source: &mut impl Reads, wait: Duration) -> Result<bool> {
        let is_first = self.records.is_empty();
        let fetch = if is_first {
            Fetch { wait_max: wait, ..self.fetch }
        } else {
            let bytes_max = self.fetch.bytes_max.saturating_sub(self.bytes).max(1);
            Fetch {
                bytes_min: self.fetch.bytes_min.saturating_sub(self.bytes).clamp(1, bytes_max),
                bytes_max,
                count_max: self.fetch.count_max - self.records.len(),
                wait_max: wait,
            }
        };
        // The first record of a batch is what begins the time: not to be waited for with the rest.
        let found = if self.from_first && is_first {
            source.poll(fetch.count_max, wait)?
        } else {
            source.fetch(&fetch)?
        };
        let bytes: u64 = found.iter().map(record_bytes).sum();
        let mut found = found.into_iter();
        if !is_first
            && self.bytes.saturating_add(bytes) > self.fetch.bytes_max
            && let Some(record) = found.next()
        {
            // The core takes a first record of any size: it was not the first here.
            source.take_back(&record);
            return Ok(true);
        }
        self.records.extend(found);
        self.bytes = self.bytes.saturating_add(bytes);
        Ok(self.bytes >= self.fetch.bytes_min || self.records.len() >= self.fetch.count_max)
    }
}

/// Bytes of a record in the log: about what the core counts.
fn record_bytes(record: &Record) -> u64 {
    let headers: usize = record.headers().map(|(name, value)| name.len() + value.len()).sum();
    (24 + record.key().map_or(0, <[u8]>::len) + headers + record.value().len()) as u64
}
