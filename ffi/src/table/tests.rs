//! Tests of the handle table, each with a kind of its own so that its table starts empty.

use super::*;
use crate::handle::kind;
use std::sync::atomic::AtomicUsize;
use std::thread;

fn is_invalid<T>(result: Result<T>) -> bool {
    matches!(result, Err(Error::InvalidHandle { .. }))
}

#[test]
fn a_closed_handle_stays_closed_when_its_slot_is_used_again() {
    struct Thing(u32);
    kind!(Thing, 200, "thing");
    let first = open(Thing(1)).unwrap();
    assert_eq!(get::<Thing>(first).unwrap().0, 1);
    close::<Thing>(first).unwrap();
    let second = open(Thing(2)).unwrap();
    assert_eq!(first & 0xff_ffff, second & 0xff_ffff, "the slot is used again");
    assert!(is_invalid(get::<Thing>(first)) && is_invalid(close::<Thing>(first)));
    assert_eq!(get::<Thing>(second).unwrap().0, 2);
}

#[test]
fn zero_other_kinds_and_made_up_handles_are_refused() {
    struct Thing;
    kind!(Thing, 201, "thing");
    struct Other;
    kind!(Other, 202, "other");
    let handle = open(Thing).unwrap();
    assert!(is_invalid(get::<Other>(handle)));
    for forged in [0, 1, u64::MAX, handle + 1, handle + (1 << 24), handle ^ (1 << 63), 0x7fff_dead_beef] {
        assert!(is_invalid(get::<Thing>(forged)), "{forged:#x}");
        assert!(is_invalid(close::<Thing>(forged)), "{forged:#x}");
    }
    for bit in 0..64 {
        assert!(is_invalid(get::<Thing>(handle ^ (1 << bit))), "bit {bit}");
    }
}

#[test]
fn a_slot_whose_generations_are_used_up_is_retired() {
    struct Thing;
    kind!(Thing, 203, "thing");
    let first = open(Thing).unwrap();
    close::<Thing>(first).unwrap();
    Thing::table().slot(0).unwrap().set_generation(u32::MAX);
    let last = open(Thing).unwrap();
    assert_eq!(last & 0xff_ffff, 0);
    close::<Thing>(last).unwrap();
    assert!(is_invalid(get::<Thing>(last)));
    assert_eq!(open(Thing).unwrap() & 0xff_ffff, 1, "slot 0 is never used again");
}

#[test]
fn a_poisoned_handle_refuses_everything_but_close() {
    struct Thing;
    kind!(Thing, 204, "thing");
    let handle = open(Thing).unwrap();
    poison_if::<Thing>(handle);
    assert!(matches!(get::<Thing>(handle), Err(Error::Internal { .. })));
    close::<Thing>(handle).unwrap();
    let next = open(Thing).unwrap();
    assert!(get::<Thing>(next).is_ok(), "its successor is not poisoned");
}

#[test]
fn every_index_has_a_place_of_its_own() {
    assert_eq!(place(0), (0, 0));
    assert_eq!(place(63), (0, 63));
    assert_eq!(place(64), (1, 0));
    assert_eq!(place(191), (1, 127));
    assert_eq!(place(192), (2, 0));
    let (chunk, within) = place(HANDLE_COUNT_MAX - 1);
    assert!(chunk < CHUNK_COUNT && within < CHUNK_FIRST_COUNT << chunk);
}

#[test]
fn what_a_handle_stands_for_lives_until_the_last_call_on_it_ends() {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    struct Thing;
    kind!(Thing, 205, "thing");
    impl Drop for Thing {
        fn drop(&mut self) {
            ALIVE.fetch_sub(1, Ordering::Relaxed);
        }
    }
    ALIVE.fetch_add(1, Ordering::Relaxed);
    let handle = open(Thing).unwrap();
    let inside = get::<Thing>(handle).unwrap();
    close_or_zero::<Thing>(handle).unwrap();
    assert!(is_invalid(get::<Thing>(handle)));
    assert_eq!(ALIVE.load(Ordering::Relaxed), 1);
    drop(inside);
    assert_eq!(ALIVE.load(Ordering::Relaxed), 0);
}

#[test]
fn threads_that_open_use_and_close_never_see_each_others_things() {
    struct Thing(u64);
    kind!(Thing, 206, "thing");
    thread::scope(|scope| {
        for thread_index in 0..4_u64 {
            scope.spawn(move || {
                for round in 0..200 {
                    let mine: Vec<_> = (0..50)
                        .map(|i| thread_index << 32 | round << 16 | i)
                        .map(|n| (n, open(Thing(n)).unwrap()))
                        .collect();
                    for (number, handle) in &mine {
                        assert_eq!(get::<Thing>(*handle).unwrap().0, *number);
                    }
                    for (number, handle) in mine {
                        assert_eq!(close::<Thing>(handle).unwrap().0, number);
                        assert!(is_invalid(close::<Thing>(handle)));
                    }
                }
            });
        }
    });
    assert!(Thing::table().unused.load(Ordering::Relaxed) <= 200, "closed slots are used again");
}
