//! Codes, their names, and the text of the last error of each thread.

use crate::guard::infallible;
use ringmain::{Error, ErrorCode};
use std::cell::{Cell, RefCell};
use std::ffi::{CString, c_char};
use std::sync::LazyLock;

/// The call did what was asked.
pub const RINGMAIN_OK: i32 = 0;
/// An argument is out of its range: NULL, misaligned, too long, not UTF-8, an unknown constant, a wrong `size`.
pub const RINGMAIN_ERROR_INVALID_ARGUMENT: i32 = 1;
/// The name of a queue, stream or group breaks the rules: 1 to 128 bytes of A-Z a-z 0-9 . _ - that start with a
/// letter or digit and do not end in a dot.
pub const RINGMAIN_ERROR_INVALID_NAME: i32 = 2;
/// Something is larger than its limit.
pub const RINGMAIN_ERROR_TOO_LARGE: i32 = 3;
/// There is nothing of that name.
pub const RINGMAIN_ERROR_NOT_FOUND: i32 = 4;
/// The hub's directory is open in another process; the text says in which.
pub const RINGMAIN_ERROR_LOCKED: i32 = 5;
/// The hub was closed.
pub const RINGMAIN_ERROR_CLOSED: i32 = 6;
/// The delivery's lease expired, was settled, or was given to somebody else. Nothing was changed.
pub const RINGMAIN_ERROR_LEASE_LOST: i32 = 7;
/// A wait ended without what was waited for.
pub const RINGMAIN_ERROR_TIMEOUT: i32 = 8;
/// A write or sync failed earlier: nothing more is written until the hub is opened again.
pub const RINGMAIN_ERROR_POISONED: i32 = 9;
/// A file says something that Ringmain never wrote; the text says which file and where.
pub const RINGMAIN_ERROR_CORRUPT: i32 = 10;
/// The system refused a file operation; see `ringmain_last_error_errno()`.
pub const RINGMAIN_ERROR_IO: i32 = 11;
/// A file was written by a version of Ringmain that this one does not understand.
pub const RINGMAIN_ERROR_UNSUPPORTED: i32 = 12;
/// A group member acted on a partition that it no longer owns, or another member has taken its name.
pub const RINGMAIN_ERROR_FENCED: i32 = 13;
/// An offset lies outside what the partition holds.
pub const RINGMAIN_ERROR_OUT_OF_RANGE: i32 = 14;
/// A queue or stream exists with an option that cannot be altered.
pub const RINGMAIN_ERROR_OPTION_MISMATCH: i32 = 15;
/// An option that has no safe default was not given.
pub const RINGMAIN_ERROR_OPTION_MISSING: i32 = 16;
/// The process was forked: the hub belongs to the parent.
pub const RINGMAIN_ERROR_FORKED: i32 = 17;
/// A bug in Ringmain; please report the text. The handle of that call refuses everything but close from then on.
pub const RINGMAIN_ERROR_INTERNAL: i32 = 18;
/// A handle is closed, of another kind, 0, or never was one.
pub const RINGMAIN_ERROR_INVALID_HANDLE: i32 = 19;
/// Publishing would use the part of the disk that is kept in reserve. Acknowledging, committing and deleting go on.
pub const RINGMAIN_ERROR_DISK_FULL: i32 = 20;
/// A queue holds as much as it was told to hold: have more of it received and acked, or send it later.
pub const RINGMAIN_ERROR_FULL: i32 = 21;
/// A message has the deduplication key of an earlier one, and the queue was told to refuse that.
pub const RINGMAIN_ERROR_DUPLICATE: i32 = 22;
/// A partition of a stream does not end where an append was to go.
pub const RINGMAIN_ERROR_CONFLICT: i32 = 23;
/// A producer of a stream left out sequence numbers.
pub const RINGMAIN_ERROR_SEQUENCE_GAP: i32 = 24;
/// A producer of a stream was opened again: this handle may not append any more.
pub const RINGMAIN_ERROR_PRODUCER_FENCED: i32 = 25;
/// The handler of a stream's worker failed as often as it may: the worker has stopped.
pub const RINGMAIN_ERROR_HANDLER_FAILED: i32 = 26;

