//! A stream as JavaScript holds it: appending, and what opens readers, members, producers, batchers and tables.

use crate::argument;
use crate::batcher::{BatcherHandle, BatchingOptions};
use crate::codec;
use crate::error::{Result, catch, guard};
use crate::handle::Held;
use crate::hot::{self, OpenStream};
use crate::line::LineHandle;
use crate::member::{JoinOptions, MemberHandle};
use crate::producer::ProducerHandle;
use crate::reader::{ReaderHandle, ReaderOptions};
use crate::registry::SharedHub;
use crate::start::StartOptions;
use crate::table::TableHandle;
use crate::work::{Work, work};
use napi::bindgen_prelude::{AsyncTask, Buffer};
use napi_derive::napi;
use ringmain::{Error, Position, SlowReaders, Stream};
use ringmain_surface::{open_stream, stream_call};
use std::sync::{Arc, OnceLock};

/// A stream of one hub handle.
#[napi]
pub struct StreamHandle {
    open: Arc<OpenStream>,
    is_gated: bool,
    /// It may be opened on the pool, which has no room.
    number: OnceLock<u32>,
}

/// Where a record is.
#[napi(object)]
pub struct RecordPosition {
    /// The partition.
    pub partition: u32,
    /// Its number in the partition.
    pub offset: f64,
}

/// What was appended and may not have reached its durability yet.
#[napi(object)]
pub struct Submitted {
    /// Where each record is, in order.
    pub positions: Vec<RecordPosition>,
    /// Whether it has reached its durability already: then nothing of it is in the line.
    pub is_reached: bool,
}

/// What became of an append where the caller expected a partition to end.
#[napi(object)]
pub struct Expected {
    /// Where each record is; none if it ends elsewhere.
    pub positions: Vec<RecordPosition>,
    /// Where it ends, if that is elsewhere.
    pub conflict: Option<Conflict>,
}

/// A partition that does not end where it was expected to.
#[napi(object)]
pub struct Conflict {
    /// The words of the error.
    pub message: String,
    /// Where it ends.
    pub actual: f64,
}

#[napi]
impl StreamHandle {
    pub(crate) fn open(hub: Arc<SharedHub>, name: &str, options: &str) -> ringmain::Result<Self> {
        let core = hub.hub()?;
        let stream = Held::new(open_stream(core, name, options)?);
        let is_gated = matches!(core.stream_info(name)?.slow_readers, SlowReaders::Gate { .. });
        Ok(Self { open: Arc::new(OpenStream { hub, stream }), is_gated, number: OnceLock::new() })
    }

    /// How many partitions it has.
    #[napi]
    pub fn partitions(&self) -> Result<u32> {
        guard(|| Ok(self.open.get()?.partitions()))
    }

    /// The number that the callbacks of this thread's room know it by.
    #[napi]
    pub fn number(&self) -> Result<u32> {
        guard(|| {
            let room = hot::room()?;
            Ok(*self.number.get_or_init(|| room.enter_stream(self.open.clone())))
        })
    }

    /// Whether those who append may have to wait for readers, as of when it was opened.
    #[napi]
    pub fn is_gated(&self) -> bool {
        self.is_gated
    }

    /// Appends one packed message on the pool; its position.
    #[napi]
    pub fn append_async(&self, packed: Buffer, partition: Option<f64>) -> AsyncTask<Work<RecordPosition>> {
        let (hub, stream) = (self.open.hub.clone(), Held::new((*self.open.stream).clone()));
        work(move || {
            hub.check()?;
            append(&stream, &packed, partition)
        })
    }

    /// Appends packed messages on the pool; their positions.
    #[napi]
    pub fn append_many_async(
        &self,
        packed: Buffer,
        partition: Option<f64>,
    ) -> AsyncTask<Work<Vec<RecordPosition>>> {
        let (hub, stream) = (self.open.hub.clone(), Held::new((*self.open.stream).clone()));
        work(move || {
            hub.check()?;
            append_many(&stream, &packed, partition)
        })
    }

    /// Appends one packed message; the line tells when it has reached its durability.
    #[napi]
    pub fn submit(&self, packed: &[u8], partition: Option<f64>, line: &LineHandle) -> Result<Submitted> {
        guard(|| {
            let (stream, message) = (self.open.get()?, codec::unpack_one(packed)?);
            let receipt = match partition {
                None => stream.submit(message)?,
                Some(partition) => stream.submit_to(argument::partition(partition)?, message)?,
            };
            let positions = vec![(*receipt.value()).into()];
            Ok(Submitted { positions, is_reached: line.accept(receipt) })
        })
    }

    /// Appends packed messages; the line tells when they have reached their durability.
    #[napi]
    pub fn submit_many(&self, packed: &[u8], partition: Option<f64>, line: &LineHandle) -> Result<Submitted> {
        guard(|| {
            let (stream, messages) = (self.open.get()?, codec::unpack(packed)?);
            let receipt = match partition {
                None => stream.submit_batch(&messages)?,
                Some(partition) => stream.submit_batch_to(argument::partition(partition)?, &messages)?,
            };
            let positions = positions(receipt.value());
            Ok(Submitted { positions, is_reached: line.accept(receipt) })
        })
    }

    /// Appends packed messages if the partition ends there, blocking.
    #[napi]
    pub fn append_expecting(&self, partition: f64, end: f64, packed: &[u8]) -> Result<Expected> {
        guard(|| append_expecting(self.open.get()?, partition, end, packed))
    }

