//! Panics on purpose, in debug builds only, so that a test can see each kind of entry stop one.

use crate::error::{Result, guard};
use crate::handle::Held;
use crate::work::{Work, work};
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("provoked in a finalizer");
    }
}

/// Panics in a verb, on the pool, and when it is garbage collected.
#[napi]
pub struct Provocation {
    _held: Held<PanicsWhenDropped>,
}

#[napi]
impl Provocation {
    /// One that is yet to panic.
    #[napi(constructor)]
    pub fn new() -> Self {
        Self { _held: Held::new(PanicsWhenDropped) }
    }

    /// Panics on the calling thread.
    #[napi]
    pub fn verb(&self) -> Result<()> {
        guard(|| panic!("provoked in a verb"))
    }

    /// Panics on the pool.
    #[napi]
    pub fn verb_async(&self) -> AsyncTask<Work<()>> {
        work(|| panic!("provoked on the pool"))
    }
}
