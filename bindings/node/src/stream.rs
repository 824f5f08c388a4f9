//! A stream as JavaScript holds it: appending, readers, groups, counts.

use crate::argument;
use crate::codec;
use crate::error::{Result, guard};
use crate::handle::Held;
use crate::reader::{MemberHandle, ReaderHandle};
use crate::registry::SharedHub;
use crate::work::{Work, work};
use napi::bindgen_prelude::{AsyncTask, BigInt, Buffer};
use napi_derive::napi;
use ringmain::{Error, PartitionStats, Position, Start, Stream};
use std::sync::Arc;

/// A stream of one hub handle.
#[napi]
pub struct StreamHandle {
    hub: Arc<SharedHub>,
    stream: Held<Stream>,
}

/// Where a record is.
#[napi(object)]
pub struct RecordPosition {
    /// The partition.
    pub partition: u32,
    /// Its number in the partition.
    pub offset: f64,
}

/// Counts of one partition.
#[napi(object)]
pub struct PartitionCounts {
    /// First offset held.
    pub start: f64,
    /// One past the last offset.
    pub end: f64,
    /// Bytes held.
    pub bytes: f64,
}

/// Where reading begins: one of the three fields.
#[napi(object)]
pub struct StartOptions {
    /// `earliest` or `latest`.
    pub at: Option<String>,
    /// An offset.
    pub offset: Option<f64>,
    /// An ingest time, in nanoseconds since 1970.
    pub time_ns: Option<BigInt>,
}

#[napi]
impl StreamHandle {
    pub(crate) fn open(hub: Arc<SharedHub>, name: &str, partitions: Option<f64>) -> ringmain::Result<Self> {
        let mut builder = hub.hub()?.stream(name);
        if let Some(count) = partitions {
            let count_max = u64::from(ringmain::limits::PARTITION_COUNT_MAX);
            builder = builder.partitions(argument::whole("partitions", count, 1, count_max)? as u32);
        }
        let stream = Held::new(builder.open()?);
        Ok(Self { hub, stream })
    }

    /// How many partitions it has.
    #[napi]
    pub fn partitions(&self) -> Result<u32> {
        guard(|| Ok(self.open_stream()?.partitions()))
    }

    /// Appends one packed message, blocking; its position.
    #[napi]
    pub fn append(&self, packed: &[u8]) -> Result<RecordPosition> {
        guard(|| self.open_stream()?.append(codec::unpack_one(packed)?).map(RecordPosition::from))
    }

    /// Appends one packed message; its position.
    #[napi]
    pub fn append_async(&self, packed: Buffer) -> AsyncTask<Work<RecordPosition>> {
        let (hub, stream) = (self.hub.clone(), Held::new(self.stream.clone()));
        work(move || {
            hub.check()?;
            stream.append(codec::unpack_one(&packed)?).map(RecordPosition::from)
        })
    }

    /// Appends packed messages, blocking; their positions.
    #[napi]
    pub fn append_many(&self, packed: &[u8]) -> Result<Vec<RecordPosition>> {
        guard(|| Ok(positions(self.open_stream()?.append_batch(&codec::unpack(packed)?)?)))
    }

    /// Appends packed messages; their positions.
    #[napi]
    pub fn append_many_async(&self, packed: Buffer) -> AsyncTask<Work<Vec<RecordPosition>>> {
        let (hub, stream) = (self.hub.clone(), Held::new(self.stream.clone()));
        work(move || {
            hub.check()?;
            Ok(positions(stream.append_batch(&codec::unpack(&packed)?)?))
        })
    }

    /// A reader of all partitions, or of one.
    #[napi]
    pub fn reader(&self, start: StartOptions, partition: Option<f64>) -> Result<ReaderHandle> {
        guard(|| {
            let (stream, start) = (self.open_stream()?, start.start()?);
            let reader = match partition {
                None => stream.reader(start)?,
                Some(partition) => stream.partition_reader(argument::partition(partition)?, start)?,
            };
            Ok(ReaderHandle::new(self.hub.clone(), reader))
        })
    }

    /// Joins a group; partitions without a committed offset begin at `start`.
    #[napi]
    pub fn join(&self, group: String, start: StartOptions) -> Result<MemberHandle> {
        guard(|| {
            let member = self.open_stream()?.group(&group).join_at(start.start()?)?;
            Ok(MemberHandle::new(self.hub.clone(), member))
        })
    }

    /// Committed offsets of a group by partition; null where nothing was committed.
    #[napi]
    pub fn committed(&self, group: String) -> Result<Vec<Option<f64>>> {
        guard(|| {
            let offsets = self.open_stream()?.group(&group).committed()?;
            Ok(offsets.into_iter().map(|offset| offset.map(|offset| offset as f64)).collect())
        })
    }

    /// Records that a group has not committed.
    #[napi]
    pub fn lag(&self, group: String) -> Result<f64> {
        guard(|| self.open_stream()?.group(&group).lag().map(|lag| lag as f64))
    }

    /// Counts of each partition.
    #[napi]
    pub fn stats(&self) -> Result<Vec<PartitionCounts>> {
        guard(|| {
            let stats = self.open_stream()?.stats()?;
            Ok(stats.partitions.into_iter().map(PartitionCounts::from).collect())
        })
    }

    fn open_stream(&self) -> ringmain::Result<&Stream> {
        self.hub.check()?;
        Ok(&self.stream)
    }
}

impl StartOptions {
    fn start(self) -> ringmain::Result<Start> {
        match (self.at.as_deref(), self.offset, self.time_ns) {
            (None | Some("earliest"), None, None) => Ok(Start::Earliest),
            (Some("latest"), None, None) => Ok(Start::Latest),
            (None, Some(offset), None) => argument::offset("start.offset", offset).map(Start::Offset),
            (None, None, Some(time_ns)) => match time_ns.get_u64() {
                (false, time_ns, true) => Ok(Start::Time(time_ns)),
                _ => Err(Error::invalid("start.timeNs", "outside the 64 bits of nanoseconds since 1970")),
            },
            _ => {
                let forms = "give \"earliest\", \"latest\", { offset } or { timeNs }";
                Err(Error::invalid("start", forms))
            }
        }
    }
}

impl From<Position> for RecordPosition {
    fn from(position: Position) -> Self {
        Self { partition: position.partition, offset: position.offset as f64 }
    }
}

impl From<PartitionStats> for PartitionCounts {
    fn from(stats: PartitionStats) -> Self {
        Self { start: stats.start as f64, end: stats.end as f64, bytes: stats.bytes as f64 }
    }
}

fn positions(positions: Vec<Position>) -> Vec<RecordPosition> {
    positions.into_iter().map(RecordPosition::from).collect()
}
