//! How a member takes records: kept, where they lie, with limits, in batches.
//!
//! **Promise.** Records that are done are passed over. Before anything is taken the member takes over what it was given, and lets go of
//! what it was asked for.

use crate::error::{Error, Result, something};
use crate::message::duration_ns;
use crate::stream::commit::CommitMode;
use crate::stream::liveness::Processing;
use crate::stream::member::Member;
use crate::stream::reader::{Fetch, Gathered};
use crate::stream::record::{Record, RecordRef};
use crate::sync::lock;
use std::task::{Context, Poll};
use std::time::Duration;

impl Member {
    /// Up to `count_max` records (1 to 65,536) of the partitions that this member owns, waiting at most `wait` for the first.
    ///
    /// # Errors
    /// `OutOfRange` if what it would read next was removed: until [`seek`](Member::seek) takes it to an offset that is held, or
    /// once, see [`Group::on_out_of_range`](crate::Group::on_out_of_range). `Fenced`, without a partition, if another member has taken its name. `Closed`, also while
    /// waiting; `Corrupt` or `Io` if a file cannot be read. What a callback returned.
    pub fn poll(&mut self, count_max: usize, wait: Duration) -> Result<Vec<Record>> {
        let _polling = self.begin_poll()?;
        let stream = self.stream.clone();
        stream.wait_for(wait, || something(self.take(count_max))).unwrap_or(Ok(Vec::new()))
    }

