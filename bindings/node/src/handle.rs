//! What a class of this addon holds of the core, dropped safely whenever the garbage collector gets to it.

use crate::error::catch;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};

/// A value of the core. Dropping one may write (an unsettled delivery is released), so it may panic; a panic in a
/// finalizer of Node would end the process, so it stops here.
#[derive(Debug)]
pub(crate) struct Held<T>(ManuallyDrop<T>);

impl<T> Held<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(ManuallyDrop::new(value))
    }

    /// The value, for a verb that consumes it.
    pub(crate) fn into_inner(self) -> T {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: `this` is never dropped, so the value is taken out once and not used again.
        unsafe { ManuallyDrop::take(&mut this.0) }
    }
}

impl<T> Deref for Held<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Held<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        // Nobody is left to hear of the panic: its words went to stderr.
        let _ = catch(|| {
            // SAFETY: `drop` runs once, and nothing reads the value after it.
            unsafe { ManuallyDrop::drop(&mut self.0) };
            Ok(())
        });
    }
}
