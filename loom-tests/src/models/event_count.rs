//! The event count on its own: P1 park-wake of its module header.

use super::{Model, Size, join};
use crate::sync::event_count::EventCount;
use crate::sync::{Arc, AtomicU32, Ordering, thread};

macro_rules! event_count {
    ($($name:ident $size:expr,)*) => {
        pub const MODELS: &[Model] = &[$(
            Model {
                name: concat!("event_count::", stringify!($name)),
                size: $size,
                body: $name,
                after: || {},
            },
        )*];
    };
}

event_count! {
    park_wake Size::Small,
    park_wake_at_the_second_notify Size::Small,
    park_wake_of_two_waiters Size::Bounded(2),
    park_wake_by_two_publishers Size::Bounded(2),
}

struct Shared {
    event: EventCount,
    condition: AtomicU32,
}

impl Shared {
    /// Relaxed throughout: it is the event count that must order the condition.
    fn publish(&self) {
        self.condition.fetch_add(1, Ordering::Relaxed);
        self.event.notify();
    }

    fn wait_for(&self, value: u32) {
        assert!(self.event.wait_until(None, || self.condition.load(Ordering::Relaxed) >= value));
    }
}

fn shared() -> Arc<Shared> {
    Arc::new(Shared { event: EventCount::new(), condition: AtomicU32::new(0) })
}

/// Whoever publishes wakes the waiter that did not see it.
fn park_wake() {
    publish_and_wait(1);
}

/// A waiter that was woken too early sleeps again, and is woken again.
fn park_wake_at_the_second_notify() {
    publish_and_wait(2);
}

fn publish_and_wait(count: u32) {
    let shared = shared();
    let theirs = shared.clone();
    let publishing = thread::spawn(move || (0..count).for_each(|_| theirs.publish()));
    shared.wait_for(count);
    publishing.join().unwrap();
}

/// Each waiter is woken at what it waits for.
fn park_wake_of_two_waiters() {
    let shared = shared();
    let waiting = [1, 2].map(|value| {
        let shared = shared.clone();
        thread::spawn(move || shared.wait_for(value))
    });
    shared.publish();
    shared.publish();
    join(waiting);
}

/// One of two publishers takes the flag, and wakes on behalf of both.
fn park_wake_by_two_publishers() {
    let shared = shared();
    let publishing = [(); 2].map(|()| {
        let shared = shared.clone();
        thread::spawn(move || shared.publish())
    });
    shared.wait_for(2);
    join(publishing);
}
