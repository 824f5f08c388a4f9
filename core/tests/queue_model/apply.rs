//! Saying a verb to the queue and to the model, which have to answer the same.

use crate::admission::Answer;
use crate::model::{Model, Status};
use crate::subject::{Held, Mode, Subject};
use crate::verb::{Verb, Wish};
use proptest::prelude::*;
use ringmain::{Delivery, Error, Letters, Message, OnExhausted, Redrive};
use std::sync::Arc;
use std::time::Duration;

const ORDERING_KEYS: [&str; 3] = ["a", "b", "c"];
pub const KEYS: [&str; 3] = ["k", "l", "m"];
const DEDUP_KEYS: [&str; 3] = ["x", "y", "z"];

fn outcome(result: Result<(), Error>) -> Result<bool, TestCaseError> {
    match result {
        Ok(()) => Ok(true),
        Err(Error::LeaseLost { .. }) => Ok(false),
        Err(other) => Err(TestCaseError::fail(format!("{other:?}"))),
    }
}

fn answer(result: Result<Vec<(u64, bool)>, Error>) -> Result<Answer, TestCaseError> {
    match result {
        Ok(sent) => Ok(Answer::Sent(sent)),
        Err(Error::Duplicate { .. }) => Ok(Answer::Duplicate),
        Err(Error::Full { .. }) => Ok(Answer::Full),
        Err(Error::InvalidArgument { .. }) => Ok(Answer::Invalid),
        Err(other) => Err(TestCaseError::fail(format!("{other:?}"))),
    }
}

