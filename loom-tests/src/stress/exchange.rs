//! Threads that send messages to each other in one way after another.

use crate::flavour::{Flavour, ManyReceivers, ManySenders, Receiving, Sending};
use crate::ring::{TryRecvError, TrySendError};
use crate::task::keep;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Room of the bounded rings: little, so that both ends meet often.
pub(super) const CAPACITY: usize = 5;
/// Messages of a batch, a claim or a peek.
const BATCH: usize = 4;

/// A message: on the heap, so that a sanitizer sees who touches it when.
pub(super) type Message = Box<Content>;

#[derive(Debug, Clone)]
pub(super) struct Content {
    pub(super) sender: usize,
    pub(super) number: usize,
}

/// How a side goes about it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    Try,
    Wait,
    Batch,
    InPlace,
    Task,
}

pub(super) const WAYS: [Way; 5] = [Way::Try, Way::Wait, Way::Batch, Way::InPlace, Way::Task];

/// What a receiver has got of each sender: messages come in the order of each.
struct Received {
    next: Vec<usize>,
    sum: Arc<AtomicU64>,
}

impl Received {
    fn take(&mut self, message: &Message) {
        let Content { sender, number } = **message;
        assert!(number >= self.next[sender], "message {number} of sender {sender} was overtaken");
        self.next[sender] = number + 1;
        self.sum.fetch_add(worth(sender, number), Ordering::Relaxed);
    }
}

/// A number by which a message counts in the sum that tells whether each came once.
fn worth(sender: usize, number: usize) -> u64 {
    (number as u64 + 1).wrapping_mul(2 * sender as u64 + 0x9E37_79B9_7F4A_7C15)
}

/// A sender and a receiver, in every pair of ways.
pub fn one_to_one<F: Flavour>(name: &str, messages: usize) {
    for sending in WAYS {
        for receiving in WAYS {
            let (sender, receiver) = F::ring(CAPACITY);
            run(name, sending, receiving, vec![sender], vec![receiver], messages);
        }
    }
}

/// Three senders.
pub fn many_to_one<F: ManySenders>(name: &str, messages: usize) {
    for way in WAYS {
        let (sender, receiver) = F::ring(CAPACITY);
        let senders = vec![F::another_sender(&sender), F::another_sender(&sender), sender];
        run(name, way, way, senders, vec![receiver], messages);
    }
}

/// Two senders and two receivers, and one sender for three receivers.
pub fn many_to_many<F: ManySenders + ManyReceivers>(name: &str, messages: usize) {
    for way in WAYS {
        let (sender, receiver) = F::ring(CAPACITY);
        let senders = vec![F::another_sender(&sender), sender];
        let receivers = vec![F::another_receiver(&receiver), receiver];
        run(name, way, way, senders, receivers, messages);
        let (sender, receiver) = F::ring(CAPACITY);
        let receivers = vec![F::another_receiver(&receiver), F::another_receiver(&receiver), receiver];
        run(name, way, way, vec![sender], receivers, messages);
    }
}

fn run<S: Sending<Message>, R: Receiving<Message>>(
    name: &str,
    sending_way: Way,
    receiving_way: Way,
    senders: Vec<S>,
    receivers: Vec<R>,
    messages: usize,
) {
    let started = Instant::now();
    let each = messages / senders.len();
    let name = format!("{name} {}p{}c {sending_way:?} {receiving_way:?}", senders.len(), receivers.len());
    let sum = Arc::new(AtomicU64::new(0));
    keep(sum.clone());
    let sender_count = senders.len();
    let sending = senders.into_iter().enumerate();
    let sending = sending.map(|(number, sender)| spawn(move || send_all(sender, number, each, sending_way)));
    let receiving = receivers.into_iter().map(|receiver| {
        let received = Received { next: vec![0; sender_count], sum: sum.clone() };
        spawn(move || keep(receive_all(receiver, received, receiving_way)))
    });
    sending.chain(receiving).collect::<Vec<_>>().into_iter().for_each(finish);
    let expected = (0..sender_count)
        .flat_map(|sender| (0..each).map(move |number| worth(sender, number)))
        .fold(0_u64, u64::wrapping_add);
    assert_eq!(sum.load(Ordering::Relaxed), expected, "{name}: messages were lost or came twice");
    println!("{name}\t{}\t{}", each * sender_count, started.elapsed().as_millis());
}

pub(super) fn spawn(body: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    thread::spawn(move || {
        keep(thread::current());
        body();
    })
}

pub(super) fn finish(thread: JoinHandle<()>) {
    while !thread.is_finished() {
        thread::sleep(Duration::from_micros(100));
    }
    keep(thread);
}

pub(super) fn send_all<S: Sending<Message>>(mut sender: S, number: usize, count: usize, way: Way) {
    let mut messages = (0..count).map(|n| Box::new(Content { sender: number, number: n })).peekable();
    while messages.peek().is_some() {
        match way {
            Way::Wait => messages.by_ref().take(BATCH).for_each(|message| sender.send(message).unwrap()),
            Way::Task => {
                messages.by_ref().take(BATCH).for_each(|message| sender.send_as_task(message).unwrap())
            }
            Way::Try => {
                let mut unsent = messages.next();
                while let Some(message) = unsent {
                    unsent = match sender.try_send(message) {
                        Ok(()) => None,
                        Err(TrySendError::Full(message)) => Some(message),
                        Err(TrySendError::Disconnected(_)) => panic!("the receivers are gone"),
                    };
                    if unsent.is_some() {
                        thread::yield_now();
                    }
                }
            }
            Way::Batch => {
                let mut batch: Vec<Message> = messages.by_ref().take(BATCH).collect();
                while !batch.is_empty() {
                    if sender.try_send_batch(&mut batch).is_err() {
                        thread::yield_now();
                    }
                }
            }
            Way::InPlace => {
                // A claim that is aborted, so that its slots are given back, and one that is not.
                let aborted = Box::new(Content { sender: number, number: usize::MAX });
                // Without room there is nothing to abort.
                _ = sender.try_claim(BATCH, [aborted], true);
                let mut batch = messages.by_ref().take(BATCH).collect::<Vec<_>>().into_iter();
                while batch.len() != 0 {
                    if sender.try_claim(batch.len(), batch.by_ref(), false).is_err() {
                        thread::yield_now();
                    }
                }
            }
        }
    }
}

/// Gives the receiver back at the end of all messages.
fn receive_all<R: Receiving<Message>>(mut receiver: R, mut received: Received, way: Way) -> R {
    let mut batch = Vec::new();
    loop {
        match receive(&mut receiver, &mut batch, way) {
            Ok(()) => batch.drain(..).for_each(|message| received.take(&message)),
            Err(TryRecvError::Empty) => thread::yield_now(),
            Err(TryRecvError::Disconnected) => return receiver,
        }
    }
}

/// Receives some messages.
pub(super) fn receive<R: Receiving<Message>>(
    receiver: &mut R,
    batch: &mut Vec<Message>,
    way: Way,
) -> Result<(), TryRecvError> {
    match way {
        Way::Wait => receiver.recv().map(|message| batch.push(message)).map_err(TryRecvError::from),
        Way::Task => receiver.recv_as_task().map(|message| batch.push(message)).map_err(TryRecvError::from),
        Way::Try => receiver.try_recv().map(|message| batch.push(message)),
        Way::Batch => receiver.try_recv_batch(batch, BATCH).map(|_| ()),
        // One less than it looks at, so that something is left.
        Way::InPlace => receiver.try_peek(BATCH, BATCH - 1).map(|messages| batch.extend(messages)),
    }
}
