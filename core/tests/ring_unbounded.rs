//! The ring without a bound.

mod ring_behaviour;

use ring_behaviour::{Aligned, Counted, within};
use ringmain::ring::TryRecvError;
use ringmain::ring::unbounded::{Receiver, Sender, unbounded};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn of_any_capacity<T>(_: usize) -> (Sender<T>, Receiver<T>) {
    unbounded()
}

behaviours!(unbounded, crate::of_any_capacity);
competing_behaviours!(crate::of_any_capacity);

#[test]
fn a_ring_without_a_bound_has_no_capacity_and_is_never_full() {
    let (sender, receiver) = unbounded();
    for n in 0..10_000 {
        assert_eq!((sender.len(), sender.is_full()), (n, false));
        sender.try_send(n).unwrap();
    }
    assert_eq!((sender.capacity(), receiver.capacity()), (None, None));
    for n in 0..10_000 {
        assert_eq!((receiver.len(), receiver.recv()), (10_000 - n, Ok(n)));
    }
    assert!(receiver.is_empty());
}

#[test]
fn a_visit_shows_what_is_there_in_order_and_leaves_it() {
    let (sender, receiver) = unbounded();
    for n in 0..2000 {
        sender.send(n).unwrap();
        // Received up to here, so that the visit begins at each place of a block.
        let from = n / 3;
        let mut seen = Vec::new();
        // SAFETY: nobody receives meanwhile.
        unsafe { receiver.visit(|message| seen.push(*message)) };
        assert!(seen.iter().copied().eq(from..=n), "from {from} to {n}: {seen:?}");
        if n % 3 == 2 {
            assert_eq!(receiver.recv(), Ok(from));
        }
    }
}

#[test]
fn an_open_claim_keeps_back_nobody() {
    let (mut sender, receiver) = unbounded();
    let other = sender.clone();
    let mut claim = sender.claim(1000).unwrap();
    assert_eq!((claim.room(), claim.fill(0..500)), (1000, 500));
    other.send(999).unwrap();
    assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(999), Err(TryRecvError::Empty)));
    claim.commit();
    assert!(receiver.try_iter().eq(0..500));
}

#[test]
fn a_claim_that_was_forgotten_sends_nothing_later() {
    let alive = Arc::new(AtomicUsize::new(0));
    let (mut sender, receiver) = unbounded();
    let mut claim = sender.claim(4).unwrap();
    claim.push(Counted::new(&alive)).ok().unwrap();
    std::mem::forget(claim);
    let mut claim = sender.claim(4).unwrap();
    claim.push(Counted::new(&alive)).ok().unwrap();
    assert_eq!(claim.commit(), 1);
    assert_eq!((receiver.try_iter().count(), alive.load(Ordering::SeqCst)), (1, 0));
}

#[test]
fn a_peek_that_was_forgotten_keeps_the_messages_until_the_end() {
    let alive = Arc::new(AtomicUsize::new(0));
    let (sender, mut receiver) = unbounded();
    (0..100).for_each(|_| sender.send(Counted::new(&alive)).unwrap());
    std::mem::forget(receiver.peek(3).unwrap());
    assert!(receiver.try_recv().is_err());
    drop((sender, receiver));
    assert_eq!(alive.load(Ordering::SeqCst), 0);
}

#[test]
fn a_large_backlog_is_dropped_with_the_ring() {
    let alive = Arc::new(AtomicUsize::new(0));
    let (sender, receiver) = unbounded();
    let mut backlog = (0..300_000)
        .map(|n| if n == 150_000 { Counted::panicking(&alive) } else { Counted::new(&alive) })
        .collect();
    sender.send_batch(&mut backlog).unwrap();
    assert_eq!(receiver.len(), 300_000);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(receiver))).is_err());
    assert_eq!(alive.load(Ordering::SeqCst), 0);
}

#[test]
fn messages_of_any_size_and_alignment_pass_from_block_to_block() {
    fn pass<T: Clone + PartialEq + std::fmt::Debug>(message: T) {
        let (sender, receiver) = unbounded();
        for backlog in [1, 6, 7, 8, 300] {
            for _ in 0..3 {
                (0..backlog).for_each(|_| sender.send(message.clone()).unwrap());
                (0..backlog).for_each(|_| assert_eq!(receiver.try_recv().as_ref(), Ok(&message)));
            }
        }
        sender.send(message).unwrap();
    }
    pass(());
    pass(7u8);
    pass([7u64; 8]);
    pass([7u64; 500]);
    pass(Aligned(7));
    pass("text".to_owned());
}

#[test]
fn handles_are_sent_and_shared_as_far_as_their_messages_may_be_sent() {
    /// Whether a type is `Send` and `Sync`: the inherent constant, which exists only for those, goes first.
    struct Both<T>(std::marker::PhantomData<T>);
    trait Otherwise {
        const ANSWER: bool = false;
    }
    impl<T> Otherwise for Both<T> {}
    impl<T: Send + Sync> Both<T> {
        const ANSWER: bool = true;
    }
    use std::{cell::Cell, rc::Rc};
    let cells = [Both::<Sender<Cell<u8>>>::ANSWER, Both::<Receiver<Cell<u8>>>::ANSWER];
    let counts = [Both::<Sender<Rc<u8>>>::ANSWER, Both::<Receiver<Rc<u8>>>::ANSWER];
    assert_eq!((cells, counts), ([true, true], [false, false]));
}

#[test]
fn a_ring_that_grows_and_shrinks_keeps_its_order() {
    let (sender, mut receiver) = unbounded();
    let (mut model, mut next) = (VecDeque::new(), 0);
    let mut dice = 1u32;
    for round in 0..3_000 {
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let len = (dice >> 16) as usize % 150;
        if dice >> 31 == u32::from(round % 500 < 250) {
            sender.send_batch(&mut (next..next + len).collect()).unwrap();
            model.extend(next..next + len);
            next += len;
        } else {
            for _ in 0..len.min(model.len()) {
                assert_eq!(receiver.try_recv().ok(), model.pop_front());
            }
            if let Ok(peek) = receiver.try_peek(len.max(1)) {
                assert!(peek.iter().eq(model.iter().take(peek.len())));
            }
        }
        assert_eq!(receiver.len(), model.len());
    }
    assert!(receiver.try_iter().eq(model));
}

#[test]
fn a_handle_may_be_used_by_several_threads_at_once() {
    let (sender, receiver) = unbounded();
    let total = within(move || {
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| (1..=20_000u64).for_each(|n| sender.send(n).unwrap()));
            }
            let receiving: Vec<_> = (0..3)
                .map(|_| scope.spawn(|| (0..20_000).map(|_| receiver.recv().unwrap()).sum::<u64>()))
                .collect();
            receiving.into_iter().map(|thread| thread.join().unwrap()).sum::<u64>()
        })
    });
    assert_eq!(total, 3 * 20_000 * 20_001 / 2);
}
