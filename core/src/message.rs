//! A message on its way in: borrowed bytes and options, checked once, copied once into the log.

use crate::durability::Durability;
use crate::error::{Error, Result};
use crate::limits::{
    DELAY_SECONDS_MAX, HEADER_COUNT_MAX, HEADER_NAME_BYTES_MAX, HEADER_VALUE_BYTES_MAX, KEY_BYTES_MAX,
    MESSAGE_BYTES_MAX, PRIORITY_MAX,
};
use std::time::Duration;

/// Headers whose names start with this belong to the engine; a message that carries one is refused.
pub const ENGINE_HEADER_PREFIX: &str = "rm-";

/// What only a queue knows what to do with.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Task<'a> {
    /// Something here was asked for.
    pub(crate) is_any: bool,
    pub(crate) delay: Option<Duration>,
    pub(crate) deliver_at_ns: Option<u64>,
    pub(crate) priority: Option<u8>,
    pub(crate) ttl: Option<Duration>,
    pub(crate) start_within: Option<Duration>,
    pub(crate) complete_within: Option<Duration>,
    pub(crate) complete_by_ns: Option<u64>,
    pub(crate) ordering_key: Option<&'a [u8]>,
    pub(crate) max_failures: Option<u32>,
    pub(crate) dedup_key: Option<&'a [u8]>,
}

/// A message to send to a queue or append to a stream.
///
/// It borrows everything: building one allocates nothing unless it has headers.
///
/// ```
/// use ringmain::Message;
/// use std::time::Duration;
/// let message = Message::new(b"rebook").key("N14228").header("carrier", b"UA").delay(Duration::from_secs(5));
/// assert_eq!(message.value(), b"rebook");
/// ```
#[derive(Debug, Clone)]
pub struct Message<'a> {
    pub(crate) value: &'a [u8],
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) headers: Vec<(&'a str, &'a [u8])>,
    pub(crate) task: Task<'a>,
    pub(crate) event_time_ns: Option<u64>,
    pub(crate) durability: Durability,
    pub(crate) is_tombstone: bool,
}

impl<'a> Message<'a> {
    /// A message with this value and nothing else.
    pub fn new(value: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        Self {
            value: value.as_ref(),
            key: None,
            headers: Vec::new(),
            task: Task::default(),
            event_time_ns: None,
            durability: Durability::Relaxed,
            is_tombstone: false,
        }
    }

    /// Stream only: says that the key has no value any more. A compacted stream forgets what came before, and in time the
    /// tombstone itself.
    ///
    /// ```
    /// use ringmain::{Hub, Message, Start};
    /// let gates = Hub::memory().stream("gates").open()?;
    /// gates.append(Message::new(b"C71").key("UA1"))?;
    /// gates.append(Message::tombstone("UA1"))?;
    /// let last = gates.reader(Start::Offset(1))?.next().unwrap()?;
    /// assert!(last.is_tombstone() && last.value().is_empty());
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    pub fn tombstone(key: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        Self { key: Some(key.as_ref()), is_tombstone: true, ..Self::new(b"") }
    }

    /// Sets the key: chooses the partition of a stream, and is a label on a queue. At most 4096 bytes.
    pub fn key(mut self, key: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        self.key = Some(key.as_ref());
        self
    }

    /// Adds a header. At most 64, names of 1 to 255 bytes, values of at most 32 KiB. Names that start with
    /// `rm-` are the engine's and refused.
    pub fn header(mut self, name: &'a str, value: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        self.headers.push((name, value.as_ref()));
        self
    }

    /// Queue only: not before this much time has passed. At most ten years.
    pub fn delay(self, delay: Duration) -> Self {
        self.task(|task| task.delay = Some(delay))
    }

    /// Queue only: not before this time, in nanoseconds since 1970. Wins over [`delay`](Self::delay).
    pub fn deliver_at(self, time_ns: u64) -> Self {
        self.task(|task| task.deliver_at_ns = Some(time_ns))
    }

