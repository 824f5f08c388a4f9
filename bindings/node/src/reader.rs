//! Readers and group members as JavaScript holds them: both hand out records and remember where they are.

use crate::argument;
use crate::codec;
use crate::error::{Result, guard};
use crate::handle::Held;
use crate::registry::{SharedHub, lock};
use crate::wake::{Poller, WakePort};
use crate::work::{Work, work};
use napi::bindgen_prelude::{AsyncTask, BufferSlice, Env};
use napi_derive::napi;
use ringmain::{Error, Member, Reader, Record};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

/// Reads a stream at its own pace.
#[napi]
pub struct ReaderHandle {
    place: Place<Reader>,
}

/// One member of a consumer group.
#[napi]
pub struct MemberHandle {
    place: Arc<Place<Member>>,
}

/// What readers and members have in common.
trait Reads {
    const WHAT: &'static str;
    fn read(&mut self, count_max: usize, wait: Duration) -> ringmain::Result<Vec<Record>>;
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        count_max: usize,
    ) -> Poll<ringmain::Result<Vec<Record>>>;
    fn seek_to(&mut self, partition: u32, offset: u64) -> ringmain::Result<()>;
}

macro_rules! reads {
    ($type:ty, $what:literal) => {
        impl Reads for $type {
            const WHAT: &'static str = $what;
            fn read(&mut self, count_max: usize, wait: Duration) -> ringmain::Result<Vec<Record>> {
                self.poll(count_max, wait)
            }
            fn poll_read(
                &mut self,
                context: &mut Context<'_>,
                count_max: usize,
            ) -> Poll<ringmain::Result<Vec<Record>>> {
                self.poll_records(context, count_max)
            }
            fn seek_to(&mut self, partition: u32, offset: u64) -> ringmain::Result<()> {
                self.seek(partition, offset)
            }
        }
    };
}
reads!(Reader, "reader");
reads!(Member, "member");

/// A reader or member until it is closed. The lock is there because a commit may run on the pool.
struct Place<T> {
    hub: Arc<SharedHub>,
    inner: Mutex<Option<Held<T>>>,
    poller: Poller,
}

impl<T: Reads> Place<T> {
    fn new(hub: Arc<SharedHub>, inner: T) -> Self {
        Self { hub, inner: Mutex::new(Some(Held::new(inner))), poller: Poller::default() }
    }

    fn with<R>(&self, verb: impl FnOnce(&mut T) -> ringmain::Result<R>) -> ringmain::Result<R> {
        self.hub.check()?;
        verb(lock(&self.inner).as_mut().ok_or(Error::Closed { what: T::WHAT })?)
    }

    fn receive(&self, count: f64, wait_ms: f64) -> ringmain::Result<Vec<Record>> {
        let (count, wait) = (argument::count(count)?, argument::milliseconds("timeoutMs", wait_ms)?);
        self.with(|reads| reads.read(count, wait))
    }

    fn poll(&self, count: f64, port: &WakePort, token: u32) -> ringmain::Result<Vec<Record>> {
        let count = argument::count(count)?;
        let records =
            self.with(|reads| self.poller.poll(port, token, |context| reads.poll_read(context, count)))?;
        Ok(records.unwrap_or_default())
    }

    fn seek(&self, partition: f64, offset: f64) -> ringmain::Result<()> {
        let (partition, offset) = (argument::partition(partition)?, argument::offset("offset", offset)?);
        self.with(|reads| reads.seek_to(partition, offset))
    }

    fn take(&self) -> ringmain::Result<T> {
        lock(&self.inner).take().map(Held::into_inner).ok_or(Error::Closed { what: T::WHAT })
    }
}

#[napi]
impl ReaderHandle {
    pub(crate) fn new(hub: Arc<SharedHub>, reader: Reader) -> Self {
        Self { place: Place::new(hub, reader) }
    }

    /// Up to `count` records packed, blocking at most `wait_ms` for the first; null after that.
    #[napi]
    pub fn receive<'env>(
        &self,
        env: &'env Env,
        count: f64,
        wait_ms: f64,
    ) -> Result<Option<BufferSlice<'env>>> {
        packed(env, guard(|| self.place.receive(count, wait_ms))?)
    }

    /// Up to `count` records packed, if there are some; else `port` is called with `token` when there may be.
    #[napi]
    pub fn poll<'env>(
        &self,
        env: &'env Env,
        count: f64,
        port: &WakePort,
        token: u32,
    ) -> Result<Option<BufferSlice<'env>>> {
        packed(env, guard(|| self.place.poll(count, port, token))?)
    }

    /// Continues one partition at `offset`.
    #[napi]
    pub fn seek(&self, partition: f64, offset: f64) -> Result<()> {
        guard(|| self.place.seek(partition, offset))
    }

    /// Closes it.
    #[napi]
    pub fn close(&self) -> Result<()> {
        guard(|| self.place.take().map(drop))
    }
}

#[napi]
impl MemberHandle {
    pub(crate) fn new(hub: Arc<SharedHub>, member: Member) -> Self {
        Self { place: Arc::new(Place::new(hub, member)) }
    }

    /// Up to `count` records packed, blocking at most `wait_ms` for the first; null after that.
    #[napi]
    pub fn receive<'env>(
        &self,
        env: &'env Env,
        count: f64,
        wait_ms: f64,
    ) -> Result<Option<BufferSlice<'env>>> {
        packed(env, guard(|| self.place.receive(count, wait_ms))?)
    }

    /// Up to `count` records packed, if there are some; else `port` is called with `token` when there may be.
    #[napi]
    pub fn poll<'env>(
        &self,
        env: &'env Env,
        count: f64,
        port: &WakePort,
        token: u32,
    ) -> Result<Option<BufferSlice<'env>>> {
        packed(env, guard(|| self.place.poll(count, port, token))?)
    }

    /// Commits everything polled so far, blocking.
    #[napi]
    pub fn commit(&self) -> Result<()> {
        guard(|| self.place.with(Member::commit))
    }

    /// Commits everything polled so far.
    #[napi]
    pub fn commit_async(&self) -> AsyncTask<Work<()>> {
        let place = self.place.clone();
        work(move || place.with(Member::commit))
    }

    /// Commits one partition, blocking: `offset` is the next to read.
    #[napi]
    pub fn commit_offset(&self, partition: f64, offset: f64) -> Result<()> {
        guard(|| {
            let (partition, offset) = (argument::partition(partition)?, argument::offset("offset", offset)?);
            self.place.with(|member| member.commit_offset(partition, offset))
        })
    }

    /// Continues one owned partition at `offset`.
    #[napi]
    pub fn seek(&self, partition: f64, offset: f64) -> Result<()> {
        guard(|| self.place.seek(partition, offset))
    }

    /// The partitions it owns now.
    #[napi]
    pub fn assignment(&self) -> Result<Vec<u32>> {
        guard(|| self.place.with(Member::assignment))
    }

    /// Leaves the group.
    #[napi]
    pub fn leave(&self) -> Result<()> {
        guard(|| self.place.take()?.leave())
    }
}

/// Records in one buffer; null for none.
fn packed(env: &Env, records: Vec<Record>) -> Result<Option<BufferSlice<'_>>> {
    if records.is_empty() {
        return Ok(None);
    }
    let packed = guard(|| {
        let mut packed = Vec::new();
        for record in &records {
            codec::pack_record(&mut packed, record);
        }
        Ok(packed)
    })?;
    codec::buffer(env, &packed).map(Some)
}
