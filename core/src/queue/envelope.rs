//! What the engine writes on a dead letter, and reads from it when the letter goes back: the names of its headers, and what
//! is in them.

use crate::log::{Frame, Options};
use crate::message::{ENGINE_HEADER_PREFIX, header_of};
use crate::queue::state::{Death, Message, ORDERING_KEY};

/// Header: why it died: `failed`, `rejected` or `expired`.
pub const DEAD_REASON: &str = "rm-dead-reason";
/// Header: the text of the last failure or rejection.
pub const DEAD_ERROR: &str = "rm-dead-error";
/// Header: the class of the last failure, if it was told one.
pub const DEAD_CLASS: &str = "rm-dead-class";
/// Header: its last failures, oldest first: a JSON array of objects with `time_ns`, `class` and `error`.
pub const DEAD_HISTORY: &str = "rm-dead-history";
/// Header: the queue that it died in.
pub const DEAD_QUEUE: &str = "rm-dead-queue";
/// Header: its id there.
pub const DEAD_ID: &str = "rm-dead-id";
/// Header: the id of that queue's log, which tells it from a queue of the same name that was deleted.
pub const DEAD_LOG: &str = "rm-dead-log";
/// Header: when it died, in nanoseconds since 1970.
pub const DEAD_TIME: &str = "rm-dead-time";
/// Header: when it was first sent, in nanoseconds since 1970. Kept when it is redriven.
pub const FIRST_ENQUEUED: &str = "rm-first-enqueued";
/// Header: leases granted.
pub const ATTEMPTS: &str = "rm-attempts";
/// Header: failures counted.
pub const FAILURES: &str = "rm-failures";
/// Header: how often it was redriven.
pub const REDRIVES: &str = "rm-redrives";
/// Header: the priority that it was sent with, if it was any.
pub const PRIORITY: &str = "rm-priority";
/// Header: the number of failures that it was allowed, if it was told one of its own.
pub const MAX_FAILURES: &str = "rm-max-failures";
/// Header of a redriven message: which letter it was, as log and id in it.
pub const REDRIVEN: &str = "rm-redriven";

/// What goes along from life to life.
const CARRIED: [&str; 5] = [ORDERING_KEY, FIRST_ENQUEUED, REDRIVES, PRIORITY, MAX_FAILURES];

/// Headers to be written: borrowed from a frame, or made here.
#[derive(Debug, Default)]
pub(crate) struct Headers<'a> {
    borrowed: Vec<(&'a str, &'a [u8])>,
    made: Vec<(&'static str, String)>,
}

impl<'a> Headers<'a> {
    fn of(frame: &Frame<'a>, carried: &[&str]) -> Self {
        let stays = |name: &str| !name.starts_with(ENGINE_HEADER_PREFIX) || carried.contains(&name);
        Self { borrowed: frame.headers().filter(|(name, _)| stays(name)).collect(), made: Vec::new() }
    }

    fn push(&mut self, name: &'static str, value: impl ToString) {
        self.made.push((name, value.to_string()));
    }

    fn push_missing(&mut self, name: &'static str, value: Option<impl ToString>) {
        if let Some(value) = value.filter(|_| !self.borrowed.iter().any(|(other, _)| *other == name)) {
            self.push(name, value);
        }
    }

    /// All of them.
    pub(crate) fn list(&self) -> Vec<(&str, &[u8])> {
        let made = self.made.iter().map(|(name, value)| (*name, value.as_bytes()));
        self.borrowed.iter().copied().chain(made).collect()
    }
}

/// Where a message was.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) queue: &'a str,
    pub(crate) log: u64,
    pub(crate) id: u64,
}

/// The headers of a letter.
pub(crate) fn of_letter<'a>(
    frame: &Frame<'a>,
    origin: Origin<'_>,
    message: &Message,
    death: Death,
    now_ns: u64,
) -> Headers<'a> {
    let mut headers = Headers::of(frame, &CARRIED);
    let options = frame.options();
    headers.push_missing(FIRST_ENQUEUED, Some(frame.time_ns()));
    headers.push_missing(REDRIVES, Some(0));
    headers.push_missing(PRIORITY, options.priority);
    headers.push_missing(MAX_FAILURES, options.failures_max);
    headers.push(DEAD_REASON, death.as_str());
    let last = message.history.last();
    headers.push(DEAD_ERROR, last.map_or("", |reason| &reason.text));
    if let Some(reason) = last.filter(|reason| !reason.class.is_empty()) {
        headers.push(DEAD_CLASS, &reason.class);
    }
    headers.push(DEAD_HISTORY, message.history.to_json());
    headers.push(DEAD_QUEUE, origin.queue);
    headers.push(DEAD_ID, origin.id);
    headers.push(DEAD_LOG, origin.log);
    headers.push(DEAD_TIME, now_ns);
    headers.push(ATTEMPTS, message.attempts);
    headers.push(FAILURES, message.failures);
    headers
}

/// The number in a header of a letter.
pub(crate) fn number(frame: &Frame<'_>, name: &str) -> Option<u64> {
    text(frame, name)?.parse().ok()
}

/// The text in a header of a letter.
pub(crate) fn text<'a>(frame: &Frame<'a>, name: &str) -> Option<&'a str> {
    std::str::from_utf8(header_of(frame.headers(), name)?).ok()
}

/// Which message of which log a letter is of. One that does not say its log is of the queue that has the name now.
pub(crate) fn is_of(frame: &Frame<'_>, queue: &str, log: u64) -> Option<u64> {
    let is_its = text(frame, DEAD_QUEUE) == Some(queue) && number(frame, DEAD_LOG).is_none_or(|id| id == log);
    if is_its { number(frame, DEAD_ID) } else { None }
}

/// The headers and options of a letter that goes back: what it was sent with, how often it was tried, and which letter it was.
pub(crate) fn of_redriven<'a>(
    frame: &Frame<'a>,
    log: u64,
    id: u64,
    keeps_failures: bool,
) -> (Headers<'a>, Options) {
    let mut headers = Headers::of(frame, &[ORDERING_KEY, FIRST_ENQUEUED]);
    headers.push(REDRIVES, number(frame, REDRIVES).unwrap_or(0).saturating_add(1));
    headers.push(REDRIVEN, redriven(log, id));
    let options = Options {
        priority: number(frame, PRIORITY),
        failures_max: number(frame, MAX_FAILURES),
        attempts: number(frame, ATTEMPTS),
        failures: number(frame, FAILURES).filter(|_| keeps_failures),
        ..Options::default()
    };
    (headers, options)
}

/// What a redriven message has in its header.
pub(crate) fn redriven(log: u64, id: u64) -> String {
    format!("{log}/{id}")
}
