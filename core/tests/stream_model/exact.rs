//! Each verb brings exactly what a vector of records per partition, and for each member what it would read next, say. 256 cases by
//! default; `PROPTEST_CASES` scales.

use proptest::prelude::*;
use ringmain::storage::sim::{SimDisk, Unsynced};
use ringmain::{Clock, Error, Hub, ManualClock, Member, Message, Reader, Record, Start, Stream};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const GROUP: &str = "billing";

#[derive(Debug, Clone)]
enum Verb {
    Append {
        key: Option<u8>,
    },
    AppendBatch {
        keys: Vec<Option<u8>>,
    },
    Advance {
        ms: u64,
    },
    Read {
        start: From,
        count: usize,
    },
    ReadOn {
        count: usize,
    },
    Seek {
        partition: u32,
        at: usize,
    },
    Join {
        start: From,
    },
    Leave {
        which: usize,
    },
    /// A member joins and leaves at once: others lose partitions and get them back without noticing.
    Visit,
    Poll {
        which: usize,
        count: usize,
    },
    Commit {
        which: usize,
    },
    CommitOffset {
        which: usize,
        partition: u32,
        at: usize,
    },
    SeekMember {
        which: usize,
        partition: u32,
        at: usize,
    },
    Reopen,
    Crash,
}

/// Where to start; `Offset` and `Time` are scaled to what is there.
#[derive(Debug, Clone, Copy)]
enum From {
    Earliest,
    Latest,
    Offset(u64),
    Time(u64),
}

fn verbs() -> impl Strategy<Value = Verb> {
    let key = || proptest::option::of(0..6u8);
    let which = || 0..1000usize;
    let from = || {
        prop_oneof![
            3 => Just(From::Earliest), 1 => Just(From::Latest), 1 => (0..20u64).prop_map(From::Offset),
            1 => (0..20_000u64).prop_map(From::Time),
        ]
    };
    prop_oneof![
        8 => key().prop_map(|key| Verb::Append { key }),
        5 => proptest::collection::vec(key(), 0..8).prop_map(|keys| Verb::AppendBatch { keys }),
        3 => (1..2000u64).prop_map(|ms| Verb::Advance { ms }),
        4 => (from(), 1..20usize).prop_map(|(start, count)| Verb::Read { start, count }),
        4 => (1..9usize).prop_map(|count| Verb::ReadOn { count }),
        3 => (0..5u32, which()).prop_map(|(partition, at)| Verb::Seek { partition, at }),
        4 => from().prop_map(|start| Verb::Join { start }),
        3 => which().prop_map(|which| Verb::Leave { which }),
        3 => Just(Verb::Visit),
        12 => (which(), 1..9usize).prop_map(|(which, count)| Verb::Poll { which, count }),
        8 => which().prop_map(|which| Verb::Commit { which }),
        4 => (which(), 0..5u32, which()).prop_map(|(which, partition, at)| Verb::CommitOffset { which, partition, at }),
        3 => (which(), 0..5u32, which()).prop_map(|(which, partition, at)| Verb::SeekMember { which, partition, at }),
        1 => Just(Verb::Reopen),
        1 => Just(Verb::Crash),
    ]
}

/// FNV-1a as its authors give it: key and partition must not part ways between versions, languages or engines.
fn fnv1a(bytes: &[u8]) -> u32 {
    let mut hash: u32 = 2_166_136_261;
    for byte in bytes {
        hash = (hash ^ u32::from(*byte)).wrapping_mul(16_777_619);
    }
    hash
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    value: String,
    time_ns: u64,
}

/// What a member knows: which tenure of each partition that it believes to own, and the next offset of those that it reads, and
/// of those that it reads no more and has not let go of.
#[derive(Debug, Default)]
struct View {
    number: u64,
    has_looked: bool,
    tenure: BTreeMap<u32, u64>,
    next: BTreeMap<u32, u64>,
    stopped: BTreeMap<u32, u64>,
}

/// How far the owner of a partition is with it; the times are those at which it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Given,
    Taken,
    Asked(u64),
    Stopped(u64),
}

