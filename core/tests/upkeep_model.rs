//! What a reader from the start sees of a stream that is limited and compacted, against a model: everything that was ever
//! appended, and which of it has to be there or must not be. 256 cases by default; `PROPTEST_CASES` scales.
#![cfg(feature = "simulation")]

use proptest::prelude::*;
use ringmain::storage::sim::{SimDisk, Unsynced};
use ringmain::{Clock, Compaction, Error, Hub, ManualClock, Message, Reader, Start, Stream};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Clone)]
enum Verb {
    Append {
        records: Vec<Draft>,
    },
    Advance {
        seconds: u64,
    },
    Compact,
    /// Begin in the middle, or go on there.
    Read {
        anew: bool,
        count: usize,
    },
    Reopen,
    Crash {
        seed: u64,
    },
    Alter {
        options: Options,
    },
}

#[derive(Debug, Clone)]
struct Draft {
    key: u8,
    /// None: a tombstone.
    bytes: Option<usize>,
}

#[derive(Debug, Clone, Copy)]
struct Options {
    age_max: Option<u64>,
    bytes_max: Option<u64>,
    count_max: Option<u64>,
    compaction: Option<(u64, u64)>,
}

fn options() -> impl Strategy<Value = Options> {
    let maybe = |range| proptest::option::of(range);
    (maybe(1..200u64), maybe(1..200_000u64), maybe(1..300u64), maybe(0..2u64), 0..60u64, 1..100u64).prop_map(
        |(age_max, bytes_max, count_max, compaction, lag, grace)| Options {
            age_max,
            bytes_max,
            count_max,
            compaction: compaction.map(|_| (lag.saturating_sub(40), grace)),
        },
    )
}

fn verbs() -> impl Strategy<Value = Verb> {
    let draft = (0..12u8, proptest::option::weighted(0.8, 0..3000usize));
    let draft = draft.prop_map(|(key, bytes)| Draft { key, bytes });
    prop_oneof![
        10 => proptest::collection::vec(draft, 1..12).prop_map(|records| Verb::Append { records }),
        4 => (0..30u64).prop_map(|seconds| Verb::Advance { seconds }),
        3 => Just(Verb::Compact),
        3 => (any::<bool>(), 1..40usize).prop_map(|(anew, count)| Verb::Read { anew, count }),
        1 => Just(Verb::Reopen),
        2 => any::<u64>().prop_map(|seed| Verb::Crash { seed }),
        1 => options().prop_map(|options| Verb::Alter { options }),
    ]
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    key: String,
    /// None: a tombstone.
    value: Option<Vec<u8>>,
    time_ns: u64,
    /// When it was compacted first, as far as the model knows for sure.
    compacted_ns: Option<u64>,
}

struct Subject {
    durable: bool,
    clock: ManualClock,
    disk: SimDisk,
    options: Options,
    /// With the offset that it reads next.
    reader: Option<(Reader, u64)>,
    hub: Hub,
    stream: Stream,
}

impl Subject {
    fn reopen(&mut self) {
        self.reader = None;
        (self.hub, self.stream) = open(true, &self.clock, &self.disk, self.options);
    }
}

fn open(durable: bool, clock: &ManualClock, disk: &SimDisk, options: Options) -> (Hub, Stream) {
    let builder = Hub::builder().clock(Clock::Manual(clock.clone())).storage(Arc::new(disk.clone()));
    let builder = builder.journal_bytes_max(32 << 10);
    let hub = if durable { builder.open("/hub") } else { builder.memory() }.expect("the hub opens");
    let stream = open_stream(&hub, options);
    (hub, stream)
}

fn open_stream(hub: &Hub, options: Options) -> Stream {
    let compaction = options.compaction.map(|(lag, grace)| Compaction {
        lag_min: Duration::from_secs(lag),
        tombstone_grace: Duration::from_secs(grace),
        seal_after: Duration::from_secs(50),
        ..Compaction::default()
    });
    let stream = hub.stream("s").compaction(compaction);
    let stream = stream.age_max(options.age_max.map_or(Duration::MAX, Duration::from_secs));
    let stream = stream.bytes_max(options.bytes_max.unwrap_or(u64::MAX));
    stream.count_max(options.count_max.unwrap_or(u64::MAX)).open().expect("the stream opens")
}

#[derive(Debug, Default)]
struct Model {
    entries: Vec<Entry>,
    start: u64,
    /// Once compacted, what is replaced need not be there.
    was_compacted: bool,
    /// The smallest grace that there ever was: a tombstone stays at least so long.
    grace_ns_min: u64,
}

