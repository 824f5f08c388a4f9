//! What both classes of queues are made of: a store, its lines, and a count of what is not done.

use super::arguments::Patience;
use super::line::{Line, give_then_look};
use super::store::{Object, Store};
use pyo3::prelude::*;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Objects on their way. Only used by threads that are attached to the interpreter (`P1`).
pub struct Channel {
    pub store: Store,
    /// Who waits for an object.
    pub getters: Line,
    /// Who waits for room.
    pub putters: Line,
    /// Who waits until everything is done.
    pub joiners: Line,
    unfinished: AtomicUsize,
    is_shut: AtomicBool,
    /// With `is_shut`: what is still in it is to be thrown away.
    is_discarding: AtomicBool,
}

/// Why nothing went in or out.
pub enum Refusal {
    /// There is no room.
    Full,
    /// There is no object.
    Empty,
    /// Nothing goes in any more.
    ShutDown,
    /// A signal's handler raised this.
    Raised(PyErr),
}

impl From<PyErr> for Refusal {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

/// A count of `task_done` that is one too high.
pub struct DoneTooOften;

impl Channel {
    /// For exactly `capacity` objects; without a bound if that is `None`.
    pub fn new(capacity: Option<usize>) -> Self {
        Self {
            store: Store::new(capacity),
            getters: Line::default(),
            putters: Line::default(),
            joiners: Line::default(),
            unfinished: AtomicUsize::new(0),
            is_shut: AtomicBool::new(false),
            is_discarding: AtomicBool::new(false),
        }
    }

    /// Puts an object if there is room, or gives it back.
    #[inline]
    pub fn offer(&self, object: Object) -> Result<Result<(), Object>, Refusal> {
        if self.is_shut() {
            return Err(Refusal::ShutDown);
        }
        // Before it is in: whoever gets it may be done with it at once.
        self.begin(1);
        match self.store.push(object) {
            Ok(()) => {
                self.getters.call(1);
                self.discard_what_came_late();
                Ok(Ok(()))
            }
            Err(object) => {
                self.take_back(1);
                Ok(Err(object))
            }
        }
    }

    /// Puts an object, waiting for room.
    #[inline]
    pub fn put(&self, py: Python<'_>, object: Object, patience: Patience) -> Result<(), Refusal> {
        match self.offer(object)? {
            Ok(()) => Ok(()),
            Err(_) if patience.is_none() => Err(Refusal::Full),
            Err(object) => self.put_slowly(py, object, patience),
        }
    }

    #[cold]
    #[inline(never)]
    fn put_slowly(&self, py: Python<'_>, object: Object, patience: Patience) -> Result<(), Refusal> {
        let mut object = Some(object);
        let put = self.putters.wait(
            py,
            patience.deadline(),
            || self.store.room(),
            || {
                let Some(mine) = object.take() else { return Ok(None) };
                match self.offer(mine) {
                    Ok(Ok(())) => Ok(Some(Ok(()))),
                    Ok(Err(mine)) => {
                        object = Some(mine);
                        Ok(None)
                    }
                    Err(refusal) => Ok(Some(Err(refusal))),
                }
            },
        )?;
        put.unwrap_or(Err(Refusal::Full))
    }

    /// Puts objects from the front of `objects` while there is room, and removes them. Returns how many.
    pub fn offer_many(&self, objects: &mut Vec<Object>) -> Result<usize, Refusal> {
        if self.is_shut() {
            return Err(Refusal::ShutDown);
        }
        let offered = objects.len();
        self.begin(offered);
        let put = self.store.push_many(objects);
        self.take_back(offered - put);
        if put > 0 {
            self.getters.call(put);
            self.discard_what_came_late();
        }
        Ok(put)
    }

    /// Puts all objects, waiting for room. Returns how many were put before time was over or the queue was shut: those
    /// that were not are still in `objects`. Refused if that is all of them.
    pub fn put_many(
        &self,
        py: Python<'_>,
        objects: &mut Vec<Object>,
        patience: Patience,
    ) -> Result<usize, Refusal> {
        let all = objects.len();
        self.offer_many(objects)?;
        if !objects.is_empty() && !patience.is_none() {
            let rest = &mut *objects;
            let shut = self.putters.wait(
                py,
                patience.deadline(),
                || self.store.room(),
                || match self.offer_many(rest) {
                    Ok(_) => Ok(rest.is_empty().then_some(Ok(()))),
                    Err(refusal) => Ok(Some(Err(refusal))),
                },
            )?;
            if let Some(Err(refusal)) = shut
                && objects.len() == all
            {
                return Err(refusal);
            }
        }
        let put = all - objects.len();
        if put == 0 && all > 0 { Err(Refusal::Full) } else { Ok(put) }
    }

    /// Gets an object if there is one.
    #[inline]
    pub fn poll(&self) -> Option<Object> {
        let object = self.store.pop()?;
        self.putters.call(1);
        Some(object)
    }

