//! The ring whose every reader gets every message, against a list of what was sent and a number for each
//! reader.

use proptest::prelude::*;
use ringmain::ring::broadcast::{self, Policy};
use ringmain::ring::{TryRecvError, TrySendError};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A step of a single-threaded program against a ring. A reader is the one with that number, as long as there
/// are as many; batches and looks are for so many messages.
#[derive(Debug, Clone)]
enum Step {
    Send,
    SendBatch(usize),
    Claim { len_max: usize, written: usize, commits: bool },
    Receive(usize),
    ReceiveBatch(usize, usize),
    Peek { reader: usize, len_max: usize, taken: usize },
    AskMissed(usize),
    Subscribe(Policy),
    SubscribeBeside(usize, Policy),
    Clone(usize),
    Leave(usize),
    DropSender,
}

fn policy() -> impl Strategy<Value = Policy> {
    prop_oneof![Just(Policy::Gate), Just(Policy::Lag)]
}

fn step() -> impl Strategy<Value = Step> {
    let reader = 0usize..4;
    prop_oneof![
        30 => Just(Step::Send),
        8 => (0usize..12).prop_map(Step::SendBatch),
        8 => (0usize..12, 0usize..12, any::<bool>())
            .prop_map(|(len_max, written, commits)| Step::Claim { len_max, written, commits }),
        30 => reader.clone().prop_map(Step::Receive),
        8 => (reader.clone(), 0usize..12).prop_map(|(reader, len_max)| Step::ReceiveBatch(reader, len_max)),
        8 => (reader.clone(), 0usize..12, 0usize..12)
            .prop_map(|(reader, len_max, taken)| Step::Peek { reader, len_max, taken }),
        4 => reader.clone().prop_map(Step::AskMissed),
        4 => policy().prop_map(Step::Subscribe),
        2 => (reader.clone(), policy()).prop_map(|(reader, policy)| Step::SubscribeBeside(reader, policy)),
        3 => reader.clone().prop_map(Step::Clone),
        5 => reader.prop_map(Step::Leave),
        1 => Just(Step::DropSender),
    ]
}

/// A message that is counted while it lives.
struct Numbered(usize, Arc<AtomicUsize>);

impl Numbered {
    fn new(number: usize, alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::SeqCst);
        Self(number, Arc::clone(alive))
    }
}

impl Clone for Numbered {
    fn clone(&self) -> Self {
        Self::new(self.0, &self.1)
    }
}

impl Drop for Numbered {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What is known of the ring: messages are numbered in the order in which they are sent.
struct Model {
    capacity: usize,
    sent: usize,
    /// A reader that may be overtaken is at this message or where it was, whichever is later.
    overtaken: usize,
}

/// What is known of a reader.
#[derive(Clone)]
struct Place {
    policy: Policy,
    /// What it gets next, unless it is overtaken.
    next: usize,
    /// What it has missed and not been told.
    missed: usize,
}

impl Model {
    fn room(&self, readers: &[Place]) -> usize {
        let gates = readers.iter().filter(|place| place.policy == Policy::Gate);
        self.capacity - gates.map(|place| self.sent - place.next).max().unwrap_or(0)
    }

    /// A sender wants room for so many messages, and there is some.
    fn want(&mut self, wanted: usize, readers: &[Place]) {
        let wanted = wanted.min(self.capacity);
        let gate = readers.iter().filter(|place| place.policy == Policy::Gate).map(|place| place.next).min();
        let end = (self.sent + wanted + self.capacity / 8).min(gate.unwrap_or(self.sent) + self.capacity);
        self.overtaken = self.overtaken.max(end.saturating_sub(self.capacity));
    }