    /// Queue only: 0 to 9, delivered from the largest down. Default 4. A message keeps it when it comes back.
    pub fn priority(self, priority: u8) -> Self {
        self.task(|task| task.priority = Some(priority))
    }

    /// Queue only: how long it may wait, 1 ms to ten years, from now on and however often it comes back; then it expires,
    /// wherever it stands. Of this and the queue's own limit the shorter counts. While it is leased it does not expire.
    pub fn ttl(self, ttl: Duration) -> Self {
        self.task(|task| task.ttl = Some(ttl))
    }

    /// Queue only: a deadline for its first delivery, 1 ms to ten years from now. When it is missed, that is counted, and the
    /// queue does what [`on_breach`](crate::QueueBuilder::on_breach) says; once.
    pub fn start_within(self, time: Duration) -> Self {
        self.task(|task| task.start_within = Some(time))
    }

    /// Queue only: a deadline for its ack, 1 ms to ten years from now; as with [`start_within`](Self::start_within).
    ///
    /// ```
    /// use ringmain::{Hub, Message, OnBreach};
    /// use std::time::Duration;
    /// let hub = Hub::memory();
    /// let queue = hub.queue("jobs").dead_letter("jobs.dead").on_breach(OnBreach::EscalateTo("late".into())).open()?;
    /// let hour = Duration::from_secs(3600);
    /// queue.send(Message::new(b"gate change").start_within(hour / 12).complete_within(hour))?;
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    pub fn complete_within(self, time: Duration) -> Self {
        self.task(|task| task.complete_within = Some(time))
    }

    /// Queue only: the same at a time in nanoseconds since 1970, at most ten years ahead. Wins over
    /// [`complete_within`](Self::complete_within).
    pub fn complete_by(self, time_ns: u64) -> Self {
        self.task(|task| task.complete_by_ns = Some(time_ns))
    }

    /// Queue only: messages of one ordering key are delivered one at a time, in the order in which they were sent; those of
    /// other keys beside them. At most 4096 bytes. A batch has one of each key, too; a queue may allow
    /// [several](crate::QueueBuilder::group_parallelism) of a key out, and [halt](crate::QueueBuilder::on_group_death) a key of
    /// which one dies.
    pub fn ordering_key(self, key: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        self.task(|task| task.ordering_key = Some(key.as_ref()))
    }

    /// Queue only: failures after which it is exhausted, at least 1, whatever its queue says. A redriven message keeps it.
    pub fn max_failures(self, count: u32) -> Self {
        self.task(|task| task.max_failures = Some(count))
    }

    /// Queue only: a message whose key the queue still remembers from an earlier one is a duplicate and not sent again. For how
    /// long that is and what else happens, [`Dedup`](crate::Dedup) says; 10 min and nothing, if the queue was not told. At
    /// most 4096 bytes, compared exactly.
    ///
    /// ```
    /// use ringmain::{Hub, Message, OnExhausted};
    /// let orders = Hub::memory().queue("orders").on_exhausted(OnExhausted::Drop).open()?;
    /// let first = orders.send(Message::new(b"pay").dedup_key("order 17"))?;
    /// assert_eq!(orders.send(Message::new(b"pay").dedup_key("order 17"))?, first);
    /// assert_eq!(orders.stats()?.ready, 1);
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    pub fn dedup_key(self, key: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        self.task(|task| task.dedup_key = Some(key.as_ref()))
    }

    fn task(mut self, set: impl FnOnce(&mut Task<'a>)) -> Self {
        set(&mut self.task);
        self.task.is_any = true;
        self
    }

    /// When what the message tells of happened, in nanoseconds since 1970. Kept with it, never used for
    /// retention.
    pub fn event_time(mut self, time_ns: u64) -> Self {
        self.event_time_ns = Some(time_ns);
        self
    }

    /// What the verb that takes it waits for, if that is more than the hub's own [`Durability`]. Of several in a batch
    /// the safest counts.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// The value.
    pub fn value(&self) -> &'a [u8] {
        self.value
    }

