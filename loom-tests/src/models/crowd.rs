//! Several senders, or several receivers.

use super::{Mint, Model, Size, Token, join, models};
use crate::flavour::{ManyReceivers, ManySenders, Mpmc, Mpsc, Receiving, Sending, Unbounded};
use crate::ring::{RecvError, SendError, TryRecvError};
use crate::sync::{Arc, AtomicU32, Ordering};
use crate::thread;

macro_rules! senders {
    ($list:ident, $flavour:ident, $prefix:literal) => {
        models! { $list, $flavour, $prefix:
            publish_slot_by_two_senders Size::Bounded(3),
            close_by_the_last_of_two_senders Size::Bounded(3),
            close_carries_what_both_senders_did Size::Bounded(3),
            park_wake_behind_an_aborted_claim Size::Bounded(2),
        }
    };
}

macro_rules! bounded_senders {
    ($list:ident, $flavour:ident, $prefix:literal) => {
        models! { $list, $flavour, $prefix:
            release_slot_to_two_senders Size::Bounded(2),
            run_beside_another_sender Size::Small,
            claim_aborts_before_another_sender Size::Small,
            park_wake_of_two_senders Size::Bounded(1),
            park_wake_of_two_senders_by_close Size::Bounded(2),
        }
    };
}

macro_rules! receivers {
    ($list:ident, $flavour:ident, $prefix:literal) => {
        models! { $list, $flavour, $prefix:
            publish_slot_to_two_receivers Size::Bounded(2),
            run_beside_another_receiver Size::Small,
            hold_keeps_others_from_the_messages Size::Small,
            close_by_the_last_of_two_receivers Size::Bounded(3),
            park_wake_after_a_hold Size::Small,
            park_wake_of_two_receivers Size::Bounded(1),
            park_wake_of_two_receivers_by_close Size::Bounded(3),
            park_wake_of_two_and_two Size::Large,
        }
    };
}

senders!(MPSC, Mpsc, "mpsc");
bounded_senders!(MPSC_BOUNDED, Mpsc, "mpsc");
senders!(MPMC_SENDERS, Mpmc, "mpmc");
bounded_senders!(MPMC_BOUNDED, Mpmc, "mpmc");
receivers!(MPMC_RECEIVERS, Mpmc, "mpmc");
senders!(UNBOUNDED_SENDERS, Unbounded, "unbounded");
receivers!(UNBOUNDED_RECEIVERS, Unbounded, "unbounded");

models! { MPMC_HOLD, Mpmc, "mpmc":
    hold_and_room_for_a_sender Size::Bounded(2),
}

fn two_senders<F: ManySenders, T: Send>(capacity: usize) -> ([F::Sender<T>; 2], F::Receiver<T>) {
    let (sender, receiver) = F::ring(capacity);
    ([F::another_sender(&sender), sender], receiver)
}

fn two_receivers<F: ManyReceivers, T: Send>(capacity: usize) -> (F::Sender<T>, [F::Receiver<T>; 2]) {
    let (sender, receiver) = F::ring(capacity);
    (sender, [F::another_receiver(&receiver), receiver])
}

fn sorted(tokens: impl IntoIterator<Item = Token>) -> Vec<u32> {
    let mut numbers: Vec<u32> = tokens.into_iter().map(|token| token.number).collect();
    numbers.sort_unstable();
    numbers
}

fn drain<T>(receiver: &impl Receiving<T>) -> impl Iterator<Item = T> {
    std::iter::from_fn(|| receiver.try_recv().ok())
}

/// Each message of either sender arrives once.
fn publish_slot_by_two_senders<F: ManySenders>() {
    let mint = Mint::default();
    let (senders, receiver) = two_senders::<F, Token>(2);
    let mut token = (1..).map(|number| mint.token(number));
    let sending = senders.map(|sender| {
        let token = token.next().unwrap();
        thread::spawn(move || sender.try_send(token).unwrap())
    });
    let early = receiver.try_recv().ok();
    join(sending);
    assert_eq!(sorted(early.into_iter().chain(drain(&receiver))), [1, 2]);
    assert_eq!(mint.alive(), 0);
}

/// The one slot that becomes free goes to one of the senders.
fn release_slot_to_two_senders<F: ManySenders>() {
    let (senders, receiver) = two_senders::<F, u32>(1);
    senders[0].try_send(1).unwrap();
    let sending = senders.map(|sender| thread::spawn(move || sender.try_send(2).is_ok()));
    assert_eq!(receiver.try_recv(), Ok(1));
    let sent = join(sending).into_iter().filter(|sent| *sent).count();
    let received = drain(&receiver).count();
    assert!(sent == received && sent <= 1, "{sent} sent into one slot, {received} received");
}

