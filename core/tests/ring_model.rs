//! The rings whose messages are received once, against a queue: whatever a single-threaded program does with all the
//! verbs and several handles, messages come out once and in order, there is exactly the room that was asked for, and
//! nothing is dropped twice or never. Claims and peeks stay open while other handles go on.

use proptest::prelude::*;
use ringmain::ring::{TryRecvError, TrySendError, mpmc, mpsc, spsc, unbounded};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

/// Most handles of a side at a time, and most claims that are open.
const HANDLES_MAX: usize = 3;
/// A program takes milliseconds: one that takes this long hangs in a verb.
const LIMIT: Duration = Duration::from_secs(5);
/// How long a shorter program that fails is looked for.
const SHRINK_MS_MAX: u32 = 20_000;

/// A step of a program. A handle is the one with that number, modulo how many there are, and likewise an open claim or
/// peek; batches, claims and peeks are for so many messages.
#[derive(Debug, Clone, Copy)]
enum Step {
    Send(usize),
    SendBatch(usize, usize),
    Claim { sender: usize, len_max: usize, early: usize, late: usize, commits: bool },
    EndClaim(usize),
    Receive(usize),
    ReceiveBatch(usize, usize),
    Peek { receiver: usize, len_max: usize, early: usize, late: usize, commits: bool },
    EndPeek(usize),
    CloneSender(usize),
    CloneReceiver(usize),
    DropSender(usize),
    DropReceiver(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let handle = 0..HANDLES_MAX;
    let len = 0usize..12;
    // A handle, how many at most, how many now and how many at the end, and how it ends.
    let hold = (handle.clone(), len.clone(), 0usize..6, 0usize..6, any::<bool>());
    prop_oneof![
        20 => handle.clone().prop_map(Step::Send),
        8 => (handle.clone(), len.clone()).prop_map(|(sender, len)| Step::SendBatch(sender, len)),
        8 => hold.clone().prop_map(|(sender, len_max, early, late, commits)| {
            Step::Claim { sender, len_max, early, late, commits }
        }),
        14 => handle.clone().prop_map(Step::EndClaim),
        18 => handle.clone().prop_map(Step::Receive),
        8 => (handle.clone(), len).prop_map(|(receiver, len)| Step::ReceiveBatch(receiver, len)),
        8 => hold.prop_map(|(receiver, len_max, early, late, commits)| {
            Step::Peek { receiver, len_max, early, late, commits }
        }),
        14 => handle.clone().prop_map(Step::EndPeek),
        2 => handle.clone().prop_map(Step::CloneSender),
        2 => handle.clone().prop_map(Step::CloneReceiver),
        2 => handle.clone().prop_map(Step::DropSender),
        1 => handle.prop_map(Step::DropReceiver),
    ]
}

/// A message that is counted while it lives. Nothing but a number, so that one read from where none is does no harm
/// before it is found out.
#[derive(Debug)]
struct Numbered(usize);

/// Which messages of this thread's program live, by their numbers.
#[derive(Default)]
struct Ledger {
    is_alive: Vec<bool>,
    /// The first one that was dropped and not alive.
    fault: Option<usize>,
}

thread_local! {
    static LEDGER: RefCell<Ledger> = RefCell::default();
}

impl Numbered {
    fn new() -> Self {
        LEDGER.with_borrow_mut(|ledger| {
            ledger.is_alive.push(true);
            Self(ledger.is_alive.len() - 1)
        })
    }

    fn batch<B: FromIterator<Self>>(len: usize) -> B {
        (0..len).map(|_| Self::new()).collect()
    }
}

impl Drop for Numbered {
    fn drop(&mut self) {
        LEDGER.with_borrow_mut(|ledger| match ledger.is_alive.get_mut(self.0) {
            Some(is_alive @ true) => *is_alive = false,
            // WHY no panic: a second one while the first unwinds would end the process.
            _ => ledger.fault = ledger.fault.or(Some(self.0)),
        });
    }
}

/// Asserts that so many messages live, and none was dropped that did not.
fn check_alive(expected: usize) -> Checked {
    LEDGER.with_borrow(|ledger| {
        prop_assert_eq!(ledger.fault, None, "this message was dropped twice, or was none");
        prop_assert_eq!(ledger.is_alive.iter().filter(|is_alive| **is_alive).count(), expected);
        Ok(())
    })
}

fn numbers<'a>(messages: impl IntoIterator<Item = &'a Numbered>) -> Vec<usize> {
    messages.into_iter().map(|message| message.0).collect()
}

