//! The rings whose messages are received once, against a queue: whatever a single-threaded program does with all the
//! verbs and several handles, messages come out once and in order, there is exactly the room that was asked for, and
//! nothing is dropped twice or never.

use proptest::prelude::*;
use ringmain::ring::{TryRecvError, TrySendError, mpmc, mpsc, spsc, unbounded};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Most handles of a side at a time.
const HANDLES_MAX: usize = 3;

/// A step of a program. A handle is the one with that number, modulo how many there are; batches, claims and peeks are
/// for so many messages.
#[derive(Debug, Clone, Copy)]
enum Step {
    Send(usize),
    SendBatch(usize, usize),
    Claim { sender: usize, len_max: usize, written: usize, commits: bool },
    Receive(usize),
    ReceiveBatch(usize, usize),
    Peek { receiver: usize, len_max: usize, taken: usize, commits: bool },
    CloneSender(usize),
    CloneReceiver(usize),
    DropSender(usize),
    DropReceiver(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let handle = 0..HANDLES_MAX;
    let len = 0usize..12;
    prop_oneof![
        20 => handle.clone().prop_map(Step::Send),
        8 => (handle.clone(), len.clone()).prop_map(|(sender, len)| Step::SendBatch(sender, len)),
        8 => (handle.clone(), len.clone(), len.clone(), any::<bool>())
            .prop_map(|(sender, len_max, written, commits)| Step::Claim { sender, len_max, written, commits }),
        18 => handle.clone().prop_map(Step::Receive),
        8 => (handle.clone(), len.clone()).prop_map(|(receiver, len)| Step::ReceiveBatch(receiver, len)),
        8 => (handle.clone(), len.clone(), len, any::<bool>())
            .prop_map(|(receiver, len_max, taken, commits)| Step::Peek { receiver, len_max, taken, commits }),
        2 => handle.clone().prop_map(Step::CloneSender),
        2 => handle.clone().prop_map(Step::CloneReceiver),
        2 => handle.clone().prop_map(Step::DropSender),
        1 => handle.prop_map(Step::DropReceiver),
    ]
}

/// A message that is counted while it lives.
#[derive(Debug)]
struct Numbered(usize, Arc<AtomicUsize>);

/// Makes messages with the next number each.
struct Mint {
    next: usize,
    alive: Arc<AtomicUsize>,
}

impl Mint {
    fn message(&mut self) -> Numbered {
        self.next += 1;
        self.alive.fetch_add(1, Ordering::SeqCst);
        Numbered(self.next, Arc::clone(&self.alive))
    }

    fn messages(&mut self, count: usize) -> Vec<Numbered> {
        (0..count).map(|_| self.message()).collect()
    }
}

impl Drop for Numbered {
    fn drop(&mut self) {
        let before = self.1.fetch_sub(1, Ordering::SeqCst);
        assert!(before != 0 && before < usize::MAX / 2, "message {} is dropped twice", self.0);
    }
}

fn numbers<'a>(messages: impl IntoIterator<Item = &'a Numbered>) -> Vec<usize> {
    messages.into_iter().map(|message| message.0).collect()
}

/// A flavour: its handles, and verbs that give something which borrows a handle.
trait Flavour {
    type Sender;
    type Receiver;

    fn ring(capacity: usize) -> (Self::Sender, Self::Receiver);

    /// The bound that the ring says it has.
    fn capacity(sender: &Self::Sender) -> Option<usize>;

    /// Another handle, if the flavour has such.
    fn another_sender(sender: &Self::Sender) -> Option<Self::Sender>;
    fn another_receiver(receiver: &Self::Receiver) -> Option<Self::Receiver>;

    fn sender_len(sender: &Self::Sender) -> usize;
    fn receiver_len(receiver: &Self::Receiver) -> usize;

    fn try_send(sender: &Self::Sender, message: Numbered) -> Result<(), TrySendError<Numbered>>;
    fn try_send_batch(sender: &Self::Sender, batch: &mut Vec<Numbered>) -> Result<usize, TrySendError<()>>;
    /// Claims, writes from the front of `batch`, and ends the claim. Returns how much room it had.
    fn claim(
        sender: &mut Self::Sender,
        len_max: usize,
        batch: &mut VecDeque<Numbered>,
        commits: bool,
    ) -> Result<usize, TrySendError<()>>;

