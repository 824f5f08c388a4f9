//! What a handler of records may return.

use std::fmt::Display;

/// What the handler of a [`StreamWorker`](crate::StreamWorker) may return: nothing, or a `Result`, whose error is a failure with its text
/// as the reason.
pub trait IntoHandled {
    /// Whether it was handled; if not, why.
    fn into_handled(self) -> Result<(), String>;
}

impl IntoHandled for () {
    fn into_handled(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: Display> IntoHandled for Result<(), E> {
    fn into_handled(self) -> Result<(), String> {
        self.map_err(|error| error.to_string())
    }
}