/// A batch and a message of another sender share the room, and the batch stays in order.
fn run_beside_another_sender<F: ManySenders>() {
    let mint = Mint::default();
    let ([one, other], receiver) = two_senders::<F, Token>(2);
    let mut batch = vec![mint.token(1), mint.token(2)];
    let sending = thread::spawn(move || {
        drop(one.try_send_batch(&mut batch));
        batch.len()
    });
    let single = other.try_send(mint.token(3)).is_ok();
    let unsent = sending.join().unwrap();
    let received: Vec<u32> = drain(&receiver).map(|token| token.number).filter(|n| *n != 3).collect();
    assert_eq!(received, [1, 2][..2 - unsent]);
    assert_eq!(usize::from(single) + 2 - unsent, 2, "room for two, and three to send");
    assert_eq!(mint.alive(), 0);
}

/// A message that was sent behind a claim arrives, whenever the claim is aborted.
fn claim_aborts_before_another_sender<F: ManySenders>() {
    let mint = Mint::default();
    let ([mut one, other], receiver) = two_senders::<F, Token>(2);
    let token = mint.token(1);
    let claiming = thread::spawn(move || {
        one.try_claim(1, [token], true).unwrap();
        one
    });
    other.try_send(mint.token(2)).unwrap();
    let one = claiming.join().unwrap();
    assert_eq!(sorted(drain(&receiver)), [2]);
    for number in 3..5 {
        one.try_send(mint.token(number)).unwrap();
    }
    assert!(one.try_send(mint.token(5)).unwrap_err().is_full());
    drop(receiver);
    assert_eq!(mint.alive(), 0);
}

/// A ring is closed by the last sender, and then holds all that was sent.
fn close_by_the_last_of_two_senders<F: ManySenders>() {
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
    join([sending, leaving]);
    received += u32::from(receiver.try_recv().is_ok());
    assert_eq!((received, receiver.try_recv()), (1, Err(TryRecvError::Disconnected)));
}

/// Who learns that the last sender is gone sees what each did before.
fn close_carries_what_both_senders_did<F: ManySenders>() {
    let done = Arc::new(AtomicU32::new(0));
    let (senders, receiver) = two_senders::<F, u32>(1);
    let closing = senders.map(|sender| {
        let theirs = done.clone();
        thread::spawn(move || {
            theirs.fetch_add(1, Ordering::Relaxed);
            drop(sender);
        })
    });
    if receiver.try_recv() == Err(TryRecvError::Disconnected) {
        assert_eq!(done.load(Ordering::Relaxed), 2);
    }
    join(closing);
}

/// Two senders sleep, two slots become free: both are woken.
fn park_wake_of_two_senders<F: ManySenders>() {
    let (senders, receiver) = two_senders::<F, u32>(2);
    senders[0].try_send(1).unwrap();
    senders[0].try_send(1).unwrap();
    let sending = senders.map(|sender| thread::spawn(move || sender.send(2).unwrap()));
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(receiver.try_recv(), Ok(1));
    join(sending);
    assert_eq!(drain(&receiver).sum::<u32>(), 4);
}

/// Two senders sleep, the receiver goes: both are woken.
fn park_wake_of_two_senders_by_close<F: ManySenders>() {
    let (senders, receiver) = two_senders::<F, u32>(1);
    senders[0].try_send(1).unwrap();
    let sending = senders.map(|sender| thread::spawn(move || sender.send(2)));
    drop(receiver);
    for result in join(sending) {
        assert_eq!(result, Err(SendError(2)));
    }
}

/// A receiver that found nothing because of a claim is woken when it is aborted, for what was sent behind it.
fn park_wake_behind_an_aborted_claim<F: ManySenders>() {
    let ([mut one, other], receiver) = two_senders::<F, u32>(2);
    let claiming = thread::spawn(move || {
        one.try_claim(1, [1], true).unwrap();
        one
    });
    let sending = thread::spawn(move || {
        other.try_send(2).unwrap();
        other
    });
    assert_eq!(receiver.recv(), Ok(2));
    join([claiming, sending]);
}

/// A message goes to one of the receivers.
fn publish_slot_to_two_receivers<F: ManyReceivers>() {
    let mint = Mint::default();
    let (sender, receivers) = two_receivers::<F, Token>(2);
    let receiving = receivers.map(|receiver| thread::spawn(move || (receiver.try_recv().ok(), receiver)));
    sender.try_send(mint.token(1)).unwrap();
    let mut received = Vec::new();
    for (token, receiver) in join(receiving) {
        received.extend(token);
        received.extend(receiver.try_recv());
    }
    assert_eq!(sorted(received), [1]);
    assert_eq!(mint.alive(), 0);
}

