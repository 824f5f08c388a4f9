//! Packed receive: many messages by one call, in memory of the caller's, with a token each instead of a handle.
//!
//! Deliveries wait for their verb in a slab that is kept with the queue's handle; a token is a place in it and the place's generation, so
//! that one that is used up is told from the next.

use crate::answer::{Out, Zero};
use crate::argument::{array, check_pointer, text_cut, wait};
use crate::batch::check_count_max;
use crate::delivery::ringmain_delivery;
use crate::guard::entry;
use crate::queue::ringmain_queue;
use crate::settle::refused;
use crate::table::{Held, get, open};
use ringmain::limits::{REASON_BYTES_MAX, RECEIVE_COUNT_MAX};
use ringmain::{Delivery, Error, Queue, Result};
use std::ffi::{c_char, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where something would begin in a buffer that it is not in.
pub const RINGMAIN_NOT_PACKED: u64 = 0xFFFF_FFFF_FFFF_FFFF;

/// A message that was received into a buffer. This struct will not change.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_packed_message {
    /// The message's number in its queue.
    pub id: u64,
    /// Stands for the lease: ack, fail or release it. Never 0.
    pub token: u64,
    /// When it was sent, in nanoseconds since 1970.
    pub time_ns: u64,
    /// Where in the buffer the value begins, at any byte. `RINGMAIN_NOT_PACKED` if the buffer is too small for this message alone.
    pub value_at: u64,
    /// Bytes of the value.
    pub value_bytes: usize,
    /// Where in the buffer the key begins; `RINGMAIN_NOT_PACKED` if it has none.
    pub key_at: u64,
    /// Bytes of the key.
    pub key_bytes: usize,
    /// Leases granted, this one included.
    pub attempts: u32,
    /// Failures counted so far.
    pub failures: u32,
}

// SAFETY: numbers.
unsafe impl Zero for ringmain_packed_message {}

/// Memory of the caller's that is filled from its start.
pub(crate) struct Packing {
    pointer: *mut u8,
    bytes: usize,
    used: usize,
}

impl Packing {
    /// # Safety
    /// The caller's promise: `bytes` bytes may be written at `pointer` until the call returns.
    pub(crate) unsafe fn new(pointer: *mut c_void, bytes: usize) -> Result<Self> {
        if bytes > 0 {
            check_pointer("buffer", pointer.cast::<u8>())?;
        }
        if isize::try_from(bytes).is_err() {
            let detail = format!("a length of {bytes} bytes is a negative number or garbage");
            return Err(Error::invalid("buffer_bytes", detail));
        }
        Ok(Self { pointer: pointer.cast(), bytes, used: 0 })
    }

    /// Copies a value and its key, and says where they begin; or nothing, if there is no room for both.
    #[inline]
    pub(crate) fn put(&mut self, value: &[u8], key: Option<&[u8]>) -> Option<(u64, u64)> {
        let key_bytes = key.map_or(0, <[u8]>::len);
        let room = self.bytes - self.used;
        if value.len() > room || key_bytes > room - value.len() {
            return None;
        }
        let value_at = self.append(value);
        Some((value_at, key.map_or(RINGMAIN_NOT_PACKED, |key| self.append(key))))
    }

    /// There must be room.
    #[inline]
    fn append(&mut self, bytes: &[u8]) -> u64 {
        let at = self.used;
        if !bytes.is_empty() {
            // SAFETY: `put` saw that there is room; the memory is the caller's to be written, and no part of the library's.
            unsafe { self.pointer.add(at).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        }
        self.used += bytes.len();
        at as u64
    }

    pub(crate) fn bytes_max(&self) -> usize {
        self.bytes
    }
}

/// The deliveries of a queue's handle that have a token. Dropped with the handle, which releases them.
#[derive(Default)]
pub(crate) struct Unsettled {
    slab: Mutex<Slab>,
    /// How long messages have been, so that not more are received than there is room for.
    bytes_expected: AtomicUsize,
}

#[derive(Default)]
struct Slab {
    /// Each place has the generation of the token that it has, or will have next.
    places: Vec<(u32, Option<Delivery>)>,
    free: Vec<u32>,
}

impl Slab {
    fn put(&mut self, delivery: Delivery) -> u64 {
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                self.places.push((1, None));
                // A queue has far fewer leases than this has places.
                (self.places.len() - 1) as u32
            }
        };
        let (generation, place) = &mut self.places[index as usize];
        *place = Some(delivery);
        u64::from(*generation) << 32 | u64::from(index)
    }

    fn take(&mut self, token: u64) -> Result<Delivery> {
        let unknown = || Error::InvalidHandle { expected: "token", handle: token };
        let index = token as u32;
        let (generation, place) = self.places.get_mut(index as usize).ok_or_else(unknown)?;
        if u64::from(*generation) != token >> 32 {
            return Err(unknown());
        }
        let delivery = place.take().ok_or_else(unknown)?;
        // At its last generation the place is not used again: no token ever comes back.
        if let Some(next) = generation.checked_add(1) {
            *generation = next;
            self.free.push(index);
        }
        Ok(delivery)
    }
}