pub fn apply(subject: &mut Subject, model: &mut Model, verb: &Verb) -> Result<(), TestCaseError> {
    let ms = Duration::from_millis;
    match verb {
        Verb::Send { wish } => {
            let value = model.next_value();
            let sent = subject.queues.jobs.send_unique(message(&value, wish));
            let sent = sent.map(|sent| vec![(sent.id, sent.is_duplicate)]);
            prop_assert_eq!(answer(sent)?, model.send(&[value], &[*wish]));
        }
        Verb::SendBatch { wishes } => {
            let values: Vec<Arc<str>> = wishes.iter().map(|_| model.next_value()).collect();
            let messages: Vec<_> = values.iter().zip(wishes).map(|(v, wish)| message(v, wish)).collect();
            let sent = subject.queues.jobs.send_batch(&messages);
            if values.is_empty() {
                prop_assert!(sent.expect("nothing to be sent").is_empty());
            } else {
                let told = model.send(&values, wishes);
                // Which of them were duplicates is not said of a batch.
                let hits: Vec<bool> = match &told {
                    Answer::Sent(sent) => sent.iter().map(|(_, is_hit)| *is_hit).collect(),
                    _ => Vec::new(),
                };
                let sent = sent.map(|ids| ids.into_iter().zip(hits).collect());
                prop_assert_eq!(answer(sent)?, told);
            }
        }
        Verb::Receive { count } => receive(subject, model, *count)?,
        Verb::Ack { which } => {
            let Some(index) = subject.index(*which) else { return Ok(()) };
            let held = &mut subject.held[index];
            held.ended = true;
            prop_assert_eq!(vec![outcome(held.delivery.ack())?], model.ack(&[(held.id, held.attempt)]));
        }
        Verb::AckBatch { which, count } => {
            let Some(first) = subject.index(*which) else { return Ok(()) };
            let range = first..subject.held.len().min(first + count);
            subject.held[range.clone()].iter_mut().for_each(|held| held.ended = true);
            let held = &subject.held[range];
            let deliveries: Vec<&Delivery> = held.iter().map(|held| &held.delivery).collect();
            let results: Result<Vec<bool>, _> =
                subject.queues.jobs.ack_batch(&deliveries).into_iter().map(outcome).collect();
            let tokens: Vec<_> = held.iter().map(|held| (held.id, held.attempt)).collect();
            prop_assert_eq!(results?, model.ack(&tokens));
        }
        Verb::FailBatch { which, count } | Verb::ReleaseBatch { which, count } => {
            settle_batch(subject, model, *which, *count, matches!(verb, Verb::FailBatch { .. }))?;
        }
        Verb::AckUpTo { which } => {
            let Some(index) = subject.index(*which) else { return Ok(()) };
            let Some(consumer) = &mut subject.consumer else { return Ok(()) };
            let held = &mut subject.held[index];
            let acked = match consumer.ack_up_to(&held.delivery) {
                Err(Error::InvalidArgument { .. }) => None,
                acked => Some(outcome(acked)?),
            };
            prop_assert_eq!(acked, model.ack_up_to((held.id, held.attempt)));
            held.ended |= acked == Some(true);
        }
        Verb::Pause => {
            subject.queues.jobs.pause().expect("paused");
            model.is_paused = true;
        }
        Verb::Resume => {
            subject.queues.jobs.resume().expect("resumed");
            model.is_paused = false;
        }
        Verb::Alter { change } => {
            model.alter(change);
            subject.alter(&model.setup);
        }
        Verb::Next { prefetch } => {
            // A memory hub hands out what was cancelled or purged meanwhile.
            if model.setup.mode == Mode::Memory && model.has_lost_ahead() {
                return Ok(());
            }
            if subject.consumer.is_none() {
                model.prefetch = *prefetch;
            }
            // Else it would wait.
            let Some(id) = model.next_of_consumer() else { return Ok(()) };
            let consumer = subject.consumer.get_or_insert_with(|| {
                subject.queues.jobs.consumer().prefetch(*prefetch).start().expect("it starts")
            });
            let delivery = consumer.next().expect("it goes on");
            prop_assert_eq!(delivery.id(), id, "the next of a consumer");
            hold(subject, model, delivery)?;
        }
        Verb::DropConsumer => {
            subject.consumer = None;
            model.drop_consumer();
        }
        Verb::ReceiveDeferred { which } => {
            let id = some_id(model, *which);
            let taken = subject.queues.jobs.receive_deferred(id).expect("a look");
            prop_assert_eq!(taken.is_some(), model.receive_deferred(id), "received by its id: {}", id);
            taken.map_or(Ok(()), |delivery| hold(subject, model, delivery))?;
        }
        Verb::Cancel { which, with_force } => {
            let id = some_id(model, *which);
            let cancelled =
                if *with_force { subject.queues.jobs.cancel_now(id) } else { subject.queues.jobs.cancel(id) };
            prop_assert_eq!(cancelled.expect("said"), model.cancel(id, *with_force), "cancelled: {}", id);
        }
        Verb::Reschedule { which, delay_ms } => {
            let id = some_id(model, *which);
            let rescheduled = subject.queues.jobs.reschedule(id, ms(*delay_ms)).expect("said");
            prop_assert_eq!(rescheduled, model.reschedule(id, *delay_ms), "rescheduled: {}", id);
        }
        Verb::Advance { ms: by_ms } => {
            subject.clock.advance(ms(*by_ms));
            model.advance(*by_ms);
        }
        Verb::AckLetter => {
            let letter = subject.queues.dead.try_receive().expect("a look");
            prop_assert_eq!(letter.is_some(), !model.kept.letters.is_empty());
            if let Some(letter) = letter {
                letter.ack().expect("acked");
                model.kept.letters.remove(0);
                model.commit();
            }
        }
        Verb::Redrive => {
            let how = Redrive::default();
            let redriven =
                subject.queues.dead.dead_letters().redrive(&Letters::all(), &how).expect("redriven");
            prop_assert_eq!(redriven, model.redrive(), "redriven");
            if redriven > 0 {
                model.commit();
            }
        }
        Verb::Discard => {
            let discarded = subject.queues.dead.dead_letters().discard(&Letters::all()).expect("discarded");
            prop_assert_eq!(discarded, model.discard(), "discarded");
            if discarded > 0 {
                model.commit();
            }
        }
        Verb::Purge { with_force } => {
            let purged =
                if *with_force { subject.queues.jobs.purge_all() } else { subject.queues.jobs.purge() };
            // However few there are, it waits for what was said before.
            prop_assert_eq!(purged.expect("purged"), model.purge(*with_force), "purged");
            model.commit();
        }
        Verb::Reopen if model.setup.mode != Mode::Memory => {
            subject.hub.close(ms(60_000)).expect("closed");
            subject.reopen(&model.setup);
            model.close();
        }
        Verb::Crash if model.setup.mode != Mode::Memory => {
            subject.crash(&model.setup);
            model.crash();
        }
        Verb::Reopen | Verb::Crash => {}
        Verb::Fail { which, .. }
        | Verb::Release { which, .. }
        | Verb::Reject { which }
        | Verb::Extend { which, .. }
        | Verb::Defer { which }
        | Verb::RateLimited { which, .. }
        | Verb::Drop { which } => {
            if let Some(index) = subject.index(*which) {
                settle(subject, model, verb, index)?;
            }
        }
    }
    Ok(())
}

