//! Values as every language has them: durations, points in time, bytes, and errors inside of answers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ringmain::Error;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde_json::{Value, json};
use std::fmt;
use std::time::Duration;

/// A duration, given as a number of milliseconds, whole or not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Milliseconds(pub(crate) Duration);

/// A point in time, given as a number of nanoseconds since 1970, or as text of its digits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Nanoseconds(pub(crate) u64);

/// Bytes, given as base64.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

/// A duration as it is told: a whole number of milliseconds where it is one.
pub(crate) fn milliseconds(duration: Duration) -> Value {
    match u64::try_from(duration.as_millis()) {
        Ok(whole) if Duration::from_millis(whole) == duration => json!(whole),
        _ => json!(duration.as_secs_f64() * 1e3),
    }
}

/// Bytes as they are told.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// An error as it is told inside of an answer: `code` and `name`, which stay the same for ever, and `message`.
pub fn error(error: &Error) -> Value {
    let code = error.code();
    json!({ "code": code as i32, "name": code.name(), "message": error.to_string() })
}

/// For an option that cannot be taken away: `null` is refused.
pub(crate) fn given<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// For an option that can be taken away: `null` is `Some(None)`.
pub(crate) fn given_or_null<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

impl<'de> Deserialize<'de> for Milliseconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Milliseconds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of milliseconds of at least 0")
            }

            fn visit_u64<E: de::Error>(self, whole: u64) -> Result<Milliseconds, E> {
                Ok(Milliseconds(Duration::from_millis(whole)))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Milliseconds, E> {
                let seconds = Duration::try_from_secs_f64(number / 1e3);
                seconds.map(Milliseconds).map_err(|_| E::invalid_value(de::Unexpected::Float(number), &self))
            }
        }
        deserializer.deserialize_any(Number)
    }
}

impl<'de> Deserialize<'de> for Nanoseconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Nanoseconds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer of nanoseconds since 1970, or text of its digits")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Nanoseconds, E> {
                Ok(Nanoseconds(number))
            }

            fn visit_str<E: de::Error>(self, digits: &str) -> Result<Nanoseconds, E> {
                digits
                    .parse()
                    .map(Nanoseconds)
                    .map_err(|_| E::invalid_value(de::Unexpected::Str(digits), &self))
            }
        }
        deserializer.deserialize_any(Number)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        STANDARD.decode(text.as_bytes()).map(Bytes).map_err(|error| {
            de::Error::custom(format!("not base64 with the usual alphabet and padding: {error}"))
        })
    }
}
