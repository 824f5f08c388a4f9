//! A reader of a stream: its own place in each partition that it reads.
//!
//! | file | what |
//! |---|---|
//! | `place` | the place in one partition, and the walk over its records |
//! | `bounded`, `filter`, `reset` | where it ends, what it wants, what it does when its place was removed |
//! | `fetch`, `follow`, `replay` | taking with limits, waiting for what comes, handing out at the original pace |
//! | `time` | finding an offset by a time |

mod bounded;
mod fetch;
mod filter;
mod follow;
mod place;
mod replay;
mod reset;
mod time;

pub use bounded::End;
pub use fetch::Fetch;
pub(crate) use fetch::Gathered;
pub use filter::Filter;
pub use follow::{Canceller, Follow};
pub(crate) use place::{Found, PartitionReader, resolve};
pub use replay::{Pace, Replay, TimeOf};
pub use reset::Reset;

use crate::error::{Error, Result};
use crate::limits::{FILTER_LOOK_COUNT_MAX, RECEIVE_COUNT_MAX};
use crate::stream::record::{Record, RecordRef};
use crate::stream::shared::Shared;
use crate::sync::{AtomicBool, yield_now};
use place::Verdict;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Records shown of one partition before the others get their turn.
const TURN_COUNT: usize = 256;

/// A call that waits, and that comes after one which got at least this many records and no more than there were, lets records gather
/// first (ADR 15): a reader that is at the heels of a busy producer takes each line of the log out of its cache.
const BUSY_COUNT_MIN: usize = 32;
/// For so long.
const GATHER: Duration = Duration::from_micros(10);

/// Where a reader begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the first record held.
    Earliest,
    /// After the last record.
    Latest,
    /// At this offset, in each partition that is read; `OutOfRange` if it is not held.
    Offset(u64),
    /// At the first record accepted at or after this time, in nanoseconds since 1970; the end if there is none.
    Time(u64),
}

/// Reads a stream at its own pace; nobody waits for it, unless the stream [is to](crate::StreamBuilder::slow_readers). As an iterator it ends at the end of what is there;
/// [`poll`](Reader::poll), [`fetch`](Reader::fetch) and [`follow`](Reader::follow) wait for more. Order is kept within a partition.
///
/// Where the records that it would read next were removed, because they are too old or too many for the stream's options, it
/// says so by [`Error::OutOfRange`], again and again until [`seek`](Reader::seek) takes it to an offset that is held, or once, and
/// goes on, if [`on_out_of_range`](Reader::on_out_of_range) says where. Records that are removed while a call shows them may be
/// shown by it to their segment's end.
#[derive(Debug)]
pub struct Reader {
    stream: Arc<Shared>,
    partitions: Vec<PartitionReader>,
    /// Whose turn it is, and how many it has had.
    turn: usize,
    shown: usize,
    filter: Option<Arc<Filter>>,
    reset: Reset,
    /// Whether it was told an end; the time of one that is still to come.
    is_bounded: bool,
    until_ns: Option<u64>,
    is_cancelled: Arc<AtomicBool>,
    /// The last call got much, and all that there was.
    is_at_heels: bool,
    /// Somebody who appends may wait for it.
    is_gated: bool,
}

/// What a call asks for.
#[derive(Debug, Clone, Copy)]
struct Ask {
    count_max: usize,
    /// It has nothing yet: an error is told, and not left for the next call.
    is_first: bool,
}

impl Ask {
    fn new(count_max: usize) -> Self {
        Self { count_max, is_first: true }
    }
}

/// What a call got.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Taken {
    count: usize,
    /// It ended before everything was looked at.
    pub(crate) is_cut: bool,
}

fn check_count(count_max: usize) -> Result<()> {
    if count_max == 0 || count_max > RECEIVE_COUNT_MAX {
        let detail = format!("{count_max} is not allowed; 1 to {RECEIVE_COUNT_MAX} are");
        return Err(Error::invalid("count_max", detail));
    }
    Ok(())
}

impl Reader {
    pub(crate) fn new(stream: Arc<Shared>, partitions: Vec<PartitionReader>) -> Self {
        Self {
            is_gated: partitions.iter().any(PartitionReader::is_gated),
            stream,
            partitions,
            turn: 0,
            shown: 0,
            filter: None,
            reset: Reset::Fail,
            is_bounded: false,
            until_ns: None,
            is_cancelled: Arc::new(AtomicBool::new(false)),
            is_at_heels: false,
        }
    }

