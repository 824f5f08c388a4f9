//! What is said to the queue, at random.

use crate::setup::{Change, change};
use proptest::prelude::*;

pub const LEASE_MS: u64 = 30_000;
pub const PRIORITY_DEFAULT: u8 = 4;

/// All messages of an ordering key have the same: what several of them do together is not modelled.
const PRIORITY_OF_GROUPS: [Option<u8>; 3] = [None, None, Some(7)];

/// What a message is sent with.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    pub delay_ms: u64,
    pub priority: Option<u8>,
    pub ttl_ms: Option<u64>,
    /// Its ordering key.
    pub group: Option<u8>,
    pub key: Option<u8>,
    pub dedup_key: Option<u8>,
    pub start_ms: Option<u64>,
    pub complete_ms: Option<u64>,
}

#[derive(Debug, Clone)]
pub enum Verb {
    Send {
        wish: Wish,
    },
    SendBatch {
        wishes: Vec<Wish>,
    },
    Receive {
        count: usize,
    },
    Ack {
        which: usize,
    },
    AckBatch {
        which: usize,
        count: usize,
    },
    Fail {
        which: usize,
        delay_ms: Option<u64>,
    },
    Release {
        which: usize,
        delay_ms: u64,
    },
    Reject {
        which: usize,
    },
    Extend {
        which: usize,
        ms: u64,
    },
    Defer {
        which: usize,
    },
    /// The next of a consumer, which takes so many at a time if there is none yet.
    Next {
        prefetch: usize,
    },
    DropConsumer,
    AckUpTo {
        which: usize,
    },
    FailBatch {
        which: usize,
        count: usize,
    },
    ReleaseBatch {
        which: usize,
        count: usize,
    },
    RateLimited {
        which: usize,
        ms: u64,
    },
    Pause,
    Resume,
    Alter {
        change: Change,
    },
    Drop {
        which: usize,
    },
    ReceiveDeferred {
        which: usize,
    },
    Cancel {
        which: usize,
        with_force: bool,
    },
    Reschedule {
        which: usize,
        delay_ms: u64,
    },
    Advance {
        ms: u64,
    },
    AckLetter,
    Redrive,
    Discard,
    Purge {
        with_force: bool,
    },
    Reopen,
    Crash,
}

fn delay() -> impl Strategy<Value = u64> {
    prop_oneof![3 => Just(0u64), 1 => 1..5000u64]
}

fn wish(with_consumer: bool) -> impl Strategy<Value = Wish> {
    let priority = prop_oneof![4 => Just(None), 1 => (0..10u8).prop_map(Some)];
    let within =
        |most_ms: u64, weight: u32| prop_oneof![weight => Just(None), 1 => (1..most_ms).prop_map(Some)];
    let one_of_three = |weight: u32| prop_oneof![weight => Just(None), 1 => (0..3u8).prop_map(Some)];
    let keys = (one_of_three(2), prop_oneof![1 => Just(None), 4 => (0..3u8).prop_map(Some)], one_of_three(2));
    let times = (delay(), within(40_000, 5), within(10_000, 5), within(40_000, 5));
    (priority, keys, times).prop_map(move |(priority, (group, key, dedup_key), times)| {
        let (delay_ms, ttl_ms, start_ms, complete_ms) = times;
        let wish = Wish { delay_ms, priority, ttl_ms, group, key, dedup_key, start_ms, complete_ms };
        if with_consumer {
            let priority = priority.filter(|p| *p != PRIORITY_DEFAULT).or(Some(5));
            return Wish { priority, group: None, ..wish };
        }
        let priority = group.map_or(priority, |group| PRIORITY_OF_GROUPS[usize::from(group)]);
        Wish { priority, ..wish }
    })
}

/// Messages that a consumer may take ahead have no ordering key, or which ones it took could not be seen from outside; and all
/// of them have options.
pub fn verbs(with_consumer: bool) -> BoxedStrategy<Verb> {
    let consumer = prop_oneof![
        6 => (1..6usize).prop_map(|prefetch| Verb::Next { prefetch }),
        1 => Just(Verb::DropConsumer),
        1 => (0..1000usize).prop_map(|which| Verb::AckUpTo { which }),
    ];
    if with_consumer {
        prop_oneof![80 => verbs_on_queue(true), 14 => consumer].boxed()
    } else {
        verbs_on_queue(false).boxed()
    }
}

fn verbs_on_queue(with_consumer: bool) -> impl Strategy<Value = Verb> {
    let which = || 0..1000usize;
    prop_oneof![
        8 => wish(with_consumer).prop_map(|wish| Verb::Send { wish }),
        4 => proptest::collection::vec(wish(with_consumer), 0..6).prop_map(|wishes| Verb::SendBatch { wishes }),
        12 => (1..5usize).prop_map(|count| Verb::Receive { count }),
        8 => which().prop_map(|which| Verb::Ack { which }),
        2 => (which(), 1..4usize).prop_map(|(which, count)| Verb::AckBatch { which, count }),
        1 => (which(), 1..4usize).prop_map(|(which, count)| Verb::FailBatch { which, count }),
        1 => (which(), 1..4usize).prop_map(|(which, count)| Verb::ReleaseBatch { which, count }),
        2 => (which(), 1..5000u64).prop_map(|(which, ms)| Verb::RateLimited { which, ms }),
        1 => Just(Verb::Pause),
        3 => Just(Verb::Resume),
        2 => change().prop_map(|change| Verb::Alter { change }),
        8 => (which(), proptest::option::of(delay())).prop_map(|(which, delay_ms)| Verb::Fail { which, delay_ms }),
        4 => (which(), delay()).prop_map(|(which, delay_ms)| Verb::Release { which, delay_ms }),
        3 => which().prop_map(|which| Verb::Reject { which }),
        3 => (which(), 1..60_000u64).prop_map(|(which, ms)| Verb::Extend { which, ms }),
        3 => which().prop_map(|which| Verb::Defer { which }),
        3 => which().prop_map(|which| Verb::Drop { which }),
        3 => which().prop_map(|which| Verb::ReceiveDeferred { which }),
        3 => (which(), any::<bool>()).prop_map(|(which, with_force)| Verb::Cancel { which, with_force }),
        3 => (which(), delay()).prop_map(|(which, delay_ms)| Verb::Reschedule { which, delay_ms }),
        8 => prop_oneof![4 => 1..4000u64, 1 => Just(LEASE_MS), 1 => 20_000..70_000u64]
            .prop_map(|ms| Verb::Advance { ms }),
        2 => Just(Verb::AckLetter),
        3 => Just(Verb::Redrive),
        1 => Just(Verb::Discard),
        1 => any::<bool>().prop_map(|with_force| Verb::Purge { with_force }),
        2 => Just(Verb::Reopen),
        2 => Just(Verb::Crash),
    ]
}
