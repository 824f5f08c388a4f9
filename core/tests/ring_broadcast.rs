//! The ring whose every reader gets every message, with one sender and with many.

mod ring_behaviour;

use ring_behaviour::{Counted, let_it_sleep, within};
use ringmain::ring::broadcast::{self, MultiReceiver, MultiSender, Policy, Receiver, Sender};
use ringmain::ring::{RecvError, SendError, TryRecvError, TrySendError};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

mod one_sender {
    pub use ringmain::ring::broadcast::bounded;
    crate::channel_behaviours!(ringmain::ring::broadcast::bounded);
    crate::bounded_behaviours!(ringmain::ring::broadcast::bounded);
    crate::fan_out_behaviours!();
}

mod many_senders {
    pub use ringmain::ring::broadcast::multi as bounded;
    crate::channel_behaviours!(ringmain::ring::broadcast::multi);
    crate::bounded_behaviours!(ringmain::ring::broadcast::multi);
    crate::fan_out_behaviours!();
}

/// A message that shows when it was read while it was written.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Whole([u64; 9]);

impl Whole {
    fn new(number: u64) -> Self {
        Self([number; 9])
    }

    fn number(self) -> u64 {
        assert!(self.0.iter().all(|part| *part == self.0[0]), "torn: {:?}", self.0);
        self.0[0]
    }
}

/// A message whose clone panics as long as the flag says so.
struct Fragile(u64, Arc<AtomicBool>);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        assert!(!self.1.load(Ordering::SeqCst), "a clone that panics");
        Self(self.0, Arc::clone(&self.1))
    }
}

