//! Where a caller wants an answer: zeroed first, so that a call that fails leaves 0 behind.
//!
//! The caller's promise: a pointer that is not NULL leads to a place of that type which this thread may write until the
//! call returns. Nothing is assumed of what is in it, except the `size` that a struct begins with.

use crate::argument::{Versioned, check_count, check_pointer, size_of_versioned};
use ringmain::Result;

/// Places for values of one type. Make all of a call's before anything else that can fail.
#[derive(Debug)]
pub(crate) struct Out<T> {
    /// NULL if the caller does not want to know.
    pointer: *mut T,
    count: usize,
}

/// A place for a struct that begins with its size.
#[derive(Debug)]
pub(crate) struct OutStruct<T> {
    pointer: *mut T,
    size: usize,
}

/// A type of which all bytes zero is a value.
///
/// # Safety
/// All bytes zero is a valid value, and there is nothing to drop.
pub(crate) unsafe trait Zero: Copy {}
// SAFETY: a pointer.
unsafe impl Zero for *const std::ffi::c_char {}
// SAFETY: a number.
unsafe impl Zero for u64 {}
// SAFETY: a number.
unsafe impl Zero for u32 {}
// SAFETY: a number.
unsafe impl Zero for i32 {}
// SAFETY: a number.
unsafe impl Zero for usize {}

impl<T: Zero> Out<T> {
    /// A place for one value.
    ///
    /// # Safety
    /// The caller's promise for `pointer`.
    pub(crate) unsafe fn one(argument: &'static str, pointer: *mut T) -> Result<Self> {
        check_pointer(argument, pointer)?;
        // SAFETY: the caller's promise.
        unsafe { Self::optional_array(argument, pointer, 1, 1) }
    }

    /// A place for one value, or NULL.
    ///
    /// # Safety
    /// The caller's promise for `pointer`.
    pub(crate) unsafe fn optional(argument: &'static str, pointer: *mut T) -> Result<Self> {
        // SAFETY: the caller's promise.
        unsafe { Self::optional_array(argument, pointer, 1, 1) }
    }

    /// Places for `count` values.
    ///
    /// # Safety
    /// The caller's promise for `pointer` and `count`.
    pub(crate) unsafe fn array(
        argument: &'static str,
        pointer: *mut T,
        count: usize,
        count_max: usize,
    ) -> Result<Self> {
        if count > 0 {
            check_pointer(argument, pointer)?;
        }
        // SAFETY: the caller's promise.
        unsafe { Self::optional_array(argument, pointer, count, count_max) }
    }

    /// Places for `count` values, or NULL.
    ///
    /// # Safety
    /// The caller's promise for `pointer` and `count`.
    pub(crate) unsafe fn optional_array(
        argument: &'static str,
        pointer: *mut T,
        count: usize,
        count_max: usize,
    ) -> Result<Self> {
        check_count(argument, count, count_max)?;
        if !pointer.is_null() && count > 0 {
            check_pointer(argument, pointer)?;
            // SAFETY: not NULL, aligned, a count far below isize::MAX; that so much may be written is the caller's
            // promise; zeroes are a T by the trait.
            unsafe { pointer.write_bytes(0, count) };
        }
        Ok(Self { pointer, count })
    }

    /// As the constructor left it.
    pub(crate) fn zero(&self) {
        if !self.pointer.is_null() {
            // SAFETY: what the constructor zeroed; writable until the call returns, which an Out does not outlive.
            unsafe { self.pointer.write_bytes(0, self.count) };
        }
    }

    /// Sets all of them to this.
    pub(crate) fn fill(&self, value: T) {
        (0..self.count).for_each(|index| self.set_at(index, value));
    }

    pub(crate) fn set(&self, value: T) {
        self.set_at(0, value);
    }

    pub(crate) fn set_at(&self, index: usize, value: T) {
        if !self.pointer.is_null() && index < self.count {
            // SAFETY: within what the constructor zeroed; writable until the call returns, which an Out does not
            // outlive.
            unsafe { self.pointer.add(index).write(value) };
        }
    }

    /// Sets the first ones to these.
    pub(crate) fn set_all(&self, values: impl IntoIterator<Item = T>) {
        values.into_iter().enumerate().for_each(|(index, value)| self.set_at(index, value));
    }
}

impl<T: Versioned> OutStruct<T> {
    /// A place for a struct of which the caller has set `size`, which stays; the rest is zeroed.
    ///
    /// # Safety
    /// The caller's promise for `pointer`, as far as the struct's `size`.
    pub(crate) unsafe fn new(argument: &'static str, pointer: *mut T) -> Result<Self> {
        // SAFETY: the caller's promise.
        let size = unsafe { size_of_versioned(argument, pointer) }?;
        let out = Self { pointer, size };
        // SAFETY: `size` bytes may be written by the caller's promise, and it is at least a usize.
        unsafe { out.after_size().write_bytes(0, size - size_of::<usize>()) };
        Ok(out)
    }

    /// Fills as much of it as both sides know.
    pub(crate) fn set(&self, value: T) {
        let known = self.size.min(size_of::<T>()) - size_of::<usize>();
        let source = (&raw const value).cast::<u8>().wrapping_add(size_of::<usize>());
        // SAFETY: `known` is within both structs after their first usize, and `value` is not the caller's place.
        unsafe { self.after_size().copy_from_nonoverlapping(source, known) };
    }

    fn after_size(&self) -> *mut u8 {
        self.pointer.cast::<u8>().wrapping_add(size_of::<usize>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq)]
    #[repr(C)]
    struct Grown {
        size: usize,
        old: usize,
        new: usize,
    }

    // SAFETY: repr(C), `size` comes first, and the rest are numbers.
    unsafe impl Versioned for Grown {
        const NAME: &'static str = "grown";
        const BYTES_MIN: usize = 2 * size_of::<usize>();
    }

    #[test]
    fn a_struct_of_an_older_caller_is_filled_as_far_as_he_has_it() {
        let mut place = Grown { size: Grown::BYTES_MIN, old: 7, new: 7 };
        // SAFETY: a place for more than its size says.
        let out = unsafe { OutStruct::new("out", &raw mut place) }.unwrap();
        out.set(Grown { size: 0, old: 1, new: 2 });
        assert_eq!(place, Grown { size: Grown::BYTES_MIN, old: 1, new: 7 });
    }
}
