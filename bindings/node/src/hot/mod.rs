//! The verbs that are called for each message, as raw callbacks of Node-API.
//!
//! **Promise.** One call costs a few nanoseconds over the core: what the classes of napi-rs do for each call (borrow scopes, identity
//! checks) and what a native Buffer costs for each message would be several times the verb itself. **Not promised.** Arguments: JavaScript writes
//! them into the control block, calls a function that takes none, and reads the answers there.
//!
//! ```text
//! control block   registers (u32 from byte 0, f64 from byte 64) | window (from byte 128): bytes on their way in
//! pool            a block of JavaScript's: messages on their way out are written where `AT` says
//! ```
//!
//! `lib/hot.js` is the other half: it alone knows these functions, and nobody else gets hold of the two blocks, so that nobody can detach
//! them. Both are used only while a callback runs, on the thread of their environment, when no JavaScript does.
//!
//! **Failure.** A callback throws an error whose `code` is a name of [`ringmain::ErrorCode`], a panic's too, and has changed no answer.

mod append;
mod flight;
mod leases;
mod read;
mod receive;
mod room;
mod send;
mod settle;

pub(crate) use append::OpenStream;
use flight::Flight;
pub(crate) use leases::{Lease, Place};
pub(crate) use room::{OpenQueue, close_leases, room};
pub(crate) use settle::Settlement;

use crate::error::{Result, catch, internal, thrown};
use napi::bindgen_prelude::{Env, ToNapiValue, TypeName, ValueType};
use napi::sys;
use napi_derive::napi;
use ringmain::Error;
use room::Room;
use std::ffi::{CStr, c_void};
use std::ptr::{null, null_mut};
use std::rc::Rc;

/// A verb: reads the registers of the room and the call's arguments, and writes its answers there.
type Verb = fn(&Room, &Call) -> ringmain::Result<()>;

/// Every callback by the name that JavaScript knows it by.
const VERBS: [(&CStr, sys::napi_callback); 22] = [
    (c"setPool", Some(entry::<SetPool>)),
    (c"send", Some(entry::<Send>)),
    (c"sendMessage", Some(entry::<SendMessage>)),
    (c"sendMany", Some(entry::<SendMany>)),
    (c"sendPacked", Some(entry::<SendPacked>)),
    (c"append", Some(entry::<Append>)),
    (c"appendMessage", Some(entry::<AppendMessage>)),
    (c"appendMany", Some(entry::<AppendMany>)),
    (c"sendSoon", Some(entry::<SendSoon>)),
    (c"land", Some(entry::<Land>)),
    (c"receive", Some(entry::<Receive>)),
    (c"poll", Some(entry::<Poll>)),
    (c"fetch", Some(entry::<Fetch>)),
    (c"receivePacked", Some(entry::<ReceivePacked>)),
    (c"read", Some(entry::<Read>)),
    (c"pollSource", Some(entry::<PollSource>)),
    (c"ack", Some(entry::<Ack>)),
    (c"settle", Some(entry::<Settle>)),
    (c"settleMany", Some(entry::<SettleMany>)),
    (c"settlePacked", Some(entry::<SettlePacked>)),
    (c"isCancelled", Some(entry::<IsCancelled>)),
    (c"drop", Some(entry::<Forget>)),
];

/// What a callback runs, as a type, so that each has a function of its own and no table to look into.
trait Hot {
    const VERB: Verb;
}

macro_rules! verbs {
    ($($name:ident = $verb:expr;)*) => {
        $(
            struct $name;
            impl Hot for $name {
                const VERB: Verb = $verb;
            }
        )*
    };
}

