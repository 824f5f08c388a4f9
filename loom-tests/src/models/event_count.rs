//! The event count on its own: P1 park-wake of its module header.

use super::{Model, Size, join};
use crate::sync::barrier::expedited::{MISSING, MODEL, NOBODY_SLEEPS};
use crate::sync::event_count::{EventCount, Place};
use crate::sync::{Arc, AtomicU32, Ordering};
use crate::task::block_on;
use crate::thread;
use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

models_of! {
    "event_count";
    park_wake Size::Small,
    park_wake_by_fences_alone Size::Small,
    park_wake_symmetric Size::Small,
    park_wake_of_a_task Size::Small,
    park_wake_of_a_task_without_place Size::Small,
    park_wake_twice Size::Bounded(3),
    park_wake_of_two_by_two Size::Bounded(2),
    park_wake_of_two_by_all Size::Bounded(2),
    park_wake_is_handed_on Size::Bounded(2),
    park_wake_of_many Size::Large,
}

/// Units that are published one by one, and taken one by one by whoever waits for them.
struct Units {
    event: EventCount,
    /// Relaxed throughout: it is the event count that must order it.
    count: AtomicU32,
}

impl Units {
    fn new() -> Arc<Self> {
        Self::with(EventCount::new())
    }

    fn with(event: EventCount) -> Arc<Self> {
        Arc::new(Self { event, count: AtomicU32::new(0) })
    }

    fn publish(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.event.notify_one();
    }

    fn try_take(&self) -> Option<()> {
        let take = |count: u32| count.checked_sub(1);
        self.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).ok().map(|_| ())
    }

    fn take(&self) {
        assert!(self.event.wait_until(None, || self.try_take().is_some()));
    }
}

/// Whoever publishes wakes the sleeper that did not see it.
fn park_wake() {
    publish_and_take(Units::new());
}

fn publish_and_take(units: Arc<Units>) {
    let theirs = units.clone();
    let publishing = thread::spawn(move || theirs.publish());
    units.take();
    publishing.join().unwrap();
}

/// Where the kernel has no barrier for all threads, publishers pass a fence.
fn park_wake_by_fences_alone() {
    MODEL.store(MISSING, Ordering::Relaxed);
    park_wake();
}

/// Where both sides pass a fence, the barrier for all threads plays no part.
fn park_wake_symmetric() {
    MODEL.store(NOBODY_SLEEPS, Ordering::Relaxed);
    publish_and_take(Units::with(EventCount::symmetric()));
}

/// A sleeping task likewise.
fn park_wake_of_a_task() {
    let units = Units::new();
    let theirs = units.clone();
    let publishing = thread::spawn(move || theirs.publish());
    let mut place = Place::new(&units.event);
    block_on(poll_fn(|context| place.poll_for(context, |_| units.try_take())));
    publishing.join().unwrap();
}

/// And one that keeps no place.
fn park_wake_of_a_task_without_place() {
    let units = Units::new();
    let theirs = units.clone();
    let publishing = thread::spawn(move || theirs.publish());
    block_on(poll_fn(|context| units.event.poll_for(context, || units.try_take())));
    publishing.join().unwrap();
}

/// A sleeper that has been woken sleeps again, and is woken again.
fn park_wake_twice() {
    let units = Units::new();
    let theirs = units.clone();
    let publishing = thread::spawn(move || (0..2).for_each(|_| theirs.publish()));
    (0..2).for_each(|_| units.take());
    publishing.join().unwrap();
}

/// Two sleepers and two units: nobody sleeps beside a unit.
fn park_wake_of_two_by_two() {
    let units = Units::new();
    let taking = [(); 2].map(|()| {
        let units = units.clone();
        thread::spawn(move || units.take())
    });
    (0..2).for_each(|_| units.publish());
    join(taking);
}

/// Two sleepers wait for the same, and one notification is for both.
fn park_wake_of_two_by_all() {
    let units = Units::new();
    let waiting = [(); 2].map(|()| {
        let units = units.clone();
        thread::spawn(move || units.event.wait_until(None, || units.count.load(Ordering::Relaxed) != 0))
    });
    units.count.store(1, Ordering::Relaxed);
    units.event.notify_all();
    join(waiting);
}

/// A sleeper that goes away without a unit leaves the notification that was for it to another one.
fn park_wake_is_handed_on() {
    let units = Units::new();
    let (publisher, taker) = (units.clone(), units.clone());
    let mut place = Place::new(&units.event);
    let nothing: Poll<()> = place.poll_for(&mut Context::from_waker(Waker::noop()), |_| None);
    assert!(nothing.is_pending());
    let publishing = thread::spawn(move || publisher.publish());
    let taking = thread::spawn(move || taker.take());
    drop(place);
    join([publishing, taking]);
}

/// Sleepers of both kinds and publishers, for long.
fn park_wake_of_many() {
    const EACH: u32 = 4;
    let units = Units::new();
    let threads = [0, 1, 2, 3].map(|number| {
        let units = units.clone();
        thread::spawn(move || {
            for _ in 0..EACH {
                match number {
                    0 => units.take(),
                    1 => {
                        let mut place = Place::new(&units.event);
                        block_on(poll_fn(|context| place.poll_for(context, |_| units.try_take())));
                    }
                    _ => units.publish(),
                }
            }
        })
    });
    join(threads);
}
