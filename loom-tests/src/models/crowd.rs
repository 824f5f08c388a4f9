//! Several senders or several receivers.

use super::{Mint, Model, Size, Token, join, models};
use crate::flavour::{Mpmc, Receiving, Sending, Shared};
use crate::ring::{RecvError, SendError, TryRecvError};
use crate::sync::thread;

models! { MPMC, Mpmc, "mpmc":
    publish_slot_by_two_senders Size::Bounded(3),
    publish_slot_to_two_receivers Size::Bounded(2),
    release_slot_to_two_senders Size::Bounded(2),
    close_by_the_last_of_two_senders Size::Bounded(3),
    close_by_the_last_of_two_receivers Size::Bounded(3),
    park_wake_of_two_receivers Size::Bounded(2),
    park_wake_of_two_receivers_by_close Size::Bounded(3),
    park_wake_of_two_senders Size::Bounded(2),
    park_wake_of_two_senders_by_close Size::Bounded(2),
    park_wake_of_two_and_two Size::Large,
}

fn two_senders<F: Shared, T: Send>(capacity: usize) -> ([F::Sender<T>; 2], F::Receiver<T>) {
    let (sender, receiver) = F::bounded(capacity);
    ([F::another_sender(&sender), sender], receiver)
}

fn two_receivers<F: Shared, T: Send>(capacity: usize) -> (F::Sender<T>, [F::Receiver<T>; 2]) {
    let (sender, receiver) = F::bounded(capacity);
    (sender, [F::another_receiver(&receiver), receiver])
}

fn numbers(tokens: impl IntoIterator<Item = Token>) -> Vec<u32> {
    let mut numbers: Vec<u32> = tokens.into_iter().map(|token| token.number).collect();
    numbers.sort_unstable();
    numbers
}

/// Each message of either sender arrives once.
fn publish_slot_by_two_senders<F: Shared>() {
    let mint = Mint::default();
    let (senders, receiver) = two_senders::<F, Token>(2);
    let mut token = (1..).map(|number| mint.token(number));
    let sending = senders.map(|sender| {
        let token = token.next().unwrap();
        thread::spawn(move || sender.try_send(token).unwrap())
    });
    let early = receiver.try_recv().ok();
    join(sending);
    let late = std::iter::from_fn(|| receiver.try_recv().ok());
    assert_eq!(numbers(early.into_iter().chain(late)), [1, 2]);
    assert_eq!(mint.alive(), 0);
}

/// A message goes to one of the receivers.
fn publish_slot_to_two_receivers<F: Shared>() {
    let mint = Mint::default();
    let (sender, receivers) = two_receivers::<F, Token>(2);
    let receiving = receivers.map(|receiver| thread::spawn(move || (receiver.try_recv().ok(), receiver)));
    sender.try_send(mint.token(1)).unwrap();
    let mut received = Vec::new();
    for thread in receiving {
        let (token, receiver) = thread.join().unwrap();
        received.extend(token);
        received.extend(receiver.try_recv());
    }
    assert_eq!(numbers(received), [1]);
    assert_eq!(mint.alive(), 0);
}

/// The one slot that becomes free goes to one of the senders.
fn release_slot_to_two_senders<F: Shared>() {
    let (senders, receiver) = two_senders::<F, u32>(1);
    senders[0].try_send(1).unwrap();
    let mut number = 1;
    let sending = senders.map(|sender| {
        number += 1;
        thread::spawn(move || (sender.try_send(number).is_ok(), sender))
    });
    assert_eq!(receiver.try_recv(), Ok(1));
    let sent = join(sending);
    let sent = sent.iter().filter(|(sent, _)| *sent).count();
    let received = std::iter::from_fn(|| receiver.try_recv().ok()).count();
    assert!(sent == received && sent <= 1, "{sent} sent into one slot, {received} received");
}