/// A claim or a peek that is open: a future, which may own the handle that it borrows. It is pending once, while it is
/// open, and ends with the handle.
type Open<H, R> = Pin<Box<dyn Future<Output = (H, R)>>>;

/// Pending once.
async fn pause() {
    let mut is_over = false;
    poll_fn(|_| if std::mem::replace(&mut is_over, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

fn poll<H, R>(open: &mut Open<H, R>) -> Poll<(H, R)> {
    open.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// How much room a claim had, and the messages that it did not write.
type Claimed = Result<(usize, VecDeque<Numbered>), TrySendError<()>>;
/// The numbers that a peek saw, and what it took.
type Peeked = Result<(Vec<usize>, Vec<Numbered>), TryRecvError>;

/// What an open claim is to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holding {
    /// Slots that are taken, and keep the receivers back.
    Slots,
    /// Nothing yet: there is no other sender to do without them.
    Unseen,
    /// Nothing: the messages are written aside.
    Aside,
}

/// A flavour: its handles, and verbs that give something which borrows a handle.
trait Flavour: 'static {
    type Sender;
    type Receiver;

    /// What its claims hold.
    const HOLDING: Holding;

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
    /// Claims, writes `early` messages from the front of `batch`, and the others at the end.
    fn claim(
        sender: Self::Sender,
        len_max: usize,
        batch: VecDeque<Numbered>,
        early: usize,
        commits: bool,
    ) -> Open<Self::Sender, Claimed>;

    fn try_recv(receiver: &Self::Receiver) -> Result<Numbered, TryRecvError>;
    fn try_recv_batch(
        receiver: &Self::Receiver,
        batch: &mut Vec<Numbered>,
        len_max: usize,
    ) -> Result<usize, TryRecvError>;
    /// Looks, takes `early` messages, and `late` ones at the end.
    fn peek(
        receiver: Self::Receiver,
        len_max: usize,
        early: usize,
        late: usize,
        commits: bool,
    ) -> Open<Self::Receiver, Peeked>;
}

macro_rules! flavour {
    ($name:ident, $module:ident, $holding:ident, $make:expr, $another_sender:expr, $another_receiver:expr) => {
        struct $name;

        impl Flavour for $name {
            type Sender = $module::Sender<Numbered>;
            type Receiver = $module::Receiver<Numbered>;

            const HOLDING: Holding = Holding::$holding;

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
                mut sender: Self::Sender,
                len_max: usize,
                mut batch: VecDeque<Numbered>,
                early: usize,
                commits: bool,
            ) -> Open<Self::Sender, Claimed> {
                Box::pin(async move {
                    let result = async {
                        let mut claim = sender.try_claim(len_max)?;
                        let room = claim.room();
                        let mut written = claim.fill(std::iter::from_fn(|| batch.pop_front()).take(early));
                        pause().await;
                        written += claim.fill(std::iter::from_fn(|| batch.pop_front()));
                        assert_eq!((claim.len(), claim.room()), (written, room - written));
                        if let (0, Some(message)) = (claim.room(), batch.pop_front()) {
                            batch.push_front(claim.push(message).expect_err("there is no room"));
                        }
                        if commits {
                            assert_eq!(claim.commit(), written);
                        } else {
                            claim.abort();
                        }
                        Ok((room, batch))
                    }
                    .await;
                    (sender, result)
                })
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
                mut receiver: Self::Receiver,
                len_max: usize,
                early: usize,
                late: usize,
                commits: bool,
            ) -> Open<Self::Receiver, Peeked> {
                Box::pin(async move {
                    let result = async {
                        let mut peek = receiver.try_peek(len_max)?;
                        let seen = numbers(peek.iter());
                        let mut taken: Vec<Numbered> =
                            std::iter::from_fn(|| peek.take()).take(early).collect();
                        pause().await;
                        assert_eq!(numbers(peek.iter()), seen[taken.len()..]);
                        assert_eq!(peek.get(0).map(|message| message.0), seen.get(taken.len()).copied());
                        taken.extend(std::iter::from_fn(|| peek.take()).take(late));
                        assert_eq!(peek.len(), seen.len() - taken.len());
                        if commits {
                            assert_eq!(peek.commit(), seen.len() - taken.len());
                        } else {
                            peek.abort();
                        }
                        Ok((seen, taken))
                    }
                    .await;
                    (receiver, result)
                })
            }
        }
    };
}

flavour!(Spsc, spsc, Unseen, spsc::bounded, |_| None, |_| None);
flavour!(Mpsc, mpsc, Slots, mpsc::bounded, |sender| Some(sender.clone()), |_| None);
flavour!(Mpmc, mpmc, Slots, mpmc::bounded, |sender| Some(sender.clone()), |receiver| Some(receiver.clone()));
flavour!(
    Unbounded,
    unbounded,
    Aside,
    |_| unbounded::unbounded(),
    |sender| Some(sender.clone()),
    |receiver| Some(receiver.clone())
);

/// What is at a place of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    Message(usize),
    /// It is of the open claim with this number.
    Claimed(usize),
    /// Of a claim that ended without a message here, when others had sent behind it. A receiver passes over it.
    Void,
}