    /// Appends packed messages if the partition ends there, on the pool.
    #[napi]
    pub fn append_expecting_async(
        &self,
        partition: f64,
        end: f64,
        packed: Buffer,
    ) -> AsyncTask<Work<Expected>> {
        let (hub, stream) = (self.open.hub.clone(), Held::new((*self.open.stream).clone()));
        work(move || {
            hub.check()?;
            append_expecting(&stream, partition, end, &packed)
        })
    }

    /// Gathers what is sent to it into batches.
    #[napi]
    pub fn batcher(&self, options: BatchingOptions) -> Result<BatcherHandle> {
        guard(|| {
            let batcher = self.open.get()?.batcher(options.batching()?)?;
            Ok(BatcherHandle::new(self.open.hub.clone(), batcher))
        })
    }

    /// A producer by name, blocking.
    #[napi]
    pub fn producer(&self, name: String) -> Result<ProducerHandle> {
        guard(|| Ok(ProducerHandle::new(self.open.hub.clone(), self.open.get()?.producer(&name)?)))
    }

    /// A producer by name.
    #[napi]
    pub fn producer_async(&self, name: String) -> AsyncTask<Work<ProducerHandle>> {
        let (hub, stream) = (self.open.hub.clone(), Held::new((*self.open.stream).clone()));
        work(move || {
            hub.check()?;
            Ok(ProducerHandle::new(hub, stream.producer(&name)?))
        })
    }

    /// The last record of each key.
    #[napi]
    pub fn table(&self) -> Result<TableHandle> {
        guard(|| Ok(TableHandle::new(self.open.hub.clone(), self.open.get()?.table()?)))
    }

    /// A reader of all partitions, or of one.
    #[napi]
    pub fn reader(
        &self,
        start: StartOptions,
        partition: Option<f64>,
        options: ReaderOptions<'_>,
    ) -> Result<ReaderHandle> {
        guard(|| {
            let (stream, start) = (self.open.get()?, start.start()?);
            let reader = match partition {
                None => stream.reader(start)?,
                Some(partition) => stream.partition_reader(argument::partition(partition)?, start)?,
            };
            Ok(ReaderHandle::new(self.open.hub.clone(), options.apply(reader)?))
        })
    }

    /// Joins a group, blocking.
    #[napi]
    pub fn join(&self, group: String, options: JoinOptions) -> Result<MemberHandle> {
        guard(|| options.join(self.open.hub.clone(), self.open.get()?, &group))
    }

    /// Joins a group.
    #[napi]
    pub fn join_async(&self, group: String, options: JoinOptions) -> AsyncTask<Work<MemberHandle>> {
        let (hub, stream) = (self.open.hub.clone(), Held::new((*self.open.stream).clone()));
        work(move || {
            hub.check()?;
            options.join(hub, &stream, &group)
        })
    }

    /// Does a verb that is not hot, blocking; its answer as JSON.
    #[napi]
    pub fn call(&self, verb: String, arguments: String) -> Result<String> {
        guard(|| stream_call(self.open.get()?, &verb, &arguments))
    }

    /// Does a verb that is not hot; its answer as JSON.
    #[napi]
    pub fn call_async(&self, verb: String, arguments: String) -> AsyncTask<Work<String>> {
        let (hub, stream) = (self.open.hub.clone(), Held::new((*self.open.stream).clone()));
        work(move || {
            hub.check()?;
            stream_call(&stream, &verb, &arguments)
        })
    }
}

impl Drop for StreamHandle {
    fn drop(&mut self) {
        // At the end of the environment the room has gone first.
        let _ = catch(|| {
            if let Some(number) = self.number.get() {
                hot::room()?.leave_stream(*number);
            }
            Ok(())
        });
    }
}

fn append(stream: &Stream, packed: &[u8], partition: Option<f64>) -> ringmain::Result<RecordPosition> {
    let message = codec::unpack_one(packed)?;
    let position = match partition {
        None => stream.append(message)?,
        Some(partition) => stream.append_to(argument::partition(partition)?, message)?,
    };
    Ok(position.into())
}

fn append_many(
    stream: &Stream,
    packed: &[u8],
    partition: Option<f64>,
) -> ringmain::Result<Vec<RecordPosition>> {
    let messages = codec::unpack(packed)?;
    let appended = match partition {
        None => stream.append_batch(&messages)?,
        Some(partition) => stream.append_batch_to(argument::partition(partition)?, &messages)?,
    };
    Ok(positions(&appended))
}

fn append_expecting(stream: &Stream, partition: f64, end: f64, packed: &[u8]) -> ringmain::Result<Expected> {
    let (partition, end) = (argument::partition(partition)?, argument::offset("end", end)?);
    match stream.append_expecting(partition, end, &codec::unpack(packed)?) {
        Ok(appended) => Ok(Expected { positions: positions(&appended), conflict: None }),
        Err(error @ Error::Conflict { actual, .. }) => {
            let conflict = Conflict { message: error.to_string(), actual: actual as f64 };
            Ok(Expected { positions: Vec::new(), conflict: Some(conflict) })
        }
        Err(error) => Err(error),
    }
}

fn positions(positions: &[Position]) -> Vec<RecordPosition> {
    positions.iter().copied().map(RecordPosition::from).collect()
}

impl From<Position> for RecordPosition {
    fn from(position: Position) -> Self {
        Self { partition: position.partition, offset: position.offset as f64 }
    }
}