/// What holds with one sender and with many.
#[macro_export]
macro_rules! fan_out_behaviours {
    () => {
        mod fan_out {
            use super::bounded;
            use $crate::*;

            #[test]
            fn every_reader_gets_every_message_from_where_it_joined() {
                let (sender, first) = bounded(8);
                sender.send(1).unwrap();
                let second = sender.subscribe(Policy::Gate);
                let third = first.clone();
                sender.send(2).unwrap();
                assert_eq!(first.recv(), Ok(1));
                let fourth = first.clone();
                let fifth = first.subscribe(Policy::Lag);
                assert_eq!((fourth.policy(), fifth.policy()), (Policy::Gate, Policy::Lag));
                sender.send(3).unwrap();
                drop(sender);
                assert_eq!(first.iter().collect::<Vec<_>>(), [2, 3]);
                assert_eq!(second.iter().collect::<Vec<_>>(), [2, 3]);
                assert_eq!(third.iter().collect::<Vec<_>>(), [1, 2, 3]);
                assert_eq!(fourth.into_iter().collect::<Vec<_>>(), [2, 3]);
                assert_eq!(fifth.into_iter().collect::<Vec<_>>(), [3]);
            }

            #[test]
            fn the_slowest_gate_holds_the_sender_exactly_at_the_capacity() {
                for capacity in 1..=17 {
                    let (sender, slow) = bounded(capacity);
                    let quick = slow.clone();
                    for number in 0..5 * capacity {
                        sender.try_send(number).unwrap();
                        assert_eq!(quick.try_recv(), Ok(number));
                        if number + 1 >= capacity {
                            assert_eq!((sender.len(), slow.len(), quick.len()), (capacity, capacity, 0));
                            assert_eq!(sender.try_send(0), Err(TrySendError::Full(0)));
                            assert_eq!(slow.try_recv(), Ok(number + 1 - capacity));
                        }
                    }
                }
            }

            #[test]
            fn a_gate_that_leaves_lets_a_waiting_sender_go_on() {
                let (sender, slow) = bounded(1);
                let quick = slow.clone();
                sender.send(1).unwrap();
                assert_eq!(quick.recv(), Ok(1));
                let waiter = thread::spawn(move || within(move || sender.send(2)));
                let_it_sleep();
                drop(slow);
                assert_eq!((waiter.join().unwrap(), quick.recv()), (Ok(()), Ok(2)));
            }

            #[test]
            fn a_ring_without_readers_works_again_when_somebody_subscribes() {
                let (sender, receiver) = bounded(2);
                sender.send(1).unwrap();
                drop(receiver);
                assert_eq!(sender.send(2), Err(SendError(2)));
                assert_eq!(sender.len(), 0);
                for lap in 0..5 {
                    let receiver = sender.subscribe(Policy::Gate);
                    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
                    sender.try_send(lap).unwrap();
                    sender.try_send(lap).unwrap();
                    assert!(sender.try_send(lap).is_err());
                    assert_eq!(receiver.recv(), Ok(lap));
                }
            }

            #[test]
            fn a_message_wakes_all_readers_and_so_does_the_end() {
                let (sender, receiver) = bounded(4);
                let waiters: Vec<_> = (0..4)
                    .map(|_| {
                        let receiver = receiver.clone();
                        thread::spawn(move || within(move || (receiver.recv(), receiver.recv())))
                    })
                    .collect();
                let_it_sleep();
                sender.send(7).unwrap();
                let_it_sleep();
                drop(sender);
                for waiter in waiters {
                    assert_eq!(waiter.join().unwrap(), (Ok(7), Err(RecvError)));
                }
            }

            #[test]
            fn an_overtaken_reader_goes_on_with_the_oldest_message_that_is_left() {
                for capacity in [1, 2, 3, 7, 8, 16, 100] {
                    let (sender, gate) = bounded(capacity);
                    let reader = sender.subscribe(Policy::Lag);
                    drop(gate);
                    let sent = 5 * capacity as u64 + 3;
                    (0..sent).for_each(|number| sender.try_send(number).unwrap());
                    let missed = reader.take_missed();
                    let first = sent - capacity as u64;
                    assert!((first..=first + capacity as u64 / 8).contains(&missed), "{missed} of {sent}");
                    assert_eq!(reader.len() as u64, sent - missed);
                    let got: Vec<_> = reader.try_iter().collect();
                    assert_eq!(got, (missed..sent).collect::<Vec<_>>());
                    assert_eq!(reader.take_missed(), 0);
                }
            }

            #[test]
            fn a_reader_is_not_overtaken_for_a_sender_that_has_to_wait_anyway() {
                let (sender, gate) = bounded(16);
                let reader = sender.subscribe(Policy::Lag);
                (0..16).for_each(|number| sender.try_send(number).unwrap());
                assert!(sender.try_send(16).unwrap_err().is_full());
                assert_eq!((reader.take_missed(), reader.len()), (0, 16));
                assert_eq!(gate.recv(), Ok(0));
                sender.try_send(16).unwrap();
                assert_eq!((reader.take_missed(), reader.recv()), (1, Ok(1)));
            }

            #[test]
            fn a_peek_of_a_reader_that_may_be_overtaken_holds_the_sender() {
                let (sender, gate) = bounded(4);
                let mut reader = sender.subscribe(Policy::Lag);
                drop(gate);
                (0..4).for_each(|number| sender.try_send(number).unwrap());
                let mut peek = reader.try_peek(3).unwrap();
                assert_eq!(sender.try_send(4), Err(TrySendError::Full(4)));
                assert_eq!(peek.take(), Some(0));
                assert_eq!(peek.iter().copied().collect::<Vec<_>>(), [1, 2]);
                let waiter = thread::spawn(move || within(move || sender.send(4)));
                let_it_sleep();
                drop(peek);
                waiter.join().unwrap().unwrap();
                assert_eq!(reader.try_iter().collect::<Vec<_>>(), [1, 2, 3, 4]);
                assert_eq!(reader.take_missed(), 0);
            }

            #[test]
            fn a_peek_holds_only_its_own_reader_and_takes_nothing_from_the_others() {
                let (sender, mut peeking) = bounded(4);
                let other = peeking.clone();
                (0..4)
                    .for_each(|number| sender.try_send(String::from(["a", "b", "c", "d"][number])).unwrap());
                let peek = peeking.try_peek(9).unwrap();
                assert_eq!(other.try_iter().collect::<String>(), "abcd");
                assert!(sender.try_send("e".into()).is_err());
                assert_eq!(peek.iter().map(String::as_str).collect::<String>(), "abcd");
                assert_eq!(peek.commit(), 4);
                sender.try_send("e".into()).unwrap();
                assert_eq!((peeking.recv(), other.recv()), (Ok("e".into()), Ok("e".into())));
            }

            #[test]
            fn a_claim_is_sent_at_once_or_not_at_all() {
                let alive = Arc::new(AtomicUsize::new(0));
                let (mut sender, receiver) = bounded(4);
                for _ in 0..5 {
                    let mut claim = sender.try_claim(9).unwrap();
                    assert_eq!(claim.fill((0..9).map(|_| Counted::new(&alive))), 4);
                    drop(claim);
                    let mut claim = sender.try_claim(4).unwrap();
                    assert!(claim.push(Counted::new(&alive)).is_ok());
                    assert!(claim.push(Counted::new(&alive)).is_ok());
                    assert!(receiver.try_recv().is_err());
                    assert_eq!(claim.commit(), 2);
                    assert_eq!((sender.len(), receiver.try_iter().count()), (2, 2));
                }
                drop((sender, receiver));
                assert_eq!(alive.load(Ordering::SeqCst), 0);
            }

            #[test]
            fn messages_are_dropped_once_when_their_slots_are_needed_or_with_the_ring() {
                let alive = Arc::new(AtomicUsize::new(0));
                for capacity in [1, 2, 5, 8] {
                    let (sender, receiver) = bounded(capacity);
                    for _ in 0..7 * capacity {
                        sender.send(Counted::new(&alive)).unwrap();
                        drop(receiver.recv().unwrap());
                        assert!(alive.load(Ordering::SeqCst) <= capacity.next_power_of_two());
                    }
                    for _ in 0..4 {
                        let mut batch: Vec<_> = (0..capacity).map(|_| Counted::new(&alive)).collect();
                        assert_eq!(sender.try_send_batch(&mut batch).unwrap(), capacity);
                        let mut got = Vec::new();
                        assert_eq!(receiver.try_recv_batch(&mut got, 99).unwrap(), capacity);
                        drop(got);
                        assert!(alive.load(Ordering::SeqCst) <= capacity.next_power_of_two());
                    }
                    drop(receiver);
                    assert!(sender.send(Counted::new(&alive)).is_err());
                    drop(sender);
                    assert_eq!(alive.load(Ordering::SeqCst), 0);
                }
            }

            #[test]
            fn a_drop_that_panics_leaves_the_ring_whole() {
                let alive = Arc::new(AtomicUsize::new(0));
                for at in 0..4 {
                    for whole_batch in [false, true] {
                        let (sender, gate) = bounded(4);
                        let receiver = gate.subscribe(Policy::Lag);
                        drop(gate);
                        for index in 0..4 {
                            let message = match index == at {
                                true => Counted::panicking(&alive),
                                false => Counted::new(&alive),
                            };
                            sender.try_send(message).ok().unwrap();
                        }
                        let mut panics = 0;
                        for _ in 0..6 {
                            let mut batch: Vec<_> = (0..4).map(|_| Counted::new(&alive)).collect();
                            let sent = catch_unwind(AssertUnwindSafe(|| match whole_batch {
                                true => sender.try_send_batch(&mut batch).map(|_| ()),
                                false => batch.drain(..).try_for_each(|message| {
                                    sender.try_send(message).map_err(|_| TrySendError::Full(()))
                                }),
                            }));
                            panics += usize::from(sent.is_err());
                            assert!(sent.is_err() || sent.unwrap().is_ok());
                        }
                        assert_eq!(panics, 1);
                        let waiter = thread::spawn(move || within(move || receiver.into_iter().count()));
                        drop(sender);
                        let got = waiter.join().unwrap();
                        assert!((3..=4).contains(&got), "{got}");
                        assert_eq!(alive.load(Ordering::SeqCst), 0);
                    }
                }
            }

            #[test]
            fn a_drop_that_panics_with_the_ring_does_not_keep_the_others() {
                let alive = Arc::new(AtomicUsize::new(0));
                for at in 0..4 {
                    let (sender, receiver) = bounded(4);
                    for index in 0..4 {
                        let message = match index == at {
                            true => Counted::panicking(&alive),
                            false => Counted::new(&alive),
                        };
                        sender.send(message).unwrap();
                    }
                    drop(receiver);
                    assert!(catch_unwind(AssertUnwindSafe(|| drop(sender))).is_err());
                    assert_eq!(alive.load(Ordering::SeqCst), 0);
                }
            }

            #[test]
            fn a_clone_that_panics_leaves_its_message_and_the_reader_whole() {
                for policy in [Policy::Gate, Policy::Lag] {
                    let panics = Arc::new(AtomicBool::new(false));
                    let (sender, gate) = bounded(4);
                    let mut receiver = gate.subscribe(policy);
                    drop(gate);
                    (0..4).for_each(|n| sender.try_send(Fragile(n, Arc::clone(&panics))).ok().unwrap());
                    panics.store(true, Ordering::SeqCst);
                    assert!(catch_unwind(AssertUnwindSafe(|| receiver.try_recv())).is_err());
                    let mut peek = receiver.try_peek(2).unwrap();
                    assert!(catch_unwind(AssertUnwindSafe(|| peek.take())).is_err());
                    drop(peek);
                    assert_eq!(receiver.len(), 4);
                    let mut got = Vec::new();
                    assert!(catch_unwind(AssertUnwindSafe(|| receiver.try_recv_batch(&mut got, 2))).is_err());
                    panics.store(false, Ordering::SeqCst);
                    assert_eq!(receiver.try_recv().unwrap().0, 2, "goes on after the batch");
                    (4..7).for_each(|n| sender.try_send(Fragile(n, Arc::clone(&panics))).ok().unwrap());
                    assert_eq!(
                        receiver.try_iter().map(|message| message.0).collect::<Vec<_>>(),
                        [3, 4, 5, 6]
                    );
                    assert_eq!(receiver.take_missed(), 0);
                }
            }

            #[test]
            fn what_is_forgotten_holds_nothing_but_memory() {
                /// Still leads to the counter that the forgotten message has: no leak for a sanitizer.
                static ALIVE: OnceLock<Arc<AtomicUsize>> = OnceLock::new();
                let alive = ALIVE.get_or_init(Arc::default);
                let (mut sender, gate) = bounded(4);
                let mut receiver = gate.subscribe(Policy::Lag);
                drop(gate);
                (0..9).for_each(|_| sender.try_send(Counted::new(alive)).ok().unwrap());
                std::mem::forget(receiver.try_peek(2).unwrap());
                assert_eq!(receiver.try_iter().count(), 4);
                let mut claim = sender.try_claim(3).unwrap();
                claim.push(Counted::new(alive)).ok().unwrap();
                std::mem::forget(claim);
                drop((sender, receiver));
                assert_eq!(
                    alive.load(Ordering::SeqCst),
                    1,
                    "what was in the claim, and nothing dropped twice"
                );
            }

            /// Sends numbers to so many gating readers, and shows that each gets all of them.
            fn lossless(capacity: usize, readers: usize, count: u64, batch: usize) {
                let (sender, first) = bounded(capacity);
                let receivers: Vec<_> = (1..readers).map(|_| first.clone()).chain([first.clone()]).collect();
                drop(first);
                let receiving: Vec<_> = receivers
                    .into_iter()
                    .map(|receiver| {
                        thread::spawn(move || {
                            let (mut expected, mut got) = (0, Vec::new());
                            while receiver.recv_batch(&mut got, batch).is_ok() {
                                for message in got.drain(..) {
                                    assert_eq!(Whole::number(message), expected);
                                    expected += 1;
                                }
                            }
                            expected
                        })
                    })
                    .collect();
                let sending = thread::spawn(move || {
                    let mut messages = Vec::new();
                    for number in 0..count {
                        messages.push(Whole::new(number));
                        if messages.len() == batch || number + 1 == count {
                            sender.send_batch(&mut messages).unwrap();
                        }
                    }
                });
                within(move || {
                    sending.join().unwrap();
                    for thread in receiving {
                        assert_eq!(thread.join().unwrap(), count);
                    }
                });
            }

            #[test]
            fn gates_get_everything_under_load() {
                for (capacity, readers, batch) in
                    [(1, 1, 1), (1, 2, 1), (3, 3, 1), (64, 2, 1), (64, 3, 7), (5, 2, 64)]
                {
                    lossless(capacity, readers, 20_000, batch);
                }
            }

            #[test]
            fn what_is_received_and_what_is_missed_is_everything_under_load() {
                for (capacity, with_gate, batch) in
                    [(1, false, 1), (2, false, 3), (8, false, 1), (64, true, 1), (64, false, 16)]
                {
                    let count = 60_000;
                    let (sender, gate) = bounded(capacity);
                    let receivers: Vec<_> = (0..2).map(|_| sender.subscribe(Policy::Lag)).collect();
                    let gated = with_gate.then(|| {
                        let gate = gate.clone();
                        thread::spawn(move || assert_eq!(gate.iter().count() as u64, count))
                    });
                    drop(gate);
                    let sending = thread::spawn(move || {
                        for number in 0..count {
                            if with_gate {
                                sender.send(Whole::new(number)).unwrap();
                            } else {
                                sender.try_send(Whole::new(number)).expect("nobody holds it");
                            }
                        }
                    });
                    let receiving: Vec<_> = receivers
                        .into_iter()
                        .map(|mut receiver| {
                            thread::spawn(move || {
                                let (mut expected, mut missed, mut round) = (0, 0, 0);
                                let mut got = Vec::new();
                                loop {
                                    round += 1;
                                    let found = match round % 16 {
                                        // A peek holds the sender, which must not be held without a gate.
                                        0 if with_gate => receiver
                                            .peek(batch)
                                            .map(|peek| peek.take_each(|message| got.push(message))),
                                        _ => receiver.recv_batch(&mut got, batch),
                                    };
                                    // No sender can overtake between the two: what is told now may be about
                                    // later messages.
                                    let Ok(found) = found else { break };
                                    assert_eq!(found, got.len());
                                    for message in got.drain(..) {
                                        let number = message.number();
                                        assert!(number >= expected, "{number} came after {expected}");
                                        missed += number - expected;
                                        expected = number + 1;
                                    }
                                    if round % 3 == 0 {
                                        thread::yield_now();
                                    }
                                }
                                missed += count - expected;
                                assert_eq!(
                                    receiver.take_missed(),
                                    missed,
                                    "told, and counted by what is not there"
                                );
                                count - missed
                            })
                        })
                        .collect();
                    within(move || {
                        sending.join().unwrap();
                        gated.map(|thread| thread.join().unwrap());
                        for thread in receiving {
                            assert!(thread.join().unwrap() > 0);
                        }
                    });
                }
            }

            #[test]
            fn readers_join_and_leave_under_load() {
                for (capacity, count) in [(1, 300), (2, 300), (5, 1_000), (64, 10_000)] {
                    let (sender, first) = bounded(capacity);
                    let over = Arc::new(AtomicBool::new(false));
                    let joining: Vec<_> = (0..2)
                        .map(|which| {
                            let (over, base) = (Arc::clone(&over), first.clone());
                            thread::spawn(move || {
                                let mut rounds = 0u64;
                                while !over.load(Ordering::SeqCst) {
                                    rounds += 1;
                                    // The base goes on, so that what is copied is always somewhere else.
                                    let policy = if rounds % 2 == which { Policy::Gate } else { Policy::Lag };
                                    let reader =
                                        if rounds % 3 == 0 { base.clone() } else { base.subscribe(policy) };
                                    let mut expected = None;
                                    for message in reader.try_iter().take(rounds as usize % 7) {
                                        let number = Whole::number(message);
                                        let missed = reader.take_missed();
                                        let begin = expected.unwrap_or(number);
                                        assert!(
                                            number >= begin
                                                && (reader.policy() == Policy::Lag || number == begin)
                                        );
                                        assert!(missed == 0 || reader.policy() == Policy::Lag);
                                        expected = Some(number + 1);
                                        let _ = base.try_recv();
                                    }
                                    drop(reader);
                                    // Each message needs all of us: with few cores, do not keep the others
                                    // waiting.
                                    thread::yield_now();
                                    let _ = base.try_recv();
                                }
                                rounds
                            })
                        })
                        .collect();
                    let sending = thread::spawn(move || {
                        let mut number = 0;
                        while number < count {
                            sender.send(Whole::new(number)).unwrap();
                            number += 1;
                            if number % 64 == 0 {
                                let reader = sender.subscribe(Policy::Gate);
                                if sender.try_send(Whole::new(number)).is_ok() {
                                    assert_eq!(
                                        reader.recv().unwrap().number(),
                                        number,
                                        "from the next message on"
                                    );
                                    number += 1;
                                }
                            }
                        }
                        number
                    });
                    let all = thread::spawn(move || {
                        first.iter().fold(0, |expected, message| {
                            assert_eq!(message.number(), expected);
                            expected + 1
                        })
                    });
                    within(move || {
                        assert_eq!(all.join().unwrap(), sending.join().unwrap());
                        over.store(true, Ordering::SeqCst);
                        for thread in joining {
                            assert!(thread.join().unwrap() > 0);
                        }
                    });
                }
            }
        }
    };
}

