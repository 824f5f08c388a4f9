//! Members of consumer groups: poll, commit, leave.

use crate::answer::Out;
use crate::argument::wait;
use crate::batch::{BatchOut, check_count_max, element};
use crate::guard::entry;
use crate::reader::alone;
use crate::receipt::{Accept, answer, ringmain_receipt};
use crate::records::ringmain_records;
use crate::table::{close, close_or_zero, get, open};
use ringmain::limits::PARTITION_COUNT_MAX;
use ringmain::{Error, Fetch, Member, Processing, Record, Result};
use std::cell::RefCell;
use std::sync::Mutex;

/// One member of a consumer group: polls the partitions it owns and commits what it has handled. 0 is no member. Any
/// thread may use it, one at a time: others wait for it, also while its callbacks run. A callback may use it, in its own thread.
pub type ringmain_member = u64;

/// Most partitions of one stream.
pub const RINGMAIN_PARTITION_COUNT_MAX: u32 = 1024;
const _: () = assert!(RINGMAIN_PARTITION_COUNT_MAX == PARTITION_COUNT_MAX);

/// Stores a batch of up to `count_max` (1 to 65,536) records of the partitions that the member owns and how many there
/// are, waiting at most `wait_ms` for the first. None is no error: then the batch is 0. Close the batch. A partition that is to move to
/// another member is not read on; it moves when what was polled of it is committed, at the latest after the group's `revoke_timeout_ms`.
/// Who does not poll for `max_poll_interval_ms` loses all. What a callback answers as an error this does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_member_poll(
    member: ringmain_member,
    count_max: usize,
    wait_ms: u64,
    records_out: *mut ringmain_records,
    count_out: *mut usize,
) -> i32 {
    entry(member, || {
        // SAFETY: the caller's promise.
        let out = unsafe { BatchOut::new("records_out", records_out, count_out) }?;
        check_count_max(count_max)?;
        out.set(with(member, |member| member.poll(count_max, wait(wait_ms)))?)
    })
}

/// Stores a batch with limits, as `ringmain_reader_fetch`; one that has some comes early when partitions come or are to go. Close the
/// batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_member_fetch(
    member: ringmain_member,
    bytes_min: u64,
    bytes_max: u64,
    count_max: usize,
    wait_ms: u64,
    records_out: *mut ringmain_records,
    count_out: *mut usize,
) -> i32 {
    entry(member, || {
        // SAFETY: the caller's promise.
        let out = unsafe { BatchOut::new("records_out", records_out, count_out) }?;
        let fetch = Fetch { bytes_min, bytes_max, count_max, wait_max: wait(wait_ms) };
        out.set(with(member, |member| member.fetch(&fetch))?)
    })
}

/// As `ringmain_member_poll`, and then waits for more, until there are `count_max`, or at most `fill_wait_ms` since the first came, or
/// partitions come or are to go. Close the batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_member_poll_batch(
    member: ringmain_member,
    count_max: usize,
    fill_wait_ms: u64,
    wait_ms: u64,
    records_out: *mut ringmain_records,
    count_out: *mut usize,
) -> i32 {
    entry(member, || {
        // SAFETY: the caller's promise.
        let out = unsafe { BatchOut::new("records_out", records_out, count_out) }?;
        check_count_max(count_max)?;
        out.set(with(member, |member| member.poll_batch(count_max, wait(fill_wait_ms), wait(wait_ms)))?)
    })
}

/// Commits everything polled so far. `RINGMAIN_ERROR_FENCED` if some of it was lost to another member; the rest is committed.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_member_commit(member: ringmain_member) -> i32 {
    entry(member, || with(member, Member::commit))
}

/// As `ringmain_member_commit`, and does not wait: the receipt does. It counts for members of this hub at once. Close the receipt.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_member_submit_commit(
    member: ringmain_member,
    receipt_out: *mut ringmain_receipt,
) -> i32 {
    entry(member, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("receipt_out", receipt_out) }?;
        answer(&out, Accept::Commit(with(member, Member::submit_commit)?))
    })
}

