//! An event count: threads and tasks sleep until a condition that others publish; publishers pay one load unless
//! somebody sleeps.
//!
//! **Promise.** No lost wake-up: whoever publishes the condition and then notifies wakes a sleeper that did not see
//! it. One wake per sleep: a notification takes one sleeper off the list, in the order in which they came. A sleeper
//! that leaves after it was taken off, without having slept for it, hands the notification on.
//!
//! **Not promised.** That the condition holds after a wake: sleepers look again. That nobody is woken in vain.
//!
//! **Protocol**, `P1 park-wake`. The sleeper puts itself on the list, passes the heavy barrier, and only then looks
//! at the condition; the publisher publishes, passes the light barrier, and only then looks whether somebody is on
//! the list. Whatever the interleaving, one of them sees the other (Dekker).
//!
//! **Where next.** The barrier pair: `barrier.rs`. Users: the rings, the log, the journal.

use super::barrier;
use super::{AtomicUsize, Mutex, MutexGuard, Ordering, Thread, fence, park_until, thread_current};
use crossbeam_utils::CachePadded;
use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::PoisonError;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// In the signal: the list is not empty.
const SOMEBODY: usize = 1;
/// In the signal: the sleepers' barrier does not reach publishers that pass none.
const FENCE: usize = 2;

/// See the module's description.
#[derive(Debug)]
pub struct EventCount {
    /// 0, unless publishers have to do more: `SOMEBODY` is on the list, or they need a `FENCE` before they look. On a
    /// line of its own, which nobody writes unless somebody sleeps.
    signal: CachePadded<AtomicUsize>,
    list: Mutex<List>,
    /// Whether both sides pass a fence each, whatever the system offers.
    is_symmetric: bool,
}

#[derive(Debug, Default)]
struct List {
    /// Ordered by ticket.
    entries: VecDeque<(u64, Sleeper)>,
    next_ticket: u64,
    /// Each notification is for all of them.
    is_for_all: bool,
}

#[derive(Debug)]
enum Sleeper {
    Thread(Thread),
    Task(Waker),
    /// A task without a [`Place`]: it may have gone away.
    Guest(Waker),
}

impl Sleeper {
    fn wake(self) {
        match self {
            Self::Thread(thread) => thread.unpark(),
            Self::Task(waker) | Self::Guest(waker) => waker.wake(),
        }
    }
}

/// Sleepers that were taken off the list and are to be woken, even if the waker of one panics.
struct Woken(VecDeque<(u64, Sleeper)>);

impl Woken {
    fn wake(&mut self) {
        while let Some((_, sleeper)) = self.0.pop_front() {
            sleeper.wake();
        }
    }
}

impl Drop for Woken {
    fn drop(&mut self) {
        self.wake();
    }
}

impl EventCount {
    pub(crate) fn new() -> Self {
        Self::with(false)
    }

    /// For where sleeping is as frequent as notifying: the heavy barrier, a system call that interrupts the other
    /// processors, would cost more than it saves.
    pub(crate) fn symmetric() -> Self {
        Self::with(true)
    }

    fn with(is_symmetric: bool) -> Self {
        let signal = if barrier::is_asymmetric() && !is_symmetric { 0 } else { FENCE };
        let signal = CachePadded::new(AtomicUsize::new(signal));
        Self { signal, list: Mutex::new(List::default()), is_symmetric }
    }

    fn heavy(&self) {
        if self.is_symmetric {
            // ORDERING: SeqCst, P1: on the list, fence, look at the condition; pairs with the one in `notify_slowly`.
            fence(Ordering::SeqCst);
        } else {
            barrier::heavy();
        }
    }

