//! What calls give, as scripts say it.

use ringmain::{Delivery, Peeked, Position, Record};
use serde_json::{Map, Value, json};

fn text(bytes: &[u8]) -> Value {
    String::from_utf8_lossy(bytes).into()
}

fn headers<'a>(all: impl Iterator<Item = (&'a str, &'a [u8])>) -> Map<String, Value> {
    all.map(|(name, value)| (name.to_owned(), text(value))).collect()
}

macro_rules! message {
    ($message:expr) => {
        json!({
            "value": text($message.value()),
            "key": $message.key().map(text),
            "headers": headers($message.headers()),
            "event_time_ns": $message.event_time_ns(),
        })
    };
}

pub fn delivery(delivery: &Delivery) -> Value {
    let mut shown = message!(delivery);
    shown["id"] = delivery.id().into();
    shown["attempts"] = delivery.attempts().into();
    shown["failures"] = delivery.failures().into();
    shown
}

pub fn peeked(peeked: &Peeked) -> Value {
    let mut shown = message!(peeked);
    shown["id"] = peeked.id().into();
    shown["attempts"] = peeked.attempts().into();
    shown["failures"] = peeked.failures().into();
    shown
}

pub fn record(record: &Record) -> Value {
    let mut shown = message!(record);
    shown["partition"] = record.partition().into();
    shown["offset"] = record.offset().into();
    shown
}

pub fn position(position: Position) -> Value {
    json!({ "partition": position.partition, "offset": position.offset })
}