/// Marks the record at `index` of a batch that this member polled as handled, whatever becomes of those before it;
/// `ringmain_member_commit_done` commits what is marked. Nothing is written here. `RINGMAIN_ERROR_FULL` for more than 10,000 gaps
/// in a partition; `RINGMAIN_ERROR_NOT_FOUND` if it is not this member's.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_member_done(
    member: ringmain_member,
    records: ringmain_records,
    index: usize,
) -> i32 {
    entry(member, || {
        let records = get::<Vec<Record>>(records)?;
        let record = element(&records, index)?;
        with(member, |member| member.done(record))
    })
}

/// Commits what was marked by `ringmain_member_done`: up to the first record that is not, and those beyond it one by one, so that
/// nobody gets them again. Errors as of `ringmain_member_commit`.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_member_commit_done(member: ringmain_member) -> i32 {
    entry(member, || with(member, Member::commit_done))
}

/// Takes one partition back to `offset`: that is committed, whatever was done beyond it is forgotten, and this member goes on there.
/// It only goes back: `RINGMAIN_ERROR_INVALID_ARGUMENT` beyond what is committed.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_member_rewind(member: ringmain_member, partition: u32, offset: u64) -> i32 {
    entry(member, || with(member, |member| member.rewind(partition, offset)))
}

/// Commits one partition: `offset` is the next to read. A commit never goes back: `ringmain_member_rewind` does.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_member_commit_offset(member: ringmain_member, partition: u32, offset: u64) -> i32 {
    entry(member, || with(member, |member| member.commit_offset(partition, offset)))
}

/// Continues one owned partition at `offset`.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_member_seek(member: ringmain_member, partition: u32, offset: u64) -> i32 {
    entry(member, || with(member, |member| member.seek(partition, offset)))
}

/// Stores the partitions that the member owns now in the first `count_out` of `partitions_out`, which has `count_max`
/// places, and zeroes the rest; without those that it was asked to let go of. 1024 places are always enough; too few are
/// `RINGMAIN_ERROR_INVALID_ARGUMENT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_member_assignment(
    member: ringmain_member,
    count_max: usize,
    partitions_out: *mut u32,
    count_out: *mut usize,
) -> i32 {
    entry(member, || {
        // SAFETY: the caller's promise.
        unsafe { partitions(member, count_max, partitions_out, count_out, Member::assignment) }
    })
}

/// Stores the partitions that the member was asked to let go of and still has, as `ringmain_member_assignment`: nothing is polled of
/// them any more, what was can be committed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_member_revoking(
    member: ringmain_member,
    count_max: usize,
    partitions_out: *mut u32,
    count_out: *mut usize,
) -> i32 {
    entry(member, || {
        let revoking = |member: &mut Member| Ok(member.revoking());
        // SAFETY: the caller's promise.
        unsafe { partitions(member, count_max, partitions_out, count_out, revoking) }
    })
}

/// Lets go of a partition that the member was asked for, although not everything polled of it is committed: the next owner polls that
/// again. `RINGMAIN_ERROR_NOT_FOUND` if it was not asked for it.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_member_confirm_revoke(member: ringmain_member, partition: u32) -> i32 {
    entry(member, || with(member, |member| member.confirm_revoke(partition)))
}

/// Stores how many records the member's group has not committed yet, over all partitions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_member_lag(member: ringmain_member, lag_out: *mut u64) -> i32 {
    entry(member, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("lag_out", lag_out) }?;
        out.set(with(member, |member| member.lag())?);
        Ok(())
    })
}

/// Says that a handler of the member's records is running: until it is closed, the member is not given up for dead, however long it
/// does not poll. 0 is none. Any thread may close it.
pub type ringmain_processing = u64;