/// Who owns a partition, and how many times it has changed hands.
#[derive(Debug, Clone, Copy)]
struct Owned {
    owner: Option<u64>,
    tenure: u64,
    phase: Phase,
}

const FREE: Owned = Owned { owner: None, tenure: 0, phase: Phase::Given };
const REVOKE_NS: u64 = 30_000_000_000;

#[derive(Debug)]
struct Model {
    partitions: Vec<Vec<Entry>>,
    committed: Vec<Option<u64>>,
    owners: Vec<Owned>,
    /// Who is to own each partition.
    target: Vec<Option<u64>>,
    members: Vec<View>,
    next_member: u64,
    count: u64,
}

impl Model {
    fn new(partitions: u32) -> Self {
        let partitions = vec![Vec::new(); partitions as usize];
        Self {
            committed: vec![None; partitions.len()],
            owners: vec![FREE; partitions.len()],
            target: vec![None; partitions.len()],
            partitions,
            members: Vec::new(),
            next_member: 1,
            count: 0,
        }
    }

    fn end(&self, partition: u32) -> u64 {
        self.partitions[partition as usize].len() as u64
    }

    /// The next offset for a start; `None` if it is out of range.
    fn resolve(&self, partition: u32, start: Start) -> Option<u64> {
        let end = self.end(partition);
        match start {
            Start::Earliest => Some(0),
            Start::Latest => Some(end),
            Start::Offset(offset) => (offset <= end).then_some(offset),
            Start::Time(time_ns) => {
                let entries = &self.partitions[partition as usize];
                Some(entries.iter().take_while(|entry| entry.time_ns < time_ns).count() as u64)
            }
        }
    }

    /// Members keep what they have up to the balance; what is free goes to whoever has least, the oldest first. What somebody
    /// reads is asked for before it moves.
    fn assign(&mut self, now_ns: u64) {
        let mut members: Vec<u64> = self.members.iter().map(|view| view.number).collect();
        members.sort_unstable();
        self.target = vec![None; self.owners.len()];
        if members.is_empty() {
            return;
        }
        let (fair, mut extra) = (self.owners.len() / members.len(), self.owners.len() % members.len());
        let mut sizes: BTreeMap<u64, usize> = BTreeMap::new();
        for member in &members {
            let owned = |p: &usize| self.owners[*p].owner == Some(*member);
            let mut has: Vec<usize> = (0..self.owners.len()).filter(owned).collect();
            has.sort_by_key(|p| matches!(self.owners[*p].phase, Phase::Stopped(_)));
            let mut keeps = has.len().min(fair);
            if has.len() > fair && extra > 0 {
                (keeps, extra) = (fair + 1, extra - 1);
            }
            has[..keeps].iter().for_each(|partition| self.target[*partition] = Some(*member));
            sizes.insert(*member, keeps);
        }
        for target in self.target.iter_mut().filter(|target| target.is_none()) {
            let least = *members.iter().min_by_key(|member| (sizes[*member], **member)).expect("a member");
            *sizes.get_mut(&least).expect("its size") += 1;
            *target = Some(least);
        }
        for (owned, target) in self.owners.iter_mut().zip(&self.target) {
            match owned.phase {
                _ if owned.owner.is_none() => {}
                Phase::Asked(_) if owned.owner == *target => owned.phase = Phase::Taken,
                Phase::Given if owned.owner != *target => owned.owner = None,
                Phase::Taken if owned.owner != *target => owned.phase = Phase::Asked(now_ns + REVOKE_NS),
                _ => {}
            }
        }
        self.give();
    }

    /// What is free goes to whom it is meant for.
    fn give(&mut self) {
        for (owned, target) in self.owners.iter_mut().zip(&self.target) {
            if owned.owner.is_none() && target.is_some() {
                *owned = Owned { owner: *target, tenure: owned.tenure + 1, phase: Phase::Given };
            }
        }
    }

    /// What was asked for and whose time is over moves.
    fn tick(&mut self, now_ns: u64) {
        let is_over = |owned: &&mut Owned| match owned.phase {
            Phase::Asked(until_ns) | Phase::Stopped(until_ns) => until_ns <= now_ns,
            Phase::Given | Phase::Taken => false,
        };
        self.owners.iter_mut().filter(is_over).for_each(|owned| owned.owner = None);
        self.give();
    }

