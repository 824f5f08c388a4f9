//! A real `kill -9`: a child process sends, appends, receives, acks and rejects on several threads and prints each
//! intention before and each acknowledgement after the verb; it is killed at a random moment, and what it printed is
//! compared with the hub, round after round on one directory.
//!
//! `KILL_ROUNDS` scales the number of rounds (default 50), `KILL_SEED` repeats the choices (not the moments).

#[path = "crash/dice.rs"]
mod dice;

use dice::Dice;
use ringmain::{Hub, Jitter, Message, Peeked, Queue, Result, Retry, Start, Stream};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const DIRECTORY: &str = "KILL_CHILD_DIRECTORY";
const ROUND: &str = "KILL_CHILD_ROUND";
const SEED: &str = "KILL_SEED";
const PARTITIONS: u32 = 2;
/// No line of the child is longer, so that one write to the pipe is atomic.
const LINE_BYTES_MAX: usize = 512;

fn number_of(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Every lease that is out when the process dies counts as a failure: the limit is out of reach, and there is no delay.
fn open(directory: &Path) -> Result<(Hub, Queue, Queue, Stream)> {
    let hub = Hub::open(directory)?;
    let retry = Retry { base: Duration::ZERO, jitter: Jitter::None, ..Retry::default() };
    let jobs = hub.queue("jobs").max_failures(1_000_000).retry(retry).dead_letter("jobs.dead").open()?;
    let dead = hub.queue("jobs.dead").open()?;
    let events = hub.stream("events").partitions(PARTITIONS).open()?;
    Ok((hub, jobs, dead, events))
}

/// One line, whole or not at all.
fn say(line: &str) {
    let line = format!("@{line}\n");
    assert!(line.len() <= LINE_BYTES_MAX);
    let mut out = std::io::stdout().lock();
    // The parent is gone: nobody listens any more.
    if out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

fn produce(jobs: &Queue, thread: u64, round: u64, dice: &mut Dice) -> Result<()> {
    for first in (0u64..).step_by(4) {
        let count = if dice.once_in(4) { 4 } else { 1 };
        let values: Vec<String> = (first..first + count).map(|n| format!("{round} {thread} {n}")).collect();
        values.iter().for_each(|value| say(&format!("sending {value}")));
        let messages: Vec<_> = values.iter().map(|value| Message::new(value).key("k")).collect();
        let ids = match &messages[..] {
            [single] => vec![jobs.send(single.clone())?],
            batch => jobs.send_batch(batch)?,
        };
        values.iter().zip(ids).for_each(|(value, id)| say(&format!("sent {id} {value}")));
    }
    Ok(())
}

fn append(events: &Stream, thread: u64, round: u64, dice: &mut Dice) -> Result<()> {
    for n in 0u64.. {
        let value = format!("{round} {thread} {n}");
        say(&format!("appending {value}"));
        let mut message = Message::new(&value);
        let key = dice.below(3).to_string();
        if dice.once_in(2) {
            message = message.key(&key);
        }
        let position = events.append(message)?;
        say(&format!("appended {} {} {value}", position.partition, position.offset));
    }
    Ok(())
}

fn work(jobs: &Queue, dice: &mut Dice) -> Result<()> {
    loop {
        for delivery in jobs.receive_batch(1 + dice.below(5) as usize, Duration::from_secs(1))? {
            let value = String::from_utf8_lossy(delivery.value()).into_owned();
            match dice.below(8) {
                0..4 => {
                    say(&format!("acking {value}"));
                    delivery.ack()?;
                    say(&format!("acked {value}"));
                }
                4 => delivery.fail("no luck")?,
                5 => delivery.release()?,
                6 => {
                    say(&format!("rejecting {value}"));
                    delivery.reject("never")?;
                    say(&format!("rejected {value}"));
                }
                _ => drop(delivery),
            }
        }
    }
}

fn follow(events: &Stream, dice: &mut Dice) -> Result<()> {
    let mut member = events.group("billing").join()?;
    let mut polled = BTreeMap::new();
    loop {
        for record in member.poll(1 + dice.below(9) as usize, Duration::from_secs(1))? {
            polled.insert(record.partition(), record.offset() + 1);
        }
        member.commit()?;
        polled.iter().for_each(|(partition, offset)| say(&format!("committed {partition} {offset}")));
    }
}

#[test]
fn a_child_works_until_it_is_killed() {
    // Only when the other test starts it.
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let round = number_of(ROUND, 0);
    let seed = number_of(SEED, 0) ^ round << 32;
    let (_hub, jobs, _dead, events) = match open(Path::new(&directory)) {
        Ok(opened) => opened,
        Err(error) => return say(&format!("error opening: {error}")),
    };
    static FAILED: AtomicBool = AtomicBool::new(false);
    let report = |result: Result<()>| {
        if let Err(error) = result
            && !FAILED.swap(true, Ordering::SeqCst)
        {
            say(&format!("error {error}"));
        }
    };
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let (jobs, events) = (&jobs, &events);
            scope.spawn(move || report(produce(jobs, thread, round, &mut Dice::new(seed + thread))));
            scope.spawn(move || report(append(events, thread, round, &mut Dice::new(seed + 10 + thread))));
            scope.spawn(move || report(work(jobs, &mut Dice::new(seed + 20 + thread))));
        }
        scope.spawn(|| report(follow(&events, &mut Dice::new(seed + 30))));
    });
}