struct OpenClaim<F: Flavour> {
    open: Open<F::Sender, Claimed>,
    number: usize,
    /// What it writes, as far as there is room.
    offered: Vec<usize>,
    room: usize,
    commits: bool,
}

struct OpenPeek<F: Flavour> {
    open: Open<F::Receiver, Peeked>,
    /// How many messages it may have seen.
    len: usize,
    /// How many it takes, as far as there are any.
    count: usize,
    commits: bool,
}

/// A ring beside a queue of the numbers that should be in it.
struct Pair<F: Flavour> {
    senders: Vec<F::Sender>,
    receivers: Vec<F::Receiver>,
    claims: Vec<OpenClaim<F>>,
    peeks: Vec<OpenPeek<F>>,
    bound: Option<usize>,
    queue: VecDeque<Entry>,
    /// The number of the next claim.
    next_claim: usize,
}

type Checked = Result<(), TestCaseError>;

impl<F: Flavour> Pair<F> {
    fn new(capacity: usize) -> Self {
        let (sender, receiver) = F::ring(capacity);
        let bound = F::capacity(&sender);
        assert!(bound.is_none_or(|bound| bound == capacity));
        Self {
            senders: vec![sender],
            receivers: vec![receiver],
            claims: Vec::new(),
            peeks: Vec::new(),
            bound,
            queue: VecDeque::new(),
            next_claim: 0,
        }
    }

    fn has_senders(&self) -> bool {
        !self.senders.is_empty() || !self.claims.is_empty()
    }

    fn has_receivers(&self) -> bool {
        !self.receivers.is_empty() || !self.peeks.is_empty()
    }

    /// Whether a peek keeps the receivers from the messages.
    fn is_held(&self) -> bool {
        self.peeks.iter().any(|peek| peek.len != 0)
    }

    fn room(&self) -> usize {
        self.bound.map_or(usize::MAX, |bound| bound - self.queue.len())
    }

    /// How many messages are to be had for a receiver that wants some now: it passes over what is void.
    fn ready_len(&mut self) -> usize {
        if self.is_held() {
            return 0;
        }
        while self.queue.front() == Some(&Entry::Void) {
            self.queue.pop_front();
        }
        self.queue.iter().take_while(|entry| matches!(entry, Entry::Message(_))).count()
    }

    /// What a sender is told that could send nothing.
    fn check_unsent<T>(&self, error: &TrySendError<T>) -> Checked {
        prop_assert_eq!(error.is_disconnected(), !self.has_receivers());
        prop_assert!(error.is_disconnected() || self.room() == 0, "full, with room for {}", self.room());
        Ok(())
    }

    /// What a receiver is told that got nothing.
    fn check_unreceived(&self, ready_len: usize, error: TryRecvError) -> Checked {
        prop_assert_eq!(ready_len, 0, "{} of {:?}", error, self.queue);
        prop_assert_eq!(error == TryRecvError::Disconnected, !self.has_senders() && !self.is_held());
        Ok(())
    }

    /// These were received.
    fn check_received(&mut self, received: &[Numbered]) -> Checked {
        prop_assert!(received.len() <= self.queue.len());
        let expected: Vec<Entry> = self.queue.drain(..received.len()).collect();
        prop_assert_eq!(messages(&numbers(received)), expected);
        Ok(())
    }