/// Two receivers take runs of what is there: each message goes to one of them, and a run is in order.
fn run_beside_another_receiver<F: ManyReceivers>() {
    let mint = Mint::default();
    let (sender, [one, other]) = two_receivers::<F, Token>(2);
    assert_eq!(sender.try_send_batch(&mut vec![mint.token(1), mint.token(2)]), Ok(2));
    let receiving = thread::spawn(move || {
        let mut received = Vec::new();
        drop(one.try_recv_batch(&mut received, 2));
        received
    });
    let mut received = Vec::new();
    received.extend(other.try_recv());
    let theirs = receiving.join().unwrap();
    assert!(theirs.is_sorted_by_key(|token| token.number));
    received.extend(theirs);
    received.extend(other.try_recv());
    assert_eq!(sorted(received), [1, 2]);
    assert_eq!(mint.alive(), 0);
}

/// While one receiver looks at messages nobody takes them, and what it leaves is there afterwards.
fn hold_keeps_others_from_the_messages<F: ManyReceivers>() {
    let mint = Mint::default();
    let (sender, [mut one, other]) = two_receivers::<F, Token>(2);
    assert_eq!(sender.try_send_batch(&mut vec![mint.token(1), mint.token(2)]), Ok(2));
    let peeking = thread::spawn(move || one.try_peek(2, 1).unwrap_or_default());
    let mut received: Vec<Token> = other.try_recv().into_iter().collect();
    received.extend(peeking.join().unwrap());
    received.extend(drain(&other));
    assert_eq!(sorted(received), [1, 2]);
    assert_eq!(mint.alive(), 0);
}

/// What a peek took makes room, while another receiver takes what comes into it.
fn hold_and_room_for_a_sender<F: ManyReceivers>() {
    let (sender, [mut one, other]) = two_receivers::<F, u32>(1);
    sender.try_send(1).unwrap();
    let peeking = thread::spawn(move || one.try_peek(1, 1).unwrap_or_default());
    let sending = thread::spawn(move || sender.try_send(2).is_ok());
    let mut received: Vec<u32> = other.try_recv().into_iter().collect();
    let sent = sending.join().unwrap();
    received.extend(peeking.join().unwrap());
    received.extend(drain(&other));
    received.sort_unstable();
    assert_eq!(received, if sent { vec![1, 2] } else { vec![1] });
}

/// What is sent while the last receiver goes is handed back or dropped.
fn close_by_the_last_of_two_receivers<F: ManyReceivers>() {
    let mint = Mint::default();
    let (sender, receivers) = two_receivers::<F, Token>(1);
    let leaving = receivers.map(|receiver| thread::spawn(move || drop(receiver)));
    drop(sender.try_send(mint.token(1)));
    join(leaving);
    assert!(sender.try_send(mint.token(2)).unwrap_err().is_disconnected());
    drop(sender);
    assert_eq!(mint.alive(), 0);
}

/// A receiver that found nothing because of a peek is woken at its end.
fn park_wake_after_a_hold<F: ManyReceivers>() {
    let (sender, [mut one, other]) = two_receivers::<F, u32>(1);
    sender.try_send(1).unwrap();
    let peeking = thread::spawn(move || {
        drop(one.try_peek(1, 0));
        one
    });
    assert_eq!(other.recv(), Ok(1));
    peeking.join().unwrap();
}

/// Two receivers sleep, two messages come: both are woken.
fn park_wake_of_two_receivers<F: ManyReceivers>() {
    let (sender, receivers) = two_receivers::<F, u32>(2);
    let receiving = receivers.map(|receiver| thread::spawn(move || receiver.recv().unwrap()));
    sender.try_send(1).unwrap();
    sender.try_send(2).unwrap();
    assert_eq!(join(receiving).iter().sum::<u32>(), 3);
}

/// Two receivers sleep, the sender goes: both are woken.
fn park_wake_of_two_receivers_by_close<F: ManyReceivers>() {
    let (sender, receivers) = two_receivers::<F, u32>(1);
    let receiving = receivers.map(|receiver| thread::spawn(move || receiver.recv()));
    drop(sender);
    assert_eq!(join(receiving), [Err(RecvError); 2]);
}

/// Two senders and two receivers sleep and wake each other through one slot.
fn park_wake_of_two_and_two<F: ManySenders + ManyReceivers>() {
    const EACH: u32 = 3;
    let mint = Mint::default();
    let (sender, receiver) = F::ring(1);
    let senders = [F::another_sender(&sender), sender];
    let receivers = [F::another_receiver(&receiver), receiver];
    let mut first = 0;
    let sending = senders.map(|sender| {
        let tokens: Vec<Token> = (first..first + EACH).map(|number| mint.token(number)).collect();
        first += EACH;
        thread::spawn(move || tokens.into_iter().for_each(|token| sender.send(token).unwrap()))
    });
    let receiving = receivers.map(|receiver| {
        thread::spawn(move || std::iter::from_fn(|| receiver.recv().ok()).collect::<Vec<_>>())
    });
    join(sending);
    assert_eq!(sorted(join(receiving).into_iter().flatten()), (0..2 * EACH).collect::<Vec<_>>());
    assert_eq!(mint.alive(), 0);
}