/// The numbers are the core's, and there are no others.
const _: () = {
    assert!(RINGMAIN_ERROR_INVALID_ARGUMENT == ErrorCode::InvalidArgument as i32);
    assert!(RINGMAIN_ERROR_INVALID_NAME == ErrorCode::InvalidName as i32);
    assert!(RINGMAIN_ERROR_TOO_LARGE == ErrorCode::TooLarge as i32);
    assert!(RINGMAIN_ERROR_NOT_FOUND == ErrorCode::NotFound as i32);
    assert!(RINGMAIN_ERROR_LOCKED == ErrorCode::Locked as i32);
    assert!(RINGMAIN_ERROR_CLOSED == ErrorCode::Closed as i32);
    assert!(RINGMAIN_ERROR_LEASE_LOST == ErrorCode::LeaseLost as i32);
    assert!(RINGMAIN_ERROR_TIMEOUT == ErrorCode::Timeout as i32);
    assert!(RINGMAIN_ERROR_POISONED == ErrorCode::Poisoned as i32);
    assert!(RINGMAIN_ERROR_CORRUPT == ErrorCode::Corrupt as i32);
    assert!(RINGMAIN_ERROR_IO == ErrorCode::Io as i32);
    assert!(RINGMAIN_ERROR_UNSUPPORTED == ErrorCode::Unsupported as i32);
    assert!(RINGMAIN_ERROR_FENCED == ErrorCode::Fenced as i32);
    assert!(RINGMAIN_ERROR_OUT_OF_RANGE == ErrorCode::OutOfRange as i32);
    assert!(RINGMAIN_ERROR_OPTION_MISMATCH == ErrorCode::OptionMismatch as i32);
    assert!(RINGMAIN_ERROR_OPTION_MISSING == ErrorCode::OptionMissing as i32);
    assert!(RINGMAIN_ERROR_FORKED == ErrorCode::Forked as i32);
    assert!(RINGMAIN_ERROR_INTERNAL == ErrorCode::Internal as i32);
    assert!(RINGMAIN_ERROR_INVALID_HANDLE == ErrorCode::InvalidHandle as i32);
    assert!(RINGMAIN_ERROR_DISK_FULL == ErrorCode::DiskFull as i32);
    assert!(RINGMAIN_ERROR_FULL == ErrorCode::Full as i32);
    assert!(RINGMAIN_ERROR_DUPLICATE == ErrorCode::Duplicate as i32);
    assert!(RINGMAIN_ERROR_CONFLICT == ErrorCode::Conflict as i32);
    assert!(RINGMAIN_ERROR_SEQUENCE_GAP == ErrorCode::SequenceGap as i32);
    assert!(RINGMAIN_ERROR_PRODUCER_FENCED == ErrorCode::ProducerFenced as i32);
    assert!(RINGMAIN_ERROR_HANDLER_FAILED == ErrorCode::HandlerFailed as i32);
    assert!(ErrorCode::ALL.len() == 26, "ErrorCode has a variant without a RINGMAIN_ERROR_ constant");
};

thread_local! {
    /// The last call that failed on this thread, and its text.
    static LAST_ERROR: RefCell<Option<(CString, Error)>> = const { RefCell::new(None) };
    /// How many calls failed on this thread.
    static FAILED_COUNT: Cell<u64> = const { Cell::new(0) };
}

static NAMES: LazyLock<Vec<(i32, CString)>> = LazyLock::new(|| {
    ErrorCode::ALL.iter().map(|code| (*code as i32, c_string(code.name().to_owned()))).collect()
});

/// The name of a code without its prefix, such as "LEASE_LOST"; "OK" for 0, "UNKNOWN" for a number that is no code.
/// Static: never free it.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_error_name(code: i32) -> *const c_char {
    infallible(c"UNKNOWN".as_ptr(), || match NAMES.iter().find(|(number, _)| *number == code) {
        Some((_, name)) => name.as_ptr(),
        None if code == RINGMAIN_OK => c"OK".as_ptr(),
        None => c"UNKNOWN".as_ptr(),
    })
}

/// One line on what went wrong in the last call that failed on this thread, with the names, values and limits
/// concerned; empty if none failed yet. Never NULL. Valid until the next call of this library on the same thread:
/// copy it to keep it.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_last_error_message() -> *const c_char {
    infallible(c"".as_ptr(), || with_last_error(|(message, _)| message.as_ptr()).unwrap_or(c"".as_ptr()))
}

/// The system's error number behind the last call that failed on this thread; 0 where the system was not the cause.
/// The thread's own `errno` is never changed by this library.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_last_error_errno() -> i32 {
    infallible(0, || with_last_error(|(_, error)| error.errno()).unwrap_or(0))
}

/// Keeps the text of `error` for this thread to ask for.
pub(crate) fn set_last_error(error: &Error) {
    let last = (c_string(error.to_string()), error.clone());
    // A thread that is ending has no storage left, and nobody to read it.
    let _ = LAST_ERROR.try_with(|slot| slot.replace(Some(last)));
    let _ = FAILED_COUNT.try_with(|count| count.set(count.get().wrapping_add(1)));
}

/// What `work` answers, and the error of the last call that failed in it on this thread.
pub(crate) fn with_errors_of<R>(work: impl FnOnce() -> R) -> (R, Option<Error>) {
    let failed_count = || FAILED_COUNT.try_with(Cell::get).unwrap_or_default();
    let before = failed_count();
    let answer = work();
    let error = if failed_count() == before { None } else { with_last_error(|(_, error)| error.clone()) };
    (answer, error)
}

/// `None` when no call failed yet, or when the thread is ending and a destructor of the caller's asks.
fn with_last_error<R>(read: impl FnOnce(&(CString, Error)) -> R) -> Option<R> {
    LAST_ERROR.try_with(|slot| slot.borrow().as_ref().map(read)).ok().flatten()
}

/// Text for C: NUL bytes, which would end it early, become U+FFFD.
fn c_string(text: String) -> CString {
    CString::new(text).unwrap_or_else(|error| {
        let text = String::from_utf8_lossy(&error.into_vec()).replace('\0', "\u{fffd}");
        CString::new(text).unwrap_or_default()
    })
}

#[cfg(test)]
pub(crate) fn last_error_for_tests() -> String {
    with_last_error(|(message, _)| message.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_in_an_error_does_not_cut_its_text() {
        set_last_error(&Error::invalid("name", "a\0b"));
        assert_eq!(last_error_for_tests(), "name: a\u{fffd}b");
    }

    #[test]
    fn the_last_error_belongs_to_its_thread() {
        set_last_error(&Error::invalid("name", "here"));
        std::thread::spawn(|| assert_eq!(last_error_for_tests(), "")).join().unwrap();
        assert_eq!(last_error_for_tests(), "name: here");
    }
}