    /// A member goes.
    fn leave(&mut self, index: usize, now_ns: u64) {
        let member = self.members.swap_remove(index).number;
        let mine = self.owners.iter_mut().filter(|owned| owned.owner == Some(member));
        mine.for_each(|owned| owned.owner = None);
        self.assign(now_ns);
    }

    /// What poll, seek and assignment do first: look at what is owned now.
    fn refresh(&mut self, member: usize) {
        let view = &mut self.members[member];
        let known = std::mem::take(view);
        (view.number, view.has_looked) = (known.number, true);
        for (partition, owned) in (0..).zip(&mut self.owners) {
            if owned.owner != Some(view.number) {
                continue;
            }
            let was = known.next.get(&partition).or(known.stopped.get(&partition)).copied();
            let was = was.filter(|_| known.tenure.get(&partition) == Some(&owned.tenure));
            let offset = was.or(self.committed[partition as usize]).unwrap_or(0);
            view.tenure.insert(partition, owned.tenure);
            match owned.phase {
                Phase::Given => owned.phase = Phase::Taken,
                Phase::Asked(until_ns) => owned.phase = Phase::Stopped(until_ns),
                Phase::Taken | Phase::Stopped(_) => {}
            }
            let places = if owned.phase == Phase::Taken { &mut view.next } else { &mut view.stopped };
            places.insert(partition, offset);
        }
        self.hand_over(member);
    }

    /// Lets go of what it was asked for, as far as what is committed has caught up with what was polled.
    fn hand_over(&mut self, member: usize) {
        let view = &mut self.members[member];
        let committed = &self.committed;
        let over = |partition: &u32, offset: &u64| committed[*partition as usize].unwrap_or(0) >= *offset;
        let over: Vec<u32> =
            view.stopped.iter().filter(|(p, offset)| over(p, offset)).map(|(p, _)| *p).collect();
        for partition in over {
            view.stopped.remove(&partition);
            let owned = &mut self.owners[partition as usize];
            // Its time may be over.
            if owned.owner == Some(view.number) && matches!(owned.phase, Phase::Stopped(_)) {
                owned.owner = None;
            }
        }
        self.give();
    }

    /// Whether a commit of this member counts.
    fn may_commit(&self, member: usize, partition: u32) -> bool {
        let view = &self.members[member];
        let Owned { owner, tenure, .. } = self.owners[partition as usize];
        owner == Some(view.number) && (!view.has_looked || view.tenure.get(&partition) == Some(&tenure))
    }
}

struct Subject {
    durable: bool,
    clock: ManualClock,
    disk: SimDisk,
    members: Vec<Member>,
    reader: Option<(Reader, BTreeMap<u32, u64>)>,
    hub: Hub,
    stream: Stream,
}

fn open(durable: bool, partitions: u32, clock: &ManualClock, disk: &SimDisk) -> (Hub, Stream) {
    let builder = Hub::builder().clock(Clock::Manual(clock.clone())).storage(Arc::new(disk.clone()));
    let hub = if durable { builder.open("/hub") } else { builder.memory() }.expect("the hub opens");
    let stream = hub.stream("events").partitions(partitions).open().expect("the stream opens");
    (hub, stream)
}

impl Subject {
    fn new(durable: bool, partitions: u32) -> Self {
        let (clock, disk) = (ManualClock::new(), SimDisk::new());
        let (hub, stream) = open(durable, partitions, &clock, &disk);
        Self { durable, clock, disk, members: Vec::new(), reader: None, hub, stream }
    }

    fn start(&self, from: From) -> Start {
        match from {
            From::Earliest => Start::Earliest,
            From::Latest => Start::Latest,
            From::Offset(offset) => Start::Offset(offset),
            From::Time(ms) => Start::Time(1_000_000_000 + ms * 1_000_000),
        }
    }

