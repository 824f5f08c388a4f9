//! The handles of the C surface: a slot that calls enter and leave while others close it, and the list of free slots.

use super::{Mint, Model, Size, Token, join};
use crate::sync::{AtomicU32, AtomicU64, UnsafeCell};
use crate::table::free::Free;
use crate::table::slot::{Refusal, Slot, Taken};
use crate::thread;
use std::sync::Arc;

models_of! {
    "handles";
    fill_enter_shows_the_value Size::Small,
    leave_take_by_the_last_of_all_inside Size::Bounded(3),
    leave_take_by_who_closes Size::Small,
    closed_twice_at_once_is_closed_once Size::Small,
    who_comes_late_finds_the_next_value_closed_to_him Size::Bounded(3),
    push_pop_gives_each_slot_to_one Size::Bounded(3),
    push_pop_is_not_fooled_by_a_slot_that_came_back Size::Bounded(3),
}

/// A value that only those inside may look at, and whose end is a write.
#[derive(Debug)]
struct Thing {
    bytes: Arc<UnsafeCell<u64>>,
    token: Token,
}

// SAFETY: the bytes are written by who ends it, and read by those inside, which is what is shown.
unsafe impl Send for Thing {}
// SAFETY: as above.
unsafe impl Sync for Thing {}

fn thing(mint: &Mint, number: u32) -> Thing {
    Thing { bytes: Arc::new(UnsafeCell::new(u64::from(number))), token: mint.token(number) }
}

fn slot() -> Arc<Slot<Thing>> {
    Arc::new(Slot::new())
}

fn fill(slot: &Slot<Thing>, thing: Thing) -> u32 {
    // SAFETY: called before there are others, or by who has taken the slot from the list.
    unsafe { slot.fill(thing) }
}

/// Writes to what nobody may be looking at any more.
fn end(taken: Option<Taken<Thing>>) -> Option<u32> {
    taken.map(|taken| {
        // SAFETY: nobody is inside, which is what is shown.
        taken.value.bytes.with_mut(|bytes| unsafe { *bytes = 0 });
        taken.value.token.number
    })
}

/// What a call does: comes in, looks, leaves.
fn call(slot: &Slot<Thing>, generation: u32) -> (Result<u64, Refusal>, Option<u32>) {
    match slot.enter(generation) {
        Err(refusal) => (Err(refusal), None),
        Ok(()) => {
            // SAFETY: inside.
            let seen = unsafe { slot.value() }.bytes.with(|bytes| unsafe { *bytes });
            // SAFETY: inside until here.
            (Ok(seen), end(unsafe { slot.leave() }))
        }
    }
}

fn close(slot: &Slot<Thing>, generation: u32) -> (bool, Option<u32>) {
    match slot.close(generation) {
        Err(_) => (false, None),
        Ok(taken) => (true, end(taken)),
    }
}

/// Who gets in sees all of the value, though nobody told him but the word.
fn fill_enter_shows_the_value() {
    let (slot, mint) = (slot(), Mint::default());
    let theirs = slot.clone();
    let calling = thread::spawn(move || call(&theirs, 1).0);
    assert_eq!(fill(&slot, thing(&mint, 7)), 1);
    assert!(matches!(calling.join().unwrap(), Ok(7) | Err(Refusal::Closed)));
    assert_eq!(close(&slot, 1), (true, Some(7)));
    assert_eq!(mint.alive(), 0);
}

/// Two calls and a close: those who got in saw the value whole, and it ended once, after all of them.
fn leave_take_by_the_last_of_all_inside() {
    let (slot, mint) = (slot(), Mint::default());
    fill(&slot, thing(&mint, 7));
    let callers = [(); 2].map(|()| {
        let slot = slot.clone();
        thread::spawn(move || call(&slot, 1))
    });
    let (closed, ended) = close(&slot, 1);
    assert!(closed);
    let mut ends = usize::from(ended.is_some());
    for (seen, ended) in join(callers) {
        assert!(matches!(seen, Ok(7) | Err(Refusal::Closed)), "{seen:?}");
        ends += usize::from(ended.is_some());
    }
    assert_eq!((ends, mint.alive()), (1, 0));
}

/// Who closes when nobody is inside any more sees what those who left have done.
fn leave_take_by_who_closes() {
    let (slot, mint) = (slot(), Mint::default());
    fill(&slot, thing(&mint, 7));
    let theirs = slot.clone();
    let calling = thread::spawn(move || {
        if theirs.enter(1).is_err() {
            return None;
        }
        // SAFETY: inside, and alone: nobody else enters in this model.
        unsafe { theirs.value() }.bytes.with_mut(|bytes| unsafe { *bytes += 1 });
        // SAFETY: inside until here.
        end(unsafe { theirs.leave() })
    });
    let (closed, mine) = close(&slot, 1);
    let theirs = calling.join().unwrap();
    assert!(closed);
    assert_eq!((mine.or(theirs), mine.is_some() && theirs.is_some()), (Some(7), false));
    assert_eq!(mint.alive(), 0);
}

