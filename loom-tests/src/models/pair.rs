//! One sender, one receiver, any flavour.

use super::{Mint, Model, Size, models};
use crate::flavour::{Flavour, Mpmc, Receiving, Sending, Spsc};
use crate::ring::{RecvError, SendError, TryRecvError, TrySendError};
use crate::sync::thread;

macro_rules! pair {
    ($list:ident, $flavour:ident, $prefix:literal) => {
        models! { $list, $flavour, $prefix:
            publish_slot Size::Small,
            release_slot Size::Small,
            close_after_the_last_message Size::Small,
            close_under_a_sender Size::Small,
            park_wake_of_a_receiver Size::Small,
            park_wake_of_a_sender Size::Small,
            park_wake_of_a_receiver_by_close Size::Small,
            park_wake_of_a_sender_by_close Size::Small,
            park_wake_of_both_in_turn Size::Bounded(3),
            park_wake_of_both_for_long Size::Large,
        }
    };
}

pair!(SPSC, Spsc, "spsc");
pair!(MPMC, Mpmc, "mpmc");

/// What is received was written whole, in the order of sending.
fn publish_slot<F: Flavour>() {
    let mint = Mint::default();
    let (sender, receiver) = F::bounded(2);
    let (one, two) = (mint.token(1), mint.token(2));
    let sending = thread::spawn(move || {
        sender.try_send(one).unwrap();
        sender.try_send(two).unwrap();
    });
    let mut received = 0;
    for _ in 0..3 {
        if let Ok(token) = receiver.try_recv() {
            received += 1;
            assert_eq!(token.number, received);
        }
    }
    sending.join().unwrap();
    while let Ok(token) = receiver.try_recv() {
        received += 1;
        assert_eq!(token.number, received);
    }
    assert_eq!(received, 2);
    assert_eq!(mint.alive(), 0);
}

/// A slot is overwritten only after its message was read out, and no message is lost or doubled.
fn release_slot<F: Flavour>() {
    let mint = Mint::default();
    let (sender, receiver) = F::bounded(1);
    sender.try_send(mint.token(1)).unwrap();
    let two = mint.token(2);
    let sending = thread::spawn(move || {
        let unsent = match sender.try_send(two) {
            Ok(()) => return true,
            Err(TrySendError::Full(unsent)) => unsent,
            Err(TrySendError::Disconnected(_)) => panic!("the receiver is there"),
        };
        sender.try_send(unsent).is_ok()
    });
    let mut received = Vec::new();
    received.extend(receiver.try_recv());
    received.extend(receiver.try_recv());
    let sent = sending.join().unwrap();
    received.extend(receiver.try_recv());
    let numbers: Vec<u32> = received.iter().map(|token| token.number).collect();
    assert_eq!(numbers, if sent { vec![1, 2] } else { vec![1] });
    drop((received, receiver));
    assert_eq!(mint.alive(), 0);
}

/// A receiver learns that nothing will come only after it had everything.
fn close_after_the_last_message<F: Flavour>() {
    let mint = Mint::default();
    let (sender, receiver) = F::bounded(1);
    let token = mint.token(1);
    let sending = thread::spawn(move || {
        sender.try_send(token).unwrap();
        drop(sender);
    });
    let mut received = 0;
    for _ in 0..3 {
        match receiver.try_recv() {
            Ok(_) => received += 1,
            Err(TryRecvError::Disconnected) => assert_eq!(received, 1, "closed before its last message"),
            Err(TryRecvError::Empty) => {}
        }
    }
    sending.join().unwrap();
    received += u32::from(receiver.try_recv().is_ok());
    assert_eq!(received, 1);
    assert_eq!(receiver.try_recv().unwrap_err(), TryRecvError::Disconnected);
    assert_eq!(mint.alive(), 0);
}

/// What is sent while the receiver goes is handed back or dropped, once.
fn close_under_a_sender<F: Flavour>() {
    let mint = Mint::default();
    let (sender, receiver) = F::bounded(2);
    sender.try_send(mint.token(1)).unwrap();
    let closing = thread::spawn(move || drop(receiver));
    for number in 2..4 {
        if let Err(TrySendError::Disconnected(token)) = sender.try_send(mint.token(number)) {
            assert_eq!(token.number, number);
        }
    }
    closing.join().unwrap();
    assert!(sender.try_send(mint.token(4)).unwrap_err().is_disconnected());
    drop(sender);
    assert_eq!(mint.alive(), 0);
}

/// A receiver that sleeps is woken by a message.
fn park_wake_of_a_receiver<F: Flavour>() {
    let (sender, receiver) = F::bounded(1);
    let sending = thread::spawn(move || {
        sender.try_send(1).unwrap();
        sender
    });
    assert_eq!(receiver.recv(), Ok(1));
    sending.join().unwrap();
}

/// A sender that sleeps is woken by room.
fn park_wake_of_a_sender<F: Flavour>() {
    let (sender, receiver) = F::bounded(1);
    sender.try_send(1).unwrap();
    let receiving = thread::spawn(move || {
        assert_eq!(receiver.try_recv(), Ok(1));
        receiver
    });
    assert_eq!(sender.send(2), Ok(()));
    assert_eq!(receiving.join().unwrap().try_recv(), Ok(2));
}

/// A receiver that sleeps is woken when the sender goes.
fn park_wake_of_a_receiver_by_close<F: Flavour>() {
    let (sender, receiver) = F::bounded::<u32>(1);
    let closing = thread::spawn(move || drop(sender));
    assert_eq!(receiver.recv(), Err(RecvError));
    closing.join().unwrap();
}

/// A sender that sleeps is woken when the receiver goes. It gets its message back, unless that came in before the end.
fn park_wake_of_a_sender_by_close<F: Flavour>() {
    let mint = Mint::default();
    let (sender, receiver) = F::bounded(1);
    sender.try_send(mint.token(1)).unwrap();
    let closing = thread::spawn(move || drop(receiver));
    if let Err(SendError(token)) = sender.send(mint.token(2)) {
        assert_eq!(token.number, 2);
    }
    closing.join().unwrap();
    assert!(sender.send(mint.token(3)).is_err());
    drop(sender);
    assert_eq!(mint.alive(), 0);
}

/// Both sleep and wake each other, over more than one lap.
fn park_wake_of_both_in_turn<F: Flavour>() {
    exchange::<F>(1, 2);
}

/// The same for longer.
fn park_wake_of_both_for_long<F: Flavour>() {
    exchange::<F>(2, 12);
}

fn exchange<F: Flavour>(capacity: usize, count: u32) {
    let (sender, receiver) = F::bounded(capacity);
    let sending = thread::spawn(move || (1..=count).for_each(|n| sender.send(n).unwrap()));
    for n in 1..=count {
        assert_eq!(receiver.recv(), Ok(n));
    }
    assert_eq!(receiver.recv(), Err(RecvError));
    sending.join().unwrap();
}