    fn reopen(&mut self, model: &mut Model) {
        (self.reader, self.members) = (None, Vec::new());
        (self.hub, self.stream) = open(self.durable, model.owners.len() as u32, &self.clock, &self.disk);
        model.members.clear();
        model.owners.fill(FREE);
        model.target.fill(None);
        model.next_member = 1;
    }
}

/// Records must be the model's, each partition going on at its offset in `next`, and as many as there are.
fn check_records(
    records: &[Record],
    count: usize,
    next: &mut BTreeMap<u32, u64>,
    model: &Model,
) -> Result<(), TestCaseError> {
    let available: u64 = next.iter().map(|(partition, offset)| model.end(*partition) - offset).sum();
    prop_assert_eq!(records.len() as u64, available.min(count as u64), "how many records");
    for record in records {
        let offset = next.get_mut(&record.partition());
        prop_assert!(offset.is_some(), "a record of partition {}, which is not read", record.partition());
        let offset = offset.expect("it was looked at");
        prop_assert_eq!(record.offset(), *offset, "partition {}", record.partition());
        let entry = &model.partitions[record.partition() as usize][*offset as usize];
        prop_assert_eq!(record.value(), entry.value.as_bytes());
        prop_assert_eq!(record.time_ns(), entry.time_ns);
        *offset += 1;
    }
    Ok(())
}

fn append(
    subject: &mut Subject,
    model: &mut Model,
    keys: &[Option<u8>],
    batch: bool,
) -> Result<(), TestCaseError> {
    let values: Vec<String> = keys
        .iter()
        .map(|_| {
            model.count += 1;
            format!("record {} {}", model.count, ".".repeat((model.count * 157 % 1500) as usize))
        })
        .collect();
    let names: Vec<Option<String>> = keys.iter().map(|key| key.map(|key| format!("N{key}"))).collect();
    let messages: Vec<_> = values
        .iter()
        .zip(&names)
        .map(|(value, name)| {
            let message = Message::new(value);
            match name {
                Some(name) => message.key(name),
                None => message,
            }
        })
        .collect();
    let positions = if batch {
        subject.stream.append_batch(&messages).expect("appended")
    } else {
        vec![subject.stream.append(messages[0].clone()).expect("appended")]
    };
    prop_assert_eq!(positions.len(), values.len());
    let keyless = positions.iter().zip(keys).filter(|(_, key)| key.is_none()).map(|(p, _)| p.partition);
    let keyless: std::collections::BTreeSet<u32> = keyless.collect();
    prop_assert!(keyless.len() <= 1, "keyless records of one batch go to {:?}", keyless);
    for ((position, value), name) in positions.iter().zip(values).zip(names) {
        if let Some(name) = name {
            prop_assert_eq!(position.partition, fnv1a(name.as_bytes()) % model.partitions.len() as u32);
        }
        prop_assert_eq!(position.offset, model.end(position.partition));
        let time_ns = subject.clock.now_ns();
        model.partitions[position.partition as usize].push(Entry { value, time_ns });
    }
    Ok(())
}

