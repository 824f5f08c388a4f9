//! What a caller hands in: every pointer is checked here before it is followed, every length before it is believed.
//!
//! **The caller's promise**, on which every `unsafe` here stands (it is in the header's preamble too): a pointer that
//! is not NULL leads to as many readable bytes as the call says, until the call returns. All else is checked.

use ringmain::limits::{DELAY_SECONDS_MAX, NAME_BYTES_MAX};
use ringmain::{Error, Result};
use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::time::Duration;

/// Longest path of a hub's directory in bytes.
pub(crate) const PATH_BYTES_MAX: usize = 4095;
/// Largest struct that a caller may claim to have: far more than any version will need.
const STRUCT_BYTES_MAX: usize = 4096;

/// A struct that callers fill or have filled: it begins with its own size, so that callers and libraries of
/// different versions understand each other.
///
/// # Safety
/// `repr(C)`; the first field is `size: usize`; any bytes are a valid value.
pub(crate) unsafe trait Versioned: Copy {
    /// Its name in C.
    const NAME: &'static str;
    /// Where its first version ended.
    const BYTES_MIN: usize;
}

/// Refuses NULL and misaligned pointers.
pub(crate) fn check_pointer<T>(argument: &'static str, pointer: *const T) -> Result<()> {
    if pointer.is_null() {
        return Err(Error::invalid(argument, "it is NULL"));
    }
    if !pointer.is_aligned() {
        let detail = format!("{pointer:p} is misaligned, it must be a multiple of {}", align_of::<T>());
        return Err(Error::invalid(argument, detail));
    }
    Ok(())
}

/// The `size` that a caller's struct begins with.
///
/// # Safety
/// The caller's promise for `pointer`.
pub(crate) unsafe fn size_of_versioned<T: Versioned>(
    argument: &'static str,
    pointer: *const T,
) -> Result<usize> {
    check_pointer(argument, pointer)?;
    // SAFETY: not NULL, aligned, and by the trait it begins with a usize; that it is there is the caller's promise.
    let size = unsafe { pointer.cast::<usize>().read() };
    if (T::BYTES_MIN..=STRUCT_BYTES_MAX).contains(&size) && size.is_multiple_of(align_of::<T>()) {
        return Ok(size);
    }
    let detail = format!(
        "its size is {size}; set it to sizeof({}), which is {} in this version",
        T::NAME,
        size_of::<T>()
    );
    Err(Error::invalid(argument, detail))
}

/// A struct of the caller's, with fields that its version does not have set to 0. Fields that this version does not
/// have must be 0: they would ask for something that would not happen.
///
/// # Safety
/// The caller's promise for `pointer`, as far as the struct's `size`.
pub(crate) unsafe fn versioned<T: Versioned>(argument: &'static str, pointer: *const T) -> Result<T> {
    // SAFETY: the caller's promise.
    let size = unsafe { size_of_versioned(argument, pointer) }?;
    let known = size.min(size_of::<T>());
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: `size` bytes are there by the caller's promise, `known` is no more than that and than a T; by the trait
    // any bytes are a T.
    let value = unsafe {
        pointer.cast::<u8>().copy_to_nonoverlapping(value.as_mut_ptr().cast::<u8>(), known);
        value.assume_init()
    };
    // SAFETY: the rest of the `size` bytes.
    let unknown = unsafe { std::slice::from_raw_parts(pointer.cast::<u8>().add(known), size - known) };
    if unknown.iter().any(|byte| *byte != 0) {
        let detail = format!("it sets options that version {} does not have", env!("CARGO_PKG_VERSION"));
        return Err(Error::invalid(argument, detail));
    }
    Ok(value)
}

/// As [`versioned`]; NULL is a struct of zeroes, which are the defaults.
///
/// # Safety
/// As [`versioned`].
pub(crate) unsafe fn options<T: Versioned>(argument: &'static str, pointer: *const T) -> Result<T> {
    if pointer.is_null() {
        // SAFETY: by the trait any bytes are a T.
        return Ok(unsafe { MaybeUninit::zeroed().assume_init() });
    }
    // SAFETY: the caller's promise.
    unsafe { versioned(argument, pointer) }
}

/// An array of structs that begin with their size, all with the same one.
///
/// # Safety
/// As [`versioned`], for `count` structs of the first one's size.
pub(crate) unsafe fn versioned_array<T: Versioned>(
    argument: &'static str,
    pointer: *const T,
    count: usize,
    count_max: usize,
) -> Result<Vec<T>> {
    check_count(argument, count, count_max)?;
    if count == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: the caller's promise.
    let size = unsafe { size_of_versioned(argument, pointer) }?;
    let element = |index: usize| {
        let element = pointer.cast::<u8>().wrapping_add(index * size).cast::<T>();
        // SAFETY: the caller's promise; `size` keeps the alignment.
        if unsafe { size_of_versioned(argument, element) }? != size {
            return Err(Error::invalid(
                argument,
                format!("element {index} has not the size {size} of the first"),
            ));
        }
        // SAFETY: the caller's promise.
        unsafe { versioned(argument, element) }
    };
    (0..count).map(element).collect()
}

/// An array of the caller's. NULL is fine if it has nothing in it.
///
/// # Safety
/// The caller's promise for `pointer` and `count`; `'a` ends before the call returns.
pub(crate) unsafe fn array<'a, T>(
    argument: &'static str,
    pointer: *const T,
    count: usize,
    count_max: usize,
) -> Result<&'a [T]> {
    check_count(argument, count, count_max)?;
    if count == 0 {
        return Ok(&[]);
    }
    check_pointer(argument, pointer)?;
    // SAFETY: not NULL, aligned, a length far below isize::MAX; that so much is there is the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(pointer, count) })
}