verbs! {
    SetPool = Room::set_pool;
    Send = Room::send;
    SendMessage = Room::send_message;
    SendMany = Room::send_many;
    SendPacked = Room::send_packed;
    Append = Room::append;
    AppendMessage = Room::append_message;
    AppendMany = Room::append_many;
    SendSoon = Room::send_soon;
    Land = Room::land;
    Receive = Room::receive;
    Poll = Room::poll;
    Fetch = Room::fetch;
    ReceivePacked = Room::receive_packed;
    Read = Room::read;
    PollSource = Room::poll_source;
    Ack = Room::ack;
    Settle = Room::settle;
    SettleMany = Room::settle_many;
    SettlePacked = Room::settle_packed;
    IsCancelled = Room::is_cancelled;
    Forget = Room::forget;
}

/// One call of a callback.
pub(crate) struct Call {
    env: sys::napi_env,
    info: sys::napi_callback_info,
}

/// The most arguments that a verb takes: blocks of bytes.
const ARGUMENT_COUNT_MAX: usize = 3;

impl Call {
    /// The arguments, of which the first `count` are typed arrays, as they lie in memory.
    fn arrays<const N: usize>(&self) -> ringmain::Result<[Block; N]> {
        let mut values = [null_mut(); ARGUMENT_COUNT_MAX];
        let mut count = N.min(ARGUMENT_COUNT_MAX);
        // SAFETY: `env` and `info` are those of the callback that is running; `values` has room for `count`, and those that were not given
        // become `undefined`.
        let status = unsafe {
            sys::napi_get_cb_info(
                self.env,
                self.info,
                &mut count,
                values.as_mut_ptr(),
                null_mut(),
                null_mut(),
            )
        };
        if status != sys::Status::napi_ok {
            return Err(internal("the arguments of a callback cannot be read"));
        }
        let mut blocks = [Block { start: null_mut(), bytes: 0 }; N];
        for (block, value) in blocks.iter_mut().zip(values) {
            *block = self.block(value)?;
        }
        Ok(blocks)
    }

    fn block(&self, value: sys::napi_value) -> ringmain::Result<Block> {
        let (mut kind, mut length, mut start) = (0, 0, null_mut());
        // SAFETY: `value` is an argument of the running callback; what is not a typed array is answered with a status.
        let status = unsafe {
            sys::napi_get_typedarray_info(
                self.env,
                value,
                &mut kind,
                &mut length,
                &mut start,
                null_mut(),
                null_mut(),
            )
        };
        if status != sys::Status::napi_ok {
            return Err(Error::invalid("bytes", "a typed array is needed"));
        }
        let item_bytes = match kind {
            sys::TypedarrayType::uint8_array => 1,
            sys::TypedarrayType::uint32_array => 4,
            sys::TypedarrayType::float64_array => 8,
            _ => return Err(Error::invalid("bytes", "a Uint8Array, Uint32Array or Float64Array is needed")),
        };
        Ok(Block { start: start.cast(), bytes: length * item_bytes })
    }
}

/// The memory of a typed array of JavaScript, for as long as a callback runs.
#[derive(Clone, Copy)]
pub(crate) struct Block {
    start: *mut u8,
    bytes: usize,
}

impl Block {
    /// Its bytes, copied by nobody.
    fn bytes(&self) -> &[u8] {
        if self.bytes == 0 || self.start.is_null() {
            return &[];
        }
        // SAFETY: V8 said that the array has so many bytes there. No JavaScript of this thread runs while we look; if the array is shared with
        // another thread, that one writes at its own peril, as with every view of shared memory: a byte is a byte.
        unsafe { std::slice::from_raw_parts(self.start, self.bytes) }
    }

    /// The same to write to.
    fn bytes_mut(&mut self) -> &mut [u8] {
        if self.bytes == 0 || self.start.is_null() {
            return &mut [];
        }
        // SAFETY: as above; the verbs take each block once, and refuse blocks that overlap where they write.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.bytes) }
    }

    /// Whether two blocks share memory.
    fn overlaps(&self, other: &Self) -> bool {
        let (start, other_start) = (self.start as usize, other.start as usize);
        start < other_start.saturating_add(other.bytes) && other_start < start.saturating_add(self.bytes)
    }

