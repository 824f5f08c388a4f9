//! Messages as data: one to send, and one that was looked at.

use crate::value::{Bytes, Milliseconds, base64};
use ringmain::Peeked;
use serde::Deserialize;
use serde_json::{Value, json};

/// A message that a schedule sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Message {
    value_base64: Bytes,
    key_base64: Option<Bytes>,
    #[serde(default)]
    headers: Vec<Header>,
    delay_ms: Option<Milliseconds>,
    priority: Option<u8>,
    ttl_ms: Option<Milliseconds>,
    ordering_key_base64: Option<Bytes>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    name: String,
    value_base64: Bytes,
}

impl Message {
    pub(crate) fn message(&self) -> ringmain::Message<'_> {
        let mut message = ringmain::Message::new(&self.value_base64.0);
        for Header { name, value_base64 } in &self.headers {
            message = message.header(name, &value_base64.0);
        }
        if let Some(Bytes(key)) = &self.key_base64 {
            message = message.key(key);
        }
        if let Some(Milliseconds(delay)) = self.delay_ms {
            message = message.delay(delay);
        }
        if let Some(priority) = self.priority {
            message = message.priority(priority);
        }
        if let Some(Milliseconds(ttl)) = self.ttl_ms {
            message = message.ttl(ttl);
        }
        if let Some(Bytes(key)) = &self.ordering_key_base64 {
            message = message.ordering_key(key);
        }
        message
    }
}

pub(crate) fn peeked(message: &Peeked) -> Value {
    let header = |(name, value): (&str, &[u8])| json!({ "name": name, "value_base64": base64(value) });
    json!({
        "id": message.id(),
        "attempts": message.attempts(),
        "failures": message.failures(),
        "time_ns": message.time_ns(),
        "event_time_ns": message.event_time_ns(),
        "key_base64": message.key().map(base64),
        "headers": message.headers().map(header).collect::<Vec<_>>(),
        "value_base64": base64(message.value()),
    })
}
