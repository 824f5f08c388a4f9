//! What the children said, and what a hub must hold that was opened after their end.

use crate::child::{LATE, PARTITIONS};
use ringmain::{Peeked, Queue, Record, Start, Stream};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// What the children said.
#[derive(Debug, Default)]
pub struct Said {
    sending: BTreeSet<String>,
    pub sent: HashMap<String, u64>,
    acking: BTreeSet<String>,
    pub acked: BTreeSet<String>,
    rejecting: BTreeSet<String>,
    pub rejected: BTreeSet<String>,
    appending: BTreeSet<String>,
    pub appended: HashMap<String, (u32, u64)>,
    pub committed: [u64; PARTITIONS as usize],
    /// Up to which sequence messages were to be imported, and were.
    importing: u64,
    pub imported: u64,
    /// Sequences that the group was to be done with, and was.
    doing: BTreeSet<u64>,
    pub done: BTreeSet<u64>,
    /// Acknowledgements after the power cut had begun: the kernel may have said what is not so.
    pub late_count: u64,
    /// What the last child said of its failure: the code, and the words.
    pub error: Option<String>,
}

impl Said {
    pub fn hear(&mut self, line: &str) {
        let (when, line) = line.split_once(' ').unwrap_or((line, ""));
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        if when == LATE
            && ["sent", "acked", "rejected", "appended", "committed", "imported", "done"].contains(&verb)
        {
            self.late_count += 1;
            return;
        }
        let number = |text: &str| text.parse::<u64>().expect("a number");
        match verb {
            "sending" => drop(self.sending.insert(rest.into())),
            "acking" => drop(self.acking.insert(rest.into())),
            "acked" => drop(self.acked.insert(rest.into())),
            "rejecting" => drop(self.rejecting.insert(rest.into())),
            "rejected" => drop(self.rejected.insert(rest.into())),
            "appending" => drop(self.appending.insert(rest.into())),
            "sent" => {
                let (id, value) = rest.split_once(' ').expect("an id and a value");
                self.sent.insert(value.into(), number(id));
            }
            "appended" => {
                let parts: Vec<&str> = rest.splitn(3, ' ').collect();
                self.appended.insert(parts[2].into(), (number(parts[0]) as u32, number(parts[1])));
            }
            "committed" => {
                let (partition, offset) = rest.split_once(' ').expect("a partition and an offset");
                let committed = &mut self.committed[number(partition) as usize];
                *committed = number(offset).max(*committed);
            }
            "importing" => self.importing = number(rest).max(self.importing),
            "imported" => self.imported = number(rest).max(self.imported),
            "doing" => drop(self.doing.insert(number(rest))),
            "done" => drop(self.done.insert(number(rest))),
            "error" => self.error = Some(rest.into()),
            _ => panic!("the child said: {line}"),
        }
    }
}