/// Bytes of the caller's, at most `bytes_max` of them. NULL is fine if there are none.
///
/// # Safety
/// The caller's promise for `pointer` and `bytes`; `'a` ends before the call returns.
pub(crate) unsafe fn bytes<'a>(
    argument: &'static str,
    pointer: *const c_void,
    bytes: usize,
    bytes_max: usize,
) -> Result<&'a [u8]> {
    check_length(argument, bytes)?;
    if bytes > bytes_max {
        return Err(Error::TooLarge { what: argument, bytes: bytes as u64, limit_bytes: bytes_max as u64 });
    }
    // SAFETY: the caller's promise.
    unsafe { array(argument, pointer.cast::<u8>(), bytes, bytes_max) }
}

/// Text of the caller's, at most `bytes_max` long: UTF-8 without NUL.
///
/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn text<'a>(
    argument: &'static str,
    pointer: *const c_char,
    bytes: usize,
    bytes_max: usize,
) -> Result<&'a str> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { self::bytes(argument, pointer.cast(), bytes, bytes_max) }?;
    utf8(argument, bytes)
}

/// Text of the caller's, cut at a character boundary if it is longer than `bytes_max`: UTF-8 without NUL.
///
/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn text_cut<'a>(
    argument: &'static str,
    pointer: *const c_char,
    bytes: usize,
    bytes_max: usize,
) -> Result<&'a str> {
    check_length(argument, bytes)?;
    // SAFETY: the caller's promise; no more is looked at than is kept.
    let kept = unsafe { array(argument, pointer.cast::<u8>(), bytes.min(bytes_max), bytes_max) }?;
    match std::str::from_utf8(kept) {
        Err(error) if bytes > bytes_max && error.error_len().is_none() => {
            utf8(argument, &kept[..error.valid_up_to()])
        }
        _ => utf8(argument, kept),
    }
}

/// NUL-terminated text of the caller's, such as a path, at most `bytes_max` long: UTF-8.
///
/// # Safety
/// The caller's promise for `pointer`, as far as the first NUL; `'a` ends before the call returns.
pub(crate) unsafe fn text_terminated<'a>(
    argument: &'static str,
    pointer: *const c_char,
    bytes_max: usize,
) -> Result<&'a str> {
    // SAFETY: the caller's promise.
    match unsafe { terminated(argument, pointer, bytes_max) }? {
        (text, true) => utf8(argument, text),
        _ => Err(Error::invalid(argument, format!("it has more than {bytes_max} bytes, which is the limit"))),
    }
}

/// The NUL-terminated name of a queue, stream or group.
///
/// # Safety
/// As [`text_terminated`].
pub(crate) unsafe fn name<'a>(argument: &'static str, pointer: *const c_char) -> Result<&'a str> {
    // SAFETY: the caller's promise.
    match unsafe { terminated(argument, pointer, NAME_BYTES_MAX) }? {
        (text, true) => utf8(argument, text),
        (text, false) => {
            let name = String::from_utf8_lossy(text).into_owned();
            Err(Error::InvalidName { name, rule: "a name has at most 128 bytes" })
        }
    }
}

/// The bytes before the first NUL, and whether it came within `bytes_max`.
///
/// # Safety
/// As [`text_terminated`].
unsafe fn terminated<'a>(
    argument: &'static str,
    pointer: *const c_char,
    bytes_max: usize,
) -> Result<(&'a [u8], bool)> {
    check_pointer(argument, pointer)?;
    // SAFETY: never reads past the first NUL, nor more than `bytes_max` bytes and one.
    let bytes = unsafe { libc::strnlen(pointer, bytes_max + 1) };
    // SAFETY: so many bytes were just read.
    let text = unsafe { std::slice::from_raw_parts(pointer.cast::<u8>(), bytes.min(bytes_max)) };
    Ok((text, bytes <= bytes_max))
}

/// How long to wait; `RINGMAIN_WAIT_FOREVER` and anything beyond ten years is ten years.
pub(crate) const fn wait(wait_ms: u64) -> Duration {
    const WAIT_MS_MAX: u64 = DELAY_SECONDS_MAX * 1000;
    Duration::from_millis(if wait_ms < WAIT_MS_MAX { wait_ms } else { WAIT_MS_MAX })
}

/// A delay of a verb, at most ten years: what is longer is a negative number by mistake.
pub(crate) fn delay(delay_ms: u64) -> Result<Duration> {
    const DELAY_MS_MAX: u64 = DELAY_SECONDS_MAX * 1000;
    if delay_ms > DELAY_MS_MAX {
        return Err(Error::invalid(
            "delay_ms",
            format!("{delay_ms} is over the limit of {DELAY_MS_MAX}, ten years"),
        ));
    }
    Ok(Duration::from_millis(delay_ms))
}

pub(crate) fn check_count(argument: &'static str, count: usize, count_max: usize) -> Result<()> {
    if count > count_max {
        return Err(Error::invalid(argument, format!("{count} of them, at most {count_max} are allowed")));
    }
    Ok(())
}

/// Lengths beyond the signed range are a negative number by mistake.
fn check_length(argument: &'static str, bytes: usize) -> Result<()> {
    if isize::try_from(bytes).is_err() {
        return Err(Error::invalid(
            argument,
            format!("a length of {bytes} bytes is a negative number or garbage"),
        ));
    }
    Ok(())
}

fn utf8<'a>(argument: &'static str, bytes: &'a [u8]) -> Result<&'a str> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Error::invalid(argument, format!("it is not UTF-8 from byte {} on", error.valid_up_to()))
    })?;
    match text.find('\0') {
        Some(byte) => Err(Error::invalid(argument, format!("it has a NUL at byte {byte}"))),
        None => Ok(text),
    }
}
