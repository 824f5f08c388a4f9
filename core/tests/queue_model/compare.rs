//! Everything that can be seen from outside is as the model says.

use crate::apply::KEYS;
use crate::model::{Late, Letter, Model, Status, Totals};
use crate::subject::{JOBS, Subject};
use proptest::prelude::*;
use std::sync::Arc;

/// Everything that can be seen from outside.
pub fn compare(subject: &Subject, model: &mut Model) -> Result<(), TestCaseError> {
    let stats = subject.queues.jobs.stats().expect("stats");
    let dead = subject.queues.dead.stats().expect("stats");
    model.forget_old_keys();
    let count = |status: fn(&Status) -> bool| {
        model.kept.messages.values().filter(|entry| status(&entry.status)).count() as u64
    };
    let (ready, blocked) = model.ready();
    if model.limits_keys() {
        // What a key's limit holds is blocked from when somebody asked for it.
        prop_assert_eq!(
            stats.ready + stats.blocked,
            (ready.len() + blocked.len()) as u64,
            "ready or blocked"
        );
    } else {
        prop_assert_eq!(stats.ready, ready.len() as u64, "ready");
        prop_assert_eq!(stats.blocked, blocked.len() as u64, "blocked");
        prop_assert_eq!(
            stats.oldest_ready_age.as_millis() as u64,
            model.oldest_ready_age_ms(),
            "oldest ready"
        );
    }
    prop_assert_eq!(stats.dedup_entries, model.kept.keys.len() as u64, "deduplication keys");
    prop_assert_eq!(stats.deferred, count(|s| *s == Status::Deferred), "deferred");
    prop_assert_eq!(stats.dead_letters, model.kept.letters.len() as u64, "dead letters");
    prop_assert_eq!(stats.scheduled, count(|s| matches!(s, Status::Scheduled { .. })), "scheduled");
    prop_assert_eq!(stats.leased, count(|s| matches!(s, Status::Leased { .. })), "leased");
    let totals = Totals {
        sent: stats.sent_total,
        acked: stats.acked_total,
        failures: stats.failures_total,
        leases_expired: stats.leases_expired_total,
        redeliveries: stats.redeliveries_total,
        dead: stats.dead_total,
        dropped: stats.dropped_total,
        expired: stats.expired_total,
        cancelled: stats.cancelled_total,
        purged: stats.purged_total,
        start_breaches: stats.start_breaches_total,
        complete_breaches: stats.complete_breaches_total,
        refused: stats.refused_total,
        dropped_oldest: stats.dropped_oldest_total,
        dropped_newest: stats.dropped_newest_total,
        dropped_lowest_priority: stats.dropped_lowest_priority_total,
        dead_lettered_oldest: stats.dead_lettered_oldest_total,
        dedup_hits: stats.dedup_hits_total,
        redriven: dead.redriven_total,
        discarded: dead.purged_total,
    };
    prop_assert_eq!(totals, model.totals);
    let never = [stats.failures_ignored_total, stats.failures_by_class.len() as u64];
    prop_assert!(never.iter().all(|count| *count == 0), "what no verb here brings: {:?}", never);
    let breaches = subject.queues.jobs.breaches().expect("a look");
    let breaches: Vec<_> = breaches.iter().map(|breach| (breach.id, breach.deadline)).collect();
    prop_assert_eq!(breaches, std::mem::take(&mut model.breaches), "breaches");
    let peeked: Vec<_> = subject
        .queues
        .jobs
        .peek(0, 1000)
        .expect("a look")
        .iter()
        .map(|p| (p.id(), Arc::<str>::from(String::from_utf8_lossy(p.value())), p.attempts(), p.failures()))
        .collect();
    let waiting = model.kept.messages.iter().filter(|(_, e)| !matches!(e.status, Status::Leased { .. }));
    let expected: Vec<_> = waiting.map(|(id, e)| (*id, e.value.clone(), e.attempts, e.failures)).collect();
    if let Some((middle, ..)) = expected.get(expected.len() / 2) {
        let from = subject.queues.jobs.peek(*middle, 2).expect("a look");
        let ids: Vec<u64> = from.iter().map(|p| p.id()).collect();
        let rest: Vec<u64> = expected[expected.len() / 2..].iter().map(|e| e.0).take(2).collect();
        prop_assert_eq!(ids, rest, "peek from {}", middle);
    }
    prop_assert_eq!(peeked, expected);
    for held in subject.held.iter().filter(|held| !held.ended) {
        let entry = model.kept.messages.get(&held.id);
        let expected = entry.is_none_or(|entry| entry.attempts == held.attempt && entry.is_recalled);
        prop_assert_eq!(held.delivery.is_cancelled(), expected, "message {} is cancelled", held.id);
    }
    compare_late(subject, model)?;
    compare_letters(subject, model)
}

fn compare_letters(subject: &Subject, model: &Model) -> Result<(), TestCaseError> {
    let letters = subject.queues.dead.peek(0, 1000).expect("a look");
    prop_assert_eq!(letters.len(), model.kept.letters.len(), "dead letters");
    for (letter, expected) in letters.iter().zip(&model.kept.letters) {
        let header = |name| String::from_utf8_lossy(letter.header(name).unwrap_or(b"missing")).into_owned();
        prop_assert_eq!(letter.value(), expected.value.as_bytes());
        prop_assert_eq!(letter.key(), expected.key.map(|key| KEYS[usize::from(key)].as_bytes()));
        let found = (header("rm-dead-reason"), header("rm-dead-error"), header("rm-dead-queue"));
        prop_assert_eq!(found, (expected.reason.to_owned(), expected.error.clone(), "jobs".to_owned()));
        let numbers = (header("rm-dead-id"), header("rm-attempts"), header("rm-failures"));
        let Letter { id, attempts, failures, .. } = expected;
        prop_assert_eq!(numbers, (id.to_string(), attempts.to_string(), failures.to_string()));
    }
    Ok(())
}

fn compare_late(subject: &Subject, model: &Model) -> Result<(), TestCaseError> {
    let late = subject.queues.late.peek(0, 1000).expect("a look");
    prop_assert_eq!(late.len(), model.kept.late.len(), "late messages");
    for (copy, expected) in late.iter().zip(&model.kept.late) {
        let header = |name| String::from_utf8_lossy(copy.header(name).unwrap_or(b"missing")).into_owned();
        let Late { value, key, id, deadline, attempts, failures } = expected;
        prop_assert_eq!(copy.value(), value.as_bytes());
        prop_assert_eq!(copy.key(), key.map(|key| KEYS[usize::from(key)].as_bytes()));
        prop_assert_eq!(
            (header("rm-breach"), header("rm-breach-queue")),
            (deadline.as_str().to_owned(), JOBS.to_owned())
        );
        let numbers = (header("rm-breach-id"), header("rm-attempts"), header("rm-failures"));
        prop_assert_eq!(numbers, (id.to_string(), attempts.to_string(), failures.to_string()));
    }
    Ok(())
}
