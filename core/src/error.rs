//! One table of errors: its codes are the C codes, the Python exception classes and the Node `code` strings.

use crate::name::Name;
use std::any::Any;
use std::path::PathBuf;

/// What every fallible verb of the durable side returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// `None` for an empty batch: what waits goes on waiting for it. An error is something.
pub(crate) fn something<T>(batch: Result<Vec<T>>) -> Option<Result<Vec<T>>> {
    if batch.as_ref().is_ok_and(Vec::is_empty) { None } else { Some(batch) }
}

/// What a panic said.
pub(crate) fn panic_text(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => match panic.downcast::<&'static str>() {
            Ok(text) => (*text).to_owned(),
            Err(panic) => {
                // WHY: a stranger's value, which may panic in turn when it is dropped.
                std::mem::forget(panic);
                "not in words".to_owned()
            }
        },
    }
}

fn fenced_from(partition: Option<u32>) -> String {
    match partition {
        Some(partition) => format!(
            "no longer owns partition {partition}; what was not committed of it, its next owner reads again"
        ),
        None => {
            "was replaced by another one that has joined under its name; give each member a name of its own"
                .to_owned()
        }
    }
}

/// Why a verb did not do what was asked. Nothing was changed unless the variant says so.
///
/// Each variant has a stable numeric [`code`](Error::code), the same in every language.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument is out of its range.
    #[error("{argument}: {detail}")]
    InvalidArgument {
        /// Which argument.
        argument: &'static str,
        /// What is wrong with it, and what would be right.
        detail: String,
    },
    /// A name breaks the rules of [`Name`].
    #[error("name {name:?} is not allowed: {rule}")]
    InvalidName {
        /// The text that was refused.
        name: String,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// Something is larger than its limit.
    #[error("{what} of {bytes} bytes is over the limit of {limit_bytes} bytes")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit_bytes: u64,
    },
    /// There is nothing of that name.
    #[error("{noun} {name:?} does not exist{advice}")]
    NotFound {
        /// Queue, stream, group or directory.
        noun: &'static str,
        /// The name that was looked for.
        name: String,
        /// What to do, as the end of the sentence; may be empty.
        advice: &'static str,
    },
    /// The hub's directory is open in another process.
    #[error("hub {path:?} is already open: {holder}")]
    Locked {
        /// The hub's directory.
        path: PathBuf,
        /// Who holds it: process id, start time, host.
        holder: String,
    },
    /// The hub, queue, stream or handle was closed.
    #[error("{what} is closed")]
    Closed {
        /// What is closed.
        what: &'static str,
    },
    /// The lease is no longer this delivery's: it expired, was settled, or was given to somebody else.
    #[error(
        "lease lost: message {id} of queue {queue}, attempt {attempt}, is no longer leased to this delivery"
    )]
    LeaseLost {
        /// The queue.
        queue: Name,
        /// The message.
        id: u64,
        /// The attempt that the delivery stands for.
        attempt: u32,
    },
    /// A wait ended without what was waited for.
    #[error("timed out while {doing}")]
    Timeout {
        /// What was being done.
        doing: &'static str,
    },
    /// A write or sync failed earlier: nothing more is written until the hub is opened again.
    #[error(
        "{path:?} refuses writes since a failed {operation} ({detail}); close the hub, look at the disk, open it again"
    )]
    Poisoned {
        /// The file or directory.
        path: PathBuf,
        /// Which operation failed.
        operation: &'static str,
        /// The system's words for it.
        detail: String,
        /// The system's number for it, 0 where there is none.
        errno: i32,
    },
    /// A file says something that Ringmain never wrote.
    #[error("{path:?} is damaged at byte {byte_position}: {detail}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where in the file, in bytes.
        byte_position: u64,
        /// What was found and what was expected.
        detail: String,
    },
    /// The system refused a file operation.
    #[error("{operation} {path:?}: {detail}")]
    Io {
        /// Which operation.
        operation: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's words for it.
        detail: String,
        /// The system's number for it, 0 where there is none.
        errno: i32,
    },
    /// A file was written by a version of Ringmain that this one does not understand.
    #[error("{path:?} has {found}, this version reads {supported}")]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The version or feature found.
        found: String,
        /// What is supported.
        supported: &'static str,
    },
    /// A group member acted on a partition that it no longer owns, or is no longer that member.
    #[error("fenced: member {member} of group {group} {}", fenced_from(*partition))]
    Fenced {
        /// The group.
        group: Name,
        /// The member's number.
        member: u64,
        /// The partition; `None`: all of them, because another member has taken its name.
        partition: Option<u32>,
    },
    /// An offset lies outside what the partition holds.
    #[error(
        "offset {offset} of partition {partition} is outside {start}..{end}; seek to an offset that is held"
    )]
    OutOfRange {
        /// The partition.
        partition: u32,
        /// The offset asked for.
        offset: u64,
        /// The first offset held.
        start: u64,
        /// One past the last offset held.
        end: u64,
    },
    /// A queue or stream exists with an option that cannot be altered.
    #[error("{noun} {name} exists with {option} {stored}, asked for {asked}; this option cannot be altered")]
    OptionMismatch {
        /// Queue or stream.
        noun: &'static str,
        /// Its name.
        name: Name,
        /// The option.
        option: &'static str,
        /// The stored value.
        stored: String,
        /// The value asked for.
        asked: String,
    },
    /// An option that has no safe default was not given.
    #[error("{noun} {name} needs {option}: {advice}")]
    OptionMissing {
        /// Queue or stream.
        noun: &'static str,
        /// Its name.
        name: Name,
        /// The option.
        option: &'static str,
        /// How to give it.
        advice: &'static str,
    },
    /// The process was forked: the hub belongs to the parent.
    #[error("this hub belongs to process {owner}; a forked child must open its own")]
    Forked {
        /// The process that opened the hub.
        owner: u32,
    },
    /// Publishing would use the part of the disk that is kept in reserve. Acknowledging, committing and deleting go on.
    #[error(
        "the disk of {path:?} is full: {free_bytes} bytes are free, the hub keeps {reserve_bytes} in reserve and as much as its \
         journal holds; drain queues, delete what is not needed, make room, or lower disk_reserve_bytes"
    )]
    DiskFull {
        /// The hub's directory.
        path: PathBuf,
        /// Bytes that are free on its file system.
        free_bytes: u64,
        /// Bytes kept in reserve.
        reserve_bytes: u64,
    },
    /// Something holds as much as it was told to hold.
    #[error("{noun} {name} is full: it holds {count} of at most {limit} {what}; {advice}")]
    Full {
        /// Queue or stream.
        noun: &'static str,
        /// Its name.
        name: Name,
        /// What it holds: messages, bytes or deduplication keys.
        what: &'static str,
        /// How much of it is there.
        count: u64,
        /// How much of it may be there.
        limit: u64,
        /// What to do.
        advice: &'static str,
    },
    /// A message has the deduplication key of an earlier one, and the queue was told to refuse that.
    #[error(
        "queue {queue} has message {id} with this deduplication key; send it with another key, or have the queue ignore duplicates"
    )]
    Duplicate {
        /// The queue.
        queue: Name,
        /// The message that was sent with the key.
        id: u64,
    },
    /// A partition does not end where an append was to go: somebody else appended.
    #[error(
        "partition {partition} of stream {stream} ends at offset {actual}, not at the expected {expected}; read what is there, then \
         append with the offset where it ends"
    )]
    Conflict {
        /// The stream.
        stream: Name,
        /// The partition.
        partition: u32,
        /// The offset at which it was expected to end.
        expected: u64,
        /// The offset at which it ended.
        actual: u64,
    },
    /// A producer left out sequence numbers.
    #[error(
        "producer {producer} of stream {stream} is to go on with sequence {expected}, got {got}; append what is missing first"
    )]
    SequenceGap {
        /// The stream.
        stream: Name,
        /// The producer.
        producer: Name,
        /// Where it is to go on.
        expected: u64,
        /// The sequence given.
        got: u64,
    },
    /// A producer was opened again: the handle from before may not append any more.
    #[error(
        "fenced: producer {producer} of stream {stream} was opened again with epoch {current}, this handle has epoch {epoch}; \
         open it anew where it is to be used"
    )]
    ProducerFenced {
        /// The stream.
        stream: Name,
        /// The producer.
        producer: Name,
        /// The epoch of the handle.
        epoch: u64,
        /// The epoch of the handle that counts.
        current: u64,
    },
    /// A record failed as often as its worker allows: the worker has stopped, and the record is not committed.
    #[error(
        "the handler of stream {stream} has failed {failures} times at offset {offset} of partition {partition}: {reason}; mend it and \
         start the worker again, or have it skip such records or hand them over"
    )]
    HandlerFailed {
        /// The stream.
        stream: Name,
        /// The partition.
        partition: u32,
        /// The record.
        offset: u64,
        /// How often.
        failures: u32,
        /// Why, the last time.
        reason: String,
    },
    /// A bug in Ringmain: a panic was caught at a language boundary.
    #[error("internal error, please report it: {detail}")]
    Internal {
        /// The panic's words.
        detail: String,
    },
    /// A handle of a foreign language is closed, of another kind, or never was one.
    #[error("not an open {expected} handle: {handle}")]
    InvalidHandle {
        /// The kind of handle expected.
        expected: &'static str,
        /// The number given.
        handle: u64,
    },
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $name:literal;)*) => {
        /// The stable number of each [`Error`] variant. Numbers are never reused or changed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(i32)]
        #[non_exhaustive]
        pub enum ErrorCode { $($(#[$doc])* $variant = $number,)* }

        impl ErrorCode {
            /// Every code, in order of number.
            pub const ALL: &[ErrorCode] = &[$(ErrorCode::$variant,)*];

            /// The name that C, Python and Node show: upper case with underscores.
            pub fn name(self) -> &'static str {
                match self { $(ErrorCode::$variant => $name,)* }
            }
        }

        impl Error {
            /// The stable number of this error, the same in every language.
            pub fn code(&self) -> ErrorCode {
                match self { $(Error::$variant { .. } => ErrorCode::$variant,)* }
            }
        }
    };
}

codes! {
    /// [`Error::InvalidArgument`]
    InvalidArgument = 1, "INVALID_ARGUMENT";
    /// [`Error::InvalidName`]
    InvalidName = 2, "INVALID_NAME";
    /// [`Error::TooLarge`]
    TooLarge = 3, "TOO_LARGE";
    /// [`Error::NotFound`]
    NotFound = 4, "NOT_FOUND";
    /// [`Error::Locked`]
    Locked = 5, "LOCKED";
    /// [`Error::Closed`]
    Closed = 6, "CLOSED";
    /// [`Error::LeaseLost`]
    LeaseLost = 7, "LEASE_LOST";
    /// [`Error::Timeout`]
    Timeout = 8, "TIMEOUT";
    /// [`Error::Poisoned`]
    Poisoned = 9, "POISONED";
    /// [`Error::Corrupt`]
    Corrupt = 10, "CORRUPT";
    /// [`Error::Io`]
    Io = 11, "IO";
    /// [`Error::Unsupported`]
    Unsupported = 12, "UNSUPPORTED";
    /// [`Error::Fenced`]
    Fenced = 13, "FENCED";
    /// [`Error::OutOfRange`]
    OutOfRange = 14, "OUT_OF_RANGE";
    /// [`Error::OptionMismatch`]
    OptionMismatch = 15, "OPTION_MISMATCH";
    /// [`Error::OptionMissing`]
    OptionMissing = 16, "OPTION_MISSING";
    /// [`Error::Forked`]
    Forked = 17, "FORKED";
    /// [`Error::Internal`]
    Internal = 18, "INTERNAL";
    /// [`Error::InvalidHandle`]
    InvalidHandle = 19, "INVALID_HANDLE";
    /// [`Error::DiskFull`]
    DiskFull = 20, "DISK_FULL";
    /// [`Error::Full`]
    Full = 21, "FULL";
    /// [`Error::Duplicate`]
    Duplicate = 22, "DUPLICATE";
    /// [`Error::Conflict`]
    Conflict = 23, "CONFLICT";
    /// [`Error::SequenceGap`]
    SequenceGap = 24, "SEQUENCE_GAP";
    /// [`Error::ProducerFenced`]
    ProducerFenced = 25, "PRODUCER_FENCED";
    /// [`Error::HandlerFailed`]
    HandlerFailed = 26, "HANDLER_FAILED";
}

impl Error {
    /// A file operation that the system refused.
    pub(crate) fn io(operation: &'static str, path: impl Into<PathBuf>, source: &std::io::Error) -> Self {
        let errno = source.raw_os_error().unwrap_or(0);
        Self::Io { operation, path: path.into(), detail: source.to_string(), errno }
    }

    /// An argument out of its range.
    pub fn invalid(argument: &'static str, detail: impl Into<String>) -> Self {
        Self::InvalidArgument { argument, detail: detail.into() }
    }

    /// The system's error number, where the system was the cause; else 0.
    pub fn errno(&self) -> i32 {
        match self {
            Self::Io { errno, .. } | Self::Poisoned { errno, .. } => *errno,
            Self::DiskFull { .. } => libc::ENOSPC,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_dense_from_one_and_names_are_unique() {
        let numbers: Vec<i32> = ErrorCode::ALL.iter().map(|c| *c as i32).collect();
        assert_eq!(numbers, (1..=ErrorCode::ALL.len() as i32).collect::<Vec<_>>());
        let names: std::collections::HashSet<_> = ErrorCode::ALL.iter().map(|c| c.name()).collect();
        assert_eq!(names.len(), ErrorCode::ALL.len());
    }
}
