//! The room: what the callbacks of one environment (the main thread or a worker) share.

use super::leases::{Lease, Leases, Place};
use super::{Call, Flight, OpenStream};
use crate::codec;
use crate::error::{catch, internal};
use crate::gather::Gathered;
use crate::handle::Held;
use crate::queue::Failure;
use crate::reads::Source;
use crate::registry::SharedHub;
use crate::wake::{Poller, WakeFunction};
use napi::sys;
use ringmain::{Delivery, Error, Message, Queue, Result, Stream};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr::{NonNull, null_mut};
use std::rc::Rc;
use std::sync::Arc;

/// The control block: registers, then the window.
const CONTROL_BYTES: usize = 64 << 10;
const WINDOW_AT: usize = 128;

/// The registers of 32 bits, by index.
pub(super) const QUEUE: usize = 0;
pub(super) const COUNT: usize = 1;
pub(super) const SLOT: usize = 2;
pub(super) const GENERATION: usize = 3;
pub(super) const AT: usize = 4;
pub(super) const BYTES: usize = 5;
pub(super) const FLIGHT: usize = 6;
pub(super) const VERB: usize = 7;
pub(super) const CLASS_BYTES: usize = 8;
pub(super) const TOKEN: usize = 9;
pub(super) const STASH: usize = 10;
pub(super) const STREAM: usize = 11;
pub(super) const PARTITION: usize = 12;
pub(super) const PACKED: usize = 13;
pub(super) const SOURCE: usize = 14;

/// The registers of 64 bits, by index.
pub(super) const NUMBER: usize = 8;
pub(super) const MS: usize = 9;

thread_local! {
    static ROOM: RefCell<Option<Rc<Room>>> = const { RefCell::new(None) };
}

/// A queue as the callbacks know it.
pub(crate) struct OpenQueue {
    pub(crate) hub: Arc<SharedHub>,
    pub(crate) queue: Held<Queue>,
    pub(super) poller: Poller,
    /// Of what a packed receive has seen so far.
    pub(super) value_bytes_max: Cell<usize>,
}

impl OpenQueue {
    pub(crate) fn new(hub: Arc<SharedHub>, queue: Queue) -> Self {
        Self { hub, queue: Held::new(queue), poller: Poller::default(), value_bytes_max: Cell::new(0) }
    }
}

/// Everything the callbacks of one environment work on.
pub(crate) struct Room {
    control: NonNull<u8>,
    pool: Cell<(*mut u8, usize)>,
    pool_reference: Cell<sys::napi_ref>,
    queues: RefCell<Vec<Option<Rc<OpenQueue>>>>,
    streams: RefCell<Vec<Option<Arc<OpenStream>>>>,
    sources: RefCell<Vec<Option<Arc<dyn Source>>>>,
    pub(crate) leases: RefCell<Leases>,
    /// Received, and waiting for a block that is large enough, by number; each with its hub handle's.
    pub(super) stash: RefCell<HashMap<u32, (u64, Vec<Delivery>)>>,
    stashed: Cell<u32>,
    /// Which of many could not be settled.
    pub(crate) failures: RefCell<Vec<Failure>>,
    pub(super) flights: RefCell<Vec<Option<Flight>>>,
    port: RefCell<Option<Arc<WakeFunction>>>,
}

/// The room of this thread.
pub(crate) fn room() -> Result<Rc<Room>> {
    let room = ROOM.try_with(|room| room.borrow().clone()).unwrap_or(None);
    room.ok_or_else(|| internal("this thread has no room"))
}

/// Hands back what this thread leased through a hub handle.
pub(crate) fn close_leases(hub: u64) -> Vec<Lease> {
    let room = ROOM.try_with(|room| room.borrow().clone()).unwrap_or(None);
    room.map(|room| room.leases.borrow_mut().take_of(hub)).unwrap_or_default()
}