fn apply(subject: &mut Subject, model: &mut Model, verb: &Verb) -> Result<(), TestCaseError> {
    match verb {
        Verb::Append { key } => append(subject, model, &[*key], false)?,
        Verb::AppendBatch { keys } => append(subject, model, keys, true)?,
        Verb::Advance { ms } => {
            subject.clock.advance(Duration::from_millis(*ms));
            model.tick(subject.clock.now_ns());
        }
        Verb::Read { start, count } => {
            let start = subject.start(*start);
            let partitions = 0..model.partitions.len() as u32;
            let next: Option<BTreeMap<u32, u64>> =
                partitions.map(|partition| Some((partition, model.resolve(partition, start)?))).collect();
            subject.reader = match (subject.stream.reader(start), next) {
                (Ok(reader), Some(next)) => Some((reader, next)),
                (Err(Error::OutOfRange { .. }), None) => None,
                (result, next) => return Err(TestCaseError::fail(format!("{result:?}, expected {next:?}"))),
            };
            read(subject, model, *count)?;
        }
        Verb::ReadOn { count } => read(subject, model, *count)?,
        Verb::Seek { partition, at } => {
            let Some((reader, next)) = &mut subject.reader else { return Ok(()) };
            let known = (*partition as usize) < model.partitions.len();
            let offset = if known { *at as u64 % (model.end(*partition) + 2) } else { 0 };
            match reader.seek(*partition, offset) {
                Ok(()) if known && offset <= model.end(*partition) => drop(next.insert(*partition, offset)),
                Err(Error::OutOfRange { .. }) if known && offset > model.end(*partition) => {}
                Err(Error::NotFound { .. }) if !known => {}
                other => return Err(TestCaseError::fail(format!("seek to {offset}: {other:?}"))),
            }
        }
        Verb::Join { start } => join(subject, model, *start)?,
        Verb::Visit => {
            let before = subject.members.len();
            join(subject, model, From::Earliest)?;
            if subject.members.len() > before {
                act(subject, model, &Verb::Leave { which: before }, before)?;
            }
        }
        Verb::Reopen if subject.durable => {
            subject.hub.close(Duration::from_secs(60)).expect("closed");
            subject.reopen(model);
        }
        Verb::Crash if subject.durable => {
            subject.disk = subject.disk.image_with(subject.disk.operation_count(), Unsynced::Dropped);
            subject.reopen(model);
        }
        Verb::Reopen | Verb::Crash => {}
        Verb::Leave { which }
        | Verb::Poll { which, .. }
        | Verb::Commit { which }
        | Verb::CommitOffset { which, .. }
        | Verb::SeekMember { which, .. } => {
            if let Some(index) = which.checked_rem(subject.members.len()) {
                act(subject, model, verb, index)?;
            }
        }
    }
    Ok(())
}

fn read(subject: &mut Subject, model: &Model, count: usize) -> Result<(), TestCaseError> {
    let Some((reader, next)) = &mut subject.reader else { return Ok(()) };
    let records = reader.poll(count, Duration::ZERO).expect("records");
    check_records(&records, count, next, model)
}

fn join(subject: &mut Subject, model: &mut Model, from: From) -> Result<(), TestCaseError> {
    if subject.members.len() == 3 {
        return Ok(());
    }
    let start = subject.start(from);
    let uncommitted: Vec<u32> =
        (0..model.partitions.len() as u32).filter(|p| model.committed[*p as usize].is_none()).collect();
    let first: Option<Vec<(u32, u64)>> = uncommitted
        .into_iter()
        .map(|partition| Some((partition, model.resolve(partition, start)?)))
        .collect();
    match (subject.stream.group(GROUP).join_at(start), first) {
        (Ok(member), Some(first)) => {
            first.into_iter().for_each(|(p, offset)| model.committed[p as usize] = Some(offset));
            subject.members.push(member);
            model.members.push(View { number: model.next_member, ..View::default() });
            model.next_member += 1;
            model.assign(subject.clock.now_ns());
        }
        (Err(Error::OutOfRange { .. }), None) => {}
        (result, first) => return Err(TestCaseError::fail(format!("join: {result:?}, expected {first:?}"))),
    }
    Ok(())
}