    fn try_recv(receiver: &Self::Receiver) -> Result<Numbered, TryRecvError>;
    fn try_recv_batch(
        receiver: &Self::Receiver,
        batch: &mut Vec<Numbered>,
        len_max: usize,
    ) -> Result<usize, TryRecvError>;
    /// Looks, takes so many, and ends the peek. Returns the numbers that it saw, and what it took.
    fn peek(
        receiver: &mut Self::Receiver,
        len_max: usize,
        count: usize,
        commits: bool,
    ) -> Result<(Vec<usize>, Vec<Numbered>), TryRecvError>;
}

macro_rules! flavour {
    ($name:ident, $module:ident, $make:expr, $another_sender:expr, $another_receiver:expr) => {
        struct $name;

        impl Flavour for $name {
            type Sender = $module::Sender<Numbered>;
            type Receiver = $module::Receiver<Numbered>;

            fn ring(capacity: usize) -> (Self::Sender, Self::Receiver) {
                $make(capacity)
            }

            fn capacity(sender: &Self::Sender) -> Option<usize> {
                sender.capacity()
            }

            fn another_sender(sender: &Self::Sender) -> Option<Self::Sender> {
                let another: fn(&Self::Sender) -> Option<Self::Sender> = $another_sender;
                another(sender)
            }

            fn another_receiver(receiver: &Self::Receiver) -> Option<Self::Receiver> {
                let another: fn(&Self::Receiver) -> Option<Self::Receiver> = $another_receiver;
                another(receiver)
            }

            fn sender_len(sender: &Self::Sender) -> usize {
                assert_eq!(sender.is_empty(), sender.len() == 0);
                sender.len()
            }

            fn receiver_len(receiver: &Self::Receiver) -> usize {
                assert_eq!(receiver.is_full(), receiver.capacity() == Some(receiver.len()));
                receiver.len()
            }

            fn try_send(sender: &Self::Sender, message: Numbered) -> Result<(), TrySendError<Numbered>> {
                sender.try_send(message)
            }

            fn try_send_batch(
                sender: &Self::Sender,
                batch: &mut Vec<Numbered>,
            ) -> Result<usize, TrySendError<()>> {
                sender.try_send_batch(batch)
            }

            fn claim(
                sender: &mut Self::Sender,
                len_max: usize,
                batch: &mut VecDeque<Numbered>,
                commits: bool,
            ) -> Result<usize, TrySendError<()>> {
                let mut claim = sender.try_claim(len_max)?;
                let room = claim.room();
                let written = claim.fill(std::iter::from_fn(|| batch.pop_front()));
                assert_eq!((claim.len(), claim.room()), (written, room - written));
                if let (0, Some(message)) = (claim.room(), batch.pop_front()) {
                    batch.push_front(claim.push(message).expect_err("there is no room"));
                }
                if commits {
                    assert_eq!(claim.commit(), written);
                } else {
                    claim.abort();
                }
                Ok(room)
            }

            fn try_recv(receiver: &Self::Receiver) -> Result<Numbered, TryRecvError> {
                receiver.try_recv()
            }

            fn try_recv_batch(
                receiver: &Self::Receiver,
                batch: &mut Vec<Numbered>,
                len_max: usize,
            ) -> Result<usize, TryRecvError> {
                receiver.try_recv_batch(batch, len_max)
            }

            fn peek(
                receiver: &mut Self::Receiver,
                len_max: usize,
                count: usize,
                commits: bool,
            ) -> Result<(Vec<usize>, Vec<Numbered>), TryRecvError> {
                let mut peek = receiver.try_peek(len_max)?;
                let seen = numbers(peek.iter());
                assert_eq!(peek.get(0).map(|message| message.0), seen.first().copied());
                let taken: Vec<Numbered> = std::iter::from_fn(|| peek.take()).take(count).collect();
                assert_eq!(peek.len(), seen.len() - taken.len());
                if commits {
                    assert_eq!(peek.commit(), seen.len() - taken.len());
                } else {
                    peek.abort();
                }
                Ok((seen, taken))
            }
        }
    };
}