    /// One for each partition, which are cancelled together.
    fn split(self) -> Vec<Self> {
        let Self { stream, partitions, filter, reset, is_bounded, until_ns, is_cancelled, .. } = self;
        let reader = |partition| Self {
            filter: filter.clone(),
            reset,
            is_bounded,
            until_ns,
            is_cancelled: is_cancelled.clone(),
            ..Self::new(stream.clone(), vec![partition])
        };
        partitions.into_iter().map(reader).collect()
    }

    pub(crate) fn partitions(&self) -> &[PartitionReader] {
        &self.partitions
    }

    /// Reads these partitions from now on.
    pub(crate) fn set_partitions(&mut self, partitions: Vec<PartitionReader>) {
        self.is_gated = partitions.iter().any(PartitionReader::is_gated);
        (self.partitions, self.turn, self.shown) = (partitions, 0, 0);
    }

    pub(crate) fn take_partitions(&mut self) -> Vec<PartitionReader> {
        std::mem::take(&mut self.partitions)
    }

    /// Passes over what that does not want.
    pub(crate) fn set_filter(&mut self, filter: Option<Filter>) {
        self.filter = filter.map(Arc::new);
    }

    /// Reads nothing of those partitions for now, and of the others.
    pub(crate) fn pause(&mut self, is_paused: impl Fn(u32) -> bool) {
        for partition in &mut self.partitions {
            partition.is_paused = is_paused(partition.partition);
        }
    }

    /// Goes on behind what this says to be over with, where a place is in it.
    pub(crate) fn pass_over(&mut self, end_of: impl Fn(u32, u64) -> Option<u64>) -> Result<()> {
        for place in &mut self.partitions {
            if let Some(end) = end_of(place.partition, place.offset()) {
                place.go_to(end)?;
            }
        }
        Ok(())
    }

    fn next_turn(&mut self) {
        self.turn = (self.turn + 1) % self.partitions.len().max(1);
        self.shown = 0;
        self.look_at_clock();
    }

    /// Waits a moment, away from what producers write, if they are just ahead. Others may use the processor meanwhile.
    #[inline]
    fn let_gather(&mut self, wait: Duration) {
        if self.is_at_heels && !wait.is_zero() {
            self.is_at_heels = false;
            let began = Instant::now();
            while began.elapsed() < GATHER.min(wait) {
                yield_now();
            }
        }
    }

    /// Has the clock move the start of the partition whose turn it is.
    fn look_at_clock(&self) {
        if let Some(partition) = self.partitions.get(self.turn) {
            let _ = self.stream.readable(partition.partition);
        }
    }

