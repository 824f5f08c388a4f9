//! What every flavour of ring does alike. A flavour's test file calls `behaviours!(flavour)`.

#![allow(dead_code, reason = "each flavour's test file is a program of its own and uses what it needs")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

/// Long enough for any machine, short enough to tell a hang.
pub const SOON: Duration = Duration::from_secs(60);

/// Runs `work` in a thread of its own and fails the test if it hangs.
pub fn within<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, wait) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        // The receiver is gone only when the test has failed already.
        let _ = done.send(work());
    });
    match wait.recv_timeout(SOON) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => std::panic::resume_unwind(thread.join().unwrap_err()),
    }
}

/// Lets another thread come to its wait. Nothing depends on it: without it, the wait is merely not tested.
pub fn let_it_sleep() {
    std::thread::sleep(Duration::from_millis(20));
}

/// Counts how many of its kind are alive.
pub struct Counted {
    alive: Arc<AtomicUsize>,
    panics: bool,
}

impl Counted {
    pub fn new(alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::SeqCst);
        Self { alive: Arc::clone(alive), panics: false }
    }

    pub fn panicking(alive: &Arc<AtomicUsize>) -> Self {
        let mut new = Self::new(alive);
        new.panics = true;
        new
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Self::new(&self.alive)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let before = self.alive.fetch_sub(1, Ordering::SeqCst);
        assert!(before != 0 && before < usize::MAX / 2, "dropped twice");
        if self.panics {
            panic!("a drop that panics");
        }
    }
}

/// A message that needs more room than its size says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(align(256))]
pub struct Aligned(pub u8);

/// A step of a single-threaded program against a ring.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    Send,
    Receive,
    DropSender,
    DropReceiver,
}

