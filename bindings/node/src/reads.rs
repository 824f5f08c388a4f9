//! What readers and members have in common: they hand out records, packed into memory that JavaScript owns, and remember where they
//! are.
//!
//! **Protocol.** A call that hands out records is given a buffer and a place in it. It returns how many bytes it has written there,
//! or one of these numbers, or what is lower: so many bytes (negated) are needed, which [`Place::take`] gives.
//!
//! ```text
//! 0 WAITING   nothing yet: the port is called when there may be    -1 OVER    nothing, and there never will be
//! -2 AGAIN    nothing so far, ask again                            -3 FULL    the next record is more than was asked for
//! ```

use crate::argument;
use crate::codec;
use crate::error::catch;
use crate::handle::Held;
use crate::hot;
use crate::registry::{SharedHub, lock};
use crate::wake::{Poller, WakeFunction};
use napi::bindgen_prelude::BufferSlice;
use ringmain::{Error, Fetch, Member, Reader, Record};
use std::sync::{Arc, Mutex, OnceLock, TryLockError};
use std::task::{Context, Poll};
use std::time::Duration;

pub(crate) const WAITING: f64 = 0.0;
pub(crate) const OVER: f64 = -1.0;
const AGAIN: f64 = -2.0;
const FULL: f64 = -3.0;

/// What a record has in the log beside its key, its headers and its value.
const RECORD_BYTES: u64 = 24;
/// Packed bytes of which the memory is kept for the next call.
const KEPT_BYTES_MAX: usize = 1 << 20;

/// How much one call takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask {
    pub(crate) count: usize,
    /// At most so many bytes.
    pub(crate) bytes_max: Option<u64>,
    /// The first record may have more.
    pub(crate) is_first: bool,
}

impl Ask {
    /// Not a number is no limit.
    pub(crate) fn new(count: f64, bytes_max: f64, is_first: bool) -> ringmain::Result<Self> {
        let limit = || argument::whole("bytesMax", bytes_max, 1, u64::MAX);
        let bytes_max = if bytes_max.is_nan() { None } else { Some(limit()?) };
        Ok(Self { count: argument::count(count)?, bytes_max, is_first })
    }
}

/// A reader or a member.
pub(crate) trait Reads {
    const WHAT: &'static str;
    fn read(&mut self, count_max: usize, wait: Duration) -> ringmain::Result<Vec<Record>>;
    /// What is there now. None: nothing at all.
    fn read_now(&mut self, count_max: usize) -> ringmain::Result<Vec<Record>>;
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        count_max: usize,
    ) -> Poll<ringmain::Result<Vec<Record>>>;
    fn fetch_now(&mut self, fetch: &Fetch) -> ringmain::Result<Vec<Record>>;
    fn seek_to(&mut self, partition: u32, offset: u64) -> ringmain::Result<()>;
    fn is_over(&self) -> bool;
}

macro_rules! reads {
    ($type:ty, $what:literal, $read_now:expr, $is_over:expr) => {
        impl Reads for $type {
            const WHAT: &'static str = $what;
            fn read(&mut self, count_max: usize, wait: Duration) -> ringmain::Result<Vec<Record>> {
                self.poll(count_max, wait)
            }
            fn read_now(&mut self, count_max: usize) -> ringmain::Result<Vec<Record>> {
                ($read_now)(self, count_max)
            }
            fn poll_read(
                &mut self,
                context: &mut Context<'_>,
                count_max: usize,
            ) -> Poll<ringmain::Result<Vec<Record>>> {
                self.poll_records(context, count_max)
            }
            fn fetch_now(&mut self, fetch: &Fetch) -> ringmain::Result<Vec<Record>> {
                self.fetch(fetch)
            }
            fn seek_to(&mut self, partition: u32, offset: u64) -> ringmain::Result<()> {
                self.seek(partition, offset)
            }
            fn is_over(&self) -> bool {
                ($is_over)(self)
            }
        }
    };
}
reads!(Reader, "reader", read_now, Reader::is_done);
reads!(Member, "member", |member: &mut Member, count| member.poll(count, Duration::ZERO), |_: &Member| false);

/// A poll of a reader with a filter may return with nothing although there is more to look at; its iterator does not.
fn read_now(reader: &mut Reader, count_max: usize) -> ringmain::Result<Vec<Record>> {
    let Some(first) = reader.next().transpose()? else { return Ok(Vec::new()) };
    let mut records = vec![first];
    if count_max > 1 {
        // What is left of an error is found again by the next call.
        records.extend(reader.poll(count_max - 1, Duration::ZERO).unwrap_or_default());
    }
    Ok(records)
}

/// A reader or member until it is closed. The lock is there because a verb may run on the pool.
pub(crate) struct Place<T> {
    pub(crate) hub: Arc<SharedHub>,
    inner: Mutex<Option<Held<T>>>,
    poller: Poller,
    packed: Packed,
}

impl<T: Reads> Place<T> {
    pub(crate) fn new(hub: Arc<SharedHub>, inner: T) -> Self {
        let inner = Mutex::new(Some(Held::new(inner)));
        Self { hub, inner, poller: Poller::default(), packed: Packed::default() }
    }

    pub(crate) fn with<R>(&self, verb: impl FnOnce(&mut T) -> ringmain::Result<R>) -> ringmain::Result<R> {
        self.hub.check()?;
        verb(lock(&self.inner).as_mut().ok_or(Error::Closed { what: T::WHAT })?)
    }

