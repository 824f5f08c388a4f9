//! Errors on their way out: the core's error becomes a JavaScript error whose `code` is the name of its number.
//!
//! **Protocol.** Every entry runs inside [`guard`], everything on another thread inside [`catch`]: a panic becomes
//! [`Error::Internal`] there, because unwinding into Node would end the process.

use napi::bindgen_prelude::{Env, FromNapiValue, Unknown};
use ringmain::{Error, ErrorCode};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A code as the `code` property of a JavaScript error.
#[derive(Debug, Clone, Copy)]
pub struct Code(ErrorCode);

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        self.0.name()
    }
}

/// What every entry returns. The macro of napi looks for the word `Result`.
pub(crate) type Result<T> = std::result::Result<T, napi::Error<Code>>;

/// Runs an entry's body: its error and its panic both become a thrown error.
pub(crate) fn guard<T>(body: impl FnOnce() -> ringmain::Result<T>) -> Result<T> {
    catch(body).map_err(thrown)
}

/// Runs something that may panic: the panic becomes an error.
pub(crate) fn catch<T>(body: impl FnOnce() -> ringmain::Result<T>) -> ringmain::Result<T> {
    // What the body leaves behind after a panic is the core's to defend: its locks tell of poisoning.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| Err(internal(words(&*panic))))
}

/// A bug of Ringmain in its own words.
pub(crate) fn internal(detail: impl Into<String>) -> Error {
    Error::Internal { detail: detail.into() }
}

/// An error of the core as one that napi throws.
pub(crate) fn thrown(error: Error) -> napi::Error<Code> {
    napi::Error::new(Code(error.code()), error.to_string())
}

/// An error of the core as the reason of a rejected promise, whose type has no room for our codes: the JavaScript
/// error is made here and carried by reference.
pub(crate) fn rejected(env: Env, error: Error) -> napi::Error {
    let detail = error.to_string();
    let raw_env = env.raw();
    // SAFETY: `raw_env` is the environment of the callback that called us, on its own thread, so making an error in
    // it is allowed; the value is read back at once, in the same handle scope. A null value (the environment is
    // going away) is never read.
    let value = unsafe {
        let value = napi::JsError::from(thrown(error)).into_value(raw_env);
        if value.is_null() { None } else { Unknown::from_napi_value(raw_env, value).ok() }
    };
    value.map_or_else(|| napi::Error::from_reason(detail), napi::Error::from)
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without words".to_owned())
}