    /// Shows the records that are wanted, as many as asked for, as long as `each` takes them: one that it does not take comes again.
    /// What was shown before an error is handed out first; the error is found again by the next call.
    fn read_each(&mut self, ask: Ask, mut each: impl FnMut(Found<'_>) -> bool) -> Result<Taken> {
        check_count(ask.count_max)?;
        let mut taken = Taken::default();
        let outcome = self.read_until_error(ask, &mut taken, &mut each);
        self.is_at_heels = (BUSY_COUNT_MIN..ask.count_max).contains(&taken.count) && !taken.is_cut;
        if self.is_gated {
            self.partitions.iter().for_each(PartitionReader::publish);
        }
        match outcome {
            Err(error) if ask.is_first && taken.count == 0 => Err(error),
            Err(_) => Ok(Taken { is_cut: true, ..taken }),
            Ok(()) => Ok(taken),
        }
    }

    #[inline]
    fn read_until_error(
        &mut self,
        ask: Ask,
        taken: &mut Taken,
        each: &mut impl FnMut(Found<'_>) -> bool,
    ) -> Result<()> {
        self.stream.check_open()?;
        self.settle();
        self.look_at_clock();
        let filter = self.filter.clone();
        let (mut idle, mut looked) = (0, 0);
        while taken.count < ask.count_max && idle < self.partitions.len() {
            let Some(partition) = self.partitions.get_mut(self.turn) else { break };
            let walked =
                partition.walk(
                    ask.count_max - taken.count,
                    TURN_COUNT - self.shown,
                    |found| match &filter {
                        Some(filter) if !filter.wants(found.borrowed()) => Verdict::Unwanted,
                        _ if each(found) => Verdict::Taken,
                        _ => Verdict::TooMuch,
                    },
                )?;
            taken.count += walked.taken;
            let shown = walked.taken + walked.unwanted;
            if let Some(start) = walked.lost {
                if ask.is_first && taken.count == 0 {
                    return Err(self.lose(start));
                }
                taken.is_cut = true;
                break;
            }
            (self.shown, looked) = (self.shown + shown, looked + shown);
            if walked.is_full || looked >= FILTER_LOOK_COUNT_MAX {
                taken.is_cut = true;
                break;
            }
            idle = if walked.moved { 0 } else { idle + 1 };
            if !walked.moved || self.shown >= TURN_COUNT {
                self.next_turn();
            }
        }
        Ok(())
    }

    /// The next record there is.
    fn take_one(&mut self) -> Result<(Option<Record>, Taken)> {
        let mut record = None;
        let taken = self.read_each(Ask::new(1), |found| {
            record = Some(found.record());
            true
        })?;
        Ok((record, taken))
    }

    pub(crate) fn take_batch(&mut self, count_max: usize) -> Result<(Vec<Record>, Taken)> {
        let mut records = Vec::new();
        let taken = self.read_each(Ask::new(count_max), |found| {
            records.push(found.record());
            true
        })?;
        Ok((records, taken))
    }

    /// What was taken, if there is no reason to wait for more.
    fn attempt<T>(&mut self, take: impl FnOnce(&mut Self) -> Result<(T, Taken)>) -> Option<Result<T>> {
        match take(self) {
            Ok((got, taken)) => (taken.count > 0 || taken.is_cut || self.is_over()).then_some(Ok(got)),
            Err(error) => Some(Err(error)),
        }
    }

    /// Up to `count_max` records (1 to 65,536), waiting at most `wait` for the first. Empty after that time; and before, if there is
    /// nothing to wait for: see [`until`](Self::until), [`only`](Self::only) and [`canceller`](Self::canceller).
    ///
    /// # Errors
    /// `OutOfRange`: see [`Reader`]. `Closed`, also while waiting; `Corrupt` or `Io` if a file cannot be read.
    pub fn poll(&mut self, count_max: usize, wait: Duration) -> Result<Vec<Record>> {
        self.let_gather(wait);
        let stream = self.stream.clone();
        let attempt = || self.attempt(|reader| reader.take_batch(count_max));
        stream.wait_for(wait, attempt).unwrap_or(Ok(Vec::new()))
    }

    /// As [`poll`](Self::poll), but shows each record where it lies instead of keeping it: nothing is copied, allocated
    /// or counted. Returns how many there were.
    ///
    /// ```
    /// use ringmain::{Hub, Message, Start};
    /// use std::time::Duration;
    /// let flights = Hub::memory().stream("flights").open()?;
    /// flights.append_batch(&[Message::new(b"EWR"), Message::new(b"IAH")])?;
    /// let mut bytes = 0;
    /// let count = flights.reader(Start::Earliest)?.poll_each(64, Duration::ZERO, |record| bytes += record.value().len())?;
    /// assert_eq!((count, bytes), (2, 6));
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`poll`](Self::poll).
    pub fn poll_each(
        &mut self,
        count_max: usize,
        wait: Duration,
        mut each: impl FnMut(RecordRef<'_>),
    ) -> Result<usize> {
        self.let_gather(wait);
        // Without the ways that only waiting takes, as long as there is something.
        match self.show_each(count_max, &mut each) {
            Ok((0, taken)) if !taken.is_cut && !wait.is_zero() => {}
            shown => return shown.map(|(count, _)| count),
        }
        let stream = self.stream.clone();
        let attempt = || self.attempt(|reader| reader.show_each(count_max, &mut each));
        stream.wait_for(wait, attempt).unwrap_or(Ok(0))
    }

    /// As [`poll_each`](Self::poll_each), as long as `each` takes what it is shown: a record for which it says false comes again, at the
    /// next poll, and ends this one.
    ///
    /// ```
    /// use ringmain::{Hub, Message, Start};
    /// use std::time::Duration;
    /// let flights = Hub::memory().stream("flights").open()?;
    /// flights.append_batch(&[Message::new(b"EWR"), Message::new(b"IAH"), Message::new(b"SFO")])?;
    /// let mut reader = flights.reader(Start::Earliest)?;
    /// let mut room = 2;
    /// let count = reader.poll_while(64, Duration::ZERO, |_| room > 0 && { room -= 1; true })?;
    /// assert_eq!((count, reader.poll(64, Duration::ZERO)?.len()), (2, 1));
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`poll`](Self::poll).
    pub fn poll_while(
        &mut self,
        count_max: usize,
        wait: Duration,
        mut each: impl FnMut(RecordRef<'_>) -> bool,
    ) -> Result<usize> {
        let stream = self.stream.clone();
        let attempt = || self.attempt(|reader| reader.show_while(count_max, &mut each));
        stream.wait_for(wait, attempt).unwrap_or(Ok(0))
    }

    #[inline]
    pub(crate) fn show_each(
        &mut self,
        count_max: usize,
        each: &mut impl FnMut(RecordRef<'_>),
    ) -> Result<(usize, Taken)> {
        self.show_while(count_max, &mut |record| {
            each(record);
            true
        })
    }

    #[inline]
    pub(crate) fn show_while(
        &mut self,
        count_max: usize,
        each: &mut impl FnMut(RecordRef<'_>) -> bool,
    ) -> Result<(usize, Taken)> {
        let taken = self.read_each(Ask::new(count_max), |found| each(found.borrowed()))?;
        Ok((taken.count, taken))
    }

    /// As [`poll`](Self::poll) without blocking: if there is nothing, `context`'s task is woken when there may be.
    pub fn poll_records(&mut self, context: &mut Context<'_>, count_max: usize) -> Poll<Result<Vec<Record>>> {
        let stream = self.stream.clone();
        stream.data().poll_for(context, || self.attempt(|reader| reader.take_batch(count_max)))
    }

    /// Ready if a poll would get something now, or say something else than that there is nothing; if not, `context`'s task is woken when it
    /// may. Nothing is read: for event loops that wait for more than this reader.
    ///
    /// ```
    /// use ringmain::{Hub, Message, Start};
    /// use std::task::{Context, Waker};
    /// use std::time::Duration;
    /// let flights = Hub::memory().stream("flights").open()?;
    /// let mut reader = flights.reader(Start::Earliest)?;
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(reader.poll_ready(&mut context).is_pending());
    /// flights.append(Message::new("EWR"))?;
    /// assert!(reader.poll_ready(&mut context).is_ready());
    /// assert_eq!(reader.poll(64, Duration::ZERO)?.len(), 1);
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`poll`](Self::poll).
    pub fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        let stream = self.stream.clone();
        stream.data().poll_for(context, || self.look_ahead())
    }

    /// `None` if there is nothing to read: what is found is not taken.
    pub(crate) fn look_ahead(&mut self) -> Option<Result<()>> {
        self.attempt(|reader| reader.read_each(Ask::new(1), |_| false).map(|taken| ((), taken)))
    }

    /// Continues one partition at `offset`.
    ///
    /// # Errors
    /// `OutOfRange` if it is not held, `NotFound` if the reader does not read that partition.
    pub fn seek(&mut self, partition: u32, offset: u64) -> Result<()> {
        let Some(place) = self.partitions.iter_mut().find(|place| place.partition == partition) else {
            let advice = ", or is not read here";
            return Err(Error::NotFound { noun: "partition", name: partition.to_string(), advice });
        };
        place.go_to(resolve(&self.stream, partition, Start::Offset(offset))?)
    }

    /// How many records it is behind, over all its partitions: offsets from its places to the ends, be it that compaction left some
    /// out, or that a filter does not want them.
    pub fn lag(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.lag()).sum()
    }
}

impl Iterator for Reader {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Result<Record>> {
        loop {
            match self.take_one() {
                Ok((None, taken)) if taken.is_cut && !self.is_cancelled() => {}
                next => return next.map(|(record, _)| record).transpose(),
            }
        }
    }
}