    fn step(&mut self, step: Step) -> Checked {
        match step {
            Step::Send(n) | Step::SendBatch(n, _) | Step::Claim { sender: n, .. }
                if !self.senders.is_empty() =>
            {
                self.send(n % self.senders.len(), step)?;
            }
            Step::EndClaim(n) if !self.claims.is_empty() => {
                let claim = self.claims.swap_remove(n % self.claims.len());
                self.end_claim(claim)?;
            }
            Step::Receive(n) | Step::ReceiveBatch(n, _) | Step::Peek { receiver: n, .. }
                if !self.receivers.is_empty() =>
            {
                self.receive(n % self.receivers.len(), step)?;
            }
            Step::EndPeek(n) if !self.peeks.is_empty() => {
                let peek = self.peeks.swap_remove(n % self.peeks.len());
                self.end_peek(peek)?;
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
                if !self.has_receivers() {
                    // What is behind an open claim stays until the ring goes.
                    let claimed = self.queue.iter().position(|entry| matches!(entry, Entry::Claimed(_)));
                    self.queue.drain(..claimed.unwrap_or(self.queue.len()));
                }
            }
            _ => {}
        }
        if !self.has_senders() && !self.has_receivers() {
            self.queue.clear();
        }
        self.check()
    }

    /// What is true after every step.
    fn check(&self) -> Checked {
        let sent = self.queue.iter().filter(|entry| matches!(entry, Entry::Message(_))).count();
        check_alive(sent + self.claims.iter().map(|claim| claim.offered.len()).sum::<usize>())?;
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
                let message = Numbered::new();
                let number = message.0;
                match F::try_send(&self.senders[sender], message) {
                    Ok(()) => {
                        prop_assert!(room != 0 && self.has_receivers());
                        self.queue.push_back(Entry::Message(number));
                    }
                    Err(error) => {
                        self.check_unsent(&error)?;
                        prop_assert_eq!(error.into_inner().0, number);
                    }
                }
            }
            Step::SendBatch(_, len) => {
                let mut batch = Numbered::batch(len);
                let offered = numbers(&batch);
                let result = F::try_send_batch(&self.senders[sender], &mut batch);
                let sent = match result {
                    Ok(sent) => sent,
                    Err(error) => {
                        self.check_unsent(&error)?;
                        0
                    }
                };
                let can = if self.has_receivers() { len.min(room) } else { 0 };
                prop_assert_eq!((sent, result.is_ok()), (can, can != 0 || len == 0));
                prop_assert_eq!(numbers(&batch), &offered[sent..]);
                self.queue.extend(messages(&offered[..sent]));
            }
            Step::Claim { len_max, early, late, commits, .. } if self.claims.len() < HANDLES_MAX => {
                let batch: VecDeque<Numbered> = Numbered::batch(early + late);
                let offered = numbers(&batch);
                let mut open = F::claim(self.senders.swap_remove(sender), len_max, batch, early, commits);
                if let Poll::Ready((sender, result)) = poll(&mut open) {
                    self.senders.push(sender);
                    return self.check_unsent(&result.expect_err("it ends at once if it fails"));
                }
                prop_assert!(len_max == 0 || (room != 0 && self.has_receivers()));
                let (number, room) = (self.next_claim, len_max.min(room));
                self.next_claim += 1;
                if F::HOLDING == Holding::Slots {
                    self.queue.extend(std::iter::repeat_n(Entry::Claimed(number), room));
                }
                self.claims.push(OpenClaim { open, number, offered, room, commits });
            }
            _ => {}
        }
        Ok(())
    }

    fn end_claim(&mut self, mut claim: OpenClaim<F>) -> Checked {
        let Poll::Ready((sender, result)) = poll(&mut claim.open) else { panic!("it is pending once") };
        self.senders.push(sender);
        let (room, rest) = result.expect("it was open");
        prop_assert_eq!(room, claim.room);
        let written = room.min(claim.offered.len());
        prop_assert_eq!(numbers(&rest), &claim.offered[written..]);
        let sent = &claim.offered[..if claim.commits { written } else { 0 }];
        match F::HOLDING {
            Holding::Slots => self.end_slots(claim.number, room, sent),
            Holding::Aside if !self.has_receivers() => {}
            Holding::Aside | Holding::Unseen => self.queue.extend(messages(sent)),
        }
        Ok(())
    }

    /// Ends a claim that holds slots: those that are not sent are given back, or void if others have sent behind them.
    fn end_slots(&mut self, number: usize, room: usize, sent: &[usize]) {
        let Some(start) = self.queue.iter().position(|entry| *entry == Entry::Claimed(number)) else {
            return;
        };
        for (index, entry) in self.queue.range_mut(start..start + room).enumerate() {
            *entry = sent.get(index).map_or(Entry::Void, |number| Entry::Message(*number));
        }
        // Without receivers, nothing is given back any more.
        if start + room == self.queue.len() && self.has_receivers() {
            self.queue.truncate(start + sent.len());
        }
    }

    fn receive(&mut self, receiver: usize, step: Step) -> Checked {
        match step {
            Step::Receive(_) => {
                let ready_len = self.ready_len();
                match F::try_recv(&self.receivers[receiver]) {
                    Ok(message) => self.check_received(&[message]),
                    Err(error) => self.check_unreceived(ready_len, error),
                }
            }
            Step::ReceiveBatch(_, len_max) => {
                let ready_len = if len_max == 0 { 0 } else { self.ready_len() };
                let mut batch = Vec::new();
                match F::try_recv_batch(&self.receivers[receiver], &mut batch, len_max) {
                    Ok(count) => {
                        prop_assert_eq!((count, batch.len()), (len_max.min(ready_len), count));
                        self.check_received(&batch)
                    }
                    Err(error) => self.check_unreceived(ready_len, error),
                }
            }
            Step::Peek { len_max, early, late, commits, .. } => {
                let ready_len = if len_max == 0 { 0 } else { self.ready_len() };
                let mut open = F::peek(self.receivers.swap_remove(receiver), len_max, early, late, commits);
                if let Poll::Ready((receiver, result)) = poll(&mut open) {
                    self.receivers.push(receiver);
                    let Err(error) = result else { panic!("it ends at once only if it fails") };
                    return self.check_unreceived(ready_len, error);
                }
                prop_assert!(len_max == 0 || ready_len != 0);
                self.peeks.push(OpenPeek { open, len: len_max.min(ready_len), count: early + late, commits });
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn end_peek(&mut self, mut peek: OpenPeek<F>) -> Checked {
        let Poll::Ready((receiver, result)) = poll(&mut peek.open) else { panic!("it is pending once") };
        self.receivers.push(receiver);
        let (seen, taken) = result.expect("it was open");
        // Without a bound, what is looked at ends with its block.
        let least = if self.bound.is_some() { peek.len } else { peek.len.min(1) };
        prop_assert!((least..=peek.len).contains(&seen.len()), "{} of {}", seen.len(), peek.len);
        prop_assert!(self.queue.iter().copied().take(seen.len()).eq(messages(&seen)));
        prop_assert_eq!(taken.len(), peek.count.min(seen.len()));
        self.check_received(&taken)?;
        if peek.commits {
            self.queue.drain(..seen.len() - taken.len());
        }
        Ok(())
    }
}

fn messages(numbers: &[usize]) -> Vec<Entry> {
    numbers.iter().copied().map(Entry::Message).collect()
}

/// Runs a program, counting in `step_count` the steps that are begun, the drop of the ring among them.
fn run<F: Flavour>(capacity: usize, steps: &[Step], step_count: &AtomicUsize) -> Checked {
    // WHY: where something was wrong, dropping the ring may make it worse, and the ring is not to be believed.
    let mut pair = ManuallyDrop::new(Pair::<F>::new(capacity));
    for step in steps {
        step_count.fetch_add(1, Ordering::Relaxed);
        pair.step(*step)?;
    }
    step_count.fetch_add(1, Ordering::Relaxed);
    drop(ManuallyDrop::into_inner(pair));
    check_alive(0)
}

/// Runs a program in a thread of its own, so that one which hangs fails like any other.
fn run_within_limit<F: Flavour>(capacity: usize, steps: Vec<Step>) -> Checked {
    let (done, result) = channel();
    let step_count = Arc::new(AtomicUsize::new(0));
    let thread = thread::spawn({
        let (steps, step_count) = (steps.clone(), Arc::clone(&step_count));
        move || done.send(run::<F>(capacity, &steps, &step_count))
    });
    match result.recv_timeout(LIMIT) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => {
            let count = step_count.load(Ordering::Relaxed);
            let step = steps.get(count.saturating_sub(1));
            let step = step.map_or("the drop of the ring".to_owned(), |step| format!("{step:?}"));
            Err(TestCaseError::fail(format!("step {count}, {step}, is not over after {LIMIT:?}")))
        }
        Err(RecvTimeoutError::Disconnected) => match thread.join() {
            Ok(_) => unreachable!("the result was sent before"),
            Err(panic) => std::panic::resume_unwind(panic),
        },
    }
}

macro_rules! model {
    ($($test:ident: $flavour:ident,)*) => {
        proptest! {
            #![proptest_config(ProptestConfig {
                cases: 5000,
                failure_persistence: None,
                max_shrink_time: SHRINK_MS_MAX,
                ..Default::default()
            })]
            $(
                #[test]
                fn $test(capacity in 1usize..=9, steps in prop::collection::vec(step(), 0..120)) {
                    run_within_limit::<$flavour>(capacity, steps)?;
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