fn message<'a>(value: &'a Arc<str>, wish: &Wish) -> Message<'a> {
    let Wish { delay_ms, priority, ttl_ms, group, key, dedup_key, start_ms, complete_ms } = *wish;
    let mut message = Message::new(&**value);
    if let Some(key) = key {
        message = message.key(KEYS[usize::from(key)]);
    }
    if let Some(key) = dedup_key {
        message = message.dedup_key(DEDUP_KEYS[usize::from(key)]);
    }
    if let Some(start_ms) = start_ms {
        message = message.start_within(Duration::from_millis(start_ms));
    }
    if let Some(complete_ms) = complete_ms {
        message = message.complete_within(Duration::from_millis(complete_ms));
    }
    if delay_ms > 0 {
        message = message.delay(Duration::from_millis(delay_ms));
    }
    if let Some(priority) = priority {
        message = message.priority(priority);
    }
    if let Some(ttl_ms) = ttl_ms {
        message = message.ttl(Duration::from_millis(ttl_ms));
    }
    match group {
        Some(group) => message.ordering_key(ORDERING_KEYS[usize::from(group)]),
        None => message,
    }
}

/// The id of a message: one that is there, or at times one that was, or will be.
fn some_id(model: &Model, which: usize) -> u64 {
    let count = model.kept.messages.len();
    let there = model.kept.messages.keys().nth(which % (count + 1));
    there.copied().unwrap_or(which as u64 % (model.kept.next_id + 2))
}

fn receive(subject: &mut Subject, model: &mut Model, count: usize) -> Result<(), TestCaseError> {
    let taken = subject.queues.jobs.receive_batch(count, Duration::ZERO).expect("a look");
    let ids: Vec<u64> = taken.iter().map(Delivery::id).collect();
    model.receive(&ids, count).map_err(TestCaseError::fail)?;
    taken.into_iter().try_for_each(|delivery| hold(subject, model, delivery))
}

/// Looks at a delivery, and keeps it.
fn hold(subject: &mut Subject, model: &Model, delivery: Delivery) -> Result<(), TestCaseError> {
    let (id, attempt) = (delivery.id(), delivery.attempts());
    let entry = &model.kept.messages[&id];
    prop_assert_eq!(delivery.value(), entry.value.as_bytes());
    prop_assert_eq!(delivery.key(), entry.key.map(|key| KEYS[usize::from(key)].as_bytes()));
    let counts = (attempt, delivery.failures());
    prop_assert_eq!(counts, (entry.attempts, entry.failures), "of message {}", id);
    subject.held.push(Held { delivery, id, attempt, ended: false });
    Ok(())
}