/// The tests that every flavour has to pass.
#[macro_export]
macro_rules! behaviours {
    ($flavour:ident) => {
        mod behaviours {
            use $crate::ring_behaviour::*;
            use proptest::prelude::*;
            use ringmain::ring::$flavour::{Receiver, Sender, bounded};
            use ringmain::ring::*;
            use std::collections::VecDeque;
            use std::panic::{AssertUnwindSafe, catch_unwind};
            use std::rc::Rc;
            use std::sync::Arc;
            use std::sync::atomic::{AtomicUsize, Ordering};
            use std::time::Duration;

            #[test]
            fn the_capacity_is_exactly_what_was_asked_for_in_every_lap() {
                for capacity in (1..=33).chain([63, 64, 65, 1000]) {
                    let (sender, receiver) = bounded(capacity);
                    assert_eq!((sender.capacity(), receiver.capacity()), (Some(capacity), Some(capacity)));
                    for lap in 0..5 {
                        for index in 0..capacity {
                            assert_eq!(sender.len(), index);
                            sender.try_send((lap, index)).unwrap();
                        }
                        assert!(sender.is_full() && receiver.is_full());
                        for index in 0..capacity {
                            assert_eq!(sender.try_send((9, 9)), Err(TrySendError::Full((9, 9))));
                            assert_eq!(receiver.try_recv(), Ok((lap, index)));
                            sender.try_send((lap + 10, index)).expect("each receive makes room for one");
                        }
                        for index in 0..capacity {
                            assert_eq!(receiver.len(), capacity - index);
                            assert_eq!(receiver.try_recv(), Ok((lap + 10, index)));
                        }
                        assert!(receiver.is_empty() && sender.is_empty());
                        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
                    }
                }
            }

            #[test]
            #[should_panic(expected = "the capacity of a ring is 1 to 2147483648 messages, not 0")]
            fn a_ring_without_capacity_is_refused() {
                bounded::<u8>(0);
            }

            #[test]
            fn receivers_get_what_is_left_and_then_learn_that_nothing_will_come() {
                let (sender, receiver) = bounded(4);
                sender.send(1).unwrap();
                sender.send(2).unwrap();
                drop(sender);
                assert_eq!(receiver.recv(), Ok(1));
                assert_eq!(receiver.try_recv(), Ok(2));
                assert_eq!(receiver.recv(), Err(RecvError));
                assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
                assert_eq!(receiver.recv_timeout(SOON), Err(RecvTimeoutError::Disconnected));
            }

            #[test]
            fn a_sender_without_receiver_gets_its_message_back_even_if_there_is_room() {
                let (sender, receiver) = bounded(4);
                sender.send("old").unwrap();
                drop(receiver);
                assert_eq!(sender.send("m"), Err(SendError("m")));
                assert_eq!(sender.try_send("m"), Err(TrySendError::Disconnected("m")));
                assert_eq!(sender.send_timeout("m", SOON), Err(SendTimeoutError::Disconnected("m")));
                assert_eq!(sender.try_send("m").unwrap_err().into_inner(), "m");
            }

            #[test]
            fn a_wait_ends_with_its_time_and_gives_the_message_back() {
                let (sender, receiver) = bounded(1);
                let short = Duration::from_millis(5);
                assert_eq!(receiver.recv_timeout(short), Err(RecvTimeoutError::Timeout));
                assert_eq!(receiver.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
                sender.send_timeout("a", short).unwrap();
                assert_eq!(sender.send_timeout("b", short), Err(SendTimeoutError::Timeout("b")));
                assert_eq!(sender.send_timeout("b", Duration::ZERO), Err(SendTimeoutError::Timeout("b")));
                assert_eq!(receiver.recv_timeout(Duration::MAX), Ok("a"));
            }

            #[test]
            fn a_waiting_receiver_is_woken_by_a_message() {
                let (sender, receiver) = bounded(1);
                let waiter = std::thread::spawn(move || within(move || receiver.recv()));
                let_it_sleep();
                sender.send(7).unwrap();
                assert_eq!(waiter.join().unwrap(), Ok(7));
            }

            #[test]
            fn a_waiting_receiver_is_woken_when_the_last_sender_goes() {
                let (sender, receiver) = bounded::<u8>(1);
                let waiter = std::thread::spawn(move || within(move || receiver.recv()));
                let_it_sleep();
                drop(sender);
                assert_eq!(waiter.join().unwrap(), Err(RecvError));
            }

            #[test]
            fn a_waiting_sender_is_woken_by_room() {
                let (sender, receiver) = bounded(1);
                sender.send(1).unwrap();
                let waiter = std::thread::spawn(move || within(move || sender.send(2)));
                let_it_sleep();
                assert_eq!(receiver.recv(), Ok(1));
                assert_eq!(waiter.join().unwrap(), Ok(()));
                assert_eq!(receiver.recv(), Ok(2));
            }

            #[test]
            fn a_waiting_sender_gets_its_message_back_when_the_last_receiver_goes() {
                let (sender, receiver) = bounded(1);
                sender.send(1).unwrap();
                let waiter = std::thread::spawn(move || within(move || sender.send(2)));
                let_it_sleep();
                drop(receiver);
                assert_eq!(waiter.join().unwrap(), Err(SendError(2)));
            }

            #[test]
            fn a_wait_that_sleeps_is_ended_by_its_time_too() {
                let (sender, receiver) = bounded(1);
                let timeout = Duration::from_millis(30);
                let result = within(move || receiver.recv_timeout(timeout));
                assert_eq!(result, Err(RecvTimeoutError::Timeout));
                assert_eq!(sender.send(1), Err(SendError(1)));
            }

            #[test]
            fn iterators_yield_in_order_and_end() {
                let (sender, receiver) = bounded(10);
                (0..6).for_each(|n| sender.send(n).unwrap());
                assert_eq!(receiver.try_iter().take(2).collect::<Vec<_>>(), [0, 1]);
                assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [2, 3, 4, 5]);
                (6..9).for_each(|n| sender.send(n).unwrap());
                drop(sender);
                assert_eq!(receiver.iter().next(), Some(6));
                for n in &receiver {
                    assert_eq!(n, 7);
                    break;
                }
                assert_eq!(receiver.into_iter().collect::<Vec<_>>(), [8]);
            }

            #[test]
            fn messages_that_are_left_are_dropped_once_when_the_receiver_goes() {
                let alive = Arc::new(AtomicUsize::new(0));
                let (sender, receiver) = bounded(5);
                for _ in 0..13 {
                    sender.send(Counted::new(&alive)).unwrap();
                    sender.send(Counted::new(&alive)).unwrap();
                    drop(receiver.recv().unwrap());
                    drop(receiver.recv().unwrap());
                }
                (0..3).for_each(|_| sender.send(Counted::new(&alive)).unwrap());
                assert_eq!(alive.load(Ordering::SeqCst), 3);
                drop(receiver);
                assert_eq!(alive.load(Ordering::SeqCst), 0, "not only when the sender goes");
                drop(sender.try_send(Counted::new(&alive)));
                drop(sender);
                assert_eq!(alive.load(Ordering::SeqCst), 0);
            }

            #[test]
            fn messages_that_are_left_are_dropped_once_when_the_sender_went_first() {
                let alive = Arc::new(AtomicUsize::new(0));
                let (sender, receiver) = bounded(5);
                (0..5).for_each(|_| sender.send(Counted::new(&alive)).unwrap());
                drop(sender);
                assert_eq!(alive.load(Ordering::SeqCst), 5);
                drop(receiver.recv());
                drop(receiver);
                assert_eq!(alive.load(Ordering::SeqCst), 0);
            }

            #[test]
            fn a_message_whose_drop_panics_does_not_keep_the_others() {
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
                    assert!(catch_unwind(AssertUnwindSafe(|| drop(receiver))).is_err());
                    assert_eq!(alive.load(Ordering::SeqCst), 0);
                    assert!(sender.try_send(Counted::new(&alive)).is_err());
                }
            }

            #[test]
            fn a_message_may_hold_the_last_sender_of_its_own_ring() {
                struct Knot {
                    _sender: Rc<Sender<Knot>>,
                    _counted: Counted,
                }
                let alive = Arc::new(AtomicUsize::new(0));
                let (sender, receiver) = bounded(2);
                let sender = Rc::new(sender);
                let knot = Knot { _sender: Rc::clone(&sender), _counted: Counted::new(&alive) };
                assert!(sender.try_send(knot).is_ok());
                drop(sender);
                drop(receiver);
                assert_eq!(alive.load(Ordering::SeqCst), 0);
            }

            #[test]
            fn messages_without_size_are_counted() {
                let (sender, receiver) = bounded(3);
                (0..3).for_each(|_| sender.try_send(()).unwrap());
                assert!(sender.try_send(()).unwrap_err().is_full());
                drop(sender);
                assert_eq!(receiver.iter().count(), 3);
            }

            #[test]
            fn messages_keep_their_alignment() {
                let (sender, receiver) = bounded(3);
                for n in 0..9 {
                    sender.send(Aligned(n)).unwrap();
                    assert_eq!(receiver.recv(), Ok(Aligned(n)));
                }
                sender.send(Aligned(1)).unwrap();
            }

            #[test]
            fn an_error_is_unwrapped_and_shown_whatever_the_message_is() {
                struct Mute;
                let (sender, receiver) = bounded(1);
                sender.try_send(Mute).unwrap();
                let error = sender.try_send(Mute).unwrap_err();
                assert_eq!((format!("{error}"), format!("{error:?}")), ("sending into a full ring".into(), "Full(..)".into()));
                drop(receiver);
                assert_eq!(sender.send(Mute).unwrap_err().to_string(), "sending into a ring without receivers");
                assert!(format!("{sender:?}").contains("capacity: Some(1)"));
            }

            #[test]
            fn two_threads_exchange_every_message_in_order() {
                for capacity in [1, 2, 3, 8, 100] {
                    let (sender, receiver) = bounded(capacity);
                    let sending = std::thread::spawn(move || {
                        (0..20_000u64).for_each(|n| sender.send(Box::new(n)).unwrap());
                    });
                    let mut expected = 0;
                    within(move || {
                        for n in receiver {
                            assert_eq!(*n, expected);
                            expected += 1;
                        }
                        assert_eq!(expected, 20_000);
                    });
                    sending.join().unwrap();
                }
            }

            #[test]
            fn two_threads_exchange_every_message_without_waiting() {
                let (sender, receiver) = bounded(3);
                let sending = std::thread::spawn(move || {
                    for n in 0..20_000u64 {
                        let mut message = n;
                        while let Err(error) = sender.try_send(message) {
                            assert!(error.is_full());
                            message = error.into_inner();
                            std::thread::yield_now();
                        }
                    }
                });
                within(move || {
                    let mut expected = 0;
                    loop {
                        match receiver.try_recv() {
                            Ok(n) => {
                                assert_eq!(n, expected);
                                expected += 1;
                            }
                            Err(TryRecvError::Empty) => std::thread::yield_now(),
                            Err(TryRecvError::Disconnected) => break,
                        }
                    }
                    assert_eq!(expected, 20_000);
                });
                sending.join().unwrap();
            }

            fn step() -> impl Strategy<Value = Step> {
                prop_oneof![
                    20 => Just(Step::Send),
                    18 => Just(Step::Receive),
                    1 => Just(Step::DropSender),
                    1 => Just(Step::DropReceiver),
                ]
            }

            proptest! {
                #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..Default::default() })]

                #[test]
                fn a_ring_is_a_queue_with_a_bound(capacity in 1usize..9, steps in prop::collection::vec(step(), 0..80)) {
                    let alive = Arc::new(AtomicUsize::new(0));
                    let (sender, receiver) = bounded(capacity);
                    let (mut sender, mut receiver): (Option<Sender<_>>, Option<Receiver<_>>) = (Some(sender), Some(receiver));
                    let mut model = VecDeque::new();
                    for (number, step) in steps.into_iter().enumerate() {
                        match (step, &sender, &receiver) {
                            (Step::Send, Some(sender), receiver) => {
                                let result = sender.try_send((number, Counted::new(&alive)));
                                match result {
                                    Ok(()) => {
                                        prop_assert!(receiver.is_some() && model.len() < capacity);
                                        model.push_back(number);
                                    }
                                    Err(TrySendError::Full((n, _))) => {
                                        prop_assert!(n == number && receiver.is_some() && model.len() == capacity);
                                    }
                                    Err(TrySendError::Disconnected((n, _))) => prop_assert!(n == number && receiver.is_none()),
                                }
                            }
                            (Step::Receive, sender, Some(receiver)) => match receiver.try_recv() {
                                Ok((n, _)) => prop_assert_eq!(Some(n), model.pop_front()),
                                Err(TryRecvError::Empty) => prop_assert!(model.is_empty() && sender.is_some()),
                                Err(TryRecvError::Disconnected) => prop_assert!(model.is_empty() && sender.is_none()),
                            },
                            (Step::DropSender, ..) => sender = None,
                            (Step::DropReceiver, ..) => {
                                receiver = None;
                                model.clear();
                            }
                            _ => {}
                        }
                        prop_assert_eq!(alive.load(Ordering::SeqCst), model.len());
                        let lens = sender.as_ref().map(Sender::len).into_iter().chain(receiver.as_ref().map(Receiver::len));
                        for len in lens {
                            prop_assert_eq!(len, model.len());
                        }
                    }
                    drop((sender, receiver));
                    prop_assert_eq!(alive.load(Ordering::SeqCst), 0);
                }
            }
        }
    };
}
