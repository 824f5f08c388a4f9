//! Readers as JavaScript holds them.

use crate::argument;
use crate::error::{Result, guard};
use crate::filter;
use crate::reads::{Ask, Place};
use crate::registry::SharedHub;
use crate::replay::{PaceOptions, ReplayHandle};
use crate::start::{EndOptions, reset};
use crate::wake::WakePort;
use napi::bindgen_prelude::BufferSlice;
use napi_derive::napi;
use ringmain::Reader;
use std::sync::Arc;

/// Reads a stream at its own pace.
#[napi]
pub struct ReaderHandle {
    place: Place<Reader>,
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
        Self { place: Place::new(hub, reader) }
    }

    /// Up to `count` records, blocking at most `wait_ms` for the first; see [`crate::reads`] for what it returns.
    #[napi]
    pub fn receive(&self, mut target: BufferSlice<'_>, at: u32, count: f64, wait_ms: f64) -> Result<f64> {
        guard(|| self.place.receive(&mut target, at, count, wait_ms))
    }

    /// Up to `count` records, if there are some; else `port` is called with `token` when there may be.
    #[napi]
    #[allow(clippy::too_many_arguments, reason = "numbers are cheaper to pass than an object")]
    pub fn poll(
        &self,
        mut target: BufferSlice<'_>,
        at: u32,
        count: f64,
        port: &WakePort,
        token: u32,
        bytes_max: Option<f64>,
        is_first: Option<bool>,
    ) -> Result<f64> {
        let ask = || Ask::new(count, bytes_max, is_first.unwrap_or(true));
        guard(|| self.place.poll(&mut target, at, ask()?, port, token))
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