flavour!(Spsc, spsc, spsc::bounded, |_| None, |_| None);
flavour!(Mpsc, mpsc, mpsc::bounded, |sender| Some(sender.clone()), |_| None);
flavour!(Mpmc, mpmc, mpmc::bounded, |sender| Some(sender.clone()), |receiver| Some(receiver.clone()));
flavour!(Unbounded, unbounded, |_| unbounded::unbounded(), |sender| Some(sender.clone()), |receiver| Some(
    receiver.clone()
));

/// A ring beside a queue of the numbers that should be in it.
struct Pair<F: Flavour> {
    senders: Vec<F::Sender>,
    receivers: Vec<F::Receiver>,
    bound: Option<usize>,
    queue: VecDeque<usize>,
    mint: Mint,
}

type Checked = Result<(), TestCaseError>;

impl<F: Flavour> Pair<F> {
    fn new(capacity: usize) -> Self {
        let (sender, receiver) = F::ring(capacity);
        let bound = F::capacity(&sender);
        assert!(bound.is_none_or(|bound| bound == capacity));
        let mint = Mint { next: 0, alive: Arc::default() };
        Self { senders: vec![sender], receivers: vec![receiver], bound, queue: VecDeque::new(), mint }
    }

    fn room(&self) -> usize {
        self.bound.map_or(usize::MAX, |bound| bound - self.queue.len())
    }

    /// What a sender is told that could send nothing.
    fn check_unsent<T>(&self, error: &TrySendError<T>) -> Checked {
        prop_assert_eq!(error.is_disconnected(), self.receivers.is_empty());
        prop_assert!(error.is_disconnected() || self.room() == 0, "full, with room for {}", self.room());
        Ok(())
    }

    /// What a receiver is told that got nothing.
    fn check_unreceived(&self, error: TryRecvError) -> Checked {
        prop_assert!(self.queue.is_empty(), "{error}, with {} messages", self.queue.len());
        prop_assert_eq!(error == TryRecvError::Disconnected, self.senders.is_empty());
        Ok(())
    }

    /// These were received.
    fn check_received(&mut self, received: &[Numbered]) -> Checked {
        let expected: Vec<usize> = self.queue.drain(..received.len().min(self.queue.len())).collect();
        prop_assert_eq!(numbers(received), expected);
        Ok(())
    }

    fn step(&mut self, step: Step) -> Checked {
        match step {
            Step::Send(n) | Step::SendBatch(n, _) | Step::Claim { sender: n, .. }
                if !self.senders.is_empty() =>
            {
                self.send(n % self.senders.len(), step)?;
            }
            Step::Receive(n) | Step::ReceiveBatch(n, _) | Step::Peek { receiver: n, .. }
                if !self.receivers.is_empty() =>
            {
                self.receive(n % self.receivers.len(), step)?;
            }
            Step::CloneSender(n) if (1..HANDLES_MAX).contains(&self.senders.len()) => {
                self.senders.extend(F::another_sender(&self.senders[n % self.senders.len()]));
            }
            Step::CloneReceiver(n) if (1..HANDLES_MAX).contains(&self.receivers.len()) => {
                self.receivers.extend(F::another_receiver(&self.receivers[n % self.receivers.len()]));
            }
            Step::DropSender(n) if !self.senders.is_empty() => {
                drop(self.senders.swap_remove(n % self.senders.len()));
            }
            Step::DropReceiver(n) if !self.receivers.is_empty() => {
                drop(self.receivers.swap_remove(n % self.receivers.len()));
                if self.receivers.is_empty() {
                    self.queue.clear();
                }
            }
            _ => {}
        }
        prop_assert_eq!(self.mint.alive.load(Ordering::SeqCst), self.queue.len());
        let lens = self.senders.iter().map(F::sender_len).chain(self.receivers.iter().map(F::receiver_len));
        for len in lens {
            prop_assert_eq!(len, self.queue.len());
        }
        Ok(())
    }

