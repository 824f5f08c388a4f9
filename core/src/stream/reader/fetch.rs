//! Fetching with limits: at least so many bytes, at most so many, so long.

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
    fn check(&self) -> Result<()> {
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
}

/// What a fetch has so far.
#[derive(Debug, Default)]
struct Gathered {
    records: Vec<Record>,
    bytes: u64,
    /// The next record does not fit.
    is_full: bool,
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
        let stream = self.stream.clone();
        let deadline_ns = stream.now_ns().saturating_add(duration_ns(fetch.wait_max));
        let mut gathered = Gathered::default();
        let fetched = stream.wait_by(deadline_ns, || match self.gather(fetch, &mut gathered) {
            Ok(true) => Some(Ok(())),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        });
        fetched.unwrap_or(Ok(())).map(|()| gathered.records)
    }

    /// Takes what is there now. True: there is nothing to wait for.
    fn gather(&mut self, fetch: &Fetch, gathered: &mut Gathered) -> Result<bool> {
        let Gathered { records, bytes, is_full } = gathered;
        let ask = Ask { count_max: fetch.count_max - records.len(), is_first: records.is_empty() };
        let taken = self.read_each(ask, |found| {
            if !records.is_empty() && bytes.saturating_add(found.bytes()) > fetch.bytes_max {
                *is_full = true;
                return false;
            }
            *bytes += found.bytes();
            records.push(found.record());
            true
        })?;
        let is_enough = *is_full || *bytes >= fetch.bytes_min || records.len() >= fetch.count_max;
        Ok(is_enough || taken.is_cut || self.is_over())
    }
}
