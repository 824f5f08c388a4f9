//! Opening or making a stream.

use crate::error::{Error, Result};
use crate::hub::Hub;
use crate::hub::catalogue::{Catalogue, StreamEntry};
use crate::hub::registry::Registry;
use crate::limits::PARTITION_COUNT_MAX;
use crate::log::Log;
use crate::name::Name;
use crate::notice::{self, Notice};
use crate::stream::{self, Compaction, SlowReaders, Stream, StreamOptions};
use crate::sync::event_count::EventCount;
use std::sync::Arc;
use std::time::Duration;

/// A stream to open or make. An option that is not given keeps its stored value, or its default if the stream is new.
///
/// ```
/// use ringmain::{Clock, Hub, ManualClock, Message, Start};
/// use std::time::Duration;
/// let clock = ManualClock::new();
/// let hub = Hub::builder().clock(Clock::Manual(clock.clone())).memory()?;
/// let positions = hub.stream("positions").age_max(Duration::from_secs(3600)).count_max(1000).open()?;
/// positions.append(Message::new(b"40.69,-74.17").key("N14228"))?;
/// clock.advance(Duration::from_secs(3600));
/// assert!(positions.reader(Start::Earliest)?.next().is_none());
/// # Ok::<(), ringmain::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct StreamBuilder {
    hub: Hub,
    name: String,
    partitions: Option<u32>,
    age_max: Option<Duration>,
    bytes_max: Option<u64>,
    count_max: Option<u64>,
    compaction: Option<Option<Compaction>>,
    until_read: Option<bool>,
    slow_readers: Option<SlowReaders>,
    force_growth: bool,
}

impl StreamBuilder {
    pub(super) fn new(hub: Hub, name: &str) -> Self {
        Self {
            hub,
            name: name.to_owned(),
            partitions: None,
            age_max: None,
            bytes_max: None,
            count_max: None,
            compaction: None,
            until_read: None,
            slow_readers: None,
            force_growth: false,
        }
    }

    /// How many partitions the stream has. Default 1, at most 1024. A stream that is there may be opened with more: groups share out
    /// the new ones at once, offsets stay, and readers that were made before keep to the old ones. With fewer it is not opened, and
    /// with more neither if it is compacted or holds records with keys, for which it is read: keys would move to other partitions.
    pub fn partitions(mut self, count: u32) -> Self {
        self.partitions = Some(count);
        self
    }

    /// Lets the stream have more partitions although its keys move. From then on records of a key may be read before older ones, which
    /// lie in another partition; compaction leaves those there, and tables go by the time at which records were accepted.
    ///
    /// ```
    /// use ringmain::{Hub, Message};
    /// let hub = Hub::memory();
    /// let flights = hub.stream("flights").open()?;
    /// flights.append(Message::new(b"EWR-IAH").key("N14228"))?;
    /// assert!(hub.stream("flights").partitions(4).open().is_err());
    /// hub.stream("flights").partitions(4).force_growth().open()?;
    /// assert_eq!(flights.partitions(), 4);
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    pub fn force_growth(mut self) -> Self {
        self.force_growth = true;
        self
    }

    /// How long a record is kept after it was accepted, whatever its event time. Default without limit, which
    /// `Duration::MAX` brings back.
    pub fn age_max(mut self, age: Duration) -> Self {
        self.age_max = Some(age);
        self
    }

    /// How many bytes each partition keeps, in segments that go as a whole, oldest first; the one that is written to comes
    /// on top. Default without limit, which `u64::MAX` brings back.
    pub fn bytes_max(mut self, bytes: u64) -> Self {
        self.bytes_max = Some(bytes);
        self
    }

    /// How many of its last records each partition keeps; with compaction, of its last offsets. Default without limit, which `u64::MAX` brings back.
    pub fn count_max(mut self, count: u64) -> Self {
        self.count_max = Some(count);
        self
    }

    /// Leaves out what a later record of the same key has replaced; `None` ends that. Default none. From then on, records
    /// without a key are refused.
    pub fn compaction(mut self, compaction: impl Into<Option<Compaction>>) -> Self {
        self.compaction = Some(compaction.into());
        self
    }

    /// Lets a record go as soon as every group of the stream has committed past it, durably; default false. As long as there is no
    /// group, nothing goes. A limit (`age_max`, `bytes_max`, `count_max`) is needed beside it, and wins: a group that does not come
    /// on holds what it has not read up to there and is told `OutOfRange` then. A group that joins later begins with what is left;
    /// one that is deleted holds nothing.
    ///
    /// ```
    /// use ringmain::{Hub, Message, Start};
    /// use std::time::Duration;
    /// let hub = Hub::memory();
    /// let orders = hub.stream("orders").until_read(true).age_max(Duration::from_secs(3600)).open()?;
    /// let mut billing = orders.group("billing").join()?;
    /// orders.append_batch(&[Message::new(b"1"), Message::new(b"2")])?;
    /// assert_eq!(billing.poll(1, Duration::ZERO)?.len(), 1);
    /// billing.commit()?;
    /// assert_eq!(orders.reader(Start::Earliest)?.next().unwrap()?.value(), b"2");
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    pub fn until_read(mut self, until_read: bool) -> Self {
        self.until_read = Some(until_read);
        self
    }

