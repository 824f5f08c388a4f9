//! One sender, one receiver, any flavour.

use super::{Mint, Model, Size, Token, models};
use crate::flavour::{Flavour, Mpmc, Mpsc, Receiving, Sending, Spsc, Unbounded};
use crate::ring::{RecvError, SendError, TryRecvError, TrySendError};
use crate::sync::{Arc, AtomicU32, Ordering};
use crate::thread;

macro_rules! any {
    ($list:ident, $flavour:ident, $prefix:literal) => {
        models! { $list, $flavour, $prefix:
            publish_slot Size::Small,
            close_after_the_last_message Size::Small,
            close_under_a_sender Size::Small,
            close_carries_what_the_sender_did Size::Small,
            close_carries_what_the_receiver_did Size::Small,
            run_is_found_whole Size::Small,
            claim_commits_what_was_written Size::Small,
            claim_aborts Size::Small,
            park_wake_of_a_receiver Size::Small,
            park_wake_of_a_receiver_by_close Size::Small,
            park_wake_of_a_receiving_task Size::Small,
            park_wake_of_both_in_turn Size::Bounded(3),
            park_wake_of_both_for_long Size::Large,
        }
    };
}

/// What only a ring with a bound can be asked.
macro_rules! bounded {
    ($list:ident, $flavour:ident, $prefix:literal) => {
        models! { $list, $flavour, $prefix:
            release_slot Size::Small,
            run_is_released_whole Size::Small,
            peek_leaves_what_it_does_not_take Size::Small,
            park_wake_of_a_sender Size::Small,
            park_wake_of_a_sender_by_close Size::Bounded(3),
            park_wake_of_a_sending_task Size::Small,
        }
    };
}

any!(SPSC, Spsc, "spsc");
bounded!(SPSC_BOUNDED, Spsc, "spsc");
any!(MPSC, Mpsc, "mpsc");
bounded!(MPSC_BOUNDED, Mpsc, "mpsc");
any!(MPMC, Mpmc, "mpmc");
bounded!(MPMC_BOUNDED, Mpmc, "mpmc");
any!(UNBOUNDED, Unbounded, "unbounded");

/// What is received was written whole, in the order of sending.
fn publish_slot<F: Flavour>() {
    let mint = Mint::default();
    let (sender, receiver) = F::ring(2);
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
    let (sender, receiver) = F::ring(1);
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
    assert_eq!(numbers(&received), if sent { vec![1, 2] } else { vec![1] });
    drop((received, receiver));
    assert_eq!(mint.alive(), 0);
}

