//! Consumer groups: join, with callbacks for partitions that come and go.

use crate::answer::Out;
use crate::argument::{Versioned, name, options};
use crate::error::with_errors_of;
use crate::foreign::{Context, answered};
use crate::guard::entry;
use crate::member::{ringmain_member, with_inside};
use crate::reader::{reset, start};
use crate::stream::ringmain_stream;
use crate::stream_options::{RINGMAIN_NO_LIMIT, or_default, unknown};
use crate::table::{get, open};
use crate::text::{answer, ringmain_text};
use ringmain::{CommitMode, Error, Group, Member, Result, Stream};
use ringmain_surface::stream_call;
use std::ffi::{c_char, c_void};
use std::mem::offset_of;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

/// Of groups only: where the group has committed; `RINGMAIN_ERROR_NOT_FOUND` if it has not.
pub const RINGMAIN_START_COMMITTED: i32 = 4;

/// By `ringmain_member_commit` and its siblings. What was not committed is read again: at least once.
pub const RINGMAIN_COMMIT_MANUAL: i32 = 0;
/// Each poll first commits what the polls before it returned. At least once.
pub const RINGMAIN_COMMIT_ON_POLL: i32 = 1;
/// Before poll hands records over: what is not handled then, because of a crash or an error, is lost.
pub const RINGMAIN_COMMIT_AT_MOST_ONCE: i32 = 2;

/// Told of partitions of a member that come or go, in order. Called by the thread that polls (or seeks, or asks for the assignment),
/// within that call. It may use the member, by its handle, in this thread; other threads wait for the call. What it returns that is not 0
/// the call answers: RINGMAIN_ERROR_* of a call that failed in it, or RINGMAIN_ERROR_INVALID_ARGUMENT with the number in the text.
/// It must return, and neither throw nor jump out. The partitions live until it returns.
pub type ringmain_partitions_callback = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        member: ringmain_member,
        partitions: *const u32,
        count: usize,
    ) -> i32,
>;

/// How a member joins a group. Set `size`, zero the rest: 0 is the default.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ringmain_group_options {
    /// sizeof(ringmain_group_options).
    pub size: usize,
    /// The NUL-terminated name of the member, NULL for none: what it has is kept for the name while it is away, so that a restart moves
    /// nothing. Who joins by the name of a member that is there takes its place.
    pub member_name: *const c_char,
    /// For how long a member with a name may be away before others get what it has. Default 45,000; `RINGMAIN_ZERO` gives it up at
    /// once.
    pub session_timeout_ms: u64,
    /// How long a member may go without polling before it is given up for dead. Default 300,000; `RINGMAIN_NO_LIMIT` for never.
    pub max_poll_interval_ms: u64,
    /// How long the owner of a partition that is to move may take to commit what it has polled of it. Default 30,000; `RINGMAIN_ZERO`
    /// does not wait. The group's: the first member that says one decides, and another one that says something else is
    /// `RINGMAIN_ERROR_OPTION_MISMATCH`.
    pub revoke_timeout_ms: u64,
    /// Where partitions without a committed offset start: one of `RINGMAIN_START_*`.
    pub start_kind: i32,
    /// What it does when the records that it would read next were removed: one of `RINGMAIN_RESET_*`.
    pub on_out_of_range: i32,
    /// The offset or time of the start; 0 where the kind has none.
    pub start_value: u64,
    /// When it commits: one of `RINGMAIN_COMMIT_*`.
    pub commit_mode: i32,
    /// Must be 0.
    pub reserved: u32,
    /// Told of the partitions that the member has got, before the first of their records is polled; it may seek. NULL for none.
    pub on_assign: ringmain_partitions_callback,
    /// Told of the partitions that the member is to let go of: nothing of them is polled any more, what was can be committed. NULL for
    /// none.
    pub on_revoke: ringmain_partitions_callback,
    /// Told of the partitions that the member has lost without having been asked: somebody else may have them already, and commits of
    /// them are refused. NULL for none.
    pub on_lost: ringmain_partitions_callback,
    /// Given to the callbacks; it must live until the member has left.
    pub context: *mut c_void,
}

// SAFETY: repr(C), `size` comes first, and the rest are pointers, numbers and functions that may be NULL.
unsafe impl Versioned for ringmain_group_options {
    const NAME: &'static str = "ringmain_group_options";
    const BYTES_MIN: usize = offset_of!(ringmain_group_options, context) + size_of::<*mut c_void>();
}

/// Joins the group `group_name` (NUL-terminated) of the stream. Partitions without a committed offset start at
/// `start_kind` (one of `RINGMAIN_START_*`) and `start_value` (0 where the kind has none). Have it leave.
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
        let group = get::<Stream>(stream)?.group(group_name);
        out.set(open(Mutex::new(Some(joined(&group, start_kind, start_value)?)))?);
        Ok(())
    })
}