impl Room {
    /// Makes the room of this thread; the second value is its control block.
    pub(super) fn open(env: sys::napi_env) -> Result<(Rc<Self>, sys::napi_value)> {
        let (mut start, mut block, mut reference) = (null_mut(), null_mut(), null_mut());
        // SAFETY: `env` is the environment of the running callback. The strong reference keeps the block, whose memory V8 does not move; it is
        // given back with the environment.
        let is_made = unsafe {
            sys::napi_create_arraybuffer(env, CONTROL_BYTES, &mut start, &mut block) == sys::Status::napi_ok
                && sys::napi_create_reference(env, block, 1, &mut reference) == sys::Status::napi_ok
        };
        let control = NonNull::new(start.cast()).filter(|_| is_made);
        let room = Rc::new(Self {
            control: control.ok_or_else(|| internal("the control block cannot be made"))?,
            pool: Cell::new((null_mut(), 0)),
            pool_reference: Cell::new(null_mut()),
            queues: RefCell::default(),
            streams: RefCell::default(),
            sources: RefCell::default(),
            leases: RefCell::default(),
            stash: RefCell::default(),
            stashed: Cell::new(0),
            failures: RefCell::default(),
            flights: RefCell::default(),
            port: RefCell::default(),
        });
        // Rooms of a thread's earlier environments stay: their callbacks may be about.
        if let Some(earlier) = ROOM.with(|place| place.replace(Some(room.clone()))) {
            std::mem::forget(earlier);
        }
        // SAFETY: the hook takes the address of nothing; it runs on this thread when the environment ends, and no callback runs after it.
        unsafe { sys::napi_add_env_cleanup_hook(env, Some(close), null_mut()) };
        Ok((room, block))
    }

    /// The function to call when a poller has something to poll.
    pub(crate) fn set_port(&self, port: Arc<WakeFunction>) {
        *self.port.borrow_mut() = Some(port);
    }

    pub(super) fn port(&self) -> Result<Arc<WakeFunction>> {
        self.port.borrow().clone().ok_or_else(|| internal("this room has no port"))
    }

    /// Takes a queue in; the number that JavaScript gives in `QUEUE`.
    pub(crate) fn enter(&self, queue: Rc<OpenQueue>) -> u32 {
        put(&mut self.queues.borrow_mut(), queue)
    }

    /// Takes a stream in; the number that JavaScript gives in `STREAM`.
    pub(crate) fn enter_stream(&self, stream: Arc<OpenStream>) -> u32 {
        put(&mut self.streams.borrow_mut(), stream)
    }

    /// Its handle is gone.
    pub(crate) fn leave(&self, number: u32) {
        let left = self.queues.borrow_mut().get_mut(number as usize).and_then(Option::take);
        drop(left);
    }

    /// The same of a stream.
    pub(crate) fn leave_stream(&self, number: u32) {
        let left = self.streams.borrow_mut().get_mut(number as usize).and_then(Option::take);
        drop(left);
    }

    /// Takes a reader or member in; the number that JavaScript gives in `SOURCE`.
    pub(crate) fn enter_source(&self, source: Arc<dyn Source>) -> u32 {
        put(&mut self.sources.borrow_mut(), source)
    }

    /// Its handle is gone.
    pub(crate) fn leave_source(&self, number: u32) {
        let left = self.sources.borrow_mut().get_mut(number as usize).and_then(Option::take);
        drop(left);
    }

    /// The reader or member in the register.
    pub(super) fn source(&self) -> Result<Arc<dyn Source>> {
        let number = self.number(SOURCE);
        let source = self.sources.borrow().get(number as usize).cloned().flatten();
        source.ok_or(Error::InvalidHandle { expected: "reader or member", handle: number.into() })
    }

    /// Runs a verb on the stream in the register, if its hub handle is open.
    #[inline]
    pub(super) fn with_stream<T>(&self, verb: impl FnOnce(&Stream) -> Result<T>) -> Result<T> {
        let number = self.number(STREAM);
        let streams = self.streams.borrow();
        let stream = streams.get(number as usize).and_then(Option::as_deref);
        verb(stream.ok_or(Error::InvalidHandle { expected: "stream", handle: number.into() })?.get()?)
    }

    /// Runs a verb on the queue in the register, if its hub handle is open.
    #[inline]
    pub(super) fn with_queue<T>(&self, verb: impl FnOnce(&OpenQueue) -> Result<T>) -> Result<T> {
        let number = self.number(QUEUE);
        let queues = self.queues.borrow();
        let queue = queues.get(number as usize).and_then(Option::as_deref);
        let queue = queue.ok_or(Error::InvalidHandle { expected: "queue", handle: number.into() })?;
        queue.hub.check()?;
        verb(queue)
    }

    /// Keeps what was received until `fetch` asks for it.
    pub(crate) fn stash(&self, hub: u64, deliveries: Vec<Delivery>) -> Gathered {
        let bytes = deliveries.iter().map(codec::delivery_bytes).sum::<usize>();
        let stash = self.stashed.get().wrapping_add(1);
        self.stashed.set(stash);
        let gathered = Gathered { count: deliveries.len() as u32, bytes: bytes as f64, stash };
        if gathered.count > 0 {
            self.stash.borrow_mut().insert(stash, (hub, deliveries));
        }
        gathered
    }