    /// The reader is found to be at message `next`.
    fn found_at(&self, place: &mut Place, next: usize) -> Result<(), TestCaseError> {
        match place.policy {
            Policy::Gate => prop_assert_eq!(next, place.next),
            Policy::Lag => {
                let oldest = self.sent.saturating_sub(self.capacity);
                prop_assert!(next >= place.next.max(oldest), "{next} is gone, or was received");
                prop_assert!(next <= place.next.max(self.overtaken), "{next} was not yet next");
                place.missed += next - place.next;
                place.next = next;
            }
        }
        Ok(())
    }
}

macro_rules! model {
    ($name:ident, $make:path) => {
        proptest! {
            #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

            #[test]
            fn $name(capacity in 1usize..20, steps in prop::collection::vec(step(), 0..150)) {
                let alive = Arc::new(AtomicUsize::new(0));
                let (sender, receiver) = $make(capacity);
                let mut sender = Some(sender);
                let mut receivers = vec![receiver];
                let mut places = vec![Place { policy: Policy::Gate, next: 0, missed: 0 }];
                let mut model = Model { capacity, sent: 0, overtaken: 0 };
                for step in steps {
                    let room = if places.is_empty() { 0 } else { model.room(&places) };
                    match (step, &mut sender) {
                        (Step::Send, Some(sender)) => {
                            let result = sender.try_send(Numbered::new(model.sent, &alive));
                            match result {
                                Ok(()) => {
                                    prop_assert!(room > 0);
                                    model.want(1, &places);
                                    model.sent += 1;
                                }
                                Err(TrySendError::Full(message)) => {
                                    prop_assert!(message.0 == model.sent && room == 0 && !places.is_empty());
                                }
                                Err(TrySendError::Disconnected(message)) => {
                                    prop_assert!(message.0 == model.sent && places.is_empty());
                                }
                            }
                        }
                        (Step::SendBatch(len), Some(sender)) => {
                            let mut messages: Vec<_> =
                                (0..len).map(|index| Numbered::new(model.sent + index, &alive)).collect();
                            let result = sender.try_send_batch(&mut messages);
                            if len == 0 {
                                prop_assert_eq!(result, Ok(0));
                            } else if room == 0 {
                                prop_assert_eq!(result.unwrap_err().is_full(), !places.is_empty());
                            } else {
                                prop_assert_eq!(result, Ok(len.min(room)));
                                model.want(len, &places);
                                model.sent += len.min(room);
                            }
                            prop_assert_eq!(messages.len(), len - len.min(room));
                        }
                        (Step::Claim { len_max, written, commits }, Some(sender)) => match sender.try_claim(len_max) {
                            Ok(mut claim) => {
                                prop_assert_eq!(claim.room(), len_max.min(room));
                                if len_max != 0 {
                                    model.want(len_max, &places);
                                }
                                let first = model.sent;
                                let filled = claim.fill((first..first + written).map(|number| Numbered::new(number, &alive)));
                                prop_assert_eq!(filled, written.min(len_max).min(room));
                                if commits {
                                    prop_assert_eq!(claim.commit(), filled);
                                    model.sent += filled;
                                } else {
                                    claim.abort();
                                }
                            }
                            Err(error) => {
                                prop_assert!(len_max != 0 && room == 0);
                                prop_assert_eq!(error.is_full(), !places.is_empty());
                            }
                        },
                        (Step::Receive(which), sender) if which < receivers.len() => {
                            let place = &mut places[which];
                            match receivers[which].try_recv() {
                                Ok(message) => {
                                    model.found_at(place, message.0)?;
                                    place.next += 1;
                                }
                                Err(error) => {
                                    let expected = if sender.is_some() { TryRecvError::Empty } else { TryRecvError::Disconnected };
                                    prop_assert_eq!(error, expected);
                                    model.found_at(place, model.sent)?;
                                }
                            }
                        }
                        (Step::ReceiveBatch(which, len_max), _) if which < receivers.len() => {
                            let place = &mut places[which];
                            let mut got = Vec::new();
                            match receivers[which].try_recv_batch(&mut got, len_max) {
                                Ok(len) => {
                                    prop_assert_eq!(len, got.len());
                                    if let Some(first) = got.first() {
                                        model.found_at(place, first.0)?;
                                    }
                                    let numbers = place.next..place.next + len;
                                    prop_assert!(got.iter().map(|message| message.0).eq(numbers));
                                    prop_assert!(len == 0 || len == len_max.min(model.sent - place.next));
                                    place.next += len;
                                }
                                Err(_) => model.found_at(place, model.sent)?,
                            }
                        }
                        (Step::Peek { reader: which, len_max, taken }, sender) if which < receivers.len() => {
                            let place = &mut places[which];
                            match receivers[which].try_peek(len_max) {
                                Ok(mut peek) => {
                                    if let Some(first) = peek.get(0) {
                                        model.found_at(place, first.0)?;
                                    }
                                    let numbers = place.next..place.next + peek.len();
                                    prop_assert!(peek.iter().map(|message| message.0).eq(numbers));
                                    prop_assert_eq!(peek.is_empty(), len_max == 0);
                                    // It holds the sender, whatever the reader's policy is.
                                    let behind = model.sent - place.next;
                                    if let (Some(sender), true) = (sender, behind == capacity && len_max != 0) {
                                        let full = sender.try_send(Numbered::new(model.sent, &alive));
                                        prop_assert!(full.unwrap_err().is_full());
                                    }
                                    let taken = taken.min(peek.len());
                                    for _ in 0..taken {
                                        prop_assert_eq!(peek.take().map(|message| message.0), Some(place.next));
                                        place.next += 1;
                                    }
                                }
                                Err(_) => model.found_at(place, model.sent)?,
                            }
                        }
                        (Step::AskMissed(which), _) if which < receivers.len() => {
                            let place = &mut places[which];
                            let told = receivers[which].take_missed() as usize;
                            let newly = told.checked_sub(place.missed);
                            prop_assert!(newly.is_some(), "told {told} of {}", place.missed);
                            model.found_at(place, place.next + newly.unwrap())?;
                            place.missed = 0;
                        }
                        (Step::Subscribe(policy), Some(sender)) if receivers.len() < 4 => {
                            receivers.push(sender.subscribe(policy));
                            places.push(Place { policy, next: model.sent, missed: 0 });
                        }
                        (Step::SubscribeBeside(which, policy), _) if which < receivers.len() && receivers.len() < 4 => {
                            receivers.push(receivers[which].subscribe(policy));
                            places.push(Place { policy, next: model.sent, missed: 0 });
                        }
                        (Step::Clone(which), _) if which < receivers.len() && receivers.len() < 4 => {
                            receivers.push(receivers[which].clone());
                            // Now it is known where it is, because the model is told when it is asked.
                            let place = &mut places[which];
                            let told = receivers[which].take_missed() as usize;
                            model.found_at(place, place.next + told - place.missed)?;
                            place.missed = 0;
                            let clone = place.clone();
                            places.push(clone);
                        }
                        (Step::Leave(which), _) if which < receivers.len() => {
                            receivers.remove(which);
                            places.remove(which);
                        }
                        (Step::DropSender, _) => sender = None,
                        _ => {}
                    }
                    prop_assert!(alive.load(Ordering::SeqCst) <= capacity.next_power_of_two());
                    if let Some(sender) = &sender {
                        let held = if places.is_empty() { 0 } else { capacity - model.room(&places) };
                        prop_assert_eq!(sender.len(), held);
                    }
                    for (receiver, place) in receivers.iter().zip(&places) {
                        let len = receiver.len();
                        prop_assert!(len <= model.sent - place.next);
                        prop_assert!(place.policy == Policy::Lag || len == model.sent - place.next);
                    }
                }
                drop((sender, receivers));
                prop_assert_eq!(alive.load(Ordering::SeqCst), 0);
            }
        }
    };
}

model!(a_ring_with_one_sender_is_a_list_and_numbers, broadcast::bounded);
model!(a_ring_with_many_senders_is_a_list_and_numbers, broadcast::multi);