/// As `ringmain_group_join`, with options, which may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_group_join_with(
    stream: ringmain_stream,
    group_name: *const c_char,
    options: *const ringmain_group_options,
    member_out: *mut ringmain_member,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let (out, group_name, options) = unsafe {
            (
                Out::one("member_out", member_out)?,
                name("group_name", group_name)?,
                self::options("options", options)?,
            )
        };
        let commit_mode = match options.commit_mode {
            RINGMAIN_COMMIT_MANUAL => CommitMode::Manual,
            RINGMAIN_COMMIT_ON_POLL => CommitMode::OnPoll,
            RINGMAIN_COMMIT_AT_MOST_ONCE => CommitMode::AtMostOnce,
            other => return Err(unknown("commit_mode", other, "RINGMAIN_COMMIT_*")),
        };
        // What its callbacks are told it is. They come within calls on the member, for which the caller has to know it first.
        let handle = Arc::new(OnceLock::new());
        let group = get::<Stream>(stream)?.group(group_name);
        // SAFETY: the caller's promise, for what the options point to.
        let group = unsafe { with_options(group, &options, &handle) }?;
        let member = joined(&group, options.start_kind, options.start_value)?.commit_mode(commit_mode);
        let member = open(Mutex::new(Some(member)))?;
        let _ = handle.set(member);
        out.set(member);
        Ok(())
    })
}

fn joined(group: &Group, start_kind: i32, start_value: u64) -> Result<Member> {
    match (start_kind, start_value) {
        (RINGMAIN_START_COMMITTED, 0) => group.join_committed(),
        (kind, value) => group.join_at(start(kind, value)?),
    }
}

/// # Safety
/// The caller's promise for what `options` points to.
unsafe fn with_options(
    mut group: Group,
    options: &ringmain_group_options,
    handle: &Arc<OnceLock<u64>>,
) -> Result<Group> {
    if options.reserved != 0 {
        return Err(Error::invalid("reserved", format!("it is {}, it must be 0", options.reserved)));
    }
    if !options.member_name.is_null() {
        // SAFETY: the caller's promise.
        group = group.member_name(unsafe { name("member_name", options.member_name) }?);
    }
    if options.session_timeout_ms > 0 {
        group = group.session_timeout(or_default(options.session_timeout_ms, Duration::ZERO));
    }
    match options.max_poll_interval_ms {
        0 => {}
        RINGMAIN_NO_LIMIT => group = group.max_poll_interval(None),
        interval_ms => group = group.max_poll_interval(or_default(interval_ms, Duration::ZERO)),
    }
    if options.revoke_timeout_ms > 0 {
        group = group.revoke_timeout(or_default(options.revoke_timeout_ms, Duration::ZERO));
    }
    group = group.on_out_of_range(reset(options.on_out_of_range)?);
    let context = Context::new(options.context);
    let told = |name, callback: ringmain_partitions_callback| {
        let handle = handle.clone();
        callback.map(|callback| {
            move |member: &mut Member, partitions: &[u32]| {
                let handle = handle.get().copied().unwrap_or_default();
                let call = || {
                    // SAFETY: the caller's promise for callbacks; the partitions live until it returns.
                    unsafe { callback(context.pointer(), handle, partitions.as_ptr(), partitions.len()) }
                };
                answered(name, with_errors_of(|| with_inside(handle, member, call)))
            }
        })
    };
    if let Some(told) = told("on_assign", options.on_assign) {
        group = group.on_assign(told);
    }
    if let Some(told) = told("on_revoke", options.on_revoke) {
        group = group.on_revoke(told);
    }
    if let Some(told) = told("on_lost", options.on_lost) {
        group = group.on_lost(told);
    }
    Ok(group)
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

/// Stores the offset that the group `group_name` (NUL-terminated) has committed of a partition, which is the next to read, and 1 in
/// `is_committed_out`; 0 in both if it has committed nothing of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_group_committed(
    stream: ringmain_stream,
    group_name: *const c_char,
    partition: u32,
    offset_out: *mut u64,
    is_committed_out: *mut i32,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let (offset, is_committed) =
            unsafe { (Out::one("offset_out", offset_out), Out::one("is_committed_out", is_committed_out)) };
        let (offset, is_committed) = (offset?, is_committed?);
        // SAFETY: the caller's promise.
        let group_name = unsafe { name("group_name", group_name) }?;
        let committed = get::<Stream>(stream)?.group(group_name).committed()?;
        let Some(committed) = committed.get(partition as usize) else {
            let detail = format!("{partition} is beyond the stream's {} partitions", committed.len());
            return Err(Error::invalid("partition", detail));
        };
        if let Some(committed) = committed {
            offset.set(*committed);
            is_committed.set(1);
        }
        Ok(())
    })
}

/// Stores the names of the groups of the stream that have committed: JSON, a list. Close the text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_stream_groups(
    stream: ringmain_stream,
    text_out: *mut ringmain_text,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::one("text_out", text_out) }?;
        answer(stream_call(&*get::<Stream>(stream)?, "groups", "{}")?, &out)
    })
}

/// Forgets the group `group_name` (NUL-terminated), with all that it committed. `RINGMAIN_ERROR_NOT_FOUND` if there is none,
/// `RINGMAIN_ERROR_INVALID_ARGUMENT` while it has members.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringmain_stream_delete_group(
    stream: ringmain_stream,
    group_name: *const c_char,
) -> i32 {
    entry(stream, || {
        // SAFETY: the caller's promise.
        let group_name = unsafe { name("group_name", group_name) }?;
        get::<Stream>(stream)?.delete_group(group_name)
    })
}