/// Stores what says that a handler is running. Close it when the handler has returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_member_processing(
    member: ringmain_member,
    processing_out: *mut ringmain_processing,
) -> i32 {
    entry(member, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("processing_out", processing_out) }?;
        out.set(open(with(member, |member| Ok(member.processing()))?)?);
        Ok(())
    })
}

/// The handler has returned. Closing 0 does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_processing_close(processing: ringmain_processing) -> i32 {
    entry(processing, || close_or_zero::<Processing>(processing))
}

/// Leaves the group and closes the handle, whatever the answer: what the member polled and did not commit goes to the
/// others; that of a member with a name is kept for it for its `session_timeout_ms`. Leaving 0 does nothing. In a callback of the
/// member it is refused with `RINGMAIN_ERROR_INVALID_ARGUMENT`, and nothing is closed.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_member_leave(member: ringmain_member) -> i32 {
    entry(member, || match member {
        0 => Ok(()),
        _ if inside(member).is_some() => Err(Error::invalid(
            "member",
            "it cannot leave in a callback of its own; have the poll return first",
        )),
        _ => {
            let member = close::<Mutex<Option<Member>>>(member)?;
            let member = alone(&member)?.take();
            member.map_or(Ok(()), Member::leave)
        }
    })
}

/// Stores what a member says of partitions.
///
/// # Safety
/// The caller's promise for both pointers and the count.
unsafe fn partitions(
    member: ringmain_member,
    count_max: usize,
    partitions_out: *mut u32,
    count_out: *mut usize,
    ask: impl FnOnce(&mut Member) -> Result<Vec<u32>>,
) -> Result<()> {
    // SAFETY: the caller's promise.
    let (count, out) = unsafe {
        (
            Out::one("count_out", count_out),
            Out::array("partitions_out", partitions_out, count_max, PARTITION_COUNT_MAX as usize),
        )
    };
    let (count, out) = (count?, out?);
    let partitions = with(member, ask)?;
    if partitions.len() > count_max {
        let detail = format!("it is {count_max}, there are {} partitions", partitions.len());
        return Err(Error::invalid("count_max", detail));
    }
    count.set(partitions.len());
    out.set_all(partitions);
    Ok(())
}

thread_local! {
    /// Members of which a callback runs in this thread, the innermost last.
    static INSIDE: RefCell<Vec<(u64, *mut Member)>> = const { RefCell::new(Vec::new()) };
}

/// Runs a callback of a member, in which this thread may use it by its handle, although a call on it is under way.
pub(crate) fn with_inside<R>(handle: u64, member: &mut Member, callback: impl FnOnce() -> R) -> R {
    /// Takes it away again, also if the callback panics.
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            let _ = INSIDE.try_with(|inside| inside.borrow_mut().pop());
        }
    }
    INSIDE.with(|inside| inside.borrow_mut().push((handle, member)));
    let _leave = Leave;
    callback()
}

/// The member, if a callback of it runs in this thread.
fn inside(handle: u64) -> Option<*mut Member> {
    let find = |inside: &RefCell<Vec<(u64, *mut Member)>>| {
        let inside = inside.borrow();
        inside.iter().rev().find(|(other, _)| *other == handle).map(|(_, member)| *member)
    };
    INSIDE.try_with(find).ok().flatten()
}

/// Works on the member, alone.
pub(crate) fn with<R>(handle: ringmain_member, work: impl FnOnce(&mut Member) -> Result<R>) -> Result<R> {
    if let Some(member) = inside(handle) {
        // SAFETY: it comes from the `&mut` of a call further up in this thread, which touches it no more until the callback
        // returns; of calls in the callback there is one at a time, and one in a callback of that has its own, further in.
        return work(unsafe { &mut *member });
    }
    let member = get::<Mutex<Option<Member>>>(handle)?;
    match alone(&member)?.as_mut() {
        Some(member) => work(member),
        None => Err(Error::InvalidHandle { expected: "member", handle }),
    }
}
