//! What becomes of messages.

/// Messages that a receiver moves out of the ring, and that the last receiver drops if they are left.
#[macro_export]
macro_rules! moving_behaviours {
    ($flavour:ident, $make:path) => {
        mod moving {
            use ringmain::ring::$flavour::Sender;
            use std::panic::{AssertUnwindSafe, catch_unwind};
            use std::rc::Rc;
            use std::sync::Arc;
            use std::sync::atomic::{AtomicUsize, Ordering};
            use $crate::ring_behaviour::*;
            use $make as make;

            #[test]
            fn messages_that_are_left_are_dropped_once_when_the_receiver_goes() {
                let alive = Arc::new(AtomicUsize::new(0));
                let (sender, receiver) = make(5);
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
            fn a_message_whose_drop_panics_does_not_keep_the_others() {
                let alive = Arc::new(AtomicUsize::new(0));
                for at in 0..4 {
                    let (sender, receiver) = make(4);
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
                let (sender, receiver) = make(2);
                let sender = Rc::new(sender);
                let knot = Knot { _sender: Rc::clone(&sender), _counted: Counted::new(&alive) };
                assert!(sender.try_send(knot).is_ok());
                drop(sender);
                drop(receiver);
                assert_eq!(alive.load(Ordering::SeqCst), 0);
            }

            #[test]
            fn messages_of_batches_are_dropped_once() {
                let alive = Arc::new(AtomicUsize::new(0));
                let (sender, receiver) = make(150);
                let batch = |len: usize| (0..len).map(|_| Counted::new(&alive)).collect::<Vec<_>>();
                sender.send_batch(&mut batch(150)).unwrap();
                let mut got = Vec::new();
                receiver.recv_batch(&mut got, 70).unwrap();
                assert_eq!(alive.load(Ordering::SeqCst), 150);
                let received = got.len();
                drop(got);
                assert_eq!(alive.load(Ordering::SeqCst), 150 - received);
                drop(receiver);
                assert_eq!(alive.load(Ordering::SeqCst), 0);
                let mut unsent = batch(3);
                assert!(sender.try_send_batch(&mut unsent).is_err());
                assert_eq!(alive.load(Ordering::SeqCst), 3);
                drop((sender, unsent));
                assert_eq!(alive.load(Ordering::SeqCst), 0);
            }

            #[test]
            fn an_iterator_that_panics_leaves_a_claim_whole() {
                let alive = Arc::new(AtomicUsize::new(0));
                let (mut sender, receiver) = make(8);
                for keep in [true, false] {
                    let mut claim = sender.try_claim(4).unwrap();
                    claim.push(Counted::new(&alive)).ok().unwrap();
                    let messages =
                        (0..4).map(|n| if n < 2 { Counted::new(&alive) } else { panic!("no more") });
                    assert!(catch_unwind(AssertUnwindSafe(|| claim.fill(messages))).is_err());
                    assert_eq!((claim.len(), alive.load(Ordering::SeqCst)), (3, 3));
                    let sent = match keep {
                        true => claim.commit(),
                        false => {
                            drop(claim);
                            0
                        }
                    };
                    assert_eq!(receiver.try_iter().count(), sent);
                    assert_eq!(alive.load(Ordering::SeqCst), 0);
                }
                sender.send(Counted::new(&alive)).unwrap();
                assert_eq!(receiver.try_iter().count(), 1);
            }

            #[test]
            fn a_sink_that_panics_has_what_it_was_given_and_no_more() {
                let alive = Arc::new(AtomicUsize::new(0));
                let (sender, mut receiver) = make(5);
                (0..5).for_each(|n| sender.send((n, Counted::new(&alive))).unwrap());
                let mut seen = Vec::new();
                let peek = receiver.peek(5).unwrap();
                let panicked = catch_unwind(AssertUnwindSafe(|| {
                    peek.take_each(|(n, message)| {
                        seen.push(n);
                        drop(message);
                        assert!(n != 2, "enough");
                    })
                }));
                assert!(panicked.is_err());
                assert_eq!((seen, alive.load(Ordering::SeqCst)), (vec![0, 1, 2], 2));
                assert!(receiver.try_iter().map(|(n, _)| n).eq([3, 4]));
                assert_eq!(alive.load(Ordering::SeqCst), 0);
            }

            #[test]
            fn a_message_whose_drop_panics_at_a_commit_is_gone_and_the_rest_stays() {
                let alive = Arc::new(AtomicUsize::new(0));
                let (sender, mut receiver) = make(4);
                for n in 0..4 {
                    let message = if n == 1 { Counted::panicking(&alive) } else { Counted::new(&alive) };
                    sender.send((n, message)).unwrap();
                }
                let peek = receiver.peek(4).unwrap();
                assert!(catch_unwind(AssertUnwindSafe(|| peek.commit())).is_err());
                assert_eq!(alive.load(Ordering::SeqCst), 2);
                assert!(receiver.try_iter().map(|(n, _)| n).eq([2, 3]));
                assert_eq!(alive.load(Ordering::SeqCst), 0);
            }

            #[test]
            fn what_is_looked_at_is_dropped_once() {
                let alive = Arc::new(AtomicUsize::new(0));
                let (sender, mut receiver) = make(9);
                (0..9).for_each(|_| sender.send(Counted::new(&alive)).unwrap());
                receiver.peek(3).unwrap().abort();
                assert_eq!(alive.load(Ordering::SeqCst), 9);
                receiver.peek(2).unwrap().commit();
                assert_eq!(alive.load(Ordering::SeqCst), 7);
                drop(receiver.peek(2).unwrap().take());
                assert_eq!(alive.load(Ordering::SeqCst), 6);
                receiver.peek(2).unwrap().take_each(drop);
                assert_eq!(alive.load(Ordering::SeqCst), 4);
                drop(receiver);
                assert_eq!(alive.load(Ordering::SeqCst), 0);
            }
        }
    };
}
