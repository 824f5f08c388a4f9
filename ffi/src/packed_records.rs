//! Packed poll: many records by one call, in memory of the caller's, without a batch to close.

use crate::answer::{Out, Zero};
use crate::argument::wait;
use crate::batch::check_count_max;
use crate::guard::entry;
use crate::member::{ringmain_member, with};
use crate::packed::Packing;
use crate::reader::{alone, ringmain_reader};
use crate::table::get;
use ringmain::limits::RECEIVE_COUNT_MAX;
use ringmain::{Error, Reader, RecordRef, Result};
use std::ffi::c_void;
use std::sync::Mutex;

/// A record that was polled into a buffer. This struct will not change.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_packed_record {
    /// Its number in the partition: strictly increasing, not always by one.
    pub offset: u64,
    /// When it was appended, in nanoseconds since 1970.
    pub time_ns: u64,
    /// The producer's event time, in nanoseconds since 1970; 0 for not said.
    pub event_time_ns: u64,
    /// Where in the buffer the value begins, at any byte.
    pub value_at: u64,
    /// Bytes of the value.
    pub value_bytes: usize,
    /// Where in the buffer the key begins; `RINGMAIN_NOT_PACKED` if it has none.
    pub key_at: u64,
    /// Bytes of the key.
    pub key_bytes: usize,
    /// The partition.
    pub partition: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: numbers.
unsafe impl Zero for ringmain_packed_record {}

/// Where a caller wants records.
struct PackedOut {
    count: Out<usize>,
    entries: Out<ringmain_packed_record>,
    count_max: usize,
    packing: Packing,
}

impl PackedOut {
    /// # Safety
    /// The caller's promise for all pointers.
    unsafe fn new(
        buffer: *mut c_void,
        buffer_bytes: usize,
        entries: *mut ringmain_packed_record,
        count_max: usize,
        count: *mut usize,
    ) -> Result<Self> {
        // SAFETY: the caller's promise.
        let (count, entries, packing) = unsafe {
            (
                Out::one("count_out", count),
                Out::array("entries_out", entries, count_max, RECEIVE_COUNT_MAX),
                Packing::new(buffer, buffer_bytes),
            )
        };
        let out = Self { count: count?, entries: entries?, count_max, packing: packing? };
        check_count_max(count_max)?;
        Ok(out)
    }

    /// Polls by `poll_while`, which is told of each record whether it was taken.
    fn fill(
        mut self,
        poll_while: impl FnOnce(usize, &mut dyn FnMut(RecordRef<'_>) -> bool) -> Result<usize>,
    ) -> Result<()> {
        let (mut count, mut bytes_needed) = (0, 0);
        let (packing, entries) = (&mut self.packing, &self.entries);
        let polled = poll_while(self.count_max, &mut |record| {
            let (value, key) = (record.value(), record.key());
            let key_bytes = key.map_or(0, <[u8]>::len);
            let Some((value_at, key_at)) = packing.put(value, key) else {
                bytes_needed = value.len() + key_bytes;
                return false;
            };
            let position = record.position();
            let packed = ringmain_packed_record {
                offset: position.offset,
                time_ns: record.time_ns(),
                event_time_ns: record.event_time_ns().unwrap_or(0),
                value_at,
                value_bytes: value.len(),
                key_at,
                key_bytes,
                partition: position.partition,
                reserved: 0,
            };
            entries.set_at(count, packed);
            count += 1;
            true
        });
        if let Err(error) = polled {
            // An answer that is an error hands out nothing.
            entries.zero();
            return Err(error);
        }
        if count == 0 && bytes_needed > 0 {
            let limit_bytes = self.packing.bytes_max() as u64;
            return Err(Error::TooLarge { what: "record", bytes: bytes_needed as u64, limit_bytes });
        }
        self.count.set(count);
        Ok(())
    }
}

/// Polls up to `count_max` records (1 to 65,536), as many as fit into the `buffer_bytes` bytes at `buffer`, waiting at most `wait_ms` for
/// the first. Their values and keys are copied into the buffer, one after the other; the first `count_out` of `entries_out`, which has
/// `count_max` places, say where, and the rest are zeroed. Headers are not: poll without packing for those. None is no error. There is
/// nothing to close. `RINGMAIN_ERROR_TOO_LARGE`, with the bytes that are needed in the text, if the next record alone does not fit: it comes again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_reader_poll_packed(
    reader: ringmain_reader,
    buffer: *mut c_void,
    buffer_bytes: usize,
    entries_out: *mut ringmain_packed_record,
    count_max: usize,
    wait_ms: u64,
    count_out: *mut usize,
) -> i32 {
    entry(reader, || {
        // SAFETY: the caller's promise.
        let out = unsafe { PackedOut::new(buffer, buffer_bytes, entries_out, count_max, count_out) }?;
        let reader = get::<Mutex<Reader>>(reader)?;
        let mut reader = alone(&reader)?;
        out.fill(|count_max, each| reader.poll_while(count_max, wait(wait_ms), each))
    })
}

/// As `ringmain_reader_poll_packed`, of the partitions that the member owns: see `ringmain_member_poll`. A commit counts what was packed.
/// `RINGMAIN_ERROR_INVALID_ARGUMENT` for a member that commits before it hands out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_member_poll_packed(
    member: ringmain_member,
    buffer: *mut c_void,
    buffer_bytes: usize,
    entries_out: *mut ringmain_packed_record,
    count_max: usize,
    wait_ms: u64,
    count_out: *mut usize,
) -> i32 {
    entry(member, || {
        // SAFETY: the caller's promise.
        let out = unsafe { PackedOut::new(buffer, buffer_bytes, entries_out, count_max, count_out) }?;
        with(member, |member| out.fill(|count_max, each| member.poll_while(count_max, wait(wait_ms), each)))
    })
}
