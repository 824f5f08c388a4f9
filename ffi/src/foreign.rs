//! Calling back into the caller's program.
//!
//! **The caller's promise** for a callback: it may be called with its context as long as what it was given to is open, by the threads
//! that its comment names; it returns, and neither throws nor jumps out. No lock is held while it runs but that of the handle that
//! it is called for, of which the comment says so.

use ringmain::{Error, Result};
use std::ffi::c_void;

/// What the caller wants to be given with each call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context(*mut c_void);

// SAFETY: it is only given back; that the callback may be called by other threads is the caller's promise.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

impl Context {
    pub(crate) fn new(pointer: *mut c_void) -> Self {
        Self(pointer)
    }

    pub(crate) fn pointer(self) -> *mut c_void {
        self.0
    }
}

/// What a callback answered, and the error of the last call that failed in it: that one, if it hands it on.
pub(crate) fn answered(callback: &'static str, (code, failed): (i32, Option<Error>)) -> Result<()> {
    match (code, failed) {
        (0, _) => Ok(()),
        (code, Some(error)) if error.code() as i32 == code => Err(error),
        (code, _) => Err(Error::invalid(callback, format!("the callback returned {code}"))),
    }
}
