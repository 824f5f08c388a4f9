//! What the ring without a bound asks of the allocator.

use ringmain::ring::unbounded::unbounded;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Below 0 in a thread that frees what others allocated.
    static IN_USE: Cell<isize> = const { Cell::new(0) };
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, counting for each thread.
struct Counting;

// SAFETY: hands everything on as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        IN_USE.set(IN_USE.get() + layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        IN_USE.set(IN_USE.get() - layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A few blocks of u64 messages.
const FEW: isize = 32 << 10;

#[test]
fn a_ring_that_neither_grows_nor_shrinks_does_not_allocate() {
    let (sender, receiver) = unbounded();
    let (mut batch, mut next) = (Vec::with_capacity(600), 0u64);
    for round in 0..3_000 {
        let calls = CALLS.get();
        batch.extend((next..).take(100 + round % 500));
        next += batch.len() as u64;
        sender.send_batch(&mut batch).unwrap();
        (0..50).for_each(|n| sender.send(n).unwrap());
        while receiver.try_recv_batch(&mut batch, 37).is_ok() {
            batch.clear();
        }
        if round > 500 {
            assert_eq!(CALLS.get() - calls, 0, "allocations in round {round}");
        }
    }
}

#[test]
fn memory_is_given_back_as_receivers_go_on() {
    let before = IN_USE.get();
    let (sender, receiver) = unbounded();
    let in_use = || IN_USE.get() - before;
    const COUNT: isize = 200_000;
    for _ in 0..3 {
        (0..COUNT as u64).for_each(|n| sender.send(n).unwrap());
        assert!(in_use() >= COUNT * 8);
        for left in (0..COUNT).rev() {
            receiver.recv().unwrap();
            assert!(in_use() <= left * 17 + FEW, "{} bytes for {left} messages", in_use());
        }
    }
    drop(sender);
    drop(receiver);
    assert_eq!(in_use(), 0);
}

#[test]
fn a_backlog_is_freed_with_the_ring() {
    for drops_receiver_first in [true, false] {
        let before = IN_USE.get();
        let (sender, receiver) = unbounded();
        (0..50_000u64).for_each(|n| sender.send(Box::new(n)).unwrap());
        if drops_receiver_first {
            drop(receiver);
            assert!(IN_USE.get() - before <= FEW, "what is left goes with the last receiver");
            drop(sender);
        } else {
            drop(sender);
            drop(receiver);
        }
        assert_eq!(IN_USE.get(), before);
    }
}