    /// The packed records for which a buffer was too small.
    pub(crate) fn take(&self, target: &mut BufferSlice<'_>) -> ringmain::Result<()> {
        self.packed.take(target)
    }

    pub(crate) fn seek(&self, partition: f64, offset: f64) -> ringmain::Result<()> {
        let (partition, offset) = (argument::partition(partition)?, argument::offset("offset", offset)?);
        self.with(|reads| reads.seek_to(partition, offset))
    }

    pub(crate) fn close(&self) -> ringmain::Result<T> {
        lock(&self.inner).take().map(Held::into_inner).ok_or(Error::Closed { what: T::WHAT })
    }

    fn hand_out(&self, reads: &T, records: &[Record], target: &mut [u8], none: f64) -> f64 {
        if !records.is_empty() {
            return self.packed.put(records, target);
        }
        if reads.is_over() { OVER } else { none }
    }
}

/// A reader or a member as the callbacks of a room know it.
pub(crate) trait Source {
    /// Blocks at most `wait_ms` for the first record.
    fn receive(&self, target: &mut [u8], count: f64, wait_ms: f64) -> ringmain::Result<f64>;

    /// What is there now; else `function` is called with `token` when something may be.
    fn poll(
        &self,
        target: &mut [u8],
        ask: Ask,
        function: &Arc<WakeFunction>,
        token: u32,
    ) -> ringmain::Result<f64>;
}

impl<T: Reads> Source for Place<T> {
    fn receive(&self, target: &mut [u8], count: f64, wait_ms: f64) -> ringmain::Result<f64> {
        let (count, wait) = (argument::count(count)?, argument::milliseconds("timeoutMs", wait_ms)?);
        self.with(|reads| {
            let records = if wait.is_zero() { reads.read_now(count)? } else { reads.read(count, wait)? };
            Ok(self.hand_out(reads, &records, target, WAITING))
        })
    }

    fn poll(
        &self,
        target: &mut [u8],
        ask: Ask,
        function: &Arc<WakeFunction>,
        token: u32,
    ) -> ringmain::Result<f64> {
        self.hub.check()?;
        let mut inner = match self.inner.try_lock() {
            Ok(inner) => inner,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // A verb on the pool has it; JavaScript asks again after that.
            Err(TryLockError::WouldBlock) => return Ok(WAITING),
        };
        let reads = inner.as_mut().ok_or(Error::Closed { what: T::WHAT })?;
        let Some(bytes_max) = ask.bytes_max else {
            let polled =
                self.poller.poll_at(function, token, |context| reads.poll_read(context, ask.count))?;
            return Ok(polled.map_or(WAITING, |records| self.hand_out(reads, &records, target, AGAIN)));
        };
        let fetch = Fetch { bytes_min: 1, bytes_max, count_max: ask.count, wait_max: Duration::ZERO };
        let mut records = reads.fetch_now(&fetch)?;
        if records.is_empty() {
            // One, so that its waker is known to the stream; what else came just now, the next call takes.
            match self.poller.poll_at(function, token, |context| reads.poll_read(context, 1))? {
                Some(polled) => records = polled,
                None => return Ok(WAITING),
            }
        }
        if let (false, Some(first)) = (ask.is_first, records.first())
            && bytes_of(first) > bytes_max
        {
            reads.seek_to(first.partition(), first.offset())?;
            return Ok(FULL);
        }
        Ok(self.hand_out(reads, &records, target, AGAIN))
    }
}

/// The number of a source in the room of the thread that first asked for it; dropped, it leaves the room.
#[derive(Debug, Default)]
pub(crate) struct Entry(OnceLock<u32>);

impl Entry {
    pub(crate) fn number(&self, source: Arc<dyn Source>) -> ringmain::Result<u32> {
        let room = hot::room()?;
        Ok(*self.0.get_or_init(|| room.enter_source(source)))
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        // At the end of the environment the room has gone first.
        let _ = catch(|| {
            if let Some(number) = self.0.get() {
                hot::room()?.leave_source(*number);
            }
            Ok(())
        });
    }
}

/// About the bytes of a record in the log.
fn bytes_of(record: &Record) -> u64 {
    let headers: usize = record.headers().map(|(name, value)| name.len() + value.len()).sum();
    let bytes = record.key().map_or(0, <[u8]>::len) + headers + record.value().len();
    RECORD_BYTES + bytes as u64
}

/// Records packed for JavaScript, kept while its buffer is too small for them.
#[derive(Debug, Default)]
pub(crate) struct Packed(Mutex<Vec<u8>>);

impl Packed {
    /// Packs into the buffer. How many bytes; negative if it has not as many.
    pub(crate) fn put(&self, records: &[Record], target: &mut [u8]) -> f64 {
        let mut packed = lock(&self.0);
        packed.clear();
        records.iter().for_each(|record| codec::pack_record(&mut packed, record));
        let bytes = packed.len();
        match target.get_mut(..bytes) {
            Some(place) => {
                place.copy_from_slice(&packed);
                packed.clear();
                packed.shrink_to(KEPT_BYTES_MAX);
                bytes as f64
            }
            None => -(bytes as f64),
        }
    }

    /// What did not fit.
    pub(crate) fn take(&self, target: &mut BufferSlice<'_>) -> ringmain::Result<()> {
        let packed = std::mem::take(&mut *lock(&self.0));
        let Some(place) = target.get_mut(..packed.len()) else {
            let detail = format!("{} bytes are too few for {}", target.len(), packed.len());
            return Err(Error::invalid("target", detail));
        };
        place.copy_from_slice(&packed);
        Ok(())
    }
}