/// Whether a type is `Sync`, answered while compiling: the inherent constant, which exists only for `Sync`
/// types, goes before the trait's.
struct IsSync<T>(std::marker::PhantomData<T>);
trait Otherwise {
    const ANSWER: bool = false;
}
impl<T> Otherwise for IsSync<T> {}
impl<T: Sync> IsSync<T> {
    const ANSWER: bool = true;
}

#[test]
fn handles_move_between_threads_and_only_many_senders_are_shared() {
    fn is_send<T: Send>() {}
    is_send::<Sender<u8>>();
    is_send::<Receiver<u8>>();
    is_send::<MultiSender<u8>>();
    is_send::<MultiReceiver<u8>>();
    let answers = [
        IsSync::<u8>::ANSWER,
        IsSync::<Sender<u8>>::ANSWER,
        IsSync::<Receiver<u8>>::ANSWER,
        IsSync::<MultiSender<u8>>::ANSWER,
        IsSync::<MultiReceiver<u8>>::ANSWER,
        // A message is shared by its readers.
        IsSync::<MultiSender<Cell<u8>>>::ANSWER,
    ];
    assert_eq!(answers, [true, false, false, true, false, false]);
}

#[test]
fn a_message_that_is_dropped_may_send() {
    struct Echo(Rc<Cell<u32>>, Option<Rc<Sender<Echo>>>);
    impl Clone for Echo {
        fn clone(&self) -> Self {
            Self(Rc::clone(&self.0), None)
        }
    }
    impl Drop for Echo {
        fn drop(&mut self) {
            if let Some(sender) = self.1.take() {
                self.0.set(self.0.get() + 1);
                let _ = sender.try_send(Echo(Rc::clone(&self.0), None));
                let _ = sender.try_send_batch(&mut vec![self.clone(), self.clone()]);
            }
        }
    }
    let drops = Rc::new(Cell::new(0));
    let (sender, receiver) = broadcast::bounded(3);
    let sender = Rc::new(sender);
    for round in 0..20 {
        for _ in 0..3 {
            let message = Echo(Rc::clone(&drops), (round < 18).then(|| Rc::clone(&sender)));
            let _ = sender.try_send(message);
        }
        while receiver.try_recv().is_ok() {}
    }
    assert!(drops.get() > 10);
    drop((sender, receiver));
    assert_eq!(Rc::strong_count(&drops), 1, "each was dropped");
}