/// What the children said.
#[derive(Debug, Default)]
struct Said {
    sending: BTreeSet<String>,
    sent: HashMap<String, u64>,
    acking: BTreeSet<String>,
    acked: BTreeSet<String>,
    rejecting: BTreeSet<String>,
    rejected: BTreeSet<String>,
    appending: BTreeSet<String>,
    appended: HashMap<String, (u32, u64)>,
    committed: [u64; PARTITIONS as usize],
}

impl Said {
    fn hear(&mut self, line: &str) {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
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
            _ => panic!("the child said: {line}"),
        }
    }
}

/// Runs a child, kills it, and hears what it said.
fn run_child(directory: &Path, round: u64, seed: u64, said: &mut Said) {
    let wait_ms = 5 + Dice::new(seed ^ round).below(36);
    let mut child = Command::new(std::env::current_exe().expect("this test's binary"))
        .args(["--exact", "a_child_works_until_it_is_killed", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory)
        .env(ROUND, round.to_string())
        .env(SEED, seed.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a child process");
    let mut lines = BufReader::new(child.stdout.take().expect("its output"));
    let mut killer = None;
    let mut line = Vec::new();
    let child = std::sync::Arc::new(std::sync::Mutex::new(child));
    // A line without its end was cut by the kill: it was never said.
    while lines.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) && line.ends_with(b"\n") {
        let text = String::from_utf8_lossy(&line).into_owned();
        line.clear();
        let Some((_, said_line)) = text.trim_end().split_once('@') else { continue };
        said.hear(said_line);
        if killer.is_none() {
            let child = child.clone();
            killer = Some(std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(wait_ms));
                child.lock().expect("the child").kill().expect("the child is killed");
            }));
        }
    }
    killer.expect("the child said something").join().expect("the killer");
    child.lock().expect("the child").wait().expect("the end of the child");
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

fn check_queue(jobs: &Queue, dead: &Queue, said: &Said, place: &str) {
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

fn check_stream(events: &Stream, said: &Said, place: &str) {
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

#[test]
fn a_process_killed_at_any_moment_loses_nothing_that_it_was_told_is_done() {
    let scratch = tempfile::tempdir().expect("a directory");
    let directory = scratch.path().join("hub");
    let rounds = number_of("KILL_ROUNDS", 50);
    let seed = number_of(SEED, 1);
    let mut said = Said::default();
    for round in 0..rounds {
        run_child(&directory, round, seed, &mut said);
        if round % 3 == 0 && round + 1 < rounds {
            // The next child opens what this one left.
            continue;
        }
        let place = format!("seed {seed} round {round}");
        let (hub, jobs, dead, events) = open(&directory).unwrap_or_else(|e| panic!("{place}: {e}"));
        check_queue(&jobs, &dead, &said, &place);
        check_stream(&events, &said, &place);
        hub.close(Duration::from_secs(60)).unwrap_or_else(|e| panic!("{place}: {e}"));
    }
    println!(
        "killed {rounds} times: {} messages sent, {} acked, {} rejected, {} records appended, commits {:?}",
        said.sent.len(),
        said.acked.len(),
        said.rejected.len(),
        said.appended.len(),
        said.committed,
    );
    assert!(!said.acked.is_empty() && !said.appended.is_empty(), "the children did next to nothing");
}