impl Model {
    /// Where reading begins at least, and exactly if neither bytes count nor compaction left anything out.
    fn start(&self, options: Options, now_ns: u64) -> u64 {
        let age_ns = options.age_max.map_or(u64::MAX, |seconds| seconds * 1_000_000_000);
        let is_young = |entry: &&Entry| entry.time_ns.saturating_add(age_ns) > now_ns;
        let young = self.entries.iter().rev().take_while(is_young).count() as u64;
        let count = options.count_max.unwrap_or(u64::MAX).min(young);
        self.start.max((self.entries.len() as u64).saturating_sub(count))
    }

    fn last_of_keys(&self) -> BTreeMap<&str, u64> {
        (0..).zip(&self.entries).map(|(offset, entry)| (entry.key.as_str(), offset)).collect()
    }

    fn check(&mut self, subject: &Subject) -> Result<(), TestCaseError> {
        let now_ns = subject.clock.now_ns();
        let stats = subject.stream.stats().expect("stats").partitions[0].clone();
        let expected = self.start(subject.options, now_ns);
        if self.was_compacted {
            // What compaction left out tells nothing any more. But nothing that was gone comes back: see below.
            prop_assert!(stats.start <= expected || subject.options.bytes_max.is_some());
        } else {
            prop_assert!(stats.start >= expected, "reading begins at {}, not {}", stats.start, expected);
            prop_assert!(stats.start == expected || subject.options.bytes_max.is_some());
        }
        prop_assert_eq!(stats.end, self.entries.len() as u64, "the end");
        self.start = self.start.max(stats.start);
        let mut seen = Vec::new();
        for record in subject.stream.reader(Start::Earliest).expect("a reader") {
            let record = record.expect("a record");
            let offset = record.offset();
            prop_assert!(
                seen.last().is_none_or(|last| *last < offset),
                "{} follows {:?}",
                offset,
                seen.last()
            );
            let entry = &self.entries[offset as usize];
            prop_assert!(
                offset >= expected,
                "{} is too old or too many, reading begins at {}",
                offset,
                expected
            );
            prop_assert_eq!(record.key().expect("a key"), entry.key.as_bytes());
            prop_assert_eq!(record.time_ns(), entry.time_ns);
            prop_assert_eq!(record.is_tombstone(), entry.value.is_none());
            prop_assert_eq!(record.value(), entry.value.as_deref().unwrap_or_default());
            seen.push(offset);
        }
        prop_assert!(seen.first().is_none_or(|first| *first >= self.start));
        let last = self.last_of_keys();
        for offset in self.start..stats.end {
            let entry = &self.entries[offset as usize];
            let is_last = last[entry.key.as_str()] == offset;
            let is_young = entry.time_ns.saturating_add(self.grace_ns_min) > now_ns;
            let stays = match entry.value {
                _ if !self.was_compacted => true,
                Some(_) => is_last,
                None => is_last && is_young,
            };
            prop_assert!(!stays || seen.contains(&offset), "offset {} is lost", offset);
        }
        Ok(())
    }

    /// After compaction on demand without a lag: nothing that is replaced, no tombstone beyond its grace.
    fn check_compacted(&mut self, subject: &Subject) -> Result<(), TestCaseError> {
        let Some((0, grace)) = subject.options.compaction else { return Ok(()) };
        let now_ns = subject.clock.now_ns();
        let last: Vec<u64> = self.last_of_keys().into_values().collect();
        for record in subject.stream.reader(Start::Earliest).expect("a reader") {
            let record = record.expect("a record");
            let entry = &self.entries[record.offset() as usize];
            prop_assert!(last.contains(&record.offset()), "{} is replaced, and still there", record.offset());
            let due_ns = entry.compacted_ns.map_or(u64::MAX, |first| first + grace * 1_000_000_000);
            prop_assert!(!record.is_tombstone() || due_ns > now_ns, "tombstone {} stays", record.offset());
        }
        for entry in &mut self.entries {
            entry.compacted_ns.get_or_insert(now_ns);
        }
        Ok(())
    }

    fn note(&mut self, options: Options) {
        if let Some((_, grace)) = options.compaction {
            self.grace_ns_min = self.grace_ns_min.min(grace * 1_000_000_000);
            self.was_compacted = true;
        }
    }
}