    /// In memory only: what happens when records come faster than an open reader reads. Default [`SlowReaders::Lag`]: the reader
    /// loses what the stream does not hold any more. With a gate, which needs a `count_max`, appends wait for the slowest reader; one
    /// that was opened before the option was set is not waited for.
    ///
    /// ```
    /// use ringmain::{Error, Hub, Message, SlowReaders, Start, WhenSlow};
    /// use std::time::Duration;
    /// let hub = Hub::memory();
    /// let gate = SlowReaders::Gate { timeout: Duration::from_millis(1), then: WhenSlow::Refuse };
    /// let ticks = hub.stream("ticks").count_max(2).slow_readers(gate).open()?;
    /// let mut slow = ticks.reader(Start::Earliest)?;
    /// ticks.append_batch(&[Message::new(b"1"), Message::new(b"2")])?;
    /// assert!(matches!(ticks.append(Message::new(b"3")), Err(Error::Full { .. })));
    /// slow.poll(1, Duration::ZERO)?;
    /// ticks.append(Message::new(b"3"))?;
    /// # Ok::<(), Error>(())
    /// ```
    pub fn slow_readers(mut self, slow_readers: SlowReaders) -> Self {
        self.slow_readers = Some(slow_readers);
        self
    }

    /// Opens the stream, making it if it does not exist. Options given here are stored. What was removed by the options before
    /// does not come back by others.
    ///
    /// # Errors
    /// `InvalidName`, `InvalidArgument`; `OptionMismatch` if it has more partitions; `Corrupt`, `Io`.
    pub fn open(self) -> Result<Stream> {
        let inner = self.hub.inner();
        inner.check_open()?;
        let name = Name::new(&self.name)?;
        self.check_growth(&name)?;
        let mut registry = inner.registry_of_open()?;
        let stored = registry.catalogue.streams.get(name.as_str()).cloned();
        let options = self.merged(stored.as_ref().map(|entry| entry.options.clone()).unwrap_or_default());
        options.check()?;
        if let Some(count) = self.partitions.filter(|count| !(1..=PARTITION_COUNT_MAX).contains(count)) {
            let detail = format!("{count} is not allowed; 1 to {PARTITION_COUNT_MAX} are");
            return Err(Error::invalid("partitions", detail));
        }
        if options.slow_readers != SlowReaders::Lag && inner.directory.is_some() {
            let detail = "a durable stream waits for no reader: readers read its files, and slow nobody; leave this out, or use a hub in memory";
            return Err(Error::invalid("slow_readers", detail));
        }
        let entry = match stored {
            Some(entry) => entry,
            None => self.make(&mut registry, &name, options.clone())?,
        };
        let count = entry.partitions.len() as u32;
        if let Some(asked) = self.partitions.filter(|asked| *asked < count) {
            return Err(Error::OptionMismatch {
                noun: "stream",
                name,
                option: "partitions",
                stored: count.to_string(),
                asked: asked.to_string(),
            });
        }
        let shared = open_shared(&self.hub, &mut registry, &name, &entry)?;
        let entry = self.grow(&mut registry, &name, entry, &shared)?;
        let partitions = entry.partitions.len() as u32;
        let is_altered = entry.options != options;
        if is_altered {
            let mut catalogue = registry.catalogue.clone();
            let starts = shared.stats().partitions.iter().map(|partition| partition.start).collect();
            let entry = StreamEntry { options: options.clone(), starts, ..entry };
            catalogue.streams.insert(name.to_string(), entry);
            inner.save(&catalogue)?;
            registry.catalogue = catalogue;
            shared.set_options(&options);
        }
        if is_altered || partitions != count {
            notice::later(|| Notice::StreamAltered { stream: name, partitions });
        }
        drop(registry);
        if shared.upkeep().is_latest_only() {
            shared.latest().catch_up(None)?;
        }
        Ok(Stream::new(shared, inner.clone()))
    }

    fn merged(&self, stored: StreamOptions) -> StreamOptions {
        let count = |asked: Option<u64>, stored| match asked {
            None => stored,
            Some(asked) => Some(asked).filter(|asked| *asked != u64::MAX),
        };
        StreamOptions {
            age_max: match self.age_max {
                None => stored.age_max,
                Some(asked) => Some(asked).filter(|asked| *asked != Duration::MAX),
            },
            bytes_max: count(self.bytes_max, stored.bytes_max),
            count_max: count(self.count_max, stored.count_max),
            compaction: self.compaction.unwrap_or(stored.compaction),
            until_read: self.until_read.unwrap_or(stored.until_read),
            slow_readers: self.slow_readers.unwrap_or(stored.slow_readers),
        }
    }

