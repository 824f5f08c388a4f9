//! Which letters a verb is for.

use crate::log::Frame;
use crate::queue::envelope::{DEAD_CLASS, DEAD_ERROR, DEAD_QUEUE, DEAD_REASON, DEAD_TIME, number, text};
use std::ops::Range;

/// Some of the dead letters of a queue: those for which everything holds that was asked for.
///
/// ```
/// use ringmain::Letters;
/// let timeouts = Letters::all().reason("failed").class("Timeout").queue("emails");
/// let these = Letters::ids([17, 19]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Letters {
    pub(super) ids: Option<Vec<u64>>,
    pub(super) from_id: u64,
    reason: Option<String>,
    class: Option<String>,
    error: Option<String>,
    queue: Option<String>,
    died_ns: Option<Range<u64>>,
}

impl Letters {
    /// All of them.
    pub fn all() -> Self {
        Self::default()
    }

    /// Those with these ids in the dead letter queue.
    pub fn ids(ids: impl IntoIterator<Item = u64>) -> Self {
        let mut ids: Vec<u64> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        Self { ids: Some(ids), ..Self::default() }
    }

    /// Those with at least this id.
    pub fn from_id(mut self, id: u64) -> Self {
        self.from_id = id;
        self
    }

    /// Those that died so: `failed`, `rejected`, `expired`, or another value of the `rm-dead-reason` header.
    pub fn reason(mut self, reason: &str) -> Self {
        self.reason = Some(reason.to_owned());
        self
    }

    /// Those whose last failure was told this error class.
    pub fn class(mut self, class: &str) -> Self {
        self.class = Some(class.to_owned());
        self
    }

    /// Those in whose last error this text is.
    pub fn error_contains(mut self, text: &str) -> Self {
        self.error = Some(text.to_owned());
        self
    }

    /// Those that died in this queue.
    pub fn queue(mut self, name: &str) -> Self {
        self.queue = Some(name.to_owned());
        self
    }

    /// Those that died at one of these times, in nanoseconds since 1970; not at the last.
    pub fn died_between(mut self, times_ns: Range<u64>) -> Self {
        self.died_ns = Some(times_ns);
        self
    }

    /// Whether a record is a letter, and one of these.
    pub(super) fn has(&self, frame: &Frame<'_>) -> bool {
        let is = |name, wanted: &Option<String>| {
            wanted.as_deref().is_none_or(|wanted| text(frame, name) == Some(wanted))
        };
        text(frame, DEAD_QUEUE).is_some()
            && is(DEAD_REASON, &self.reason)
            && is(DEAD_CLASS, &self.class)
            && is(DEAD_QUEUE, &self.queue)
            && self
                .error
                .as_ref()
                .is_none_or(|part| text(frame, DEAD_ERROR).is_some_and(|error| error.contains(part.as_str())))
            && self
                .died_ns
                .as_ref()
                .is_none_or(|times| number(frame, DEAD_TIME).is_some_and(|time_ns| times.contains(&time_ns)))
    }
}
