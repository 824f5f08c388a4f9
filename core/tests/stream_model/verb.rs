//! What may happen, to what kind of stream.

use proptest::prelude::*;
use ringmain::Durability;
use std::time::Duration;

/// How records that are replaced go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compacted {
    No,
    Later { lag_min: Duration },
    AtOnce,
}

/// How a stream is made.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    /// `None`: in memory.
    pub durability: Option<Durability>,
    pub partitions: u32,
    pub age_max: Option<Duration>,
    pub count_max: Option<u64>,
    pub until_read: bool,
    pub compacted: Compacted,
}

pub const TOMBSTONE_GRACE: Duration = Duration::from_secs(20);

pub fn setups() -> impl Strategy<Value = Setup> {
    let durability = prop_oneof![
        2 => Just(None), 3 => Just(Some(Durability::Synced)), 2 => Just(Some(Durability::Relaxed)),
    ];
    let age_max = prop_oneof![2 => Just(None), 1 => (5..100u64).prop_map(|s| Some(Duration::from_secs(s)))];
    let count_max = prop_oneof![2 => Just(None), 1 => (1..30u64).prop_map(Some)];
    let compacted = prop_oneof![
        4 => Just(Compacted::No),
        1 => (0..5u64).prop_map(|s| Compacted::Later { lag_min: Duration::from_secs(s) }),
        1 => Just(Compacted::AtOnce),
    ];
    (durability, 1..5u32, age_max, count_max, prop::bool::weighted(0.25), compacted).prop_map(
        |(durability, partitions, age_max, count_max, until_read, compacted)| {
            // Beside `until_read` there must be a limit.
            let far = (until_read && age_max.is_none()).then_some(10_000);
            let count_max = count_max.or(far);
            Setup { durability, partitions, age_max, count_max, until_read, compacted }
        },
    )
}

/// A record to be appended: its key, and whether it says that the key has no value any more.
pub type Draft = (Option<u8>, bool);

#[derive(Debug, Clone, Copy)]
pub enum From {
    Earliest,
    Latest,
    Offset(u64),
    Time(u64),
}

/// What changes a group that has settled.
#[derive(Debug, Clone, Copy)]
pub enum Change {
    Join,
    Leave(usize),
    Grow,
}

/// Indices are taken modulo what there is.
#[derive(Debug, Clone)]
pub enum Verb {
    Append(Vec<Draft>),
    /// To the partition, if it ends where it is expected to, or somewhere else.
    AppendExpecting {
        partition: usize,
        off_by: u64,
        count: usize,
    },
    /// A producer goes back by so many messages, and appends some from there on.
    Produce {
        who: usize,
        back: usize,
        drafts: Vec<Draft>,
    },
    /// Somebody else takes over the producer's name.
    FenceProducer {
        who: usize,
    },
    Advance(Duration),
    Join {
        group: usize,
        name: Option<u8>,
        from: From,
    },
    Leave(usize),
    Poll {
        which: usize,
        count: usize,
    },
    Commit(usize),
    /// Commits up to one of the records that it was given.
    CommitOffset {
        which: usize,
        record: usize,
    },
    /// Marks one of the records that it was given, at any time.
    Done {
        which: usize,
        record: usize,
    },
    CommitDone(usize),
    Rewind {
        which: usize,
        partition: usize,
        back: u64,
    },
    Seek {
        which: usize,
        partition: usize,
        at: u64,
    },
    ConfirmRevoke(usize),
    Grow,
    DeleteGroup(usize),
    Compact,
    Flush,
    Settle(usize, Option<Change>),
    Reopen,
    Crash,
}

pub fn verbs() -> impl Strategy<Value = Verb> {
    let which = || 0..1000usize;
    let group = || 0..2usize;
    let draft = || (proptest::option::of(0..6u8), prop::bool::weighted(0.1));
    let drafts = || proptest::collection::vec(draft(), 1..9);
    let from = prop_oneof![
        5 => Just(From::Earliest), 1 => Just(From::Latest), 1 => (0..10u64).prop_map(From::Offset),
        1 => (0..20_000u64).prop_map(From::Time),
    ];
    let time = prop_oneof![
        6 => (1..3000u64).prop_map(Duration::from_millis),
        1 => (5..31u64).prop_map(Duration::from_secs),
        1 => Just(Duration::from_secs(46)),
        1 => Just(Duration::from_secs(301)),
    ];
    let change = prop_oneof![Just(Change::Join), which().prop_map(Change::Leave), Just(Change::Grow)];
    prop_oneof![
        12 => drafts().prop_map(Verb::Append),
        2 => (which(), 0..2u64, 1..4usize)
            .prop_map(|(partition, off_by, count)| Verb::AppendExpecting { partition, off_by, count }),
        6 => (0..2usize, 0..8usize, drafts()).prop_map(|(who, back, drafts)| Verb::Produce { who, back, drafts }),
        1 => (0..2usize).prop_map(|who| Verb::FenceProducer { who }),
        6 => time.prop_map(Verb::Advance),
        6 => (group(), proptest::option::of(0..2u8), from)
            .prop_map(|(group, name, from)| Verb::Join { group, name, from }),
        3 => which().prop_map(Verb::Leave),
        20 => (which(), 1..9usize).prop_map(|(which, count)| Verb::Poll { which, count }),
        7 => which().prop_map(Verb::Commit),
        3 => (which(), which()).prop_map(|(which, record)| Verb::CommitOffset { which, record }),
        10 => (which(), which()).prop_map(|(which, record)| Verb::Done { which, record }),
        6 => which().prop_map(Verb::CommitDone),
        2 => (which(), which(), 0..6u64).prop_map(|(which, partition, back)| Verb::Rewind { which, partition, back }),
        2 => (which(), which(), 0..100u64).prop_map(|(which, partition, at)| Verb::Seek { which, partition, at }),
        3 => which().prop_map(Verb::ConfirmRevoke),
        1 => Just(Verb::Grow),
        1 => group().prop_map(Verb::DeleteGroup),
        2 => Just(Verb::Compact),
        2 => Just(Verb::Flush),
        3 => (group(), proptest::option::of(change)).prop_map(|(group, change)| Verb::Settle(group, change)),
        1 => Just(Verb::Reopen),
        2 => Just(Verb::Crash),
    ]
}