fn append(subject: &Subject, model: &mut Model, records: &[Draft]) -> Result<(), TestCaseError> {
    let first = model.entries.len();
    for (index, draft) in records.iter().enumerate() {
        let value = draft.bytes.map(|bytes| vec![(first + index) as u8; bytes]);
        let time_ns = subject.clock.now_ns();
        model.entries.push(Entry { key: format!("k{}", draft.key), value, time_ns, compacted_ns: None });
    }
    let messages: Vec<Message<'_>> = model.entries[first..]
        .iter()
        .map(|entry| match &entry.value {
            Some(value) => Message::new(value).key(&entry.key),
            None => Message::tombstone(&entry.key),
        })
        .collect();
    let positions = subject.stream.append_batch(&messages).expect("appended");
    let offsets: Vec<u64> = positions.iter().map(|position| position.offset).collect();
    prop_assert_eq!(offsets, (first as u64..model.entries.len() as u64).collect::<Vec<_>>());
    Ok(())
}

fn read(subject: &mut Subject, model: &Model, anew: bool, count: usize) -> Result<(), TestCaseError> {
    if anew || subject.reader.is_none() {
        let at = (model.start + model.entries.len() as u64) / 2;
        subject.reader = Some((subject.stream.reader(Start::Offset(at)).expect("a reader"), at));
    }
    let start = subject.stream.stats().expect("stats").partitions[0].start;
    let Some((reader, next)) = &mut subject.reader else { return Ok(()) };
    match reader.poll(count, Duration::ZERO) {
        Ok(records) => {
            prop_assert!(*next >= start, "nothing said that {} is gone, reading begins at {}", next, start);
            for record in records {
                prop_assert!(record.offset() >= *next, "{} again, {} is next", record.offset(), next);
                let last = model.last_of_keys();
                let lost = (*next..record.offset()).find(|offset| {
                    !model.was_compacted || last[model.entries[*offset as usize].key.as_str()] == *offset
                });
                let lost = lost
                    .filter(|offset| !model.was_compacted || model.entries[*offset as usize].value.is_some());
                prop_assert!(lost.is_none(), "{:?} was passed over", lost);
                *next = record.offset() + 1;
            }
        }
        Err(Error::OutOfRange { offset, start: told, .. }) => {
            prop_assert_eq!((offset, told), (*next, start));
            prop_assert!(offset < start);
            reader.seek(0, start).expect("a place that is held");
            *next = start;
        }
        Err(other) => return Err(TestCaseError::fail(format!("read: {other:?}"))),
    }
    Ok(())
}

fn apply(subject: &mut Subject, model: &mut Model, verb: &Verb) -> Result<(), TestCaseError> {
    match verb {
        Verb::Append { records } => append(subject, model, records)?,
        Verb::Advance { seconds } => subject.clock.advance(Duration::from_secs(*seconds)),
        Verb::Compact => {
            subject.stream.compact().expect("compacted");
            model.check_compacted(subject)?;
        }
        Verb::Read { anew, count } => read(subject, model, *anew, *count)?,
        Verb::Reopen if subject.durable => {
            subject.hub.close(Duration::from_secs(60)).expect("closed");
            subject.reopen();
        }
        Verb::Crash { seed } if subject.durable => {
            let unsynced = if seed % 3 == 0 { Unsynced::Dropped } else { Unsynced::Seeded(*seed) };
            subject.disk = subject.disk.image_with(subject.disk.operation_count(), unsynced);
            subject.reopen();
        }
        Verb::Reopen | Verb::Crash { .. } => {}
        Verb::Alter { options } => {
            subject.options = *options;
            subject.stream = open_stream(&subject.hub, *options);
            model.note(*options);
        }
    }
    Ok(())
}

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_reader_from_the_start_sees_what_limits_and_compaction_promise(
        durable in any::<bool>(), options in options(), verbs in proptest::collection::vec(verbs(), 1..100),
    ) {
        let (clock, disk) = (ManualClock::new(), SimDisk::new());
        let (hub, stream) = open(durable, &clock, &disk, options);
        let mut subject = Subject { durable, clock, disk, options, reader: None, hub, stream };
        let mut model = Model { grace_ns_min: u64::MAX, ..Model::default() };
        model.note(options);
        for (step, verb) in verbs.iter().enumerate() {
            let applied = apply(&mut subject, &mut model, verb).and_then(|()| model.check(&subject));
            applied.map_err(|e| TestCaseError::fail(format!("step {step}, {verb:?}: {e}")))?;
        }
    }
}
