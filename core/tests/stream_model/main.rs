//! Streams and their groups against two models: `exact` says of few verbs what each brings, to the letter; the others let everything
//! happen at once, and say what holds whatever happened:
//!
//! - **One owner**: in one generation no two members are given records of one partition; nobody is given a partition that another one
//!   reads, has not let go of, and had time for.
//! - **Nothing committed comes again**: what a group has committed, up to an offset or one by one, none of its members is given, unless
//!   it went back by name (a rewind, a seek).
//! - **No gap**: a member is given the records of a partition in their order, and passes over none that nobody has committed; what is
//!   committed was given to somebody, or passed over by name (where the group began, a seek).
//! - **Stickiness**: of the partitions of a group that has settled as few move as the balance needs.
//! - **Progress**: a group whose members poll and commit is given everything that is held, and shares all partitions, none having two
//!   more than another.
//! - **Durability**: a power cut takes nothing that was acknowledged; of a hub that waits for no sync, nothing that was flushed, and
//!   of each partition no more than the end.
//! - **Retention**: a record goes when it is too old, too many came behind it, every group has read it, or a later one of its key
//!   has replaced it; not before, and not long after.
//! - **Producers**: whatever is retried after whatever crash, every message of a producer is there once.
//!
//! 2,000 cases of these by default, 256 of the exact ones; `PROPTEST_CASES` scales.
#![cfg(feature = "simulation")]

mod append;
mod apply;
mod check;
mod exact;
mod group;
mod log;
mod settle;
mod verb;
mod world;

use proptest::prelude::*;
use verb::{setups, verbs};
use world::World;

fn config() -> ProptestConfig {
    let default = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() {
        default
    } else {
        ProptestConfig { cases: 2000, ..default }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_properties_of_groups_hold_whatever_members_clock_disk_and_retention_do(
        setup in setups(), verbs in proptest::collection::vec(verbs(), 1..100),
    ) {
        let mut world = World::new(setup);
        for (step, verb) in verbs.iter().enumerate() {
            let done = world.apply(verb).and_then(|()| world.observe()).and_then(|()| {
                if step % 16 == 15 || step + 1 == verbs.len() { world.check_held() } else { Ok(()) }
            });
            done.map_err(|e| TestCaseError::fail(format!("step {step}, {verb:?}: {e}")))?;
        }
        world.settle_all()?;
    }
}