    /// When a queue may deliver it first, given the time now; 0 for at once.
    pub(crate) fn due_ns(&self, now_ns: u64) -> u64 {
        match (self.task.deliver_at_ns, self.task.delay) {
            (Some(at), _) if at > now_ns => at,
            (None, Some(delay)) if !delay.is_zero() => now_ns.saturating_add(duration_ns(delay)),
            _ => 0,
        }
    }

    /// Whether a stream keeps nothing of it but its value, and perhaps a key.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.headers.is_empty() && self.event_time_ns.is_none() && !self.is_tombstone
    }

    /// Checks every limit; what passes fits the log's frame.
    #[inline]
    pub(crate) fn check(&self, now_ns: u64) -> Result<()> {
        let key_bytes = self.key.map_or(0, <[u8]>::len);
        let fits = key_bytes <= KEY_BYTES_MAX && key_bytes + self.value.len() <= MESSAGE_BYTES_MAX;
        if fits && self.headers.is_empty() && !self.task.is_any {
            return Ok(());
        }
        self.check_all(now_ns)
    }

    #[inline(never)]
    fn check_all(&self, now_ns: u64) -> Result<()> {
        let too_large = |what, bytes: usize, limit: usize| {
            Err(Error::TooLarge { what, bytes: bytes as u64, limit_bytes: limit as u64 })
        };
        let mut bytes = self.value.len();
        let task = &self.task;
        for (what, key) in
            [("key", self.key), ("ordering key", task.ordering_key), ("dedup key", task.dedup_key)]
        {
            let length = key.map_or(0, <[u8]>::len);
            if length > KEY_BYTES_MAX {
                return too_large(what, length, KEY_BYTES_MAX);
            }
            bytes += length;
        }
        self.task.check(now_ns)?;
        if self.headers.len() > HEADER_COUNT_MAX {
            return Err(Error::invalid(
                "headers",
                format!("{} headers, at most {HEADER_COUNT_MAX} are allowed", self.headers.len()),
            ));
        }
        for (name, value) in &self.headers {
            if name.is_empty() {
                return Err(Error::invalid("header name", "it is empty"));
            }
            if name.len() > HEADER_NAME_BYTES_MAX {
                return too_large("header name", name.len(), HEADER_NAME_BYTES_MAX);
            }
            if name.starts_with(ENGINE_HEADER_PREFIX) {
                return Err(Error::invalid(
                    "header name",
                    format!("{name:?}: names that start with {ENGINE_HEADER_PREFIX:?} belong to the engine"),
                ));
            }
            if value.len() > HEADER_VALUE_BYTES_MAX {
                return too_large("header value", value.len(), HEADER_VALUE_BYTES_MAX);
            }
            bytes += name.len() + value.len();
        }
        if bytes > MESSAGE_BYTES_MAX {
            return too_large("message", bytes, MESSAGE_BYTES_MAX);
        }
        check_delay(self.due_ns(now_ns).saturating_sub(now_ns))
    }
}

impl Task<'_> {
    fn check(&self, now_ns: u64) -> Result<()> {
        if let Some(priority) = self.priority.filter(|priority| *priority > PRIORITY_MAX) {
            return Err(Error::invalid(
                "priority",
                format!("{priority} is not allowed; 0 to {PRIORITY_MAX} are"),
            ));
        }
        self.start_within.map_or(Ok(()), |time| check_span("start_within", time))?;
        self.complete_within.map_or(Ok(()), |time| check_span("complete_within", time))?;
        if self.complete_by_ns.is_some_and(|at_ns| check_delay(at_ns.saturating_sub(now_ns)).is_err()) {
            return Err(Error::invalid(
                "complete_by",
                "more than ten years ahead; at most ten years are allowed",
            ));
        }
        if self.max_failures == Some(0) {
            return Err(Error::invalid("max_failures", "0 is not allowed; at least 1 is"));
        }
        self.ttl.map_or(Ok(()), check_ttl)
    }

    /// When it is to be received and when to be acked, given the time now.
    pub(crate) fn deadlines_ns(&self, now_ns: u64) -> (Option<u64>, Option<u64>) {
        let after = |time: Duration| now_ns.saturating_add(duration_ns(time));
        (self.start_within.map(after), self.complete_by_ns.or(self.complete_within.map(after)))
    }
}

