//! Batches.

/// Sending and receiving many messages at once.
#[macro_export]
macro_rules! batch_behaviours {
    ($make:path) => {
        mod batch {
            use ringmain::ring::*;
            use std::time::Duration;
            use $crate::ring_behaviour::*;
            use $make as make;

            #[test]
            fn a_batch_is_sent_and_received_whole_and_in_order() {
                let (sender, receiver) = make(200);
                let (mut sent, mut received) = (0, Vec::new());
                for len in (1..200).chain([200, 3, 64]) {
                    let mut messages: Vec<usize> = (sent..sent + len).collect();
                    assert_eq!(sender.try_send_batch(&mut messages), Ok(len));
                    assert!(messages.is_empty());
                    assert_eq!(receiver.len(), len);
                    while receiver.try_recv_batch(&mut received, 300).is_ok() {}
                    sent += len;
                    assert_eq!(received.len(), sent);
                }
                assert!(received.into_iter().eq(0..sent));
            }

            #[test]
            fn a_batch_is_appended_and_no_longer_than_asked_for() {
                let (sender, receiver) = make(10);
                sender.send_batch(&mut (0..10).collect()).unwrap();
                let mut received = vec![77];
                assert_eq!(receiver.try_recv_batch(&mut received, 3), Ok(3));
                assert_eq!(received, [77, 0, 1, 2]);
                assert_eq!(receiver.recv_batch(&mut received, 1), Ok(1));
                assert_eq!(receiver.recv_batch_timeout(&mut received, 2, SOON), Ok(2));
                assert_eq!(receiver.recv(), Ok(6));
                assert_eq!(receiver.try_recv_batch(&mut received, usize::MAX), Ok(3));
                assert_eq!(received, [77, 0, 1, 2, 3, 4, 5, 7, 8, 9]);
            }

            #[test]
            fn an_empty_batch_is_no_message() {
                let (sender, receiver) = make::<u8>(1);
                assert_eq!(sender.try_send_batch(&mut Vec::new()), Ok(0));
                assert_eq!(sender.send_batch(&mut Vec::new()), Ok(()));
                assert_eq!(receiver.try_recv_batch(&mut Vec::new(), 0), Ok(0));
                assert_eq!(receiver.recv_batch(&mut Vec::new(), 0), Ok(0));
                assert_eq!(receiver.len(), 0);
            }

            #[test]
            fn a_batch_without_receivers_stays_where_it_is() {
                let (sender, receiver) = make(4);
                drop(receiver);
                let mut messages = vec![1, 2, 3];
                assert_eq!(sender.try_send_batch(&mut messages), Err(TrySendError::Disconnected(())));
                assert_eq!(sender.send_batch(&mut messages), Err(SendError(())));
                let result = sender.send_batch_timeout(&mut messages, SOON);
                assert_eq!(result, Err(SendTimeoutError::Disconnected(())));
                assert_eq!(messages, [1, 2, 3]);
            }

            #[test]
            fn a_batch_of_nothing_says_why() {
                let (sender, receiver) = make(4);
                let mut got = vec![9];
                assert_eq!(receiver.try_recv_batch(&mut got, 4), Err(TryRecvError::Empty));
                let short = Duration::from_millis(5);
                assert_eq!(receiver.recv_batch_timeout(&mut got, 4, short), Err(RecvTimeoutError::Timeout));
                sender.send_batch(&mut vec![1, 2]).unwrap();
                drop(sender);
                assert_eq!(receiver.recv_batch(&mut got, 4), Ok(2));
                assert_eq!(receiver.recv_batch(&mut got, 4), Err(RecvError));
                assert_eq!(receiver.try_recv_batch(&mut got, 4), Err(TryRecvError::Disconnected));
                let result = receiver.recv_batch_timeout(&mut got, 4, SOON);
                assert_eq!(result, Err(RecvTimeoutError::Disconnected));
                assert_eq!(got, [9, 1, 2]);
            }

            #[test]
            fn a_receiver_that_waits_for_a_batch_is_woken() {
                let (sender, receiver) = make(4);
                let waiter = std::thread::spawn(move || {
                    within(move || {
                        let mut got = Vec::new();
                        while receiver.recv_batch(&mut got, 8).is_ok() {}
                        got
                    })
                });
                let_it_sleep();
                sender.send_batch(&mut vec![1, 2, 3]).unwrap();
                let_it_sleep();
                sender.send_batch(&mut vec![4]).unwrap();
                drop(sender);
                assert_eq!(waiter.join().unwrap(), [1, 2, 3, 4]);
            }

            #[test]
            fn two_threads_exchange_batches_in_order() {
                for capacity in [1, 2, 3, 8, 100] {
                    let (sender, receiver) = make(capacity);
                    let sending = std::thread::spawn(move || {
                        let mut next = 0usize;
                        for len in (1..150).cycle().take(500) {
                            let mut messages: Vec<_> = (next..next + len).map(Box::new).collect();
                            next += len;
                            sender.send_batch(&mut messages).unwrap();
                            assert!(messages.is_empty());
                        }
                        next
                    });
                    let received = within(move || {
                        let mut got = Vec::new();
                        for len_max in (1..130).cycle() {
                            if receiver.recv_batch(&mut got, len_max).is_err() {
                                break;
                            }
                        }
                        got
                    });
                    let sent = sending.join().unwrap();
                    assert!(received.into_iter().map(|n| *n).eq(0..sent));
                }
            }
        }
    };
}