/// Of two that close, one has closed it.
fn closed_twice_at_once_is_closed_once() {
    let (slot, mint) = (slot(), Mint::default());
    fill(&slot, thing(&mint, 7));
    let theirs = slot.clone();
    let closing = thread::spawn(move || close(&theirs, 1));
    let mine = match slot.close_and_enter(1) {
        Err(_) => (false, None),
        // SAFETY: counted in by the close.
        Ok(()) => (true, end(unsafe { slot.leave() })),
    };
    let theirs = closing.join().unwrap();
    assert_ne!(mine.0, theirs.0);
    assert_eq!((mine.1.or(theirs.1), mine.1.is_some() && theirs.1.is_some()), (Some(7), false));
    assert_eq!(mint.alive(), 0);
}

/// A slot that is closed and used again does not let in who has the old handle, and he changes nothing.
fn who_comes_late_finds_the_next_value_closed_to_him() {
    let (slot, mint) = (slot(), Mint::default());
    let list = Arc::new(Free::new(AtomicU64::new(0)));
    fill(&slot, thing(&mint, 7));
    let late = {
        let slot = slot.clone();
        thread::spawn(move || call(&slot, 1))
    };
    let reopening = {
        let (slot, list, mint) = (slot.clone(), list.clone(), mint.clone());
        thread::spawn(move || {
            list.pop(|_| Some(&slot.next_free)).map(|_| {
                assert_eq!(fill(&slot, thing(&mint, 8)), 2);
                assert_eq!(call(&slot, 2), (Ok(8), None));
            })
        })
    };
    let give_back = |taken: Option<Taken<Thing>>| {
        if let Some(taken) = taken {
            end(Some(taken));
            list.push(0, &slot.next_free);
        }
    };
    give_back(slot.close(1).unwrap());
    let (seen, _) = late.join().unwrap();
    assert!(matches!(seen, Ok(7) | Err(Refusal::Closed)), "{seen:?}");
    if reopening.join().unwrap().is_some() {
        assert_eq!(call(&slot, 1), (Err(Refusal::Closed), None));
        assert_eq!(close(&slot, 2), (true, Some(8)));
    }
    drop(slot);
    assert_eq!(mint.alive(), 0);
}

/// Slots and what each has, written by who has the slot.
struct Slots {
    list: Free,
    next: [AtomicU32; 3],
    had: [UnsafeCell<u32>; 3],
}

// SAFETY: who pops a slot has it alone, which is what is shown.
unsafe impl Send for Slots {}
// SAFETY: as above.
unsafe impl Sync for Slots {}

impl Slots {
    fn new() -> Arc<Self> {
        let slots = Self {
            list: Free::new(AtomicU64::new(0)),
            next: [(); 3].map(|()| AtomicU32::new(0)),
            had: [(); 3].map(|()| UnsafeCell::new(0)),
        };
        (0..2).for_each(|index| slots.push(index));
        Arc::new(slots)
    }

    fn push(&self, index: u32) {
        self.list.push(index, &self.next[index as usize]);
    }

    fn pop(&self) -> Option<u32> {
        let index = self.list.pop(|index| self.next.get(index as usize))?;
        // SAFETY: popped, so it is ours alone.
        self.had[index as usize].with_mut(|had| unsafe { *had += 1 });
        Some(index)
    }
}

/// Two that pop and push never have the same slot, and see what the other did with it.
fn push_pop_gives_each_slot_to_one() {
    let slots = Slots::new();
    let both = [(); 2].map(|()| {
        let slots = slots.clone();
        thread::spawn(move || {
            let index = slots.pop().unwrap();
            slots.push(index);
        })
    });
    join(both);
    let mut rest = [slots.pop(), slots.pop(), slots.pop()];
    rest.sort_unstable();
    assert_eq!(rest, [None, Some(0), Some(1)]);
}

/// One pops two and pushes back the first: who looked at the list before must not take the second.
fn push_pop_is_not_fooled_by_a_slot_that_came_back() {
    let slots = Slots::new();
    let theirs = slots.clone();
    let popping = thread::spawn(move || theirs.pop());
    let first = slots.pop();
    let second = slots.pop();
    if let Some(first) = first {
        slots.push(first);
    }
    let popped = popping.join().unwrap();
    let rest = [slots.pop(), slots.pop()];
    let mut all: Vec<u32> = [second, popped, rest[0], rest[1]].into_iter().flatten().collect();
    all.sort_unstable();
    assert_eq!(all, [0, 1], "second {second:?}, popped {popped:?}, then {rest:?}");
}