    fn send(&mut self, sender: usize, step: Step) -> Checked {
        let room = self.room();
        match step {
            Step::Send(_) => {
                let message = self.mint.message();
                let number = message.0;
                match F::try_send(&self.senders[sender], message) {
                    Ok(()) => {
                        prop_assert!(room != 0 && !self.receivers.is_empty());
                        self.queue.push_back(number);
                    }
                    Err(error) => {
                        self.check_unsent(&error)?;
                        prop_assert_eq!(error.into_inner().0, number);
                    }
                }
            }
            Step::SendBatch(_, len) => {
                let mut batch = self.mint.messages(len);
                let offered = numbers(&batch);
                let result = F::try_send_batch(&self.senders[sender], &mut batch);
                let sent = match result {
                    Ok(sent) => sent,
                    Err(error) => {
                        self.check_unsent(&error)?;
                        0
                    }
                };
                let can = if self.receivers.is_empty() { 0 } else { len.min(room) };
                prop_assert_eq!((sent, result.is_ok()), (can, can != 0 || len == 0));
                prop_assert_eq!(numbers(&batch), &offered[sent..]);
                self.queue.extend(&offered[..sent]);
            }
            Step::Claim { len_max, written, commits, .. } => {
                let mut batch = VecDeque::from(self.mint.messages(written));
                let offered = numbers(&batch);
                match F::claim(&mut self.senders[sender], len_max, &mut batch, commits) {
                    Ok(claimed) => {
                        prop_assert_eq!(claimed, len_max.min(room));
                        prop_assert!(len_max == 0 || !self.receivers.is_empty());
                        let written = written.min(claimed);
                        prop_assert_eq!(numbers(&batch), &offered[written..]);
                        self.queue.extend(&offered[..if commits { written } else { 0 }]);
                    }
                    Err(error) => self.check_unsent(&error)?,
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn receive(&mut self, receiver: usize, step: Step) -> Checked {
        let handle = &mut self.receivers[receiver];
        match step {
            Step::Receive(_) => match F::try_recv(handle) {
                Ok(message) => self.check_received(&[message]),
                Err(error) => self.check_unreceived(error),
            },
            Step::ReceiveBatch(_, len_max) => {
                let mut batch = Vec::new();
                match F::try_recv_batch(handle, &mut batch, len_max) {
                    Ok(count) => {
                        prop_assert_eq!((count, batch.len()), (len_max.min(self.queue.len()), count));
                        self.check_received(&batch)
                    }
                    Err(error) => self.check_unreceived(error),
                }
            }
            Step::Peek { len_max, taken, commits, .. } => match F::peek(handle, len_max, taken, commits) {
                Ok((seen, took)) => {
                    // Without a bound, what is looked at ends with its block.
                    let most = len_max.min(self.queue.len());
                    let least = if self.bound.is_some() { most } else { most.min(1) };
                    prop_assert!((least..=most).contains(&seen.len()), "{} of {most}", seen.len());
                    prop_assert!(self.queue.iter().take(seen.len()).eq(&seen));
                    prop_assert_eq!(took.len(), taken.min(seen.len()));
                    self.check_received(&took)?;
                    if commits {
                        self.queue.drain(..seen.len() - took.len());
                    }
                    Ok(())
                }
                Err(error) => self.check_unreceived(error),
            },
            _ => Ok(()),
        }
    }
}

fn run<F: Flavour>(capacity: usize, steps: Vec<Step>) -> Checked {
    let mut pair = Pair::<F>::new(capacity);
    for step in steps {
        pair.step(step)?;
    }
    let alive = Arc::clone(&pair.mint.alive);
    drop(pair);
    prop_assert_eq!(alive.load(Ordering::SeqCst), 0);
    Ok(())
}

macro_rules! model {
    ($($test:ident: $flavour:ident,)*) => {
        proptest! {
            #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..Default::default() })]
            $(
                #[test]
                fn $test(capacity in 1usize..=9, steps in prop::collection::vec(step(), 0..120)) {
                    run::<$flavour>(capacity, steps)?;
                }
            )*
        }
    };
}

model! {
    an_spsc_ring_is_a_queue_with_a_bound: Spsc,
    an_mpsc_ring_is_a_queue_with_a_bound: Mpsc,
    an_mpmc_ring_is_a_queue_with_a_bound: Mpmc,
    an_unbounded_ring_is_a_queue: Unbounded,
}
