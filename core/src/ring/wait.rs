//! How a thread waits for another one: it spins, then yields, then sleeps on an event count.

pub(super) use crate::sync::pause::Pause;

use crate::sync::event_count::{EventCount, Place};
use crate::sync::{spin_loop, yield_now};
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// How a handle waits when a verb must: it looks again after each of `spin_count` pauses of the processor, then after
/// giving its time slice away `yield_count` times, and then sleeps until the other side wakes it.
///
/// Spinning answers within a microsecond and burns a core meanwhile; sleeping costs nothing and answers some ten
/// microseconds later. The default spins for about a microsecond before it yields and sleeps.
///
/// ```
/// use ringmain::ring::{Waiting, spsc};
/// let (mut sender, receiver) = spsc::bounded(8);
/// sender.set_waiting(Waiting::SLEEP);
/// sender.send(1).unwrap();
/// assert_eq!(receiver.recv(), Ok(1));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// How many pauses of the processor to spend before yielding.
    pub spin_count: u32,
    /// How many times to give the time slice away before sleeping.
    pub yield_count: u32,
    /// Whether to sleep in the end. If not, the handle goes on yielding, or spinning if `yield_count` is 0, and a
    /// task that waits is woken as ever.
    pub sleeps: bool,
}

impl Waiting {
    /// Sleeps at once: for messages that come seldom.
    pub const SLEEP: Self = Self { spin_count: 0, yield_count: 0, sleeps: true };
    /// Never sleeps and never yields: for a thread that has its core to itself.
    pub const SPIN: Self = Self { spin_count: u32::MAX, yield_count: 0, sleeps: false };
}

impl Default for Waiting {
    fn default() -> Self {
        Self { spin_count: 32, yield_count: 8, sleeps: true }
    }
}

/// A time that the clock cannot reach is no limit.
pub(super) fn deadline_after(timeout: Duration) -> Option<Instant> {
    Instant::now().checked_add(timeout)
}

/// Attempts until something comes of it or `deadline` is over. Whoever makes it possible notifies `event` afterwards.
#[cold]
pub(super) fn attempt_until<R>(
    event: &EventCount,
    waiting: Waiting,
    deadline: Option<Instant>,
    mut attempt: impl FnMut() -> Option<R>,
) -> Option<R> {
    let is_over = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
    // Models sleep at once: it is the part that can go wrong.
    let mut spins_left = if cfg!(any(ringmain_loom, ringmain_shuttle)) { 0 } else { waiting.spin_count };
    let mut yields_left = if cfg!(any(ringmain_loom, ringmain_shuttle)) { 0 } else { waiting.yield_count };
    loop {
        if spins_left != 0 {
            spins_left -= 1;
            spin_loop();
        } else if yields_left != 0 || !waiting.sleeps {
            if is_over() {
                return attempt();
            }
            yields_left = yields_left.saturating_sub(1);
            if waiting.yield_count == 0 { spin_loop() } else { yield_now() }
        } else {
            break;
        }
        if let Some(result) = attempt() {
            return Some(result);
        }
    }
    let mut result = None;
    event.wait_until(deadline, || {
        result = attempt();
        result.is_some()
    });
    result
}

/// The same for a task: a future that attempts whenever the event count is notified that `E` leads to. Dropped, it
/// leaves nothing behind. It owns the handle that it attempts with, or the borrow of it, as a part of `E`: borrowed mutably,
/// the handle may move to another thread with it even if it is not shared among threads.
#[derive(Debug)]
pub(super) struct Attempt<E: Deref<Target = EventCount>, F> {
    place: Place<E>,
    attempt: F,
}

impl<E: Deref<Target = EventCount>, F> Attempt<E, F> {
    pub(super) fn new<R>(event: E, attempt: F) -> Self
    where
        F: FnMut(&E) -> Option<R>,
    {
        Self { place: Place::new(event), attempt }
    }
}

// Nothing is pinned in it: what it attempts may move between polls.
impl<E: Deref<Target = EventCount>, F> Unpin for Attempt<E, F> {}

impl<R, E: Deref<Target = EventCount>, F: FnMut(&E) -> Option<R>> Future for Attempt<E, F> {
    type Output = R;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<R> {
        let this = self.get_mut();
        this.place.poll_for(context, &mut this.attempt)
    }
}
