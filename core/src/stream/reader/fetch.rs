//! Fetching with limits: at least so many bytes, at most so many, so long; and batches that wait for more once they have begun.

use crate::error::{Error, Result};
use crate::message::duration_ns;
use crate::stream::reader::{Ask, Reader, check_count};
use crate::stream::record::Record;
use std::time::Duration;

/// How much [`Reader::fetch`] takes, and how long it waits for that. Bytes are those of the records in the log: key, headers and
/// value, and 24 bytes each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetch {
    /// It waits until there are so many bytes. Default 1: for the first record.
    pub bytes_min: u64,
    /// It takes no more bytes than this, but a first record that has more all the same. Default 1 MiB.
    pub bytes_max: u64,
    /// It takes no more records than this, 1 to 65,536. Default 500.
    pub count_max: usize,
    /// It waits no longer than this on the hub's clock, and returns what there is, be it nothing. Default 500 ms.
    pub wait_max: Duration,
}

impl Default for Fetch {
    fn default() -> Self {
        Self { bytes_min: 1, bytes_max: 1 << 20, count_max: 500, wait_max: Duration::from_millis(500) }
    }
}

impl Fetch {
    pub(crate) fn check(&self) -> Result<()> {
        check_count(self.count_max)?;
        let Self { bytes_min, bytes_max, .. } = self;
        if *bytes_min == 0 {
            return Err(Error::invalid(
                "bytes_min",
                "0 is not allowed; at least 1 is, which waits for the first record",
            ));
        }
        if bytes_min > bytes_max {
            let detail = format!("{bytes_min} is more than bytes_max, {bytes_max}; raise that or lower this");
            return Err(Error::invalid("bytes_min", detail));
        }
        Ok(())
    }

    /// What fills a batch that has so many, if it is one and not full.
    pub(crate) fn rest(count: usize, count_max: usize, wait_max: Duration) -> Option<Self> {
        let is_open = (1..count_max).contains(&count);
        is_open.then(|| Self {
            bytes_min: u64::MAX,
            bytes_max: u64::MAX,
            count_max: count_max - count,
            wait_max,
        })
    }
}

/// What a fetch has so far.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) records: Vec<Record>,
    bytes: u64,
    /// The next record does not fit.
    is_full: bool,
    /// There are others from before.
    is_more: bool,
}

impl Gathered {
    /// Nothing yet, to be added to what there is.
    pub(crate) fn more() -> Self {
        Self { is_more: true, ..Self::default() }
    }

    /// Whether the caller has something: then an error is left for the next call.
    pub(crate) fn has_some(&self) -> bool {
        self.is_more || !self.records.is_empty()
    }
}

impl Reader {
    /// Records as many as [`Fetch`] says. Nothing is looked at while nothing comes: appending wakes it.
    ///
    /// ```
    /// use ringmain::{Fetch, Hub, Message, Start};
    /// let flights = Hub::memory().stream("flights").open()?;
    /// flights.append_batch(&vec![Message::new("EWR"); 700])?;
    /// let mut reader = flights.reader(Start::Earliest)?;
    /// assert_eq!(reader.fetch(&Fetch::default())?.len(), 500);
    /// assert_eq!(reader.fetch(&Fetch { bytes_max: 100, ..Fetch::default() })?.len(), 3);
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidArgument`; otherwise as [`poll`](Self::poll). An error that comes while it waits for more than it has is told by the
    /// next call.
    pub fn fetch(&mut self, fetch: &Fetch) -> Result<Vec<Record>> {
        fetch.check()?;
        self.fill(fetch, Gathered::default())
    }

    /// As [`poll`](Self::poll), and then waits for more, until there are `count_max`, or at most `fill_wait` since the first came, on the
    /// hub's clock, whether more come or not: a micro-batch.
    ///
    /// ```
    /// use ringmain::{Hub, Message, Start};
    /// use std::time::Duration;
    /// let flights = Hub::memory().stream("flights").open()?;
    /// flights.append_batch(&vec![Message::new("EWR"); 30])?;
    /// let mut reader = flights.reader(Start::Earliest)?;
    /// assert_eq!(reader.poll_batch(20, Duration::from_secs(5), Duration::MAX)?.len(), 20);
    /// assert_eq!(reader.poll_batch(20, Duration::ZERO, Duration::MAX)?.len(), 10, "does not wait for more");
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch).
    pub fn poll_batch(
        &mut self,
        count_max: usize,
        fill_wait: Duration,
        wait: Duration,
    ) -> Result<Vec<Record>> {
        let mut records = self.poll(count_max, wait)?;
        if let Some(rest) = Fetch::rest(records.len(), count_max, fill_wait) {
            records.extend(self.fill(&rest, Gathered::more())?);
        }
        Ok(records)
    }

    /// Waits for as many as that says, of which there may be some.
    fn fill(&mut self, fetch: &Fetch, mut gathered: Gathered) -> Result<Vec<Record>> {
        let stream = self.stream.clone();
        let deadline_ns = stream.now_ns().saturating_add(duration_ns(fetch.wait_max));
        let filled = stream.wait_by(deadline_ns, || self.gather(fetch, &mut gathered));
        filled.unwrap_or(Ok(())).map(|()| gathered.records)
    }

    /// Takes what is there now. None: there is more to wait for.
    pub(crate) fn gather(&mut self, fetch: &Fetch, gathered: &mut Gathered) -> Option<Result<()>> {
        let is_first = !gathered.has_some();
        let Gathered { records, bytes, is_full, .. } = gathered;
        let ask = Ask { count_max: fetch.count_max - records.len(), is_first };
        let taken = self.read_each(ask, |found| {
            if !records.is_empty() && bytes.saturating_add(found.bytes()) > fetch.bytes_max {
                *is_full = true;
                return false;
            }
            *bytes += found.bytes();
            records.push(found.record());
            true
        });
        match taken {
            Ok(taken) => {
                let is_enough = *is_full || *bytes >= fetch.bytes_min || records.len() >= fetch.count_max;
                (is_enough || taken.is_cut || self.is_over()).then_some(Ok(()))
            }
            Err(error) => Some(Err(error)),
        }
    }
}