impl Unsettled {
    fn slab(&self) -> MutexGuard<'_, Slab> {
        self.slab.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many messages of the length that is expected fit in; one, to begin with.
    fn count_that_fits(&self, bytes: usize) -> usize {
        // STATISTIC: a guess.
        match self.bytes_expected.load(Ordering::Relaxed) {
            0 => 1,
            expected => (bytes / expected).max(1),
        }
    }

    /// Forgets long ones in time.
    fn expect(&self, longest: usize) {
        // STATISTIC: a guess.
        let expected = self.bytes_expected.load(Ordering::Relaxed);
        self.bytes_expected.store(longest.max(expected - expected / 4).max(1), Ordering::Relaxed);
    }
}

/// Receives up to `count_max` messages (1 to 65,536), as many as fit into the `buffer_bytes` bytes at `buffer`, waiting at most `wait_ms`
/// for the first. Their values and keys are copied into the buffer, one after the other; the first `count_out` of `entries_out`, which has
/// `count_max` places, say where, and the rest are zeroed. None is no error. There is no handle to close: each token is to be acked, failed,
/// released or made a delivery of, through the same handle of the queue; what is left when that is closed is released. A message that is longer than the whole
/// buffer comes alone, and not packed: `ringmain_queue_unpack` gives it. The first call on a handle, and one after much shorter messages,
/// may take fewer than would fit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_receive_packed(
    queue: ringmain_queue,
    buffer: *mut c_void,
    buffer_bytes: usize,
    entries_out: *mut ringmain_packed_message,
    count_max: usize,
    wait_ms: u64,
    count_out: *mut usize,
) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        let (count, out, packing) = unsafe {
            (
                Out::one("count_out", count_out),
                Out::array("entries_out", entries_out, count_max, RECEIVE_COUNT_MAX),
                Packing::new(buffer, buffer_bytes),
            )
        };
        let (count, out, mut packing) = (count?, out?, packing?);
        check_count_max(count_max)?;
        let queue = get::<Queue>(queue)?;
        let unsettled = &queue.beside().unsettled;
        let count_max = count_max.min(unsettled.count_that_fits(packing.bytes_max()));
        let deliveries = queue.receive_batch(count_max, wait(wait_ms))?;
        count.set(unsettled.pack(&queue, deliveries, &mut packing, &out));
        Ok(())
    })
}

impl Unsettled {
    /// Copies the deliveries that fit, and releases the rest.
    fn pack(
        &self,
        queue: &Queue,
        deliveries: Vec<Delivery>,
        packing: &mut Packing,
        out: &Out<ringmain_packed_message>,
    ) -> usize {
        let (mut count, mut longest, mut is_full, mut left) = (0, 0, false, Vec::new());
        let mut slab = self.slab();
        for delivery in deliveries {
            let (value, key) = (delivery.value(), delivery.key());
            longest = longest.max(value.len() + key.map_or(0, <[u8]>::len));
            let at = if is_full { None } else { packing.put(value, key) };
            is_full = at.is_none();
            // The first comes even so, alone.
            if is_full && count > 0 {
                left.push(delivery);
                continue;
            }
            let (value_at, key_at) = at.unwrap_or((RINGMAIN_NOT_PACKED, RINGMAIN_NOT_PACKED));
            let entry = ringmain_packed_message {
                id: delivery.id(),
                token: 0,
                time_ns: delivery.time_ns(),
                value_at,
                value_bytes: value.len(),
                key_at,
                key_bytes: key.map_or(0, <[u8]>::len),
                attempts: delivery.attempts(),
                failures: delivery.failures(),
            };
            out.set_at(count, ringmain_packed_message { token: slab.put(delivery), ..entry });
            count += 1;
        }
        drop(slab);
        if count > 0 {
            self.expect(longest);
        }
        if !left.is_empty() {
            // What cannot be released now is when its lease ends.
            queue.release_batch(&left.iter().collect::<Vec<_>>());
        }
        count
    }
}