    /// A register of 32 bits.
    #[inline]
    pub(super) fn number(&self, register: usize) -> u32 {
        debug_assert!(register < 16);
        // SAFETY: there are 16 of them at the start of the control block, which is aligned for anything; no JavaScript runs now.
        unsafe { self.control.cast::<u32>().add(register).read() }
    }

    #[inline]
    pub(super) fn set_number(&self, register: usize, value: u32) {
        debug_assert!(register < 16);
        // SAFETY: as above.
        unsafe { self.control.cast::<u32>().add(register).write(value) }
    }

    /// A register of 64 bits.
    #[inline]
    pub(super) fn double(&self, register: usize) -> f64 {
        debug_assert!((8..16).contains(&register));
        // SAFETY: they follow those of 32 bits, before the window.
        unsafe { self.control.cast::<f64>().add(register).read() }
    }

    #[inline]
    pub(super) fn set_double(&self, register: usize, value: f64) {
        debug_assert!((8..16).contains(&register));
        // SAFETY: as above.
        unsafe { self.control.cast::<f64>().add(register).write(value) }
    }

    /// What JavaScript has written into the window: as many bytes as `COUNT` says.
    #[inline]
    pub(super) fn window(&self) -> Result<&[u8]> {
        let bytes = self.number(COUNT) as usize;
        if bytes > CONTROL_BYTES - WINDOW_AT {
            return Err(internal("the window is not that long"));
        }
        // SAFETY: within the control block, as just checked; no JavaScript runs, and no verb writes to the window.
        Ok(unsafe { std::slice::from_raw_parts(self.control.add(WINDOW_AT).as_ptr(), bytes) })
    }

    /// The message in the window: packed if `PACKED` is 1, else a value and nothing else.
    #[inline]
    pub(super) fn message(&self) -> Result<Message<'_>> {
        let bytes = self.window()?;
        if self.number(PACKED) == 1 { codec::unpack_one(bytes) } else { Ok(Message::new(bytes)) }
    }

    /// What is left of the pool from `AT` on.
    #[allow(clippy::mut_from_ref)]
    #[inline]
    pub(super) fn pool(&self) -> &mut [u8] {
        let (start, bytes) = self.pool.get();
        let at = (self.number(AT) as usize).min(bytes);
        if start.is_null() {
            return &mut [];
        }
        // SAFETY: the block is kept by our reference, and `lib/hot.js`, which alone has it, never detaches it. No JavaScript runs now; the verbs
        // that write to the pool call this once each.
        unsafe { std::slice::from_raw_parts_mut(start.add(at), bytes - at) }
    }

    /// The slot and the generation in the registers.
    #[inline]
    pub(super) fn place(&self) -> Place {
        Place { slot: self.number(SLOT), generation: self.number(GENERATION) }
    }

    /// `setPool(block)`: messages are written there from now on.
    pub(super) fn set_pool(&self, call: &Call) -> Result<()> {
        let (mut value, mut count) = (null_mut(), 1);
        let (mut start, mut bytes, mut reference) = (null_mut(), 0, null_mut());
        // SAFETY: `env` and `info` are those of the running callback; the strong reference keeps the block. The one before is given back once:
        // the cell has the new one from here on.
        let is_set = unsafe {
            sys::napi_get_cb_info(call.env, call.info, &mut count, &mut value, null_mut(), null_mut())
                == sys::Status::napi_ok
                && sys::napi_get_arraybuffer_info(call.env, value, &mut start, &mut bytes)
                    == sys::Status::napi_ok
                && sys::napi_create_reference(call.env, value, 1, &mut reference) == sys::Status::napi_ok
        };
        if !is_set {
            return Err(internal("the pool is not an ArrayBuffer"));
        }
        let earlier = self.pool_reference.replace(reference);
        self.pool.set((start.cast(), bytes));
        if !earlier.is_null() {
            // SAFETY: it was made in this environment by the call before, and nobody else has it.
            unsafe { sys::napi_delete_reference(call.env, earlier) };
        }
        Ok(())
    }
}

/// Puts something into the first place that is free; its number.
pub(super) fn put<T>(places: &mut Vec<Option<T>>, thing: T) -> u32 {
    let free = places.iter().position(Option::is_none).unwrap_or(places.len());
    match places.get_mut(free) {
        Some(place) => *place = Some(thing),
        None => places.push(Some(thing)),
    }
    free as u32
}

/// The environment ends: what its JavaScript held is handed back.
unsafe extern "C" fn close(_: *mut c_void) {
    let room = ROOM.try_with(|room| room.take()).unwrap_or(None);
    // Nobody is left to hear of an error.
    let _ = catch(|| {
        drop(room);
        Ok(())
    });
}
