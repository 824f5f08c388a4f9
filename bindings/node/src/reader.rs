//! Readers as JavaScript holds them.

use crate::argument;
use crate::error::{Result, guard};
use crate::filter;
use crate::reads::{Entry, Place};
use crate::registry::SharedHub;
use crate::replay::{PaceOptions, ReplayHandle};
use crate::start::{EndOptions, reset};
use napi::bindgen_prelude::BufferSlice;
use napi_derive::napi;
use ringmain::Reader;
use std::sync::Arc;

/// Reads a stream at its own pace.
#[napi]
pub struct ReaderHandle {
    place: Arc<Place<Reader>>,
    entry: Entry,
}

/// How a reader reads, beside where it begins.
#[napi(object)]
pub struct ReaderOptions<'env> {
    /// Where it ends.
    pub until: Option<EndOptions>,
    /// What it hands out: a packed filter.
    pub only: Option<BufferSlice<'env>>,
    /// `fail`, `earliest` or `latest`.
    pub on_out_of_range: Option<String>,
}

impl ReaderOptions<'_> {
    pub(crate) fn apply(self, mut reader: Reader) -> ringmain::Result<Reader> {
        if let Some(until) = self.until {
            reader = reader.until(until.end()?);
        }
        if let Some(packed) = self.only {
            reader = reader.only(filter::unpack(&packed)?)?;
        }
        if let Some(word) = self.on_out_of_range {
            reader = reader.on_out_of_range(reset(&word)?);
        }
        Ok(reader)
    }
}

#[napi]
impl ReaderHandle {
    pub(crate) fn new(hub: Arc<SharedHub>, reader: Reader) -> Self {
        Self { place: Arc::new(Place::new(hub, reader)), entry: Entry::default() }
    }

    /// The number that the callbacks of this thread's room know it by.
    #[napi]
    pub fn number(&self) -> Result<u32> {
        guard(|| self.entry.number(self.place.clone()))
    }

    /// What did not fit.
    #[napi]
    pub fn take(&self, mut target: BufferSlice<'_>) -> Result<()> {
        guard(|| self.place.take(&mut target))
    }

    /// Continues one partition at `offset`.
    #[napi]
    pub fn seek(&self, partition: f64, offset: f64) -> Result<()> {
        guard(|| self.place.seek(partition, offset))
    }

    /// How many records it is behind.
    #[napi]
    pub fn lag(&self) -> Result<f64> {
        guard(|| self.place.with(|reader| Ok(reader.lag() as f64)))
    }

    /// Whether it has come to its end.
    #[napi]
    pub fn is_done(&self) -> Result<bool> {
        guard(|| self.place.with(|reader| Ok(reader.is_done())))
    }

    /// Hands its records out at their pace from now on; the reader itself is closed.
    #[napi]
    pub fn replay(&self, pace: PaceOptions) -> Result<ReplayHandle> {
        guard(|| {
            let pace = pace.pace()?;
            self.place.hub.check()?;
            ReplayHandle::start(self.place.hub.clone(), self.place.close()?.replay(pace)?)
        })
    }

    /// Closes it.
    #[napi]
    pub fn close(&self) -> Result<()> {
        guard(|| self.place.close().map(drop))
    }
}

/// A whole number of milliseconds or a fraction, as a duration; infinite for none.
pub(crate) fn limit_ms(argument: &'static str, value: f64) -> ringmain::Result<Option<std::time::Duration>> {
    if value == f64::INFINITY { Ok(None) } else { argument::milliseconds(argument, value).map(Some) }
}