/// The verbs of a member.
fn act(subject: &mut Subject, model: &mut Model, verb: &Verb, index: usize) -> Result<(), TestCaseError> {
    match verb {
        Verb::Leave { .. } => {
            subject.members.swap_remove(index).leave().expect("left");
            model.leave(index, subject.clock.now_ns());
        }
        Verb::Poll { count, .. } => {
            let records = subject.members[index].poll(*count, Duration::ZERO).expect("records");
            model.refresh(index);
            if model.members[index].next.iter().all(|(partition, offset)| model.end(*partition) == *offset) {
                // It looks again before it gives up.
                model.refresh(index);
            }
            let mut next = model.members[index].next.clone();
            check_records(&records, *count, &mut next, model)?;
            model.members[index].next = next;
        }
        Verb::Commit { .. } => {
            let View { next, stopped, .. } = &model.members[index];
            let polled: Vec<(u32, u64)> =
                next.iter().chain(stopped).map(|(p, offset)| (*p, *offset)).collect();
            let ahead = polled.into_iter().filter(|(p, offset)| model.committed[*p as usize] < Some(*offset));
            let (fine, fenced): (Vec<_>, Vec<_>) = ahead.partition(|(p, _)| model.may_commit(index, *p));
            match subject.members[index].commit() {
                Ok(()) => prop_assert!(fenced.is_empty(), "not fenced: {:?}", fenced),
                Err(Error::Fenced { partition: Some(partition), .. }) => {
                    prop_assert!(fenced.iter().any(|(p, _)| *p == partition), "fenced: {}", partition);
                }
                Err(other) => return Err(TestCaseError::fail(format!("commit: {other:?}"))),
            }
            fine.into_iter().for_each(|(p, offset)| model.committed[p as usize] = Some(offset));
            model.hand_over(index);
        }
        Verb::CommitOffset { partition, at, .. } => {
            let known = (*partition as usize) < model.partitions.len();
            let offset = if known { *at as u64 % (model.end(*partition) + 2) } else { 0 };
            let result = subject.members[index].commit_offset(*partition, offset);
            let expected = match () {
                () if !known => "NotFound",
                () if offset > model.end(*partition) => "OutOfRange",
                () if Some(offset) < model.committed[*partition as usize] => "InvalidArgument",
                () if !model.may_commit(index, *partition) => "Fenced",
                () => "Ok",
            };
            prop_assert!(
                format!("{result:?}").trim_start_matches("Err(").starts_with(expected),
                "{:?}, not {}",
                result,
                expected
            );
            if result.is_ok() {
                model.committed[*partition as usize] = Some(offset);
                model.hand_over(index);
            }
        }
        Verb::SeekMember { partition, at, .. } => {
            model.refresh(index);
            let owned = model.members[index].next.contains_key(partition);
            let offset = if owned { *at as u64 % (model.end(*partition) + 1) } else { 0 };
            let sought = subject.members[index].seek(*partition, offset);
            prop_assert_eq!(sought.is_ok(), owned, "seek: {:?}", sought);
            model.members[index].next.entry(*partition).and_modify(|known| *known = offset);
        }
        _ => unreachable!("not a verb of a member"),
    }
    Ok(())
}

fn compare(subject: &mut Subject, model: &mut Model, look: bool) -> Result<(), TestCaseError> {
    let stats = subject.stream.stats().expect("stats");
    let ends: Vec<u64> = stats.partitions.iter().map(|partition| partition.end).collect();
    let lengths: Vec<u64> = model.partitions.iter().map(|partition| partition.len() as u64).collect();
    prop_assert_eq!(&ends, &lengths);
    let group = subject.stream.group(GROUP);
    prop_assert_eq!(&group.committed().expect("commits"), &model.committed);
    let lag: u64 = lengths.iter().zip(&model.committed).map(|(end, c)| end - c.unwrap_or(0)).sum();
    prop_assert_eq!(group.lag().expect("a lag"), lag);
    if look {
        // Now and then only: looking makes a member notice what it lost.
        for index in 0..subject.members.len() {
            model.refresh(index);
            let owned: Vec<u32> = model.members[index].next.keys().copied().collect();
            prop_assert_eq!(subject.members[index].assignment().expect("an assignment"), owned);
        }
        let all = subject.stream.reader(Start::Earliest).expect("a reader");
        let all: Vec<Record> = all.map(|record| record.expect("a record")).collect();
        let mut next = (0..lengths.len() as u32).map(|partition| (partition, 0)).collect();
        check_records(&all, usize::MAX, &mut next, model)?;
    }
    Ok(())
}

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_stream_and_its_groups_do_what_their_model_does(
        durable in any::<bool>(), partitions in 1..5u32, verbs in proptest::collection::vec(verbs(), 1..120),
    ) {
        let mut subject = Subject::new(durable, partitions);
        let mut model = Model::new(partitions);
        for (step, verb) in verbs.iter().enumerate() {
            let applied = apply(&mut subject, &mut model, verb)
                .and_then(|()| compare(&mut subject, &mut model, step % 16 == 15 || step + 1 == verbs.len()));
            applied.map_err(|e| TestCaseError::fail(format!("step {step}, {verb:?}: {e}")))?;
        }
    }
}
