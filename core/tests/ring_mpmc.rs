//! The ring for many senders and many receivers.

mod ring_behaviour;

use ring_behaviour::{SOON, let_it_sleep, within};
use ringmain::ring::{RecvError, SendError, TryRecvError, mpmc};
use std::thread;

behaviours!(mpmc);

/// Sends `count` messages from each of so many senders to so many receivers, and gives what each receiver got.
fn exchange(senders: usize, receivers: usize, capacity: usize, count: usize) -> Vec<Vec<(usize, usize)>> {
    let (sender, receiver) = mpmc::bounded(capacity);
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
fn many_threads_exchange_every_message_once_and_in_each_senders_order() {
    for (senders, receivers, capacity) in [(1, 1, 1), (2, 2, 1), (2, 2, 3), (4, 4, 64), (4, 1, 2), (1, 4, 2)]
    {
        let count = 5_000;
        let received = exchange(senders, receivers, capacity, count);
        for got in &received {
            for number in 0..senders {
                let order: Vec<usize> = got.iter().filter(|(s, _)| *s == number).map(|(_, n)| *n).collect();
                assert!(
                    order.is_sorted(),
                    "sender {number} of {senders}p{receivers}c/{capacity} out of order"
                );
            }
        }
        let mut all: Vec<_> = received.into_iter().flatten().collect();
        all.sort_unstable();
        let sent: Vec<_> = (0..senders).flat_map(|s| (0..count).map(move |n| (s, n))).collect();
        assert!(
            all == sent,
            "{} of {} messages, or others, in {senders}p{receivers}c/{capacity}",
            all.len(),
            sent.len()
        );
    }
}

#[test]
fn a_side_is_gone_only_with_its_last_handle() {
    let (sender, receiver) = mpmc::bounded(2);
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
    let (sender, receiver) = mpmc::bounded(1);
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
    let (sender, receiver) = mpmc::bounded::<u8>(1);
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
fn all_waiting_senders_get_their_messages_back_when_the_last_receiver_goes() {
    let (sender, receiver) = mpmc::bounded(1);
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
fn no_send_succeeds_once_the_last_receiver_has_gone() {
    for _ in 0..300 {
        let (sender, receiver) = mpmc::bounded(4);
        let sending = thread::spawn(move || {
            let mut message = std::sync::Arc::new(());
            let witness = std::sync::Arc::downgrade(&message);
            while sender.send(message).is_ok() {
                message = witness.upgrade().unwrap_or_default();
            }
            (sender, witness)
        });
        drop(receiver.recv());
        drop(receiver);
        let (sender, witness) = within(move || sending.join().unwrap());
        assert!(sender.is_empty(), "a message got in after the receiver had dropped all that was left");
        assert!(witness.upgrade().is_none());
    }
}