    /// Gets an object, waiting for one.
    #[inline]
    pub fn get(&self, py: Python<'_>, patience: Patience) -> Result<Object, Refusal> {
        match self.poll() {
            Some(object) => Ok(object),
            None if patience.is_none() => Err(self.nothing()),
            None => self.wait_for(py, patience, || self.poll()),
        }
    }

    /// Gets up to `count` objects that are there.
    pub fn poll_many(&self, count: usize) -> Option<Vec<Object>> {
        let objects = self.store.pop_many(count);
        if objects.is_empty() {
            return None;
        }
        self.putters.call(objects.len());
        Some(objects)
    }

    /// Gets up to `count` objects, waiting for the first.
    pub fn get_many(&self, py: Python<'_>, count: usize, patience: Patience) -> Result<Vec<Object>, Refusal> {
        match self.poll_many(count) {
            Some(objects) => Ok(objects),
            None if patience.is_none() => Err(self.nothing()),
            None => self.wait_for(py, patience, || self.poll_many(count)),
        }
    }

    #[cold]
    #[inline(never)]
    fn wait_for<T>(
        &self,
        py: Python<'_>,
        patience: Patience,
        poll: impl Fn() -> Option<T>,
    ) -> Result<T, Refusal> {
        let got = self.getters.wait(
            py,
            patience.deadline(),
            || self.store.len(),
            || match poll() {
                Some(got) => Ok(Some(Ok(got))),
                None if self.is_shut() => Ok(Some(Err(Refusal::ShutDown))),
                None => Ok(None),
            },
        )?;
        got.unwrap_or(Err(Refusal::Empty))
    }

    /// Why there is no object.
    pub fn nothing(&self) -> Refusal {
        if self.is_shut() { Refusal::ShutDown } else { Refusal::Empty }
    }

    /// How many were put and not said to be done.
    pub fn unfinished(&self) -> usize {
        // ORDERING: Acquire: pairs with the Release of whoever was done last, for what `join` is waited for.
        self.unfinished.load(Ordering::Acquire)
    }

    #[inline]
    fn begin(&self, count: usize) {
        if cfg!(Py_GIL_DISABLED) {
            // ORDERING: Relaxed: a count; the ring carries the objects.
            self.unfinished.fetch_add(count, Ordering::Relaxed);
        } else {
            // ORDERING: Relaxed: P1, the GIL makes it one step.
            let now = self.unfinished.load(Ordering::Relaxed);
            // ORDERING: Relaxed: as above.
            self.unfinished.store(now.wrapping_add(count), Ordering::Relaxed);
        }
    }

    fn take_back(&self, count: usize) {
        if count > 0 && self.done(count).is_ok() && self.unfinished() == 0 {
            self.joiners.call_all();
        }
    }

    fn done(&self, count: usize) -> Result<usize, DoneTooOften> {
        // ORDERING: AcqRel: pairs with `unfinished`, and gathers what the others did who were done before.
        self.unfinished
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |now| now.checked_sub(count))
            .map(|before| before - count)
            .map_err(|_| DoneTooOften)
    }

    /// Says that one of those that were put is done.
    pub fn task_done(&self) -> Result<(), DoneTooOften> {
        if self.done(1)? == 0 {
            self.joiners.call_all();
        }
        Ok(())
    }

    /// Waits until everything is done.
    pub fn join(&self, py: Python<'_>) -> PyResult<()> {
        if self.unfinished() > 0 {
            self.joiners.wait(py, None, || 0, || Ok((self.unfinished() == 0).then_some(())))?;
        }
        Ok(())
    }

    /// Whether nothing goes in any more.
    #[inline]
    pub fn is_shut(&self) -> bool {
        // ORDERING: Acquire: pairs with `shut`.
        self.is_shut.load(Ordering::Acquire)
    }

    /// Lets nothing in any more, and with `discards` nothing out either.
    pub fn shut(&self, discards: bool) {
        if discards {
            // ORDERING: Relaxed: the fence below orders it.
            self.is_discarding.store(true, Ordering::Relaxed);
        }
        // ORDERING: Release: pairs with `is_shut`.
        self.is_shut.store(true, Ordering::Release);
        if discards {
            give_then_look();
            self.discard();
            self.joiners.call_all();
        }
        self.getters.call_all();
        self.putters.call_all();
    }

    /// Throws away what there is.
    pub fn discard(&self) {
        while let Some(object) = self.store.pop() {
            // Somebody may have said too often that it is done.
            let _ = self.done(1);
            drop(object);
        }
    }

    /// Without a GIL a `shut` may come between the look at `is_shut` and the push. After `call`, whose fence lets either us
    /// see that, or `shut` what was pushed.
    #[inline]
    fn discard_what_came_late(&self) {
        // ORDERING: Relaxed: the fences order it.
        if cfg!(Py_GIL_DISABLED) && self.is_discarding.load(Ordering::Relaxed) {
            self.discard();
        }
    }
}
