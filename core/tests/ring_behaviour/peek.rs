//! Peeks.

/// Looking at messages before they are received.
#[macro_export]
macro_rules! peek_behaviours {
    ($make:path) => {
        mod peek {
            use ringmain::ring::*;
            use std::time::Duration;
            use $crate::ring_behaviour::*;
            use $make as make;

            #[test]
            fn a_peek_shows_messages_and_leaves_them_there() {
                let (sender, mut receiver) = make(8);
                sender.send_batch(&mut (1..=5).collect()).unwrap();
                for _ in 0..3 {
                    let peek = receiver.try_peek(3).unwrap();
                    assert_eq!((peek.len(), peek.is_empty()), (3, false));
                    assert_eq!((peek.get(0), peek.get(2), peek.get(3)), (Some(&1), Some(&3), None));
                    assert!(peek.iter().eq(&[1, 2, 3]));
                    assert!(format!("{peek:?}").contains("len: 3"));
                    peek.abort();
                    assert_eq!(receiver.len(), 5);
                }
                assert_eq!(receiver.peek(100).unwrap().len(), 5);
                assert_eq!(receiver.peek_timeout(1, SOON).unwrap().len(), 1);
                assert!(receiver.try_iter().eq(1..=5));
            }

            #[test]
            fn what_a_peek_takes_is_received_and_the_rest_keeps_its_order() {
                let (sender, mut receiver) = make(5);
                for round in 0..100 {
                    sender.send_batch(&mut (0..5).collect()).unwrap();
                    let taken = round % 6;
                    let mut peek = receiver.peek(5).unwrap();
                    let whole = peek.len();
                    for n in 0..taken.min(whole) {
                        assert_eq!(peek.get(0), Some(&n));
                        assert_eq!(peek.take(), Some(n));
                        assert_eq!(peek.len(), whole - n - 1);
                    }
                    assert!(peek.iter().copied().eq(taken.min(whole)..whole));
                    if taken == 5 && whole == 5 {
                        assert_eq!(peek.take(), None);
                    }
                    drop(peek);
                    assert!(receiver.try_iter().eq(taken.min(whole)..5));
                }
            }

            #[test]
            fn a_peek_receives_what_is_left_at_its_commit() {
                let (sender, mut receiver) = make(6);
                sender.send_batch(&mut (0..6).collect()).unwrap();
                let mut peek = receiver.try_peek(3).unwrap();
                assert_eq!((peek.take(), peek.commit()), (Some(0), 2));
                let mut seen = Vec::new();
                let mut peek = receiver.try_peek(2).unwrap();
                seen.extend(peek.take());
                assert_eq!(peek.take_each(|n| seen.push(n)), 1);
                assert_eq!(seen, [3, 4]);
                assert_eq!((receiver.recv(), receiver.try_recv()), (Ok(5), Err(TryRecvError::Empty)));
            }

            #[test]
            fn a_peek_at_nothing_is_empty() {
                let (sender, mut receiver) = make(2);
                sender.send(1).unwrap();
                let mut peek = receiver.try_peek(0).unwrap();
                assert_eq!((peek.len(), peek.take(), peek.get(0)), (0, None, None));
                assert_eq!(peek.commit(), 0);
                assert_eq!(receiver.peek(0).unwrap().take_each(|_| unreachable!()), 0);
                assert_eq!(receiver.recv(), Ok(1));
            }

            #[test]
            fn a_peek_into_an_empty_ring_says_why() {
                let (sender, mut receiver) = make(2);
                assert_eq!(receiver.try_peek(1).err(), Some(TryRecvError::Empty));
                let short = Duration::from_millis(5);
                assert_eq!(receiver.peek_timeout(1, short).err(), Some(RecvTimeoutError::Timeout));
                sender.send(1).unwrap();
                drop(sender);
                assert_eq!(receiver.peek(9).unwrap().commit(), 1);
                assert_eq!(receiver.try_peek(1).err(), Some(TryRecvError::Disconnected));
                assert_eq!(receiver.peek(1).err(), Some(RecvError));
                assert_eq!(receiver.peek_timeout(1, SOON).err(), Some(RecvTimeoutError::Disconnected));
            }

            #[test]
            fn a_receiver_that_waits_to_look_is_woken() {
                let (sender, mut receiver) = make(4);
                let waiter =
                    std::thread::spawn(move || within(move || receiver.peek(4).map(|mut p| p.take())));
                let_it_sleep();
                sender.send(7).unwrap();
                assert_eq!(waiter.join().unwrap(), Ok(Some(7)));
            }

            #[test]
            fn two_threads_exchange_every_message_through_peeks() {
                for capacity in [1, 2, 3, 8, 100] {
                    let (sender, mut receiver) = make(capacity);
                    let sending = std::thread::spawn(move || {
                        (0..20_000u64).for_each(|n| sender.send(Box::new(n)).unwrap());
                    });
                    let received = within(move || {
                        let mut got = Vec::new();
                        for len_max in (1..70).cycle() {
                            let Ok(mut peek) = receiver.peek(len_max) else { break };
                            let len = peek.len();
                            if len_max % 3 == 0 {
                                peek.take_each(|n| got.push(*n));
                                continue;
                            }
                            for _ in 0..len.div_ceil(2) {
                                got.extend(peek.take().map(|n| *n));
                            }
                        }
                        got
                    });
                    sending.join().unwrap();
                    assert!(received.into_iter().eq(0..20_000));
                }
            }
        }
    };
}