type NosyHandles = (Sender<Nosy>, Receiver<Nosy>);

/// A message whose clone does what can be done with the handles of its ring, and then looks at itself.
struct Nosy(Box<u64>, Option<Weak<NosyHandles>>, Rc<dyn Fn(&NosyHandles)>);

impl Clone for Nosy {
    fn clone(&self) -> Self {
        if let Some(handles) = self.1.as_ref().and_then(Weak::upgrade) {
            (self.2)(&handles);
        }
        assert_eq!(*self.0 % 1000, 7, "still there");
        Self(self.0.clone(), None, Rc::clone(&self.2))
    }
}

#[test]
fn a_clone_may_not_lose_what_it_is_made_from() {
    for policy in [Policy::Gate, Policy::Lag] {
        let (sender, gate) = broadcast::bounded(2);
        let receiver = gate.subscribe(policy);
        drop(gate);
        let handles: Rc<NosyHandles> = Rc::new((sender, receiver));
        let depth = Cell::new(0);
        let meddle: Rc<dyn Fn(&NosyHandles)> = Rc::new(move |(sender, receiver)| {
            if depth.replace(depth.get() + 1) == 0 {
                assert_eq!(receiver.try_recv().err(), Some(TryRecvError::Empty));
                assert!(receiver.try_recv_batch(&mut Vec::new(), 9).is_err());
                receiver.take_missed();
                let clone = receiver.clone();
                assert_eq!(clone.len(), receiver.len());
                drop(clone);
                if receiver.policy() == Policy::Gate {
                    let idle: Rc<dyn Fn(&NosyHandles)> = Rc::new(|_| ());
                    for number in 0..5 {
                        let message = Nosy(Box::new(1000 * number + 7), None, Rc::clone(&idle));
                        drop(sender.try_send(message));
                    }
                }
            }
            depth.set(depth.get() - 1);
        });
        for round in 0..20 {
            let message = || Nosy(Box::new(7), Some(Rc::downgrade(&handles)), Rc::clone(&meddle));
            drop(handles.0.try_send(message()));
            drop(handles.0.try_send(message()));
            match round % 2 {
                0 => assert!(handles.1.try_recv().is_ok()),
                _ => assert!(handles.1.try_recv_batch(&mut Vec::new(), 9).is_ok()),
            }
        }
    }
}