    /// The whole number at an index of an array of 32 bits.
    fn u32(&self, index: usize) -> ringmain::Result<u32> {
        let bytes = index.checked_mul(4).and_then(|at| self.bytes().get(at..)?.first_chunk::<4>());
        bytes
            .map(|bytes| u32::from_ne_bytes(*bytes))
            .ok_or_else(|| Error::invalid("offsets", "too few of them"))
    }

    /// Writes an item of an array, if there is room for it.
    fn put<const N: usize>(&mut self, index: usize, item: [u8; N]) -> ringmain::Result<()> {
        let place =
            index.checked_mul(N).and_then(|at| self.bytes_mut().get_mut(at..)?.first_chunk_mut::<N>());
        let place = place.ok_or_else(|| Error::invalid("offsets", "there is no room for all of them"))?;
        *place = item;
        Ok(())
    }
}

/// Runs one verb for JavaScript.
///
/// # Safety
/// Called by Node with the environment and the information of a running callback, made by [`open_room`].
unsafe extern "C" fn entry<V: Hot>(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let mut data: *mut c_void = null_mut();
    // SAFETY: both are those of this very call; the count and the other places may be null.
    unsafe { sys::napi_get_cb_info(env, info, null_mut(), null_mut(), null_mut(), &mut data) };
    let done = catch(|| {
        // SAFETY: every callback was made with the address of its room, which `room.rs` keeps until the environment ends; none runs after that.
        let room = unsafe { data.cast::<Room>().as_ref() };
        let room = room.ok_or_else(|| internal("a callback without its room"))?;
        V::VERB(room, &Call { env, info })
    });
    if let Err(error) = done {
        throw(env, &error);
    }
    null_mut()
}

#[cold]
fn throw(env: sys::napi_env, error: &Error) {
    let message = error.to_string().replace('\0', "\\0");
    let (Ok(message), Ok(code)) =
        (std::ffi::CString::new(message), std::ffi::CString::new(error.code().name()))
    else {
        return;
    };
    // SAFETY: both texts end with a zero and outlive the call, which copies them. If it fails, the environment is going away.
    unsafe { sys::napi_throw_error(env, code.as_ptr(), message.as_ptr()) };
}

/// What [`open_room`] returns.
pub struct Functions(sys::napi_value);

impl TypeName for Functions {
    fn type_name() -> &'static str {
        "object"
    }
    fn value_type() -> ValueType {
        ValueType::Object
    }
}

impl ToNapiValue for Functions {
    unsafe fn to_napi_value(_: sys::napi_env, functions: Self) -> napi::Result<sys::napi_value> {
        Ok(functions.0)
    }
}

/// The room of this environment: an object of its callbacks, and `control`, its control block.
#[napi(ts_return_type = "object")]
pub fn open_room(env: &Env) -> Result<Functions> {
    let env = env.raw();
    let (room, control) = Room::open(env).map_err(thrown)?;
    let done = |status| match status {
        sys::Status::napi_ok => Ok(()),
        _ => Err(thrown(internal("the callbacks of the room cannot be made"))),
    };
    let mut object = null_mut();
    // SAFETY: `env` is the environment of the callback that called us. The names end with a zero; the data of each callback is the room, which
    // lives as long as the environment (see `Room::open`).
    unsafe {
        done(sys::napi_create_object(env, &mut object))?;
        done(sys::napi_set_named_property(env, object, c"control".as_ptr(), control))?;
        for (name, verb) in VERBS {
            let mut function = null_mut();
            let data = Rc::as_ptr(&room).cast_mut().cast();
            done(sys::napi_create_function(env, null(), 0, verb, data, &mut function))?;
            done(sys::napi_set_named_property(env, object, name.as_ptr(), function))?;
        }
    }
    Ok(Functions(object))
}