/// The same verb on several deliveries.
fn settle_batch(
    subject: &mut Subject,
    model: &mut Model,
    which: usize,
    count: usize,
    fails: bool,
) -> Result<(), TestCaseError> {
    let Some(first) = subject.index(which) else { return Ok(()) };
    let range = first..subject.held.len().min(first + count);
    subject.held[range.clone()].iter_mut().for_each(|held| held.ended = true);
    let held = &subject.held[range];
    let deliveries: Vec<&Delivery> = held.iter().map(|held| &held.delivery).collect();
    let jobs = &subject.queues.jobs;
    let results =
        if fails { jobs.fail_batch(&deliveries, "no luck") } else { jobs.release_batch(&deliveries) };
    for (result, Held { id, attempt, .. }) in results.into_iter().zip(held) {
        let holds = model.holds(*id, *attempt);
        prop_assert_eq!(outcome(result)?, holds, "of message {}", id);
        if holds && fails {
            model.fail(*id, "no luck", None);
        } else if holds {
            model.release(*id, Status::Ready);
        }
        if holds {
            model.commit();
        }
    }
    Ok(())
}

/// The verbs on one delivery.
fn settle(subject: &mut Subject, model: &mut Model, verb: &Verb, index: usize) -> Result<(), TestCaseError> {
    let ms = Duration::from_millis;
    let held = &mut subject.held[index];
    let (id, holds) = (held.id, model.holds(held.id, held.attempt));
    match verb {
        Verb::Fail { delay_ms, .. } => {
            held.ended = true;
            let failed = match delay_ms {
                None => held.delivery.fail("no luck"),
                Some(delay_ms) => held.delivery.fail_after("no luck", ms(*delay_ms)),
            };
            prop_assert_eq!(outcome(failed)?, holds);
            if holds {
                model.fail(id, "no luck", *delay_ms);
                model.commit();
            }
        }
        Verb::Release { delay_ms, .. } => {
            held.ended = true;
            prop_assert_eq!(outcome(held.delivery.release_after(ms(*delay_ms)))?, holds);
            if holds {
                let status = model.waiting(*delay_ms);
                model.release(id, status);
                model.commit();
            }
        }
        Verb::Reject { .. } if model.setup.on_exhausted == OnExhausted::Keep => {
            let refused = held.delivery.reject("never");
            prop_assert!(matches!(refused, Err(Error::OptionMissing { .. })), "{:?}", refused);
        }
        Verb::Reject { .. } => {
            held.ended = true;
            prop_assert_eq!(outcome(held.delivery.reject("never"))?, holds);
            if holds {
                model.reject(id, "never");
                model.commit();
            }
        }
        Verb::Extend { ms: by_ms, .. } => {
            prop_assert_eq!(outcome(held.delivery.extend(ms(*by_ms)))?, holds);
            if holds {
                model.extend(id, *by_ms);
            }
        }
        // What a consumer takes ahead is to be told without asking which keys rest.
        Verb::RateLimited { .. } if model.setup.with_consumer && held.delivery.key().is_some() => {}
        Verb::RateLimited { ms: rest_ms, .. } => {
            held.ended = true;
            let key = model.kept.messages.get(&id).and_then(|entry| entry.key);
            prop_assert_eq!(outcome(held.delivery.rate_limited(ms(*rest_ms)))?, holds);
            if holds {
                model.rest(key, *rest_ms);
                model.release(id, Status::Ready);
                model.commit();
            }
        }
        Verb::Defer { .. } => {
            held.ended = true;
            prop_assert_eq!(outcome(held.delivery.defer())?, holds);
            if holds {
                model.release(id, Status::Deferred);
                model.commit();
            }
        }
        Verb::Drop { .. } => {
            let held = subject.held.swap_remove(index);
            if holds && !held.ended {
                model.release(id, Status::Ready);
            }
        }
        _ => unreachable!("not a verb on a delivery"),
    }
    Ok(())
}
