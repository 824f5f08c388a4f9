//! Single messages, and handles that go.

/// Sending and receiving one message after the other.
#[macro_export]
macro_rules! single_behaviours {
    ($make:path) => {
        mod single {
            use ringmain::ring::*;
            use std::sync::Arc;
            use std::sync::atomic::{AtomicUsize, Ordering};
            use std::time::{Duration, Instant};
            use $crate::ring_behaviour::*;
            use $make as make;

            #[test]
            fn receivers_get_what_is_left_and_then_learn_that_nothing_will_come() {
                let (sender, receiver) = make(4);
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
                let (sender, receiver) = make(4);
                sender.send("old").unwrap();
                drop(receiver);
                assert_eq!(sender.send("m"), Err(SendError("m")));
                assert_eq!(sender.try_send("m"), Err(TrySendError::Disconnected("m")));
                assert_eq!(sender.send_timeout("m", SOON), Err(SendTimeoutError::Disconnected("m")));
                assert_eq!(sender.try_send("m").unwrap_err().into_inner(), "m");
            }

            #[test]
            fn a_waiting_receiver_is_woken_by_a_message() {
                let (sender, receiver) = make(1);
                let waiter = std::thread::spawn(move || within(move || receiver.recv()));
                let_it_sleep();
                sender.send(7).unwrap();
                assert_eq!(waiter.join().unwrap(), Ok(7));
            }

            #[test]
            fn a_waiting_receiver_is_woken_when_the_last_sender_goes() {
                let (sender, receiver) = make::<u8>(1);
                let waiter = std::thread::spawn(move || within(move || receiver.recv()));
                let_it_sleep();
                drop(sender);
                assert_eq!(waiter.join().unwrap(), Err(RecvError));
            }

            #[test]
            fn a_wait_that_sleeps_is_ended_by_its_time_too() {
                let (sender, receiver) = make(1);
                let timeout = Duration::from_millis(30);
                let result = within(move || receiver.recv_timeout(timeout));
                assert_eq!(result, Err(RecvTimeoutError::Timeout));
                assert_eq!(sender.send(1), Err(SendError(1)));
            }

            #[test]
            fn iterators_yield_in_order_and_end() {
                let (sender, receiver) = make(10);
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
            fn messages_that_are_left_are_dropped_once_when_the_sender_went_first() {
                let alive = Arc::new(AtomicUsize::new(0));
                let (sender, receiver) = make(5);
                (0..5).for_each(|_| sender.send(Counted::new(&alive)).unwrap());
                drop(sender);
                assert_eq!(alive.load(Ordering::SeqCst), 5);
                drop(receiver.recv());
                drop(receiver);
                assert_eq!(alive.load(Ordering::SeqCst), 0);
            }

            #[test]
            fn messages_keep_their_alignment() {
                let (sender, receiver) = make(3);
                for n in 0..9 {
                    sender.send(Aligned(n)).unwrap();
                    assert_eq!(receiver.recv(), Ok(Aligned(n)));
                }
                sender.send(Aligned(1)).unwrap();
            }

            #[test]
            fn two_threads_exchange_every_message_in_order() {
                for capacity in [1, 2, 3, 8, 100] {
                    let (sender, receiver) = make(capacity);
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
                let (sender, receiver) = make(3);
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

            #[test]
            fn a_wait_for_a_message_ends_with_its_time() {
                let (sender, receiver) = make(1);
                let short = Duration::from_millis(5);
                assert_eq!(receiver.recv_timeout(short), Err(RecvTimeoutError::Timeout));
                assert_eq!(receiver.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
                assert_eq!(receiver.recv_deadline(Instant::now()), Err(RecvTimeoutError::Timeout));
                sender.send_timeout("a", short).unwrap();
                assert_eq!(receiver.recv_timeout(Duration::MAX), Ok("a"));
                sender.send_deadline("b", Instant::now()).unwrap();
                assert_eq!(receiver.recv_deadline(Instant::now()), Ok("b"));
            }

            #[test]
            fn messages_without_size_are_exchanged() {
                let (sender, receiver) = make(200);
                (0..200).for_each(|_| sender.try_send(()).unwrap());
                assert_eq!((sender.len(), receiver.len()), (200, 200));
                drop(sender);
                assert_eq!(receiver.iter().count(), 200);
            }

            #[test]
            fn handles_know_their_own_ring() {
                let ((sender, receiver), (other_sender, other_receiver)) = (make::<u8>(1), make::<u8>(1));
                assert!(sender.same_channel(&sender) && receiver.same_channel(&receiver));
                assert!(!sender.same_channel(&other_sender) && !receiver.same_channel(&other_receiver));
            }
        }
    };
}