    /// Sleeps until `ready` says so, at most until `deadline`. Returns what `ready` said last.
    pub(crate) fn wait_until(&self, deadline: Option<Instant>, mut ready: impl FnMut() -> bool) -> bool {
        loop {
            let place = Place { event: self, ticket: Some(self.enter(Sleeper::Thread(thread_current()))) };
            self.heavy();
            if ready() {
                return true;
            }
            while place.is_listed() {
                if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                    return ready();
                }
                park_until(deadline);
            }
            let is_ready = ready();
            place.used();
            if is_ready {
                return true;
            }
        }
    }

    /// What `attempt` gives, sleeping between attempts until it gives something, at most for `wait`.
    pub(crate) fn wait_for<T>(&self, wait: Duration, mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
        let mut got = attempt();
        if got.is_none() && !wait.is_zero() {
            self.wait_until(Instant::now().checked_add(wait), || {
                got = attempt();
                got.is_some()
            });
        }
        got
    }

    /// What `attempt` gives; nothing yet, and the task is woken by a later notification. For callers that have no
    /// [`Place`] to keep: a task that goes away stays on the list until the next notification.
    pub(crate) fn poll_for<T>(
        &self,
        context: &Context<'_>,
        mut attempt: impl FnMut() -> Option<T>,
    ) -> Poll<T> {
        if let Some(got) = attempt() {
            return Poll::Ready(got);
        }
        let task = context.waker();
        let is_listed =
            |(_, sleeper): &(u64, Sleeper)| matches!(sleeper, Sleeper::Guest(other) if other.will_wake(task));
        if !self.lock().entries.iter().any(is_listed) {
            self.enter(Sleeper::Guest(task.clone()));
        }
        self.heavy();
        attempt().map_or(Poll::Pending, Poll::Ready)
    }

    /// Wakes the sleeper that came first. Call it after the condition was published, for one.
    #[inline]
    pub(crate) fn notify_one(&self) {
        self.notify(1);
    }

    /// Wakes the `count` sleepers that came first. Call it after the condition was published, for so many.
    #[inline]
    pub(crate) fn notify(&self, count: usize) {
        barrier::light();
        // ORDERING: Relaxed, P1: the barrier pair orders this load after the publication.
        if self.signal.load(Ordering::Relaxed) != 0 {
            self.notify_slowly(count);
        }
    }

    #[cold]
    fn notify_slowly(&self, count: usize) {
        if self.is_symmetric {
            // ORDERING: SeqCst, P1: the condition published, fence, look at the list; pairs with the one in `heavy`.
            fence(Ordering::SeqCst);
        } else {
            barrier::light_by_fence();
        }
        // ORDERING: Relaxed, P1: as above.
        if self.signal.load(Ordering::Relaxed) & SOMEBODY != 0 {
            self.wake(count);
        }
    }

    /// Wakes everyone who sleeps. Call it after the condition was published, for all.
    #[inline]
    pub(crate) fn notify_all(&self) {
        self.notify(usize::MAX);
    }

    /// Whether each notification wakes everybody, because not everybody can use each.
    pub(crate) fn set_for_all(&self, is_for_all: bool) {
        self.change(|list| list.is_for_all = is_for_all);
        self.notify_all();
    }

    /// Whether somebody sleeps: a hint, but whoever was woken sees those who came to sleep before.
    #[inline]
    pub(crate) fn has_sleepers(&self) -> bool {
        // ORDERING: Relaxed: the list's lock was passed on its way from whoever entered to whoever was woken.
        self.signal.load(Ordering::Relaxed) & SOMEBODY != 0
    }

    fn wake(&self, count: usize) {
        // All at once: those who wake up look at the list, and would wait for whoever wakes the next.
        let take_all = |list: &mut List| {
            (count == usize::MAX || list.is_for_all).then(|| std::mem::take(&mut list.entries))
        };
        if let Some(all) = self.change(take_all) {
            return Woken(all).wake();
        }
        let mut left = count;
        while left != 0 {
            // WHY: one by one, and with the lock released, because a waker is foreign code.
            let taken = self.change(|list| Some((list.entries.pop_front()?.1, list.entries.len())));
            let Some((sleeper, others)) = taken else { return };
            // Who may have gone away does not use it up.
            left -= usize::from(!matches!(sleeper, Sleeper::Guest(_)));
            sleeper.wake();
            // Not more than there were: who comes back to the list has looked at the condition again.
            left = left.min(others);
        }
    }

    fn enter(&self, sleeper: Sleeper) -> u64 {
        self.change(|list| {
            let ticket = list.next_ticket;
            list.next_ticket += 1;
            list.entries.push_back((ticket, sleeper));
            ticket
        })
    }

    /// Takes an entry off the list, if it is still there.
    fn leave(&self, ticket: u64) -> Option<(u64, Sleeper)> {
        self.change(|list| match list.entries.binary_search_by_key(&ticket, |entry| entry.0) {
            Ok(index) => list.entries.remove(index),
            Err(_) => None,
        })
    }

    fn change<R>(&self, change: impl FnOnce(&mut List) -> R) -> R {
        let mut list = self.lock();
        let result = change(&mut list);
        let somebody = if list.entries.is_empty() { 0 } else { SOMEBODY };
        let flag = if barrier::is_asymmetric() && !self.is_symmetric { 0 } else { FENCE };
        // ORDERING: Relaxed, P1: the heavy barrier of whoever enters orders it before its look at the condition.
        self.signal.store(somebody | flag, Ordering::Relaxed);
        result
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for EventCount {
    fn default() -> Self {
        Self::new()
    }
}

/// A sleeper's place on the list of an event count, given up when it is dropped. `E` leads to the event count: what a
/// task attempts may borrow all that `E` does, even mutably.
#[derive(Debug)]
pub(crate) struct Place<E: Deref<Target = EventCount>> {
    event: E,
    ticket: Option<u64>,
}

impl<E: Deref<Target = EventCount>> Place<E> {
    /// For a task that may come to sleep here.
    pub(crate) fn new(event: E) -> Self {
        Self { event, ticket: None }
    }

    /// What `attempt` gives; nothing yet, and the task is woken by a later notification.
    pub(crate) fn poll_for<T>(
        &mut self,
        context: &Context<'_>,
        mut attempt: impl FnMut(&E) -> Option<T>,
    ) -> Poll<T> {
        if self.ticket.is_some() && !self.is_listed() {
            // The notification was for us, and is used by the attempt that follows.
            self.ticket = None;
        }
        if let Some(got) = attempt(&self.event) {
            return Poll::Ready(got);
        }
        self.enter(context.waker());
        self.event.heavy();
        attempt(&self.event).map_or(Poll::Pending, Poll::Ready)
    }

    /// On the list with `waker`, once.
    fn enter(&mut self, waker: &Waker) {
        let old = self.ticket.take().and_then(|ticket| self.event.leave(ticket));
        self.ticket = Some(self.event.enter(Sleeper::Task(waker.clone())));
        drop(old);
    }

    fn is_listed(&self) -> bool {
        let entries = &self.event.lock().entries;
        self.ticket.is_some_and(|ticket| entries.binary_search_by_key(&ticket, |entry| entry.0).is_ok())
    }

    /// The notification has been used: it is not handed on.
    fn used(mut self) {
        self.ticket = None;
    }
}

impl<E: Deref<Target = EventCount>> Drop for Place<E> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket
            && self.event.leave(ticket).is_none()
        {
            // Notified, and leaving for another reason: somebody else may be waiting for what was published.
            self.event.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::AtomicBool;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize as Count;
    use std::task::Wake;

    #[test]
    fn a_sleeper_is_woken_by_whoever_publishes() {
        for _ in 0..200 {
            let shared = Arc::new((EventCount::new(), AtomicBool::new(false)));
            let theirs = shared.clone();
            let sleeper = std::thread::spawn(move || {
                // ORDERING: Relaxed: the event count orders it.
                theirs.0.wait_until(None, || theirs.1.load(Ordering::Relaxed))
            });
            // ORDERING: Relaxed: the event count orders it.
            shared.1.store(true, Ordering::Relaxed);
            shared.0.notify_one();
            assert!(sleeper.join().unwrap());
        }
    }

    #[test]
    fn a_wait_ends_at_its_deadline() {
        let event = EventCount::new();
        assert!(!event.wait_until(Some(Instant::now() + Duration::from_millis(5)), || false));
        assert_eq!(event.lock().entries.len(), 0);
    }

    #[derive(Default)]
    struct Counter(Count);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn sleeping_task(event: &EventCount) -> (Arc<Counter>, Place<&EventCount>) {
        let counter = Arc::new(Counter::default());
        let waker = Waker::from(counter.clone());
        let mut place = Place::new(event);
        assert!(place.poll_for(&Context::from_waker(&waker), |_| None::<()>).is_pending());
        (counter, place)
    }

    fn woken(task: &Counter) -> usize {
        task.0.load(Ordering::SeqCst)
    }

    #[test]
    fn a_notification_wakes_one_task_in_the_order_of_their_coming() {
        let event = EventCount::new();
        let (first, _first) = sleeping_task(&event);
        let (second, _second) = sleeping_task(&event);
        event.notify_one();
        assert_eq!((woken(&first), woken(&second)), (1, 0));
        event.notify_one();
        event.notify_one();
        assert_eq!((woken(&first), woken(&second)), (1, 1));
    }

    #[test]
    fn a_notification_for_one_wakes_all_where_not_everybody_can_use_it() {
        let event = EventCount::new();
        event.set_for_all(true);
        let (first, _first) = sleeping_task(&event);
        let (second, _second) = sleeping_task(&event);
        event.notify_one();
        assert_eq!((woken(&first), woken(&second)), (1, 1));
    }

    #[test]
    fn a_task_that_may_have_gone_away_does_not_use_up_a_notification() {
        let event = EventCount::new();
        let guest = Arc::new(Counter::default());
        let waker = Waker::from(guest.clone());
        assert!(event.poll_for(&Context::from_waker(&waker), || None::<()>).is_pending());
        let (first, _first) = sleeping_task(&event);
        let (second, _second) = sleeping_task(&event);
        event.notify_one();
        assert_eq!((woken(&guest), woken(&first), woken(&second)), (1, 1, 0));
    }

    #[test]
    fn a_task_that_goes_away_leaves_nothing_behind_and_hands_its_notification_on() {
        let event = EventCount::new();
        let (first, place) = sleeping_task(&event);
        drop(place);
        assert_eq!((Arc::strong_count(&first), event.lock().entries.len()), (1, 0));
        let (_first, place) = sleeping_task(&event);
        let (second, _second) = sleeping_task(&event);
        event.notify_one();
        drop(place);
        assert_eq!(woken(&second), 1, "what the first task was woken for is still there");
    }

    #[test]
    fn a_task_that_is_polled_often_is_on_the_list_once() {
        let event = EventCount::new();
        let (task, mut place) = sleeping_task(&event);
        let waker = Waker::from(task.clone());
        for _ in 0..10 {
            assert!(place.poll_for(&Context::from_waker(&waker), |_| None::<()>).is_pending());
        }
        event.notify_all();
        assert_eq!(woken(&task), 1);
    }
}
