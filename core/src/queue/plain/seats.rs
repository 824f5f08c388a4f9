//! Places for those who receive: each has what a receive needs, so that it allocates nothing and meets nobody.
//!
//! **Protocol**, `P15 seat`: a seat is taken by an exchange and left by a store. Whoever wants all plain receives to take
//! another way says so first, then takes and leaves every seat: who sat there before has left, and who sits down after that
//! has seen what was said.

use crate::sync::pause::Pause;
use crate::sync::{AtomicBool, IS_MODEL, Ordering, UnsafeCell, thread_number};
use crossbeam_utils::CachePadded;

/// One for each numbered thread; the others share them.
const COUNT: usize = if IS_MODEL { 2 } else { thread_number::COUNT };

#[derive(Debug)]
struct Seat<T> {
    is_taken: AtomicBool,
    content: UnsafeCell<T>,
}

// SAFETY: the content is used by whoever has taken the seat.
unsafe impl<T: Send> Sync for Seat<T> {}

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Seats<T>([CachePadded<Seat<T>>; COUNT]);

struct Taken<'a, T>(&'a Seat<T>);

impl<T> Drop for Taken<'_, T> {
    fn drop(&mut self) {
        // ORDERING: Release, P15: pairs with the exchange of `Seat::take`; carries what was done there.
        self.0.is_taken.store(false, Ordering::Release);
    }
}

impl<T> Seat<T> {
    fn take(&self) -> Option<Taken<'_, T>> {
        // ORDERING: Acquire, P15: pairs with the store of whoever left. The load saves a busy line the exchange.
        let taken = !self.is_taken.load(Ordering::Relaxed)
            && self.is_taken.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok();
        taken.then(|| Taken(self))
    }
}

impl<T> Seats<T> {
    pub(crate) fn new(content: impl Fn() -> T) -> Self {
        let seat = |_| Seat { is_taken: AtomicBool::new(false), content: UnsafeCell::new(content()) };
        Self(std::array::from_fn(|index| CachePadded::new(seat(index))))
    }

    /// Does something on a seat: this thread's own if it is free, or any. None: all of them are taken.
    #[inline]
    pub(crate) fn with<R>(&self, then: impl FnOnce(&mut T) -> R) -> Option<R> {
        let own = thread_number::current().and_then(|number| self.0.get(number)).and_then(|seat| seat.take());
        let taken = own.or_else(|| self.0.iter().find_map(|seat| seat.take()))?;
        // SAFETY: the seat is taken by us, until `taken` is dropped.
        Some(taken.0.content.with_mut(|content| then(unsafe { &mut *content })))
    }

    /// Does something on every seat that is free.
    pub(crate) fn for_each_free(&self, mut then: impl FnMut(&mut T)) {
        for taken in self.0.iter().filter_map(|seat| seat.take()) {
            // SAFETY: as in `with`.
            taken.0.content.with_mut(|content| then(unsafe { &mut *content }));
        }
    }

    /// Waits until everybody who sits has left once.
    pub(crate) fn pass_all(&self) {
        for seat in &self.0 {
            let pause = Pause::new();
            while seat.take().is_none() {
                pause.snooze();
            }
        }
    }
}
