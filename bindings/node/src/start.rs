//! Where reading begins and ends, as JavaScript says it.

use crate::argument;
use napi::bindgen_prelude::BigInt;
use napi_derive::napi;
use ringmain::{End, Error, Reset, Result, Start};

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

/// Where reading ends: one of the three fields.
#[napi(object)]
pub struct EndOptions {
    /// `now`.
    pub at: Option<String>,
    /// An offset.
    pub offset: Option<f64>,
    /// An ingest time, in nanoseconds since 1970.
    pub time_ns: Option<BigInt>,
}

impl StartOptions {
    pub(crate) fn start(self) -> Result<Start> {
        match (self.at.as_deref(), self.offset, self.time_ns) {
            (None | Some("earliest"), None, None) => Ok(Start::Earliest),
            (Some("latest"), None, None) => Ok(Start::Latest),
            (None, Some(offset), None) => argument::offset("start.offset", offset).map(Start::Offset),
            (None, None, Some(time)) => time_ns("start.timeNs", &time).map(Start::Time),
            _ => {
                let forms = "give \"earliest\", \"latest\", { offset } or { timeNs }";
                Err(Error::invalid("start", forms))
            }
        }
    }
}

impl EndOptions {
    pub(crate) fn end(self) -> Result<End> {
        match (self.at.as_deref(), self.offset, self.time_ns) {
            (Some("now"), None, None) => Ok(End::Now),
            (None, Some(offset), None) => argument::offset("until.offset", offset).map(End::Offset),
            (None, None, Some(time)) => time_ns("until.timeNs", &time).map(End::Time),
            _ => Err(Error::invalid("until", "give \"now\", { offset } or { timeNs }")),
        }
    }
}

/// A point in time.
pub(crate) fn time_ns(argument: &'static str, value: &BigInt) -> Result<u64> {
    match value.get_u64() {
        (false, time_ns, true) => Ok(time_ns),
        _ => Err(Error::invalid(argument, "outside the 64 bits of nanoseconds since 1970")),
    }
}

/// What is done when the records that would be read next were removed.
pub(crate) fn reset(word: &str) -> Result<Reset> {
    match word {
        "fail" => Ok(Reset::Fail),
        "earliest" => Ok(Reset::Earliest),
        "latest" => Ok(Reset::Latest),
        _ => {
            let detail = format!("{word:?} is none of \"fail\", \"earliest\", \"latest\"");
            Err(Error::invalid("onOutOfRange", detail))
        }
    }
}
