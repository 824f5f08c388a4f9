//! A schedule against a plain list of its slots: whatever happens to its hub, each slot has one message, in order.

use crate::{Bench, slot_of};
use proptest::prelude::*;
use ringmain::storage::sim::SimDisk;
use ringmain::{Delivery, Message, Missed};
use std::time::Duration;

const FROM: &str = "2026-11-20T08:30:30Z";
const MINUTE_NS: u64 = 60_000_000_000;

#[derive(Debug, Clone)]
enum Verb {
    Advance {
        seconds: u64,
    },
    /// Receives so many, and acks them or hands them back.
    Receive {
        count: usize,
        acks: bool,
    },
    Pause,
    Resume,
    /// Closed for that long.
    Reopen {
        seconds: u64,
    },
    Crash,
    /// Asks for the same schedule again.
    OpenAgain,
}

fn verbs() -> impl Strategy<Value = Verb> {
    prop_oneof![
        6 => (1..400u64).prop_map(|seconds| Verb::Advance { seconds }),
        3 => (1..6usize, any::<bool>()).prop_map(|(count, acks)| Verb::Receive { count, acks }),
        1 => Just(Verb::Pause),
        2 => Just(Verb::Resume),
        1 => (0..400u64).prop_map(|seconds| Verb::Reopen { seconds }),
        2 => Just(Verb::Crash),
        1 => Just(Verb::OpenAgain),
    ]
}

fn schedule(b: &Bench) {
    // From the index, and as many at a time as a step may miss.
    let message = Message::new("s").priority(2);
    b.schedule("s", "* * * * *").missed(Missed::All { max: 64 }).message(message).open().unwrap();
}

fn apply(b: &mut Bench, verb: &Verb, acked: &mut Vec<u64>) {
    match verb {
        Verb::Advance { seconds } => b.clock.advance(Duration::from_secs(*seconds)),
        Verb::Receive { count, acks } => {
            let taken: Vec<Delivery> = b.jobs.receive_batch(*count, Duration::ZERO).unwrap();
            for delivery in taken.iter().filter(|_| *acks) {
                delivery.ack().unwrap();
                acked.push(slot_of(delivery));
            }
            taken.iter().filter(|_| !*acks).for_each(|delivery| delivery.release().unwrap());
        }
        Verb::Pause => b.jobs.pause().unwrap(),
        Verb::Resume => b.jobs.resume().unwrap(),
        Verb::Reopen { seconds } if b.disk.is_some() => {
            b.hub.close(Duration::MAX).unwrap();
            b.clock.advance(Duration::from_secs(*seconds));
            b.hub = crate::open(&b.clock, b.disk.as_ref());
            b.jobs = crate::jobs_of(&b.hub);
        }
        Verb::Crash if b.disk.is_some() => b.crash(),
        Verb::Reopen { .. } | Verb::Crash => {}
        Verb::OpenAgain => schedule(b),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_slot_has_one_message_whatever_happens_to_the_hub(
        is_durable in any::<bool>(),
        verbs in proptest::collection::vec(verbs(), 1..30),
    ) {
        let mut b = Bench::new(FROM, is_durable.then(SimDisk::new));
        schedule(&b);
        let from_ns = b.clock.now_ns();
        let mut acked = Vec::new();
        for (step, verb) in verbs.iter().enumerate() {
            apply(&mut b, verb, &mut acked);
            let until_ns = b.clock.now_ns();
            let due: Vec<u64> = (from_ns / MINUTE_NS + 1..=until_ns / MINUTE_NS).map(|slot| slot * MINUTE_NS).collect();
            let waiting = b.jobs.peek(0, 10_000).unwrap();
            let slot = |text: &[u8]| std::str::from_utf8(text).unwrap().parse::<u64>().unwrap();
            let waiting = waiting.iter().map(|message| slot(message.header("rm-schedule-slot").unwrap()));
            let found: Vec<u64> = acked.iter().copied().chain(waiting).collect();
            prop_assert_eq!(&found, &due, "step {}, {:?}", step, verb);
        }
    }
}
