//! What a bound does.

/// Rings that have a capacity.
#[macro_export]
macro_rules! bounded_behaviours {
    ($make:path) => {
        mod bounded_ring {
            use ringmain::ring::*;
            use std::time::{Duration, Instant};
            use $crate::ring_behaviour::*;
            use $make as bounded;

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
            fn messages_without_size_are_counted() {
                let (sender, receiver) = bounded(3);
                (0..3).for_each(|_| sender.try_send(()).unwrap());
                assert!(sender.try_send(()).unwrap_err().is_full());
                drop(sender);
                assert_eq!(receiver.iter().count(), 3);
            }

            #[test]
            fn an_error_is_unwrapped_and_shown_whatever_the_message_is() {
                struct Mute;
                let (sender, receiver) = bounded(1);
                sender.try_send(Mute).unwrap();
                let error = sender.try_send(Mute).unwrap_err();
                assert_eq!(
                    (format!("{error}"), format!("{error:?}")),
                    ("sending into a full ring".into(), "Full(..)".into())
                );
                drop(receiver);
                assert_eq!(
                    sender.send(Mute).unwrap_err().to_string(),
                    "sending into a ring without receivers"
                );
                assert!(format!("{sender:?}").contains("capacity: Some(1)"));
            }

            #[test]
            fn a_send_waits_until_its_deadline() {
                let (sender, receiver) = bounded(1);
                sender.send_deadline("a", Instant::now()).unwrap();
                let soon = Instant::now() + Duration::from_millis(5);
                assert_eq!(sender.send_deadline("b", soon), Err(SendTimeoutError::Timeout("b")));
                drop(receiver);
                assert_eq!(sender.send_deadline("b", soon), Err(SendTimeoutError::Disconnected("b")));
            }

            #[test]
            fn a_batch_that_does_not_fit_is_sent_as_far_as_it_does() {
                let (sender, receiver) = bounded(4);
                for _ in 0..9 {
                    let mut messages: Vec<_> = (0..6).collect();
                    assert_eq!(sender.try_send_batch(&mut messages), Ok(4));
                    assert_eq!(messages, [4, 5]);
                    assert_eq!(sender.try_send_batch(&mut messages), Err(TrySendError::Full(())));
                    assert_eq!(messages, [4, 5]);
                    assert_eq!(receiver.recv(), Ok(0));
                    let result = sender.send_batch_timeout(&mut messages, Duration::from_millis(5));
                    assert_eq!((result, &*messages), (Err(SendTimeoutError::Timeout(())), &[5][..]));
                    assert!(receiver.try_iter().eq(1..=4));
                }
            }

            #[test]
            fn a_batch_longer_than_the_ring_is_sent_as_room_comes() {
                let (sender, receiver) = bounded(3);
                let waiter =
                    std::thread::spawn(move || within(move || sender.send_batch(&mut (0..50).collect())));
                let_it_sleep();
                within(move || assert!(receiver.iter().eq(0..50)));
                assert_eq!(waiter.join().unwrap(), Ok(()));
            }

            #[test]
            fn a_waiting_batch_stays_when_the_last_receiver_goes() {
                let (sender, receiver) = bounded(2);
                let waiter = std::thread::spawn(move || {
                    within(move || {
                        let mut messages = vec![1, 2, 3];
                        (sender.send_batch(&mut messages), messages)
                    })
                });
                let_it_sleep();
                drop(receiver);
                assert_eq!(waiter.join().unwrap().0, Err(SendError(())));
            }

            #[test]
            fn a_claim_is_no_larger_than_the_room() {
                let (mut sender, mut receiver) = bounded(4);
                assert_eq!(sender.try_claim(1000).unwrap().room(), 4);
                sender.send(0).unwrap();
                let mut claim = sender.claim(usize::MAX).unwrap();
                assert_eq!((claim.room(), claim.fill(1..)), (3, 3));
                claim.commit();
                assert!(sender.is_full());
                assert_eq!(sender.try_claim(1).err(), Some(TrySendError::Full(())));
                let short = Duration::from_millis(5);
                assert_eq!(sender.claim_timeout(1, short).err(), Some(SendTimeoutError::Timeout(())));
                assert_eq!(sender.claim(0).unwrap().commit(), 0);
                assert_eq!(receiver.peek(2).unwrap().commit(), 2);
                assert_eq!(sender.try_claim(4).unwrap().room(), 2);
            }

            #[test]
            fn a_claim_waits_for_room() {
                let (mut sender, receiver) = bounded(2);
                sender.send_batch(&mut vec![1, 2]).unwrap();
                let waiter = std::thread::spawn(move || {
                    within(move || {
                        let mut claim = sender.claim(2).unwrap();
                        claim.push(3).unwrap();
                        claim.commit()
                    })
                });
                let_it_sleep();
                assert_eq!(receiver.recv(), Ok(1));
                assert_eq!(waiter.join().unwrap(), 1);
                assert!(receiver.iter().eq([2, 3]));
            }

            #[test]
            fn a_waiting_sender_is_woken_by_what_a_peek_takes() {
                let (sender, mut receiver) = bounded(2);
                sender.send_batch(&mut vec![1, 2]).unwrap();
                let waiter = std::thread::spawn(move || within(move || sender.send(3)));
                let_it_sleep();
                let mut peek = receiver.peek(2).unwrap();
                assert_eq!(peek.take(), Some(1));
                peek.abort();
                assert_eq!(waiter.join().unwrap(), Ok(()));
                assert!(receiver.iter().eq([2, 3]));
            }

            #[test]
            fn a_sender_that_waits_burns_no_core() {
                let (sender, receiver) = bounded(1);
                sender.send(1).unwrap();
                let waiter = std::thread::spawn(move || {
                    within(move || {
                        let before = thread_cpu_time();
                        let result = sender.send(2);
                        (result, thread_cpu_time() - before)
                    })
                });
                std::thread::sleep(A_WHILE);
                assert_eq!(receiver.recv(), Ok(1));
                let (result, burnt) = waiter.join().unwrap();
                assert_eq!(result, Ok(()));
                assert!(burnt < LITTLE, "{burnt:?} of processor time in {A_WHILE:?}");
            }
        }
    };
}
