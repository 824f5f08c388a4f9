//! What a handler says of what it was given.

use crate::delivery::RINGMAIN_DELAY_POLICY;
use ringmain::{Error, Outcome};
use std::ffi::{CStr, c_char};
use std::time::Duration;

/// Bytes that a reason of a handler may have, with the NUL at its end.
pub const RINGMAIN_OUTCOME_REASON_BYTES: usize = 512;

/// Done, as by `ringmain_delivery_ack`.
pub const RINGMAIN_OUTCOME_ACK: i32 = 0;
/// As by `ringmain_delivery_fail`, after `delay_ms`.
pub const RINGMAIN_OUTCOME_FAIL: i32 = 1;
/// As by `ringmain_delivery_release`, after `delay_ms`.
pub const RINGMAIN_OUTCOME_RELEASE: i32 = 2;
/// As by `ringmain_delivery_reject`.
pub const RINGMAIN_OUTCOME_REJECT: i32 = 3;

/// What becomes of what a handler was given. The library makes it, with `kind` ack, and the handler may change it.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_outcome {
    /// sizeof(ringmain_outcome) of the library: a handler that was compiled with a longer one leaves alone what is beyond.
    pub size: usize,
    /// One of `RINGMAIN_OUTCOME_*`. A worker of a stream knows ack and fail only.
    pub kind: i32,
    /// 0.
    pub reserved: u32,
    /// When a message that failed or was released is tried again, at most ten years. `RINGMAIN_DELAY_POLICY`, which it is at first, is
    /// the queue's retry delay of one that failed, and at once for one that was released. Not looked at by a worker of a stream.
    pub delay_ms: i64,
    /// Why it failed or was rejected: NUL-terminated, UTF-8 (what is not becomes U+FFFD).
    pub reason: [c_char; RINGMAIN_OUTCOME_REASON_BYTES],
}

impl ringmain_outcome {
    pub(crate) fn new() -> Self {
        Self {
            size: size_of::<Self>(),
            kind: RINGMAIN_OUTCOME_ACK,
            reserved: 0,
            delay_ms: RINGMAIN_DELAY_POLICY,
            reason: [0; RINGMAIN_OUTCOME_REASON_BYTES],
        }
    }

    /// The reason that was given; for want of one, the error that the handler handed on, or what it returned.
    fn reason(&self, code: i32, failed: Option<Error>) -> String {
        let bytes = self.reason.map(|byte| byte as u8);
        let given = CStr::from_bytes_until_nul(&bytes).map_or(&bytes[..], CStr::to_bytes);
        match (given.is_empty(), failed) {
            (false, _) => String::from_utf8_lossy(given).into_owned(),
            (true, _) if code == 0 => "the handler gave no reason".to_owned(),
            (true, Some(error)) if error.code() as i32 == code => error.to_string(),
            (true, _) => format!("the handler returned {code}"),
        }
    }

    /// What a handler of messages says.
    pub(crate) fn of_message(&self, (code, failed): (i32, Option<Error>)) -> Outcome {
        let delay = u64::try_from(self.delay_ms).ok().map(Duration::from_millis);
        match self.kind {
            RINGMAIN_OUTCOME_ACK if code == 0 => Outcome::Ack,
            RINGMAIN_OUTCOME_REJECT => Outcome::reject(self.reason(code, failed)),
            RINGMAIN_OUTCOME_ACK | RINGMAIN_OUTCOME_FAIL | RINGMAIN_OUTCOME_RELEASE
                if delay.is_none() && self.delay_ms != RINGMAIN_DELAY_POLICY =>
            {
                let delay_ms = self.delay_ms;
                Outcome::fail(format!("the handler set delay_ms {delay_ms}; 0 or more, or -1 for the policy"))
            }
            RINGMAIN_OUTCOME_RELEASE => Outcome::release_after(delay.unwrap_or_default()),
            RINGMAIN_OUTCOME_ACK | RINGMAIN_OUTCOME_FAIL => {
                Outcome::Fail { reason: self.reason(code, failed), delay }
            }
            other => Outcome::fail(format!("the handler set kind {other}, not one of RINGMAIN_OUTCOME_*")),
        }
    }

    /// What a handler of records says.
    pub(crate) fn of_records(&self, (code, failed): (i32, Option<Error>)) -> Result<(), String> {
        match self.kind {
            RINGMAIN_OUTCOME_ACK if code == 0 => Ok(()),
            RINGMAIN_OUTCOME_ACK | RINGMAIN_OUTCOME_FAIL => Err(self.reason(code, failed)),
            other => Err(format!("the handler set kind {other}, and records are acked or fail")),
        }
    }
}
