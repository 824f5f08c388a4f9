//! Senders that stand in each other's way.

/// Many senders of a ring with a bound: those who wait, and those who come after a claim.
#[macro_export]
macro_rules! fan_in_behaviours {
    ($flavour:ident) => {
        mod fan_in {
            use ringmain::ring::$flavour::bounded;
            use ringmain::ring::*;
            use std::sync::Arc;
            use std::sync::atomic::{AtomicUsize, Ordering};
            use std::thread;
            use $crate::ring_behaviour::*;

            #[test]
            fn all_waiting_senders_get_their_messages_back_when_the_last_receiver_goes() {
                let (sender, receiver) = bounded(1);
                sender.send(0).unwrap();
                let waiters: Vec<_> = (1..5)
                    .map(|number| {
                        let sender = sender.clone();
                        thread::spawn(move || (number, within(move || sender.send(number))))
                    })
                    .collect();
                let_it_sleep();
                drop(receiver);
                for waiter in waiters {
                    let (number, result) = waiter.join().unwrap();
                    assert_eq!(result, Err(SendError(number)));
                }
            }

            #[test]
            fn a_claim_keeps_back_what_is_sent_after_it() {
                within(|| {
                    for commits in [true, false] {
                        let (mut sender, receiver) = bounded(8);
                        let other = sender.clone();
                        other.send(0).unwrap();
                        let mut claim = sender.claim(3).unwrap();
                        claim.fill([1, 2]);
                        other.send_batch(&mut vec![4, 5]).unwrap();
                        assert_eq!(receiver.try_recv(), Ok(0));
                        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty), "and not a hang");
                        assert_eq!(receiver.try_recv_batch(&mut Vec::new(), 9), Err(TryRecvError::Empty));
                        assert_eq!((receiver.len(), other.len()), (5, 5), "the claimed slots are in use");
                        if commits {
                            assert_eq!(claim.commit(), 2);
                            assert!(receiver.try_iter().eq([1, 2, 4, 5]));
                        } else {
                            claim.abort();
                            assert!(receiver.try_iter().eq([4, 5]));
                        }
                        assert_eq!((receiver.len(), receiver.try_recv()), (0, Err(TryRecvError::Empty)));
                        for lap in 0..9 {
                            other.send_batch(&mut (lap..lap + 8).collect()).unwrap();
                            assert!(other.is_full());
                            assert!(receiver.try_iter().eq(lap..lap + 8));
                        }
                    }
                });
            }

            #[test]
            fn a_peek_looks_past_what_an_aborted_claim_left() {
                within(|| {
                    let (mut sender, mut receiver) = bounded(8);
                    let other = sender.clone();
                    let claim = sender.claim(3).unwrap();
                    other.send_batch(&mut vec![1, 2]).unwrap();
                    assert_eq!(receiver.try_peek(2).err(), Some(TryRecvError::Empty));
                    claim.abort();
                    assert!(receiver.try_peek(2).unwrap().iter().eq(&[1, 2]));
                    assert_eq!(receiver.try_peek(2).unwrap().commit(), 2);
                    assert_eq!(sender.try_claim(8).unwrap().room(), 8);
                });
            }

            #[test]
            fn a_waiting_receiver_is_woken_by_the_end_of_a_claim() {
                for commits in [true, false] {
                    let (mut sender, receiver) = bounded(8);
                    let other = sender.clone();
                    let mut claim = sender.claim(2).unwrap();
                    claim.push(1).unwrap();
                    other.send(2).unwrap();
                    let waiter = thread::spawn(move || within(move || receiver.iter().collect::<Vec<_>>()));
                    let_it_sleep();
                    if commits {
                        assert_eq!(claim.commit(), 1)
                    } else {
                        claim.abort()
                    }
                    let_it_sleep();
                    drop((sender, other));
                    assert_eq!(waiter.join().unwrap(), if commits { vec![1, 2] } else { vec![2] });
                }
            }

            #[test]
            fn a_waiting_sender_is_woken_by_an_aborted_claim() {
                for is_behind in [false, true] {
                    let (mut sender, receiver) = bounded(3);
                    let others = [sender.clone(), sender.clone()];
                    let claim = sender.claim(if is_behind { 2 } else { 3 }).unwrap();
                    if is_behind {
                        others[0].send(0).unwrap();
                    }
                    let waiters = others.map(|other| thread::spawn(move || within(move || other.send(1))));
                    let_it_sleep();
                    claim.abort();
                    if is_behind {
                        // Slots that were aborted before others come free when the receiver passes them.
                        assert_eq!(receiver.recv(), Ok(0));
                    }
                    waiters.into_iter().for_each(|waiter| waiter.join().unwrap().unwrap());
                    assert!(receiver.try_iter().eq([1, 1]));
                }
            }

            #[test]
            fn messages_around_claims_are_dropped_once() {
                let alive = Arc::new(AtomicUsize::new(0));
                for commits in [true, false] {
                    let (mut sender, receiver) = bounded(8);
                    let other = sender.clone();
                    let mut claim = sender.claim(3).unwrap();
                    claim.fill((0..2).map(|_| Counted::new(&alive)));
                    (0..4).for_each(|_| other.send(Counted::new(&alive)).unwrap());
                    if commits {
                        assert_eq!(claim.commit(), 2)
                    } else {
                        claim.abort()
                    }
                    assert_eq!(alive.load(Ordering::SeqCst), if commits { 6 } else { 4 });
                    drop(receiver.recv());
                    drop(receiver);
                    assert_eq!(alive.load(Ordering::SeqCst), 0);
                }
            }

            #[test]
            fn a_claim_may_outlive_the_receiver() {
                let alive = Arc::new(AtomicUsize::new(0));
                for commits in [true, false] {
                    let (mut sender, receiver) = bounded(8);
                    let other = sender.clone();
                    let mut claim = sender.claim(3).unwrap();
                    claim.fill((0..2).map(|_| Counted::new(&alive)));
                    other.send(Counted::new(&alive)).unwrap();
                    within(move || drop(receiver));
                    if commits {
                        assert_eq!(claim.commit(), 2)
                    } else {
                        claim.abort()
                    }
                    drop((sender, other));
                    assert_eq!(alive.load(Ordering::SeqCst), 0);
                }
            }
        }
    };
}
