//! Where the objects of a queue are: in one of the core's rings.

use super::nest::let_go;
use pyo3::prelude::*;
use ringmain::ring::{mpmc, unbounded};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// A reference to an object.
pub type Object = Py<PyAny>;

/// Up to this many objects a queue with a bound has a slot for each from the beginning: 1 MiB at most.
const SLOTS_MAX: usize = 1 << 16;

/// Objects, first in, first out.
pub struct Store {
    ring: Ring,
    /// How many objects there may be, where the ring does not say it already.
    limit: AtomicUsize,
    /// Who puts where there is a limit, unless the GIL decides that.
    turn: Mutex<()>,
}

enum Ring {
    Slots(mpmc::Sender<Object>, mpmc::Receiver<Object>),
    Blocks(unbounded::Sender<Object>, unbounded::Receiver<Object>),
}

impl Store {
    /// For exactly `capacity` objects; without a bound if that is `None`.
    pub fn new(capacity: Option<usize>) -> Self {
        let (ring, limit) = match capacity {
            Some(capacity @ 1..=SLOTS_MAX) => {
                let (sender, receiver) = mpmc::bounded(capacity);
                (Ring::Slots(sender, receiver), usize::MAX)
            }
            capacity => {
                let (sender, receiver) = unbounded::unbounded();
                (Ring::Blocks(sender, receiver), capacity.unwrap_or(usize::MAX))
            }
        };
        Self { ring, limit: AtomicUsize::new(limit), turn: Mutex::new(()) }
    }

    fn limit(&self) -> usize {
        // ORDERING: Relaxed: a number, which carries nothing.
        self.limit.load(Ordering::Relaxed)
    }

    /// Sets how many objects there may be from now on; `None` for no bound. Refused with the number of slots if there
    /// are fewer.
    pub fn set_limit(&self, capacity: Option<usize>) -> Result<(), usize> {
        let limit = match (&self.ring, capacity) {
            (Ring::Slots(sender, _), capacity) => {
                let slots = sender.capacity().unwrap_or(usize::MAX);
                match capacity {
                    Some(capacity) if capacity < slots => capacity,
                    Some(capacity) if capacity == slots => usize::MAX,
                    _ => return Err(slots),
                }
            }
            (Ring::Blocks(..), capacity) => capacity.unwrap_or(usize::MAX),
        };
        // ORDERING: Relaxed: as in `limit`.
        self.limit.store(limit, Ordering::Relaxed);
        Ok(())
    }

    /// How many objects there are.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.ring {
            Ring::Slots(_, receiver) => receiver.len(),
            Ring::Blocks(_, receiver) => receiver.len(),
        }
    }

    /// How many more there is room for.
    pub fn room(&self) -> usize {
        let bound = match &self.ring {
            Ring::Slots(sender, _) => sender.capacity().unwrap_or(usize::MAX).min(self.limit()),
            Ring::Blocks(..) => self.limit(),
        };
        bound.saturating_sub(self.len())
    }

    /// Adds an object, or gives it back if there is no room.
    #[inline]
    pub fn push(&self, object: Object) -> Result<(), Object> {
        if self.limit() != usize::MAX { self.push_within_limit(object) } else { self.push_now(object) }
    }

    #[inline]
    fn push_now(&self, object: Object) -> Result<(), Object> {
        match &self.ring {
            Ring::Slots(sender, _) => sender.try_send(object).map_err(|error| error.into_inner()),
            Ring::Blocks(sender, _) => sender.try_send(object).map_err(|error| error.into_inner()),
        }
    }

    fn push_within_limit(&self, object: Object) -> Result<(), Object> {
        let _turn = self.turn();
        if self.room() == 0 { Err(object) } else { self.push_now(object) }
    }

    /// Looking and putting are one step for whoever else puts: by the GIL, or by taking turns.
    fn turn(&self) -> Option<std::sync::MutexGuard<'_, ()>> {
        cfg!(Py_GIL_DISABLED).then(|| self.turn.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds as many objects from the front of `objects` as there is room for, and removes them. Returns how many.
    pub fn push_many(&self, objects: &mut Vec<Object>) -> usize {
        if self.limit() == usize::MAX {
            return self.push_many_now(objects);
        }
        let _turn = self.turn();
        let room = self.room();
        if objects.len() <= room {
            return self.push_many_now(objects);
        }
        let rest = objects.split_off(room);
        let pushed = self.push_many_now(objects);
        objects.extend(rest);
        pushed
    }

    fn push_many_now(&self, objects: &mut Vec<Object>) -> usize {
        let pushed = match &self.ring {
            Ring::Slots(sender, _) => sender.try_send_batch(objects),
            Ring::Blocks(sender, _) => sender.try_send_batch(objects),
        };
        pushed.unwrap_or(0)
    }

    /// Removes the oldest object.
    #[inline]
    pub fn pop(&self) -> Option<Object> {
        match &self.ring {
            Ring::Slots(_, receiver) => receiver.try_recv().ok(),
            Ring::Blocks(_, receiver) => receiver.try_recv().ok(),
        }
    }

    /// Removes up to `count` of the oldest objects.
    pub fn pop_many(&self, count: usize) -> Vec<Object> {
        let mut objects = Vec::new();
        while objects.len() < count {
            let left = count - objects.len();
            let popped = match &self.ring {
                Ring::Slots(_, receiver) => receiver.try_recv_batch(&mut objects, left),
                Ring::Blocks(_, receiver) => receiver.try_recv_batch(&mut objects, left),
            };
            if popped.is_err() {
                break;
            }
        }
        objects
    }

    /// Shows every object to `look`.
    ///
    /// # Safety
    /// Nobody pops meanwhile.
    pub unsafe fn visit(&self, look: impl FnMut(&Object)) {
        match &self.ring {
            // SAFETY: the caller's promise.
            Ring::Slots(_, receiver) => unsafe { receiver.visit(look) },
            // SAFETY: the caller's promise.
            Ring::Blocks(_, receiver) => unsafe { receiver.visit(look) },
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let_go(|| self.pop());
    }
}