    /// Refuses to have keys move. Without the registry's lock, as it may read the stream.
    fn check_growth(&self, name: &Name) -> Result<()> {
        let shared = {
            let mut registry = self.hub.inner().registry_of_open()?;
            let stored = registry.catalogue.streams.get(name.as_str()).cloned();
            let grows = |entry: &StreamEntry| {
                self.partitions.is_some_and(|asked| asked as usize > entry.partitions.len())
            };
            match stored.filter(|entry| !self.force_growth && grows(entry)) {
                Some(entry) => open_shared(&self.hub, &mut registry, name, &entry)?,
                None => return Ok(()),
            }
        };
        shared.check_growth(self.partitions.unwrap_or_default())
    }

    /// Has an open stream have all the partitions that are asked for: the catalogue first, so that a crash leaves the old or the new
    /// count.
    fn grow(
        &self,
        registry: &mut Registry,
        name: &Name,
        mut entry: StreamEntry,
        shared: &stream::Shared,
    ) -> Result<StreamEntry> {
        let asked = self.partitions.unwrap_or_default() as usize;
        if asked > entry.partitions.len() {
            let mut catalogue = registry.catalogue.clone();
            entry.partitions.resize_with(asked, || catalogue.next_log());
            catalogue.streams.insert(name.to_string(), entry.clone());
            self.hub.inner().save(&catalogue)?;
            registry.catalogue = catalogue;
        }
        // Also what somebody could not open who had it grow before.
        let missing = shared.partition_count() as usize..entry.partitions.len();
        if !missing.is_empty() {
            let open =
                |partition| open_partition(&self.hub, registry, name, &entry, partition, shared.data());
            let logs = missing.map(open).collect::<Result<_>>()?;
            shared.grow(logs, &entry.options);
        }
        Ok(entry)
    }

    /// Puts a new stream into the catalogue.
    fn make(&self, registry: &mut Registry, name: &Name, options: StreamOptions) -> Result<StreamEntry> {
        let count = self.partitions.unwrap_or(1);
        self.hub.inner().remove_deleted(registry)?;
        let mut catalogue = registry.catalogue.clone();
        Catalogue::check_case(name, catalogue.streams.keys())?;
        Catalogue::check_removed(name, &catalogue.deleted_streams)?;
        let entry = StreamEntry {
            partitions: (0..count).map(|_| catalogue.next_log()).collect(),
            offsets: catalogue.next_log(),
            options,
            starts: Vec::new(),
        };
        catalogue.streams.insert(name.to_string(), entry.clone());
        self.hub.inner().save(&catalogue)?;
        registry.catalogue = catalogue;
        notice::later(|| Notice::StreamCreated { stream: name.clone(), partitions: count });
        Ok(entry)
    }
}

fn open_partition(
    hub: &Hub,
    registry: &mut Registry,
    name: &Name,
    entry: &StreamEntry,
    partition: usize,
    data: &Arc<EventCount>,
) -> Result<Arc<Log>> {
    let part = partition.to_string();
    let Some(log) = entry.partitions.get(partition) else {
        return Err(Error::NotFound {
            noun: "partition",
            name: part,
            advice: "; partitions are counted from 0",
        });
    };
    let log = hub.inner().open_log(registry, *log, data.clone(), |d| d.stream(name, &part))?;
    let start = entry.starts.get(partition).copied().unwrap_or(0);
    // Not beyond the end: what was not durable when the catalogue was saved may be lost since.
    log.move_start_to(start.min(log.end_sequence()));
    Ok(log)
}

/// The open stream of that name and entry.
fn open_shared(
    hub: &Hub,
    registry: &mut Registry,
    name: &Name,
    entry: &StreamEntry,
) -> Result<Arc<stream::Shared>> {
    if let Some(open) = registry.streams.get(name) {
        return Ok(open.clone());
    }
    let inner = hub.inner();
    let data = Arc::new(EventCount::new());
    data.set_for_all(true);
    let mut logs = Vec::with_capacity(entry.partitions.len());
    for partition in 0..entry.partitions.len() {
        logs.push(open_partition(hub, registry, name, entry, partition, &data)?);
    }
    let offsets = inner.open_log(registry, entry.offsets, Arc::default(), |d| d.stream(name, "offsets"))?;
    let offsets = stream::Offsets::open(offsets, inner.journal.clone())?;
    let shared =
        stream::Shared::new(name.clone(), logs, data, inner.journal.clone(), offsets, &entry.options);
    shared.recover()?;
    registry.streams.insert(name.clone(), shared.clone());
    Ok(shared)
}