/// A ring is closed by the last sender, and then holds all that was sent.
fn close_by_the_last_of_two_senders<F: Shared>() {
    let ([one, other], receiver) = two_senders::<F, u32>(1);
    let sending = thread::spawn(move || one.try_send(1).unwrap());
    let leaving = thread::spawn(move || drop(other));
    let mut received = 0;
    for _ in 0..2 {
        match receiver.try_recv() {
            Ok(_) => received += 1,
            Err(TryRecvError::Disconnected) => assert_eq!(received, 1, "closed before its last message"),
            Err(TryRecvError::Empty) => {}
        }
    }
    sending.join().unwrap();
    leaving.join().unwrap();
    received += u32::from(receiver.try_recv().is_ok());
    assert_eq!((received, receiver.try_recv()), (1, Err(TryRecvError::Disconnected)));
}

/// What is sent while the last receiver goes is handed back or dropped.
fn close_by_the_last_of_two_receivers<F: Shared>() {
    let mint = Mint::default();
    let (sender, receivers) = two_receivers::<F, Token>(1);
    let leaving = receivers.map(|receiver| thread::spawn(move || drop(receiver)));
    drop(sender.try_send(mint.token(1)));
    join(leaving);
    assert!(sender.try_send(mint.token(2)).unwrap_err().is_disconnected());
    drop(sender);
    assert_eq!(mint.alive(), 0);
}

/// Two receivers sleep, two messages come: both are woken.
fn park_wake_of_two_receivers<F: Shared>() {
    let (sender, receivers) = two_receivers::<F, u32>(2);
    let receiving = receivers.map(|receiver| thread::spawn(move || receiver.recv().unwrap()));
    sender.try_send(1).unwrap();
    sender.try_send(2).unwrap();
    let received = join(receiving);
    assert_eq!(received[0] + received[1], 3);
}

/// Two receivers sleep, the sender goes: both are woken.
fn park_wake_of_two_receivers_by_close<F: Shared>() {
    let (sender, receivers) = two_receivers::<F, u32>(1);
    let receiving = receivers.map(|receiver| thread::spawn(move || receiver.recv()));
    drop(sender);
    for thread in receiving {
        assert_eq!(thread.join().unwrap(), Err(RecvError));
    }
}

/// Two senders sleep, two slots become free: both are woken.
fn park_wake_of_two_senders<F: Shared>() {
    let (senders, receiver) = two_senders::<F, u32>(2);
    senders[0].try_send(1).unwrap();
    senders[0].try_send(1).unwrap();
    let sending = senders.map(|sender| thread::spawn(move || sender.send(2).unwrap()));
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(receiver.try_recv(), Ok(1));
    join(sending);
    assert_eq!(std::iter::from_fn(|| receiver.try_recv().ok()).sum::<u32>(), 4);
}

/// Two senders sleep, the receiver goes: both get their message back.
fn park_wake_of_two_senders_by_close<F: Shared>() {
    let (senders, receiver) = two_senders::<F, u32>(1);
    senders[0].try_send(1).unwrap();
    let sending = senders.map(|sender| thread::spawn(move || sender.send(2)));
    drop(receiver);
    for thread in sending {
        assert_eq!(thread.join().unwrap(), Err(SendError(2)));
    }
}

/// Two senders and two receivers sleep and wake each other through one slot.
fn park_wake_of_two_and_two<F: Shared>() {
    const EACH: u32 = 3;
    let mint = Mint::default();
    let (sender, receiver) = F::bounded(1);
    let senders = [F::another_sender(&sender), sender];
    let receivers = [F::another_receiver(&receiver), receiver];
    let mut first = 0;
    let sending = senders.map(|sender| {
        let (mint, from) = (mint.clone(), first);
        first += EACH;
        thread::spawn(move || (from..from + EACH).for_each(|n| sender.send(mint.token(n)).unwrap()))
    });
    let receiving = receivers.map(|receiver| {
        thread::spawn(move || std::iter::from_fn(|| receiver.recv().ok()).map(|t| t.number).collect::<Vec<_>>())
    });
    join(sending);
    let mut all: Vec<u32> = join(receiving).concat();
    all.sort_unstable();
    assert_eq!(all, (0..2 * EACH).collect::<Vec<_>>());
    assert_eq!(mint.alive(), 0);
}
