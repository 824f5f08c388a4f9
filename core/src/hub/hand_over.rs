//! Records of a stream that are given up go to a queue: here, because neither knows the other.

use crate::error::Result;
use crate::limits::REASON_BYTES_MAX;
use crate::message::{Message, cut};
use crate::queue::Queue;
use crate::stream::{Record, StreamWorkerBuilder};

/// Header of a message that was a record: the stream. With the prefix of the engine it would be refused from users.
const STREAM: &str = "stream";
const PARTITION: &str = "stream-partition";
const OFFSET: &str = "stream-offset";
const ERROR: &str = "stream-error";

impl StreamWorkerBuilder {
    /// Has a record that is given up be sent to a queue: its key, its value and its headers, and with them `stream`, `stream-partition`,
    /// `stream-offset` and `stream-error`, which stand for its own of these names. It is committed when the queue has
    /// accepted it. Where the queue refuses it (it is full, or the message would be too large, or have more than 64 headers), the worker
    /// stops with that error.
    ///
    /// ```
    /// use ringmain::{Hub, Message, OnExhausted};
    /// use std::time::Duration;
    /// let hub = Hub::memory();
    /// let flights = hub.stream("flights").open()?;
    /// let failed = hub.queue("failed").on_exhausted(OnExhausted::Drop).open()?;
    /// let worker = flights
    ///     .worker("billing", |_| Err::<(), _>("no such airport"))
    ///     .max_failures(1)
    ///     .hand_over_to(&failed)
    ///     .start()?;
    /// flights.append(Message::new(b"XXX-IAH").key("N14228"))?;
    /// let message = failed.receive(Duration::from_secs(60))?.expect("it is handed over");
    /// assert_eq!(message.key(), Some(&b"N14228"[..]));
    /// assert_eq!(message.header("stream-error"), Some(&b"no such airport"[..]));
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    pub fn hand_over_to(self, queue: &Queue) -> Self {
        let (queue, stream) = (queue.clone(), self.stream_name().to_owned());
        self.hand_over(move |record, reason| send(&queue, &stream, record, reason))
    }
}

fn send(queue: &Queue, stream: &str, record: &Record, reason: &str) -> Result<()> {
    let (partition, offset) = (record.partition().to_string(), record.offset().to_string());
    let reason = cut(reason, REASON_BYTES_MAX);
    let ours = [(STREAM, stream), (PARTITION, &partition), (OFFSET, &offset), (ERROR, reason)];
    let mut message = Message::new(record.value());
    if let Some(key) = record.key() {
        message = message.key(key);
    }
    if let Some(time_ns) = record.event_time_ns() {
        message = message.event_time(time_ns);
    }
    let theirs = record.headers().filter(|(name, _)| ours.iter().all(|(our, _)| our != name));
    for (name, value) in theirs {
        message = message.header(name, value);
    }
    for (name, value) in ours {
        message = message.header(name, value);
    }
    queue.send(message).map(drop)
}