/// A receiver learns that nothing will come only after it had everything.
fn close_after_the_last_message<F: Flavour>() {
    let mint = Mint::default();
    let (sender, receiver) = F::ring(1);
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
    let (sender, receiver) = F::ring(2);
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

/// Who learns that the sender is gone sees what it did before.
fn close_carries_what_the_sender_did<F: Flavour>() {
    let done = Arc::new(AtomicU32::new(0));
    let theirs = done.clone();
    let (sender, receiver) = F::ring::<u32>(1);
    let closing = thread::spawn(move || {
        theirs.store(1, Ordering::Relaxed);
        drop(sender);
    });
    if receiver.try_recv() == Err(TryRecvError::Disconnected) {
        assert_eq!(done.load(Ordering::Relaxed), 1);
    }
    closing.join().unwrap();
}

/// Who learns that the receiver is gone sees what it did before.
fn close_carries_what_the_receiver_did<F: Flavour>() {
    let done = Arc::new(AtomicU32::new(0));
    let theirs = done.clone();
    let (sender, receiver) = F::ring::<u32>(1);
    let closing = thread::spawn(move || {
        theirs.store(1, Ordering::Relaxed);
        drop(receiver);
    });
    if sender.try_send(1).is_err_and(|error| error.is_disconnected()) {
        assert_eq!(done.load(Ordering::Relaxed), 1);
    }
    closing.join().unwrap();
}

/// A batch is published so that who finds its first message finds them all.
fn run_is_found_whole<F: Flavour>() {
    let mint = Mint::default();
    let (sender, receiver) = F::ring(2);
    let mut batch = vec![mint.token(1), mint.token(2)];
    let sending = thread::spawn(move || {
        assert_eq!(sender.try_send_batch(&mut batch), Ok(2));
    });
    let mut received: Vec<Token> = Vec::new();
    for _ in 0..2 {
        if let Ok(count) = receiver.try_recv_batch(&mut received, 2) {
            assert_eq!(count, 2, "a part of a batch");
        }
    }
    sending.join().unwrap();
    received.extend(std::iter::from_fn(|| receiver.try_recv().ok()));
    assert_eq!(numbers(&received), [1, 2]);
    drop(received);
    assert_eq!(mint.alive(), 0);
}

/// The slots of a batch are overwritten only after all of it was read out.
fn run_is_released_whole<F: Flavour>() {
    let mint = Mint::default();
    let (sender, receiver) = F::ring(2);
    assert_eq!(sender.try_send_batch(&mut vec![mint.token(1), mint.token(2)]), Ok(2));
    let mut batch = vec![mint.token(3), mint.token(4)];
    let sending = thread::spawn(move || {
        drop(sender.try_send_batch(&mut batch));
        drop(sender.try_send_batch(&mut batch));
        batch.len()
    });
    let mut received = Vec::new();
    assert_eq!(receiver.try_recv_batch(&mut received, 2), Ok(2));
    let unsent = sending.join().unwrap();
    received.extend(std::iter::from_fn(|| receiver.try_recv().ok()));
    assert_eq!(numbers(&received), [1, 2, 3, 4][..4 - unsent]);
    drop(received);
    assert_eq!(mint.alive(), 0);
}

/// What a claim did not write is room again.
fn claim_commits_what_was_written<F: Flavour>() {
    let mint = Mint::default();
    let (mut sender, receiver) = F::ring(2);
    let token = mint.token(1);
    let sending = thread::spawn(move || {
        sender.try_claim(2, [token], false).unwrap();
        sender
    });
    let mut received: Vec<Token> = receiver.try_recv().into_iter().collect();
    let sender = sending.join().unwrap();
    received.extend(receiver.try_recv());
    assert_eq!(numbers(&received), [1]);
    assert_eq!(receiver.try_recv().unwrap_err(), TryRecvError::Empty);
    assert_eq!(sender.try_send_batch(&mut vec![mint.token(2), mint.token(3)]), Ok(2));
    drop((received, receiver));
    assert_eq!(mint.alive(), 0);
}

/// Nobody sees what an aborted claim wrote, and its slots are room again.
fn claim_aborts<F: Flavour>() {
    let mint = Mint::default();
    let (mut sender, receiver) = F::ring(2);
    let (one, two) = (mint.token(1), mint.token(2));
    let sending = thread::spawn(move || {
        sender.try_claim(2, [one], true).unwrap();
        sender.try_send(two).unwrap();
        sender
    });
    let mut received: Vec<Token> = receiver.try_recv().into_iter().collect();
    let sender = sending.join().unwrap();
    received.extend(receiver.try_recv());
    assert_eq!(numbers(&received), [2]);
    assert_eq!(receiver.try_recv().unwrap_err(), TryRecvError::Empty);
    assert_eq!(sender.try_send_batch(&mut vec![mint.token(3), mint.token(4)]), Ok(2));
    drop((received, receiver));
    assert_eq!(mint.alive(), 0);
}

/// A peek gives away the slots of what it took, and of nothing else.
fn peek_leaves_what_it_does_not_take<F: Flavour>() {
    let mint = Mint::default();
    let (sender, mut receiver) = F::ring(2);
    assert_eq!(sender.try_send_batch(&mut vec![mint.token(1), mint.token(2)]), Ok(2));
    let three = mint.token(3);
    let sending = thread::spawn(move || match sender.try_send(three) {
        Ok(()) => true,
        Err(error) => {
            assert!(error.is_full());
            false
        }
    });
    let mut received = receiver.try_peek(2, 1).unwrap();
    let sent = sending.join().unwrap();
    received.extend(std::iter::from_fn(|| receiver.try_recv().ok()));
    assert_eq!(numbers(&received), if sent { vec![1, 2, 3] } else { vec![1, 2] });
    drop((received, receiver));
    assert_eq!(mint.alive(), 0);
}

/// A receiver that sleeps is woken by a message.
fn park_wake_of_a_receiver<F: Flavour>() {
    let (sender, receiver) = F::ring(1);
    let sending = thread::spawn(move || {
        sender.try_send(1).unwrap();
        sender
    });
    assert_eq!(receiver.recv(), Ok(1));
    sending.join().unwrap();
}

/// A sender that sleeps is woken by room.
fn park_wake_of_a_sender<F: Flavour>() {
    let (sender, receiver) = F::ring(1);
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
    let (sender, receiver) = F::ring::<u32>(1);
    let closing = thread::spawn(move || drop(sender));
    assert_eq!(receiver.recv(), Err(RecvError));
    closing.join().unwrap();
}

/// A sender that sleeps is woken when the receiver goes. It gets its message back, unless that came in before the end.
fn park_wake_of_a_sender_by_close<F: Flavour>() {
    let mint = Mint::default();
    let (sender, receiver) = F::ring(1);
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

/// A task that waits for a message is woken by it.
fn park_wake_of_a_receiving_task<F: Flavour>() {
    let (sender, mut receiver) = F::ring(1);
    let sending = thread::spawn(move || {
        sender.try_send(1).unwrap();
        sender
    });
    assert_eq!(receiver.recv_as_task(), Ok(1));
    sending.join().unwrap();
}

/// A task that waits for room is woken by it.
fn park_wake_of_a_sending_task<F: Flavour>() {
    let (mut sender, receiver) = F::ring(1);
    sender.try_send(1).unwrap();
    let receiving = thread::spawn(move || {
        assert_eq!(receiver.try_recv(), Ok(1));
        receiver
    });
    assert_eq!(sender.send_as_task(2), Ok(()));
    assert_eq!(receiving.join().unwrap().try_recv(), Ok(2));
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
    let (sender, receiver) = F::ring(capacity);
    let sending = thread::spawn(move || (1..=count).for_each(|n| sender.send(n).unwrap()));
    for n in 1..=count {
        assert_eq!(receiver.recv(), Ok(n));
    }
    assert_eq!(receiver.recv(), Err(RecvError));
    sending.join().unwrap();
}

fn numbers(tokens: &[Token]) -> Vec<u32> {
    tokens.iter().map(|token| token.number).collect()
}