/// Acks `count` messages that were received packed, by their tokens, with one commit. Stores a code for each in `codes_out` (`count` of
/// them, or NULL), and answers with the first that is not 0; a token that is used up or made up is `RINGMAIN_ERROR_INVALID_HANDLE`. The
/// tokens are used up, whatever the answer; unless the call itself is refused, as for NULL or the handle of no queue: then nothing was
/// done, and each code is that of the refusal.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_ack_packed(
    queue: ringmain_queue,
    tokens: *const u64,
    count: usize,
    codes_out: *mut i32,
) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        let settling = unsafe { Settling::new(queue, tokens, count, codes_out) }?;
        settling.settle(|queue, deliveries| queue.ack_batch(deliveries))
    })
}

/// As `ringmain_queue_ack_packed`: all failed, for the same reason (UTF-8, cut after 4096 bytes); the queue's retry policy says when they come again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_fail_packed(
    queue: ringmain_queue,
    tokens: *const u64,
    count: usize,
    reason: *const c_char,
    reason_bytes: usize,
    codes_out: *mut i32,
) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        let (settling, reason) = unsafe {
            (
                Settling::new(queue, tokens, count, codes_out)?,
                text_cut("reason", reason, reason_bytes, REASON_BYTES_MAX),
            )
        };
        let reason = reason.map_err(|error| refused(&settling.codes, error))?;
        settling.settle(|queue, deliveries| queue.fail_batch(deliveries, reason))
    })
}

/// As `ringmain_queue_ack_packed`: hands all back, to be delivered again at once. Does not count as a failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_release_packed(
    queue: ringmain_queue,
    tokens: *const u64,
    count: usize,
    codes_out: *mut i32,
) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        let settling = unsafe { Settling::new(queue, tokens, count, codes_out) }?;
        settling.settle(|queue, deliveries| queue.release_batch(deliveries))
    })
}

/// Makes a delivery of a message that was received packed, with all the verbs of one, and headers. The token is used up; close the
/// delivery.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_queue_unpack(
    queue: ringmain_queue,
    token: u64,
    delivery_out: *mut ringmain_delivery,
) -> i32 {
    entry(queue, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("delivery_out", delivery_out) }?;
        let queue = get::<Queue>(queue)?;
        let delivery = queue.beside().unsettled.slab().take(token)?;
        out.set(open(delivery)?);
        Ok(())
    })
}

/// One verb on many tokens.
struct Settling<'a> {
    queue: Held<Queue>,
    tokens: &'a [u64],
    codes: Out<i32>,
}

impl Settling<'_> {
    /// # Safety
    /// The caller's promise for `tokens` and `codes`.
    unsafe fn new(queue: u64, tokens: *const u64, count: usize, codes: *mut i32) -> Result<Self> {
        // SAFETY: the caller's promise.
        let codes = unsafe { Out::optional_array("codes_out", codes, count, RECEIVE_COUNT_MAX) }?;
        let refused = |error| refused(&codes, error);
        // SAFETY: the caller's promise.
        let tokens = unsafe { array("tokens", tokens, count, RECEIVE_COUNT_MAX) }.map_err(refused)?;
        Ok(Self { queue: get::<Queue>(queue).map_err(refused)?, tokens, codes })
    }

    fn settle(self, verb: impl FnOnce(&Queue, &[&Delivery]) -> Vec<Result<()>>) -> Result<()> {
        let taken: Vec<Result<Delivery>> = {
            let mut slab = self.queue.beside().unsettled.slab();
            self.tokens.iter().map(|token| slab.take(*token)).collect()
        };
        let deliveries: Vec<&Delivery> = taken.iter().flatten().collect();
        // One result for each delivery, in order.
        let mut settled = verb(&self.queue, &deliveries).into_iter();
        let missing = || Err(Error::Internal { detail: "a batch verb forgot a delivery".to_owned() });
        let mut answer = Ok(());
        for (index, taken) in taken.iter().enumerate() {
            let result = match taken {
                Ok(_) => settled.next().unwrap_or_else(missing),
                Err(error) => Err(error.clone()),
            };
            self.codes.set_at(index, result.as_ref().map_or_else(|error| error.code() as i32, |()| 0));
            answer = answer.and(result);
        }
        answer
    }
}
