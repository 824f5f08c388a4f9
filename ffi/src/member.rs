//! Consumer groups: join, poll, commit, leave.

use crate::answer::Out;
use crate::argument::{name, wait};
use crate::batch::{BatchOut, check_count_max};
use crate::guard::entry;
use crate::reader::{alone, start};
use crate::records::ringmain_records;
use crate::stream::ringmain_stream;
use crate::table::{close, get, open};
use ringmain::limits::PARTITION_COUNT_MAX;
use ringmain::{Error, Member, Result, Start, Stream};
use std::ffi::c_char;
use std::sync::Mutex;

/// One member of a consumer group: polls the partitions it owns and commits what it has handled. 0 is no member. Any
/// thread may use it, one at a time: others wait for it.
pub type ringmain_member = u64;

/// Most partitions of one stream.
pub const RINGMAIN_PARTITION_COUNT_MAX: u32 = 1024;
const _: () = assert!(RINGMAIN_PARTITION_COUNT_MAX == PARTITION_COUNT_MAX);

/// Joins the group `group_name` (NUL-terminated) of the stream. Partitions without a committed offset start at
/// `start_kind` (one of `RINGMAIN_START_*`) and `start_value` (0 where the kind has none).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_group_join(
    stream: ringmain_stream,
    group_name: *const c_char,
    start_kind: i32,
    start_value: u64,
    member_out: *mut ringmain_member,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let (out, group_name) =
            unsafe { (Out::one("member_out", member_out)?, name("group_name", group_name)?) };
        let start = start(start_kind, start_value)?;
        let group = get::<Stream>(stream)?.group(group_name);
        let member = match start {
            Start::Earliest => group.join()?,
            start => group.join_at(start)?,
        };
        out.set(open(Mutex::new(Some(member)))?);
        Ok(())
    })
}

/// Stores how many records the group `group_name` (NUL-terminated) has not committed yet, over all partitions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_group_lag(
    stream: ringmain_stream,
    group_name: *const c_char,
    lag_out: *mut u64,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let (out, group_name) = unsafe { (Out::one("lag_out", lag_out)?, name("group_name", group_name)?) };
        out.set(get::<Stream>(stream)?.group(group_name).lag()?);
        Ok(())
    })
}

/// Stores a batch of up to `count_max` (1 to 65,536) records of the partitions that the member owns and how many there
/// are, waiting at most `wait_ms` for the first. None is no error: then the batch is 0. Close the batch. A partition that is to move to
/// another member is not read on; it moves when what was polled of it is committed, at the latest after 30 seconds. Who does not
/// poll for 5 minutes loses all.
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

/// Commits everything polled so far. `RINGMAIN_ERROR_FENCED` if some of it was lost to another member; the rest is committed.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_member_commit(member: ringmain_member) -> i32 {
    entry(member, || with(member, Member::commit))
}

/// Commits one partition: `offset` is the next to read. A commit never goes back.
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
/// places, and zeroes the rest. 1024 places are always enough; too few are `RINGMAIN_ERROR_INVALID_ARGUMENT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_member_assignment(
    member: ringmain_member,
    count_max: usize,
    partitions_out: *mut u32,
    count_out: *mut usize,
) -> i32 {
    entry(member, || {
        // SAFETY: the caller's promise.
        let (count, out) = unsafe {
            (
                Out::one("count_out", count_out),
                Out::array("partitions_out", partitions_out, count_max, PARTITION_COUNT_MAX as usize),
            )
        };
        let (count, out) = (count?, out?);
        let partitions = with(member, Member::assignment)?;
        if partitions.len() > count_max {
            let detail = format!("it is {count_max}, this member owns {} partitions", partitions.len());
            return Err(Error::invalid("count_max", detail));
        }
        count.set(partitions.len());
        out.set_all(partitions);
        Ok(())
    })
}

/// Leaves the group and closes the handle, whatever the answer: what the member polled and did not commit goes to the
/// others. Leaving 0 does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ringmain_member_leave(member: ringmain_member) -> i32 {
    entry(member, || match member {
        0 => Ok(()),
        _ => {
            let member = close::<Mutex<Option<Member>>>(member)?;
            let member = alone(&member)?.take();
            member.map_or(Ok(()), Member::leave)
        }
    })
}

/// Works on the member, alone.
pub(crate) fn with<R>(handle: ringmain_member, work: impl FnOnce(&mut Member) -> Result<R>) -> Result<R> {
    let member = get::<Mutex<Option<Member>>>(handle)?;
    match alone(&member)?.as_mut() {
        Some(member) => work(member),
        None => Err(Error::InvalidHandle { expected: "member", handle }),
    }
}
