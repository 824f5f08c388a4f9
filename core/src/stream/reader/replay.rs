//! Replaying: records are handed out at the pace at which they came, or faster or slower by a factor.
//!
//! **Pace.** The first record is handed out at once, each further one when so much time has passed since then as lay between
//! them, divided by the factor. Nobody drifts: whoever is late is handed out what is due until the schedule is met again.
//!
//! **Order.** That of times across the partitions, that of offsets in each. A record whose time is before that of one handed out
//! before it is due with that one.

use crate::error::{Error, Result};
use crate::message::duration_ns;
use crate::stream::reader::{Canceller, Reader};
use crate::stream::record::Record;
use crate::stream::shared::Shared;
use std::sync::Arc;
use std::time::Duration;

/// Which time of a record counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TimeOf {
    /// When it was accepted.
    #[default]
    Ingest,
    /// Its event time; when it was accepted, if it has none.
    Event,
}

/// How fast a stream is replayed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// How many times as fast as the records came: 2.0 takes half the time. More than 0. Default 1.0.
    pub factor: f64,
    /// Which time of a record counts. Default when it was accepted.
    pub time_of: TimeOf,
    /// Longer gaps between two records are taken for gaps of this length, before the factor. Default none.
    pub gap_max: Option<Duration>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { factor: 1.0, time_of: TimeOf::Ingest, gap_max: None }
    }
}

impl Pace {
    fn check(&self) -> Result<()> {
        if self.factor.is_finite() && self.factor > 0.0 {
            return Ok(());
        }
        let detail =
            format!("{} is not allowed; a number above 0 is, 1.0 for the original speed", self.factor);
        Err(Error::invalid("factor", detail))
    }

    fn time_ns(&self, record: &Record) -> u64 {
        match self.time_of {
            TimeOf::Ingest => record.time_ns(),
            TimeOf::Event => record.event_time_ns().unwrap_or_else(|| record.time_ns()),
        }
    }

    /// How long a gap between two records lasts.
    fn lasting_ns(&self, gap_ns: u64) -> u64 {
        let gap_ns = self.gap_max.map_or(gap_ns, |gap_max| gap_ns.min(duration_ns(gap_max)));
        if self.factor == 1.0 { gap_ns } else { (gap_ns as f64 / self.factor) as u64 }
    }
}

/// A reader that hands records out at their pace: see [`Reader::replay`]. The iterator waits for the time of the next record, and
/// ends where the reader would: at the end of what is there. After an error that would come again it ends, too.
#[derive(Debug)]
pub struct Replay {
    stream: Arc<Shared>,
    pace: Pace,
    canceller: Canceller,
    /// One for each partition, and the record that it comes to next.
    partitions: Vec<(Reader, Option<Record>)>,
    /// The time of the record handed out last, and when that was due.
    last: Option<(u64, u64)>,
    is_over: bool,
}

impl Reader {
    /// Hands records out at the pace at which they came, times a factor, on the hub's clock.
    ///
    /// ```
    /// use ringmain::{Clock, Hub, ManualClock, Message, Pace, Start};
    /// use std::time::Duration;
    /// let clock = ManualClock::new();
    /// let hub = Hub::builder().clock(Clock::Manual(clock.clone())).memory()?;
    /// let flights = hub.stream("flights").open()?;
    /// flights.append(Message::new("EWR"))?;
    /// clock.advance(Duration::from_secs(60));
    /// flights.append(Message::new("IAH"))?;
    ///
    /// let mut replay = flights.reader(Start::Earliest)?.replay(Pace { factor: 2.0, ..Pace::default() })?;
    /// assert!(replay.try_next()?.is_some());
    /// clock.advance(Duration::from_secs(29));
    /// assert!(replay.try_next()?.is_none());
    /// clock.advance(Duration::from_secs(1));
    /// assert!(replay.try_next()?.is_some());
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidArgument` for a factor that is not above 0.
    pub fn replay(self, pace: Pace) -> Result<Replay> {
        pace.check()?;
        let (stream, canceller) = (self.stream.clone(), self.canceller());
        let partitions = self.split().into_iter().map(|reader| (reader, None)).collect();
        Ok(Replay { stream, pace, canceller, partitions, last: None, is_over: false })
    }
}

impl Replay {
    /// The next record, if its time has come. None also if there is none: [`due_ns`](Self::due_ns) tells which.
    ///
    /// # Errors
    /// As [`Reader::poll`].
    pub fn try_next(&mut self) -> Result<Option<Record>> {
        match self.next_due()? {
            Some((_, due_ns)) if due_ns > self.stream.now_ns() => Ok(None),
            Some((index, due_ns)) => Ok(self.hand_out(index, due_ns)),
            None => Ok(None),
        }
    }

    /// When the next record is due, in nanoseconds since 1970 on the hub's clock; `None` if there is none now.
    ///
    /// # Errors
    /// As [`Reader::poll`].
    pub fn due_ns(&mut self) -> Result<Option<u64>> {
        Ok(self.next_due()?.map(|(_, due_ns)| due_ns))
    }

    /// What ends it, at once if it waits.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// The partition whose record is next, and when that is due.
    fn next_due(&mut self) -> Result<Option<(usize, u64)>> {
        let mut next: Option<(u64, usize)> = None;
        for (index, (reader, head)) in self.partitions.iter_mut().enumerate() {
            if head.is_none() {
                *head = reader.next().transpose()?;
            }
            if let Some(record) = head {
                let time_ns = self.pace.time_ns(record);
                next = Some(next.map_or((time_ns, index), |next| next.min((time_ns, index))));
            }
        }
        let Some((time_ns, index)) = next else { return Ok(None) };
        let due_ns = match self.last {
            Some((last_ns, due_ns)) => {
                due_ns.saturating_add(self.pace.lasting_ns(time_ns.saturating_sub(last_ns)))
            }
            None => self.stream.now_ns(),
        };
        Ok(Some((index, due_ns)))
    }

    fn hand_out(&mut self, index: usize, due_ns: u64) -> Option<Record> {
        let record = self.partitions.get_mut(index)?.1.take()?;
        let time_ns = self.pace.time_ns(&record);
        // Time never goes back.
        self.last = Some((self.last.map_or(time_ns, |(last_ns, _)| last_ns.max(time_ns)), due_ns));
        Some(record)
    }

    /// The next record when its time has come; None at the end.
    fn wait(&mut self) -> Result<Option<Record>> {
        let Some((index, due_ns)) = self.next_due()? else { return Ok(None) };
        let stream = self.stream.clone();
        let ended = stream.wait_until(due_ns, || {
            if self.is_cancelled() {
                return Some(Ok(()));
            }
            stream.check_open().err().map(Err)
        });
        match ended {
            Some(ended) => ended.map(|()| None),
            None => Ok(self.hand_out(index, due_ns)),
        }
    }

    fn is_cancelled(&self) -> bool {
        self.partitions.first().is_some_and(|(reader, _)| reader.is_cancelled())
    }
}

impl Iterator for Replay {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Result<Record>> {
        if self.is_over {
            return None;
        }
        let next = self.wait();
        self.is_over = match &next {
            Ok(_) => self.is_cancelled(),
            Err(error) => !self.partitions.first().is_some_and(|(reader, _)| reader.goes_on_after(error)),
        };
        next.transpose()
    }
}
