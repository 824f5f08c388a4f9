//! Handles in many places.

/// Many senders, and receivers that compete for the messages.
#[macro_export]
macro_rules! competing_behaviours {
    ($make:path) => {
        mod competing {
            use ringmain::ring::*;
            use std::sync::Arc;
            use std::thread;
            use $crate::ring_behaviour::*;
            use $make as make;

            /// Sends `count` messages from each of so many senders to so many receivers, and gives what each receiver got.
            fn exchange(
                senders: usize,
                receivers: usize,
                capacity: usize,
                count: usize,
            ) -> Vec<Vec<(usize, usize)>> {
                let (sender, receiver) = make(capacity);
                for number in 0..senders {
                    let sender = sender.clone();
                    thread::spawn(move || (0..count).for_each(|n| sender.send((number, n)).unwrap()));
                }
                drop(sender);
                let receiving: Vec<_> = (0..receivers)
                    .map(|_| {
                        let receiver = receiver.clone();
                        thread::spawn(move || receiver.iter().collect::<Vec<_>>())
                    })
                    .collect();
                drop(receiver);
                within(move || receiving.into_iter().map(|thread| thread.join().unwrap()).collect())
            }

            #[test]
            fn a_side_is_gone_only_with_its_last_handle() {
                let (sender, receiver) = make(2);
                let (sender_too, receiver_too) = (sender.clone(), receiver.clone());
                drop(sender);
                assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
                drop(receiver);
                sender_too.send(1).unwrap();
                drop(sender_too);
                assert_eq!(receiver_too.recv(), Ok(1));
                assert_eq!(receiver_too.recv(), Err(RecvError));
            }

            #[test]
            fn handles_are_shared_by_reference_too() {
                let (sender, receiver) = make(1);
                let sum: u64 = thread::scope(|scope| {
                    for number in 1..=10 {
                        let sender = &sender;
                        scope.spawn(move || sender.send(number).unwrap());
                    }
                    (0..10).map(|_| receiver.recv_timeout(SOON).unwrap()).sum()
                });
                assert_eq!(sum, 55);
            }

            #[test]
            fn all_waiting_receivers_are_woken_when_the_last_sender_goes() {
                let (sender, receiver) = make::<u8>(1);
                let waiters: Vec<_> = (0..4)
                    .map(|_| {
                        let receiver = receiver.clone();
                        thread::spawn(move || within(move || receiver.recv()))
                    })
                    .collect();
                let_it_sleep();
                drop(sender);
                assert!(waiters.into_iter().all(|waiter| waiter.join().unwrap() == Err(RecvError)));
            }

            #[test]
            fn no_send_succeeds_once_the_last_receiver_has_gone() {
                for _ in 0..300 {
                    let (sender, receiver) = make(4);
                    let sending = thread::spawn(move || {
                        let mut message = Arc::new(());
                        let witness = Arc::downgrade(&message);
                        while sender.send(message).is_ok() {
                            message = witness.upgrade().unwrap_or_default();
                        }
                        (sender, witness)
                    });
                    drop(receiver.recv());
                    drop(receiver);
                    let (sender, witness) = within(move || sending.join().unwrap());
                    assert!(
                        sender.is_empty(),
                        "a message got in after the receiver had dropped all that was left"
                    );
                    assert!(witness.upgrade().is_none());
                }
            }

            /// As `exchange`, with batches, claims and peeks of many lengths.
            fn exchange_runs(
                senders: usize,
                receivers: usize,
                capacity: usize,
                count: usize,
            ) -> Vec<Vec<(usize, usize)>> {
                let (sender, receiver) = make(capacity);
                for number in 0..senders {
                    let mut sender = sender.clone();
                    thread::spawn(move || {
                        let mut sent = 0;
                        for len in (1..90).cycle() {
                            let mut messages = (sent..count).map(|n| (number, n));
                            if sent == count {
                                break;
                            } else if len % 3 == 0 {
                                sender.send_batch(&mut messages.take(len).collect()).unwrap();
                                sent += len.min(count - sent);
                            } else {
                                let mut claim = sender.claim(len).unwrap();
                                claim.fill(messages.by_ref().take(len - len % 5));
                                sent += if len % 4 == 0 { 0 } else { claim.commit() };
                            }
                        }
                    });
                }
                drop(sender);
                let receiving: Vec<_> = (0..receivers)
                    .map(|_| {
                        let mut receiver = receiver.clone();
                        thread::spawn(move || {
                            let mut got = Vec::new();
                            for len in (1..80).cycle() {
                                let is_over = match len % 3 {
                                    0 => receiver.recv_batch(&mut got, len).is_err(),
                                    1 => receiver.recv().map(|message| got.push(message)).is_err(),
                                    _ => match receiver.peek(len) {
                                        Ok(mut peek) => {
                                            got.extend(peek.take());
                                            if len % 2 == 0 {
                                                peek.take_each(|message| got.push(message));
                                            }
                                            false
                                        }
                                        Err(_) => true,
                                    },
                                };
                                if is_over {
                                    break;
                                }
                            }
                            got
                        })
                    })
                    .collect();
                drop(receiver);
                within(move || receiving.into_iter().map(|thread| thread.join().unwrap()).collect())
            }

            fn check_exchange(exchange: impl Fn(usize, usize, usize, usize) -> Vec<Vec<(usize, usize)>>) {
                for (senders, receivers, capacity) in
                    [(1, 1, 1), (2, 2, 1), (2, 2, 3), (4, 4, 64), (4, 1, 2), (1, 4, 2)]
                {
                    let count = 5_000;
                    let case = format!("{senders}p{receivers}c/{capacity}");
                    let received = exchange(senders, receivers, capacity, count);
                    for (got, number) in received.iter().flat_map(|got| (0..senders).map(move |n| (got, n))) {
                        let order = got.iter().filter(|(s, _)| *s == number).map(|(_, n)| *n);
                        assert!(order.is_sorted(), "sender {number} of {case} out of order");
                    }
                    let mut all: Vec<_> = received.into_iter().flatten().collect();
                    all.sort_unstable();
                    let sent: Vec<_> = (0..senders).flat_map(|s| (0..count).map(move |n| (s, n))).collect();
                    assert!(all == sent, "{} of {} messages, or others, in {case}", all.len(), sent.len());
                }
            }

            #[test]
            fn many_threads_exchange_every_message_once_and_in_each_senders_order() {
                check_exchange(exchange);
            }

            #[test]
            fn many_threads_exchange_batches_claims_and_peeks_likewise() {
                check_exchange(exchange_runs);
            }

            #[test]
            fn a_peek_keeps_the_other_receivers_waiting() {
                let (sender, mut receiver) = make(8);
                let other = receiver.clone();
                sender.send_batch(&mut (0..4).collect()).unwrap();
                let mut peek = receiver.peek(2).unwrap();
                assert_eq!(other.try_recv(), Err(TryRecvError::Empty));
                assert_eq!(other.try_recv_batch(&mut Vec::new(), 4), Err(TryRecvError::Empty));
                assert_eq!(other.clone().try_peek(4).err(), Some(TryRecvError::Empty));
                assert_eq!((sender.len(), other.len()), (4, 4));
                sender.send(4).unwrap();
                assert_eq!(other.try_recv(), Err(TryRecvError::Empty));
                assert_eq!(peek.take(), Some(0));
                peek.abort();
                assert_eq!(other.try_recv(), Ok(1));
                receiver.peek(2).unwrap().commit();
                assert!(other.try_iter().eq([4]));
            }

            #[test]
            fn receivers_that_wait_are_woken_by_the_end_of_a_peek() {
                for taken in 0..=2 {
                    let (sender, mut receiver) = make(8);
                    sender.send_batch(&mut (0..4).collect()).unwrap();
                    let others = [receiver.clone(), receiver.clone()];
                    let mut peek = receiver.peek(2).unwrap();
                    let waiters = others.map(|other| thread::spawn(move || within(move || other.recv())));
                    let_it_sleep();
                    let mut got: Vec<usize> = (0..taken).map_while(|_| peek.take()).collect();
                    peek.abort();
                    got.extend(waiters.map(|waiter| waiter.join().unwrap().unwrap()));
                    got.extend(receiver.try_iter());
                    got.sort_unstable();
                    assert_eq!(got, [0, 1, 2, 3]);
                }
            }

            #[test]
            fn a_receiver_learns_of_the_end_only_after_a_peek() {
                let (sender, mut receiver) = make(2);
                sender.send(1).unwrap();
                let other = receiver.clone();
                let peek = receiver.peek(1).unwrap();
                drop(sender);
                let waiter = thread::spawn(move || within(move || (other.recv(), other.recv())));
                let_it_sleep();
                peek.abort();
                assert_eq!(waiter.join().unwrap(), (Ok(1), Err(RecvError)));
            }
        }
    };
}
