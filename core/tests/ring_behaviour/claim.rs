//! Claims.

/// Writing messages in place and sending them together.
#[macro_export]
macro_rules! claim_behaviours {
    ($make:path) => {
        mod claim {
            use ringmain::ring::*;
            use std::panic::{AssertUnwindSafe, catch_unwind};
            use std::sync::Arc;
            use std::sync::atomic::{AtomicUsize, Ordering};
            use $crate::ring_behaviour::*;
            use $make as make;

            #[test]
            fn a_claim_sends_what_it_has_written_when_it_is_committed() {
                let (mut sender, receiver) = make(8);
                sender.send(0).unwrap();
                let mut claim = sender.try_claim(4).unwrap();
                assert_eq!((claim.len(), claim.room(), claim.is_empty()), (0, 4, true));
                claim.push(1).unwrap();
                assert_eq!((claim.len(), claim.room(), claim.is_empty()), (1, 3, false));
                assert_eq!(receiver.try_recv(), Ok(0));
                assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty), "not yet");
                assert_eq!(claim.fill([2, 3]), 2);
                claim.push(4).unwrap();
                assert_eq!((claim.push(5), claim.room()), (Err(5), 0));
                assert!(format!("{claim:?}").contains("len: 4"));
                assert_eq!(claim.commit(), 4);
                sender.send(5).unwrap();
                assert!(receiver.try_iter().eq(1..=5));
            }

            #[test]
            fn a_claim_takes_from_an_iterator_only_what_it_has_room_for() {
                let (mut sender, receiver) = make(8);
                let mut messages = 0..10;
                let mut claim = sender.claim(3).unwrap();
                assert_eq!(claim.fill(&mut messages), 3);
                assert_eq!(claim.fill(&mut messages), 0);
                claim.commit();
                assert_eq!(messages, 3..10);
                let mut claim = sender.claim_timeout(5, SOON).unwrap();
                assert_eq!(claim.fill([3, 4]), 2, "the iterator may end first");
                claim.commit();
                assert!(receiver.try_iter().eq(0..5));
            }

            #[test]
            fn a_claim_that_is_dropped_or_aborted_leaves_the_ring_as_it_was() {
                let (mut sender, receiver) = make(5);
                for round in 0..200 {
                    let mut claim = sender.try_claim(round % 5 + 1).unwrap();
                    claim.fill((0..round % 4).map(|_| 99));
                    if round % 2 == 0 {
                        claim.abort()
                    } else {
                        drop(claim)
                    }
                    assert_eq!((sender.len(), receiver.try_recv()), (0, Err(TryRecvError::Empty)));
                    sender.try_send(round).unwrap();
                    assert_eq!((receiver.len(), receiver.try_recv()), (1, Ok(round)));
                }
            }

            #[test]
            fn what_a_claim_does_not_use_is_free_again() {
                for written in 0..=6 {
                    let (mut sender, receiver) = make(6);
                    for _ in 0..40 {
                        let mut claim = sender.try_claim(6).unwrap();
                        assert_eq!(claim.room(), 6, "all of the ring");
                        assert_eq!(claim.fill(0..written), written);
                        assert_eq!(claim.commit(), written);
                        (written..6).for_each(|n| sender.try_send(n).unwrap());
                        assert!(receiver.try_iter().eq(0..6));
                    }
                }
            }

            #[test]
            fn a_claim_of_nothing_has_no_room_and_sends_nothing() {
                let (mut sender, receiver) = make(1);
                sender.send(1).unwrap();
                let mut claim = sender.try_claim(0).unwrap();
                assert_eq!((claim.push(2), claim.fill([3]), claim.room()), (Err(2), 0, 0));
                assert_eq!(claim.commit(), 0);
                assert_eq!(sender.claim(0).unwrap().push(2), Err(2));
                assert!(receiver.try_iter().eq([1]));
            }

            #[test]
            fn a_claim_without_receivers_is_refused() {
                let (mut sender, receiver) = make::<u8>(4);
                drop(receiver);
                assert_eq!(sender.try_claim(2).err(), Some(TrySendError::Disconnected(())));
                assert_eq!(sender.claim(2).err(), Some(SendError(())));
                assert_eq!(sender.claim_timeout(2, SOON).err(), Some(SendTimeoutError::Disconnected(())));
            }

            #[test]
            fn a_claim_that_is_left_by_a_panic_sends_nothing() {
                let alive = Arc::new(AtomicUsize::new(0));
                let (mut sender, receiver) = make(4);
                let panicked = catch_unwind(AssertUnwindSafe(|| {
                    let mut claim = sender.try_claim(3).unwrap();
                    claim.push(Counted::new(&alive)).ok().unwrap();
                    panic!("before the commit");
                }));
                assert!(panicked.is_err());
                assert_eq!((alive.load(Ordering::SeqCst), receiver.len()), (0, 0));
                (0..4).for_each(|_| sender.try_send(Counted::new(&alive)).unwrap());
                assert_eq!(receiver.try_iter().count(), 4);
            }

            #[test]
            fn a_message_whose_drop_panics_does_not_keep_the_others_of_a_claim() {
                let alive = Arc::new(AtomicUsize::new(0));
                for at in 0..3 {
                    let (mut sender, receiver) = make(3);
                    let mut claim = sender.try_claim(3).unwrap();
                    claim.fill((0..3).map(|n| match n == at {
                        true => Counted::panicking(&alive),
                        false => Counted::new(&alive),
                    }));
                    assert!(catch_unwind(AssertUnwindSafe(|| claim.abort())).is_err());
                    assert_eq!(alive.load(Ordering::SeqCst), 0);
                    assert_eq!(receiver.len(), 0);
                    (0..3).for_each(|_| sender.try_send(Counted::new(&alive)).unwrap());
                    assert_eq!(receiver.try_iter().count(), 3);
                }
            }

            #[test]
            fn messages_that_are_committed_after_the_receiver_went_are_dropped_with_the_sender() {
                let alive = Arc::new(AtomicUsize::new(0));
                let (mut sender, receiver) = make(4);
                let mut claim = sender.try_claim(3).unwrap();
                claim.fill((0..2).map(|_| Counted::new(&alive)));
                drop(receiver);
                claim.commit();
                assert!(sender.try_send(Counted::new(&alive)).unwrap_err().is_disconnected());
                drop(sender);
                assert_eq!(alive.load(Ordering::SeqCst), 0);
            }

            #[test]
            fn a_waiting_receiver_is_woken_by_a_commit() {
                let (mut sender, receiver) = make(4);
                let mut claim = sender.claim(2).unwrap();
                claim.fill([7, 8]);
                let waiter = std::thread::spawn(move || within(move || (receiver.recv(), receiver.recv())));
                let_it_sleep();
                claim.commit();
                assert_eq!(waiter.join().unwrap(), (Ok(7), Ok(8)));
            }

            #[test]
            fn two_threads_exchange_claims_in_order() {
                for capacity in [1, 2, 3, 8, 100] {
                    let (mut sender, receiver) = make(capacity);
                    let sending = std::thread::spawn(move || {
                        let mut next = 0u64;
                        for round in 0..2000 {
                            let mut claim = sender.claim(round % 90 + 1).unwrap();
                            let room = claim.room();
                            if round % 7 == 0 {
                                claim.push(Box::new(u64::MAX)).unwrap();
                                continue;
                            }
                            let written =
                                claim.fill((next..).take(room.div_ceil(round % 2 + 1)).map(Box::new));
                            assert_eq!(claim.commit(), written);
                            next += written as u64;
                        }
                        next
                    });
                    let received: Vec<u64> = within(move || receiver.iter().map(|n| *n).collect());
                    let sent = sending.join().unwrap();
                    assert!(received.into_iter().eq(0..sent));
                }
            }
        }
    };
}