fn waiting(queue: &Queue) -> Vec<Peeked> {
    let mut all: Vec<Peeked> = Vec::new();
    loop {
        let from = all.last().map_or(0, |last| last.id() + 1);
        let more = queue.peek(from, 10_000).expect("the queue can be read");
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

/// `round thread n`: within a round and thread, n must grow.
fn check_order(order: &mut BTreeMap<(u64, u64), u64>, value: &str, place: &str) {
    let parts: Vec<u64> = value.split(' ').map(|part| part.parse().expect("a number")).collect();
    let last = order.insert((parts[0], parts[1]), parts[2]);
    assert!(last < Some(parts[2]), "{place}: {value} comes after number {last:?} of its thread");
}

/// Compares a queue and its dead letters with what was said.
///
/// # Panics
/// If something acknowledged is not there, or something is there that never was.
pub fn check_queue(jobs: &Queue, dead: &Queue, said: &Said, place: &str) {
    let mut found = HashMap::new();
    let mut order = BTreeMap::new();
    for message in waiting(jobs) {
        let value = String::from_utf8_lossy(message.value()).into_owned();
        assert!(said.sending.contains(&value), "{place}: {value} was never sent");
        assert!(!said.acked.contains(&value), "{place}: {value} was acked and waits again");
        assert!(!said.rejected.contains(&value), "{place}: {value} was rejected and waits again");
        check_order(&mut order, &value, place);
        assert_eq!(said.sent.get(&value).unwrap_or(&message.id()), &message.id(), "{place}: {value}");
        assert!(found.insert(value.clone(), "waits").is_none(), "{place}: {value} waits twice");
    }
    for letter in waiting(dead) {
        let value = String::from_utf8_lossy(letter.value()).into_owned();
        assert!(said.rejecting.contains(&value), "{place}: {value} has a dead letter and never died");
        let before = found.insert(value.clone(), "is dead");
        assert!(before.is_none(), "{place}: {value} is dead and {before:?}");
    }
    for (value, id) in &said.sent {
        let known = found.contains_key(value) || said.acking.contains(value);
        assert!(known, "{place}: message {id}, {value}, was sent and is lost");
    }
    for value in &said.rejected {
        assert_eq!(found.get(value), Some(&"is dead"), "{place}: {value} was rejected");
    }
}

/// Compares a stream with what was said.
///
/// # Panics
/// As [`check_queue`].
pub fn check_stream(events: &Stream, said: &Said, place: &str) {
    let committed = events.group("billing").committed().expect("the commits");
    let mut there = HashMap::new();
    for partition in 0..PARTITIONS {
        let mut order = BTreeMap::new();
        let mut end = 0;
        for record in events.partition_reader(partition, Start::Earliest).expect("a reader") {
            let record = record.expect("a record");
            let value = String::from_utf8_lossy(record.value()).into_owned();
            assert!(said.appending.contains(&value), "{place}: {value} was never appended");
            assert_eq!(record.offset(), end, "{place}: a gap in partition {partition}");
            check_order(&mut order, &value, place);
            assert!(
                there.insert(value.clone(), (partition, end)).is_none(),
                "{place}: {value} is there twice"
            );
            end += 1;
        }
        let (found, least) = (committed[partition as usize], said.committed[partition as usize]);
        assert!(
            found.unwrap_or(0) >= least,
            "{place}: commit {least} of {partition} is lost, found {found:?}"
        );
        assert!(found.unwrap_or(0) <= end, "{place}: commit {found:?} of {partition}, which ends at {end}");
    }
    for (value, position) in &said.appended {
        assert_eq!(there.get(value), Some(position), "{place}: {value} was appended");
    }
}

/// Compares what a producer imported, and what a group has done of it, with what was said.
///
/// # Panics
/// As [`check_queue`].
pub fn check_imports(imports: &Stream, said: &Said, place: &str) {
    let next = imports.producer("import").expect("the producer").next_sequence().expect("its sequence");
    let range = said.imported..=said.importing;
    assert!(range.contains(&next), "{place}: the producer goes on at {next}, not {range:?}");
    let sequence =
        |record: &Record| String::from_utf8_lossy(record.value()).parse::<u64>().expect("a sequence");
    let mut there = BTreeSet::new();
    for record in imports.reader(Start::Earliest).expect("a reader") {
        let sequence = sequence(&record.expect("a record"));
        assert!(there.insert(sequence), "{place}: {sequence} was imported twice");
    }
    // Of a call that was cut a part may be there.
    assert!(
        (0..next).all(|sequence| there.contains(&sequence)),
        "{place}: not everything before {next} is there"
    );
    assert!(there.last() < Some(&said.importing.max(1)), "{place}: {:?} was never imported", there.last());
    let mut member = imports.group("audit").join().expect("a member");
    let mut given = BTreeSet::new();
    loop {
        let records = member.poll(1000, Duration::ZERO).expect("records");
        if records.is_empty() {
            break;
        }
        given.extend(records.iter().map(sequence));
    }
    let again = said.done.intersection(&given).next();
    assert_eq!(again, None, "{place}: was done and comes again");
    let lost = there.iter().find(|sequence| !given.contains(sequence) && !said.doing.contains(sequence));
    assert_eq!(lost, None, "{place}: nobody was done with it, and it does not come again");
}
