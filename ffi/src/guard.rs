//! The guard that every exported function goes through: catches panics, turns errors into codes, keeps `errno`.

use crate::error::set_last_error;
use crate::handle;
use libc::c_int;
use ringmain::{Error, Result};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// For functions that take no handle.
pub(crate) const NO_HANDLE: u64 = 0;

/// Runs the body of an exported function. 0, or the code of its error, whose text the thread keeps.
///
/// A panic becomes `RINGMAIN_ERROR_INTERNAL`, and what `handle` stands for answers that code to everything but
/// close from then on, because the panic may have left it half changed.
pub(crate) fn entry(handle: u64, body: impl FnOnce() -> Result<()>) -> i32 {
    let _errno = Errno::save();
    // AssertUnwindSafe: what the panic may have left broken is reachable through `handle`, which is poisoned.
    let error = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return 0,
        Ok(Err(error)) => error,
        Err(panic) => {
            handle::poison(handle);
            Error::Internal { detail: words_of(panic) }
        }
    };
    set_last_error(&error);
    error.code() as i32
}

/// Runs the body of an exported function that cannot fail and returns no code; `fallback` if it panics.
pub(crate) fn infallible<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    let _errno = Errno::save();
    // AssertUnwindSafe: such functions only read.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        discard(panic);
        fallback
    })
}

/// What the panic said.
fn words_of(panic: Box<dyn Any + Send>) -> String {
    let words = match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(words), _) => (*words).to_owned(),
        (_, Some(words)) => words.clone(),
        _ => "a panic without words".to_owned(),
    };
    discard(panic);
    words
}

/// Drops what a panic carried, which may panic again.
fn discard(panic: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        std::mem::forget(again);
    }
}

/// The caller's `errno`, put back on drop: what the library does with the system is not the caller's business.
struct Errno {
    place: Option<*mut c_int>,
    value: c_int,
}

impl Errno {
    fn save() -> Self {
        let place = errno_location();
        // SAFETY: the location of this thread's errno is valid for the thread's life.
        Self { place, value: place.map_or(0, |errno| unsafe { *errno }) }
    }
}

impl Drop for Errno {
    fn drop(&mut self) {
        if let Some(errno) = self.place {
            // SAFETY: the location of this thread's errno, which a raw pointer keeps this from leaving, is valid.
            unsafe { *errno = self.value }
        }
    }
}

fn errno_location() -> Option<*mut c_int> {
    #[cfg(any(target_os = "linux", target_os = "emscripten"))]
    // SAFETY: no preconditions.
    return Some(unsafe { libc::__errno_location() });
    #[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
    // SAFETY: no preconditions.
    return Some(unsafe { libc::__error() });
    #[allow(unreachable_code)]
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::last_error_for_tests;

    #[test]
    fn a_panic_becomes_the_internal_code_with_its_words() {
        assert_eq!(entry(NO_HANDLE, || panic!("on {}", "purpose")), 18);
        assert!(last_error_for_tests().contains("on purpose"));
    }

    #[test]
    fn a_panic_whose_payload_panics_when_dropped_is_caught_too() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("again");
            }
        }
        assert_eq!(entry(NO_HANDLE, || std::panic::panic_any(Bomb)), 18);
    }

    #[test]
    fn errno_is_what_it_was_before_the_call() {
        // SAFETY: the location of this thread's errno is valid for the thread's life.
        let set = |value| errno_location().map(|errno| unsafe { *errno = value });
        set(7);
        entry(NO_HANDLE, || {
            set(8);
            Ok(())
        });
        // SAFETY: as above.
        assert!(errno_location().is_none_or(|errno| unsafe { *errno } == 7));
    }
}