    /// As [`poll`](Self::poll), but shows each record where it lies instead of keeping it: nothing is copied, allocated or counted.
    /// Returns how many there were. They are committed by [`commit`](Self::commit) or the [mode](Self::commit_mode); to mark one as
    /// [`done`](Self::done) it has to be kept. With [`CommitMode::AtMostOnce`] they are kept until they are shown.
    ///
    /// ```
    /// use ringmain::{Hub, Message};
    /// use std::time::Duration;
    /// let flights = Hub::memory().stream("flights").open()?;
    /// flights.append_batch(&[Message::new(b"EWR"), Message::new(b"IAH")])?;
    /// let mut member = flights.group("billing").join()?;
    /// let mut bytes = 0;
    /// let count = member.poll_each(64, Duration::ZERO, |record| bytes += record.value().len())?;
    /// member.commit()?;
    /// assert_eq!((count, bytes, member.lag()?), (2, 6, 0));
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
        if self.commit_mode == CommitMode::AtMostOnce {
            let records = self.poll(count_max, wait)?;
            records.iter().for_each(|record| each(record.borrowed()));
            return Ok(records.len());
        }
        self.show_within(count_max, wait, |record| {
            each(record);
            true
        })
    }

    /// As [`poll_each`](Self::poll_each), as long as `each` takes what it is shown: a record for which it says false comes again, at the
    /// next poll, and ends this one.
    ///
    /// # Errors
    /// As [`poll`](Self::poll); `InvalidArgument` with [`CommitMode::AtMostOnce`], where a record that was shown is committed already.
    pub fn poll_while(
        &mut self,
        count_max: usize,
        wait: Duration,
        each: impl FnMut(RecordRef<'_>) -> bool,
    ) -> Result<usize> {
        if self.commit_mode == CommitMode::AtMostOnce {
            let detail = "at most once: a record would be committed before it is taken; use poll instead";
            return Err(Error::invalid("commit_mode", detail));
        }
        self.show_within(count_max, wait, each)
    }

    fn show_within(
        &mut self,
        count_max: usize,
        wait: Duration,
        mut each: impl FnMut(RecordRef<'_>) -> bool,
    ) -> Result<usize> {
        let _polling = self.begin_poll()?;
        let stream = self.stream.clone();
        let show = || match self.show(count_max, &mut each) {
            Ok((0, is_cut)) => is_cut.then_some(Ok(0)),
            shown => Some(shown.map(|(count, _)| count)),
        };
        stream.wait_for(wait, show).unwrap_or(Ok(0))
    }

    /// As [`poll`](Self::poll) without blocking: if there is nothing, `context`'s task is woken when there may be. Until it asks
    /// again it counts as polling.
    pub fn poll_records(&mut self, context: &mut Context<'_>, count_max: usize) -> Poll<Result<Vec<Record>>> {
        let polling = self.begin_poll()?;
        let stream = self.stream.clone();
        let polled = stream.data().poll_for(context, || something(self.take(count_max)));
        if polled.is_pending() {
            self.waiting = Some(polling);
        }
        polled
    }

    /// Ready if a poll would get something now, or say something else than that there is nothing; if not, `context`'s task is woken when it
    /// may. Nothing is read, and nothing committed: for event loops that wait for more than this member. Until it is asked again, or polls,
    /// it counts as polling.
    ///
    /// # Errors
    /// As [`poll`](Self::poll).
    pub fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        let polling = self.processing();
        let stream = self.stream.clone();
        let polled =
            stream.data().poll_for(context, || match self.refresh().and_then(|()| self.pause_full()) {
                Ok(()) => self.reader.look_ahead(),
                Err(error) => Some(Err(error)),
            });
        self.waiting = polled.is_pending().then_some(polling);
        polled
    }

    /// Records as many as [`Fetch`] says, as [`Reader::fetch`](crate::Reader::fetch). One that has some returns early when partitions
    /// come or are to go.
    ///
    /// ```
    /// use ringmain::{Fetch, Hub, Message};
    /// let flights = Hub::memory().stream("flights").open()?;
    /// flights.append_batch(&vec![Message::new("EWR"); 700])?;
    /// let mut member = flights.group("billing").join()?;
    /// assert_eq!(member.fetch(&Fetch::default())?.len(), 500);
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidArgument`; otherwise as [`poll`](Self::poll). An error that comes while it waits for more than it has is told by the
    /// next call.
    pub fn fetch(&mut self, fetch: &Fetch) -> Result<Vec<Record>> {
        fetch.check()?;
        let _polling = self.begin_poll()?;
        self.fill(fetch, Gathered::default())
    }

    /// As [`poll`](Self::poll), and then waits for more, until there are `count_max`, or at most `fill_wait` since the first came: as
    /// [`Reader::poll_batch`](crate::Reader::poll_batch). It returns early, too, when partitions come or are to go.
    ///
    /// ```
    /// use ringmain::{Hub, Message};
    /// use std::time::Duration;
    /// let flights = Hub::memory().stream("flights").open()?;
    /// flights.append_batch(&vec![Message::new("EWR"); 30])?;
    /// let mut loader = flights.group("loader").join()?;
    /// assert_eq!(loader.poll_batch(20, Duration::from_secs(5), Duration::MAX)?.len(), 20);
    /// loader.commit()?;
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
            let _polling = self.processing();
            records.extend(self.fill(&rest, Gathered::more())?);
        }
        Ok(records)
    }

    /// What is done before a poll; the poll runs as long as the value lives.
    fn begin_poll(&mut self) -> Result<Processing> {
        let polling = self.processing();
        self.waiting = None;
        self.commit_before_poll()?;
        Ok(polling)
    }

    /// The next records that are not done.
    fn take(&mut self, count_max: usize) -> Result<Vec<Record>> {
        self.refresh()?;
        loop {
            self.pause_full()?;
            let (records, taken) = self.reader.take_batch(count_max)?;
            if records.is_empty() && !taken.is_cut {
                return Ok(records);
            }
            let records = self.hand_out(records)?;
            if !records.is_empty() {
                return Ok(records);
            }
        }
    }

    /// Shows them instead: how many, and whether one was not taken.
    fn show(
        &mut self,
        count_max: usize,
        each: &mut impl FnMut(RecordRef<'_>) -> bool,
    ) -> Result<(usize, bool)> {
        self.refresh()?;
        let mut is_refused = false;
        loop {
            self.pause_full()?;
            let (count, taken) = self.reader.show_while(count_max, &mut |record| {
                is_refused = !each(record);
                !is_refused
            })?;
            for place in self.reader.partitions() {
                self.handled.pass(place.partition, place.offset());
            }
            if count > 0 || is_refused || !taken.is_cut {
                return Ok((count, is_refused));
            }
        }
    }

    /// Waits for as many as that says, of which there may be some.
    fn fill(&mut self, fetch: &Fetch, mut gathered: Gathered) -> Result<Vec<Record>> {
        let stream = self.stream.clone();
        let deadline_ns = stream.now_ns().saturating_add(duration_ns(fetch.wait_max));
        let filled = stream.wait_by(deadline_ns, || {
            if gathered.has_some() {
                // What this changes takes effect at the next poll: until then everything read is this member's, as far as it knows.
                let is_new = lock(&self.coordinator).generation() != self.generation;
                if is_new {
                    return Some(Ok(()));
                }
            } else if let Err(error) = self.refresh() {
                return Some(Err(error));
            }
            if let Err(error) = self.pause_full() {
                return Some(Err(error));
            }
            self.reader.gather(fetch, &mut gathered)
        });
        filled.unwrap_or(Ok(()))?;
        self.hand_out(gathered.records)
    }

    /// Reads nothing of partitions of which nothing more is handed out for now, and none of what was done before: what is done may be
    /// removed, and nobody has lost it.
    fn pause_full(&mut self) -> Result<()> {
        let handled = &self.handled;
        self.reader.pause(|partition| handled.is_paused(partition));
        self.reader.pass_over(|partition, offset| handled.end_of_done(partition, offset))
    }

    /// Notes that records are handed out, and commits them first if that is asked for: what was lost meanwhile is not.
    fn hand_out(&mut self, mut records: Vec<Record>) -> Result<Vec<Record>> {
        self.handled.hand_out(&mut records);
        if self.commit_mode == CommitMode::AtMostOnce && !records.is_empty() {
            let lost = self.commit_polled()?;
            records.retain(|record| !lost.contains(&record.partition()));
        }
        Ok(records)
    }
}
