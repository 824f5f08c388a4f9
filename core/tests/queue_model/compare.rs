//! Everything that can be seen from outside is as the model says.

use crate::model::{Letter, Model, Status, Totals};
use crate::subject::Subject;
use proptest::prelude::*;
use std::sync::Arc;

/// Everything that can be seen from outside.
pub fn compare(subject: &Subject, model: &Model) -> Result<(), TestCaseError> {
    let stats = subject.jobs.stats().expect("stats");
    let dead = subject.dead.stats().expect("stats");
    let count = |status: fn(&Status) -> bool| {
        model.kept.messages.values().filter(|entry| status(&entry.status)).count() as u64
    };
    let (ready, blocked) = model.ready();
    prop_assert_eq!(stats.ready, ready.len() as u64, "ready");
    prop_assert_eq!(stats.blocked, blocked.len() as u64, "blocked");
    prop_assert_eq!(stats.deferred, count(|s| *s == Status::Deferred), "deferred");
    prop_assert_eq!(stats.dead_letters, model.kept.letters.len() as u64, "dead letters");
    prop_assert_eq!(stats.scheduled, count(|s| matches!(s, Status::Scheduled { .. })), "scheduled");
    prop_assert_eq!(stats.leased, count(|s| matches!(s, Status::Leased { .. })), "leased");
    prop_assert_eq!(stats.oldest_ready_age.as_millis() as u64, model.oldest_ready_age_ms(), "oldest ready");
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
        redriven: dead.redriven_total,
        discarded: dead.purged_total,
    };
    prop_assert_eq!(totals, model.totals);
    let never = [
        stats.failures_ignored_total,
        stats.start_breaches_total,
        stats.complete_breaches_total,
        stats.refused_total,
        stats.dropped_oldest_total,
        stats.dropped_newest_total,
        stats.dropped_lowest_priority_total,
        stats.dead_lettered_oldest_total,
        stats.dedup_hits_total,
        stats.dedup_entries,
        stats.failures_by_class.len() as u64,
    ];
    prop_assert!(never.iter().all(|count| *count == 0), "what no verb here brings: {:?}", never);
    let peeked: Vec<_> = subject
        .jobs
        .peek(0, 1000)
        .expect("a look")
        .iter()
        .map(|p| (p.id(), Arc::<str>::from(String::from_utf8_lossy(p.value())), p.attempts(), p.failures()))
        .collect();
    let waiting = model.kept.messages.iter().filter(|(_, e)| !matches!(e.status, Status::Leased { .. }));
    let expected: Vec<_> = waiting.map(|(id, e)| (*id, e.value.clone(), e.attempts, e.failures)).collect();
    if let Some((middle, ..)) = expected.get(expected.len() / 2) {
        let from = subject.jobs.peek(*middle, 2).expect("a look");
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
    compare_letters(subject, model)
}

fn compare_letters(subject: &Subject, model: &Model) -> Result<(), TestCaseError> {
    let letters = subject.dead.peek(0, 1000).expect("a look");
    prop_assert_eq!(letters.len(), model.kept.letters.len(), "dead letters");
    for (letter, expected) in letters.iter().zip(&model.kept.letters) {
        let header = |name| String::from_utf8_lossy(letter.header(name).unwrap_or(b"missing")).into_owned();
        prop_assert_eq!(letter.value(), expected.value.as_bytes());
        prop_assert_eq!(letter.key(), Some(&b"k"[..]));
        let found = (header("rm-dead-reason"), header("rm-dead-error"), header("rm-dead-queue"));
        prop_assert_eq!(found, (expected.reason.to_owned(), expected.error.clone(), "jobs".to_owned()));
        let numbers = (header("rm-dead-id"), header("rm-attempts"), header("rm-failures"));
        let Letter { id, attempts, failures, .. } = expected;
        prop_assert_eq!(numbers, (id.to_string(), attempts.to_string(), failures.to_string()));
    }
    Ok(())
}
