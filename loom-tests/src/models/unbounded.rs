//! The unbounded ring: going over to the next block, and the second life of blocks. Models have three slots to a block.

use super::{Mint, Model, Size, Token, join};
use crate::ring::unbounded::{Receiver, Sender, unbounded};
use crate::thread;

models_of! {
    "unbounded";
    next_block Size::Small,
    next_block_by_two_senders Size::Bounded(2),
    next_block_by_two_receivers Size::Small,
    next_block_by_a_peek Size::Small,
    recycle Size::Small,
    recycle_of_what_was_put_off Size::Bounded(2),
    recycle_for_long Size::Large,
}

/// A ring to which so many tokens were sent, and from which so many were received.
fn ring(mint: &Mint, sent: u32, received: u32) -> (Sender<Token>, Receiver<Token>) {
    let (sender, receiver) = unbounded();
    (1..=sent).for_each(|number| sender.send(mint.token(number)).unwrap());
    (1..=received).for_each(|number| assert_eq!(receiver.recv().unwrap().number, number));
    (sender, receiver)
}

fn sorted(tokens: impl IntoIterator<Item = Token>) -> Vec<u32> {
    let mut numbers: Vec<u32> = tokens.into_iter().map(|token| token.number).collect();
    numbers.sort_unstable();
    numbers
}

/// A receiver follows the sender into the next block.
fn next_block() {
    let mint = Mint::default();
    let (sender, receiver) = ring(&mint, 2, 2);
    let tokens = [mint.token(3), mint.token(4)];
    let sending = thread::spawn(move || {
        for token in tokens {
            sender.send(token).unwrap();
        }
    });
    let mut numbers = Vec::new();
    for _ in 0..2 {
        numbers.extend(receiver.try_recv().map(|token| token.number));
    }
    sending.join().unwrap();
    numbers.extend(receiver.try_iter().map(|token| token.number));
    assert_eq!(numbers, [3, 4]);
    drop(receiver);
    assert_eq!(mint.alive(), 0);
}

/// One of two senders takes the last slot, and the other one goes on in the next block.
fn next_block_by_two_senders() {
    let mint = Mint::default();
    let (sender, receiver) = ring(&mint, 2, 2);
    let mut number = 2;
    let sending = [sender.clone(), sender].map(|sender| {
        number += 1;
        let token = mint.token(number);
        thread::spawn(move || sender.send(token).unwrap())
    });
    let early = receiver.try_recv().ok();
    join(sending);
    assert_eq!(sorted(early.into_iter().chain(receiver.try_iter())), [3, 4]);
    assert_eq!(mint.alive(), 0);
}

/// One of two receivers takes the last message of a block, and the other one goes on in the next.
fn next_block_by_two_receivers() {
    let mint = Mint::default();
    let (sender, receiver) = ring(&mint, 4, 2);
    let other = receiver.clone();
    let receiving = thread::spawn(move || other.try_recv().ok());
    let mut received: Vec<Token> = receiver.try_recv().into_iter().collect();
    received.extend(receiving.join().unwrap());
    received.extend(receiver.try_iter());
    assert_eq!(sorted(received), [3, 4]);
    drop((sender, receiver));
    assert_eq!(mint.alive(), 0);
}

/// A peek takes the last message of a block, and leaves the receivers in the next one.
fn next_block_by_a_peek() {
    let mint = Mint::default();
    let (sender, mut receiver) = ring(&mint, 2, 2);
    let tokens = [mint.token(3), mint.token(4)];
    let sending = thread::spawn(move || {
        for token in tokens {
            sender.send(token).unwrap();
        }
    });
    let mut received = Vec::new();
    for _ in 0..2 {
        received.extend(receiver.try_peek(2).ok().and_then(|mut peek| peek.take()));
    }
    sending.join().unwrap();
    assert_eq!(sorted(received.into_iter().chain(receiver.try_iter())), [3, 4]);
    drop(receiver);
    assert_eq!(mint.alive(), 0);
}

/// A block is used again only after all its messages were read out, whoever read them.
fn recycle() {
    let mint = Mint::default();
    let (sender, receiver) = ring(&mint, 5, 1);
    let other = receiver.clone();
    let receiving = thread::spawn(move || other.try_recv().ok());
    let mut received: Vec<Token> = receiver.try_recv().into_iter().collect();
    (6..10).for_each(|number| sender.send(mint.token(number)).unwrap());
    received.extend(receiving.join().unwrap());
    received.extend(receiver.try_iter());
    assert_eq!(sorted(received), [2, 3, 4, 5, 6, 7, 8, 9]);
    drop((sender, receiver));
    assert_eq!(mint.alive(), 0);
}

/// A block whose last message was read before another one waits until the next block is read, by whomever.
fn recycle_of_what_was_put_off() {
    let mint = Mint::default();
    let (sender, receiver) = ring(&mint, 6, 1);
    let receiving =
        [receiver.clone(), receiver.clone()].map(|receiver| thread::spawn(move || receiver.try_recv().ok()));
    let mut received: Vec<Token> = (0..3).filter_map(|_| receiver.try_recv().ok()).collect();
    received.extend(join(receiving).into_iter().flatten());
    received.extend(receiver.try_iter());
    assert_eq!(sorted(received), [2, 3, 4, 5, 6]);
    drop((sender, receiver));
    assert_eq!(mint.alive(), 0);
}

/// Senders and receivers go through many blocks.
fn recycle_for_long() {
    const EACH: u32 = 8;
    let mint = Mint::default();
    let (sender, receiver) = ring(&mint, 0, 0);
    let mut first = 0;
    let sending = [sender.clone(), sender].map(|sender| {
        let tokens: Vec<Token> = (first..first + EACH).map(|number| mint.token(number)).collect();
        first += EACH;
        thread::spawn(move || tokens.into_iter().for_each(|token| sender.send(token).unwrap()))
    });
    let receiving = [receiver.clone(), receiver.clone()].map(|receiver| {
        thread::spawn(move || (0..EACH).filter_map(|_| receiver.try_recv().ok()).collect::<Vec<_>>())
    });
    join(sending);
    let received = join(receiving).into_iter().flatten().chain(receiver.try_iter());
    assert_eq!(sorted(received), (0..2 * EACH).collect::<Vec<_>>());
    assert_eq!(mint.alive(), 0);
}