#[test]
fn a_claim_of_one_of_many_senders_keeps_the_others_out() {
    let (mut sender, receiver) = broadcast::multi(8);
    let other = sender.clone();
    let mut claim = sender.try_claim(2).unwrap();
    claim.push(1).unwrap();
    assert_eq!(other.try_send(2), Err(TrySendError::Full(2)));
    let late = receiver.subscribe(Policy::Gate);
    let waiter = thread::spawn(move || within(move || other.send(2)));
    let_it_sleep();
    assert_eq!(claim.commit(), 1);
    waiter.join().unwrap().unwrap();
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(late.try_iter().collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn many_senders_reach_all_readers_in_the_same_order() {
    for (senders, capacity, batch) in [(2, 1, 1), (2, 3, 1), (3, 64, 1), (2, 8, 5), (3, 64, 16)] {
        let count = 8_000;
        let (sender, receiver) = broadcast::multi(capacity);
        let receiving: Vec<_> = (0..2)
            .map(|_| {
                let receiver = receiver.clone();
                thread::spawn(move || receiver.iter().collect::<Vec<_>>())
            })
            .collect();
        let lagging = receiver.subscribe(Policy::Lag);
        drop(receiver);
        let lag = thread::spawn(move || (lagging.iter().count() as u64, lagging.take_missed()));
        for which in 0..senders {
            let mut sender = sender.clone();
            thread::spawn(move || {
                let mut numbers = (0..count).map(|number| Box::new((which, number))).peekable();
                let mut round = 0;
                while numbers.peek().is_some() {
                    round += 1;
                    match round % 3 {
                        0 => drop(sender.claim(batch).unwrap().fill([])),
                        1 => sender.send_batch(&mut numbers.by_ref().take(batch).collect()).unwrap(),
                        _ => {
                            let mut claim = sender.claim(batch + 1).unwrap();
                            claim.fill(numbers.by_ref().take(batch));
                            claim.commit();
                        }
                    }
                }
            });
        }
        drop(sender);
        let got =
            within(move || receiving.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>());
        assert_eq!(got[0].len(), senders * count);
        assert!(got[0] == got[1], "one order for all");
        for which in 0..senders {
            let numbers = got[0].iter().filter(|message| message.0 == which).map(|message| message.1);
            assert!(numbers.eq(0..count), "in its sender's order");
        }
        let (received, missed) = within(move || lag.join().unwrap());
        assert_eq!(received + missed, (senders * count) as u64);
    }
}
