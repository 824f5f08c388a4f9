//! What the catalogue keeps of a schedule. It is there without the feature `cron`, too: a hub that does not fire schedules does not lose them
//! either.

use crate::limits::{CRON_BYTES_MAX, MISSED_COUNT_MAX, SCHEDULE_MESSAGE_BYTES_MAX, TIME_ZONE_BYTES_MAX};
use crate::name::Name;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::time::Duration;

/// What a schedule does about slots that it could not fire in time: the hub was closed, the machine slept, or its clock jumped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// Nothing. A slot is missed if it came while the hub was closed, or is noticed more than a minute late.
    Skip,
    /// One message, of the latest of them.
    #[default]
    One,
    /// A message for each of them, in their order.
    All {
        /// Of so many, the latest, at most: 1 to 64.
        max: u32,
    },
}

/// A schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScheduleEntry {
    /// Never given to another one.
    pub(crate) id: u64,
    pub(crate) expression: String,
    pub(crate) time_zone: String,
    pub(crate) missed: Missed,
    pub(crate) queue: String,
    pub(crate) message: StoredMessage,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) paused: bool,
    /// What `@every` counts from.
    pub(crate) anchor_ns: u64,
    /// Slots come after this, and after the last one that the queue has noted.
    pub(crate) after_ns: u64,
}

/// The message of a schedule.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct StoredMessage {
    pub(super) value: Bytes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<Bytes>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) headers: Vec<(String, Bytes)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) delay: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) priority: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ttl: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ordering_key: Option<Bytes>,
}

/// Bytes, in hexadecimal where they are text.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl ScheduleEntry {
    /// Refuses what was never saved.
    pub(crate) fn check(&self) -> Result<(), String> {
        Name::new(&self.queue).map_err(|error| error.to_string())?;
        let sizes = [
            ("expression", self.expression.len(), CRON_BYTES_MAX),
            ("time zone", self.time_zone.len(), TIME_ZONE_BYTES_MAX),
            ("message", self.message.bytes(), SCHEDULE_MESSAGE_BYTES_MAX),
        ];
        for (what, bytes, limit) in sizes {
            if bytes > limit {
                return Err(format!("{what} of {bytes} bytes; at most {limit} are possible"));
            }
        }
        self.missed.check()
    }
}

impl Missed {
    pub(super) fn check(self) -> Result<(), String> {
        match self {
            Self::All { max } if !(1..=MISSED_COUNT_MAX).contains(&max) => {
                Err(format!("all up to {max} is not allowed; 1 to {MISSED_COUNT_MAX} are"))
            }
            _ => Ok(()),
        }
    }
}

impl StoredMessage {
    /// How long all its parts are together.
    pub(super) fn bytes(&self) -> usize {
        let optional = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, |bytes| bytes.0.len());
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.0.len()).sum();
        self.value.0.len() + optional(&self.key) + optional(&self.ordering_key) + headers
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let byte = |pair: &[u8; 2]| {
            let digits = std::str::from_utf8(pair).ok().filter(|_| pair.iter().all(u8::is_ascii_hexdigit))?;
            u8::from_str_radix(digits, 16).ok()
        };
        let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
        bytes.filter(|_| rest.is_empty()).map(Self).ok_or_else(|| D::Error::custom("not hexadecimal"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_as_they_were_and_what_is_not_hexadecimal_is_refused() {
        let bytes = Bytes((0..=255).collect());
        let text = serde_json::to_string(&bytes).unwrap();
        assert_eq!(serde_json::from_str::<Bytes>(&text).unwrap(), bytes);
        for bad in ["\"0\"", "\"+1\"", "\"0g\"", "\"é\"", "7"] {
            assert!(serde_json::from_str::<Bytes>(bad).is_err(), "{bad}");
        }
    }
}