impl Default for Message<'_> {
    fn default() -> Self {
        Self::new(b"")
    }
}

/// The safest durability that one of several messages asks for.
pub(crate) fn safest(messages: &[Message<'_>]) -> Durability {
    messages.iter().map(|message| message.durability).max().unwrap_or(Durability::Relaxed)
}

/// Refuses a delay beyond the limit.
pub(crate) fn check_delay(delay_ns: u64) -> Result<()> {
    if delay_ns > DELAY_SECONDS_MAX * 1_000_000_000 {
        return Err(Error::invalid("delay", "more than ten years ahead; at most ten years are allowed"));
    }
    Ok(())
}

/// Refuses a time to live beyond its limits.
pub(crate) fn check_ttl(ttl: Duration) -> Result<()> {
    check_span("ttl", ttl)
}

/// Refuses a time from now beyond its limits.
pub(crate) fn check_span(argument: &'static str, span: Duration) -> Result<()> {
    if span < Duration::from_millis(1) || span > Duration::from_secs(DELAY_SECONDS_MAX) {
        return Err(Error::invalid(argument, format!("{span:?} is not allowed; 1 ms to ten years are")));
    }
    Ok(())
}

/// The beginning of a text, at most so many bytes, up to a character boundary.
pub(crate) fn cut(text: &str, bytes_max: usize) -> &str {
    let end = (0..=bytes_max.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

/// A duration in whole nanoseconds; anything beyond 584 years becomes that.
pub(crate) fn duration_ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The first header of that name.
pub(crate) fn header_of<'h>(
    mut headers: impl Iterator<Item = (&'h str, &'h [u8])>,
    name: &str,
) -> Option<&'h [u8]> {
    headers.find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// Accessors of the message behind a payload, the same for everything that holds one.
macro_rules! accessors {
    ($type:ty) => {
        impl $type {
            /// The key, if it has one.
            #[inline]
            pub fn key(&self) -> Option<&[u8]> {
                self.frame().key()
            }

            /// The value.
            #[inline]
            pub fn value(&self) -> &[u8] {
                self.frame().value()
            }

            /// The first header of that name.
            pub fn header(&self, name: &str) -> Option<&[u8]> {
                $crate::message::header_of(self.headers(), name)
            }

            /// All headers, in order.
            pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
                self.frame().headers()
            }

            /// When the message was accepted, in nanoseconds since 1970.
            pub fn time_ns(&self) -> u64 {
                self.frame().time_ns()
            }

            /// The producer's event time, in nanoseconds since 1970.
            pub fn event_time_ns(&self) -> Option<u64> {
                self.frame().event_time_ns()
            }
        }
    };
}
pub(crate) use accessors;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_over_a_limit_is_refused_with_the_limit_in_the_error() {
        let long = vec![0; MESSAGE_BYTES_MAX + 1];
        assert!(Message::new(&long).check(0).unwrap_err().to_string().contains("1048576"));
        assert!(
            Message::new(b"")
                .key(&long[..KEY_BYTES_MAX + 1])
                .check(0)
                .unwrap_err()
                .to_string()
                .contains("4096")
        );
        assert!(Message::new(&long[..MESSAGE_BYTES_MAX]).check(0).is_ok());
    }

    #[test]
    fn engine_headers_cannot_be_forged() {
        assert!(Message::new(b"").header("rm-failures", b"0").check(0).is_err());
    }

    #[test]
    fn a_delay_of_more_than_ten_years_is_refused() {
        assert!(Message::new(b"").delay(Duration::from_secs(DELAY_SECONDS_MAX + 1)).check(7).is_err());
        assert!(Message::new(b"").deliver_at(u64::MAX).check(7).is_err());
        assert!(Message::new(b"").delay(Duration::from_secs(DELAY_SECONDS_MAX)).check(7).is_ok());
    }
}
