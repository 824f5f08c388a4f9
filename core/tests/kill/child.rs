//! The process that dies: it sends, appends, receives, acks, rejects and commits on several threads, and says each intention
//! before and each acknowledgement after the verb, a line each, until it is killed or its disk is gone.

use crate::dice::Dice;
use crate::loop_disk;
use crate::said::Said;
use ringmain::{Hub, HubBuilder, Jitter, Message, Queue, Record, Result, Retry, SeededBug, Stream};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

const DIRECTORY: &str = "KILL_CHILD_DIRECTORY";
const ROUND: &str = "KILL_CHILD_ROUND";
const MOUNTED: &str = "KILL_CHILD_MOUNTED";
const WAIT_MS: &str = "KILL_CHILD_WAIT_MS";
const BUG: &str = "KILL_CHILD_BUG";
pub const SEED: &str = "KILL_SEED";
pub const PARTITIONS: u32 = 2;
/// No line of the child is longer, so that one write to the pipe is atomic.
const LINE_BYTES_MAX: usize = 512;
/// How long a child that should have failed is waited for: it is killed then, and the test fails.
const FAILS_WITHIN: Duration = Duration::from_secs(30);

pub fn number_of(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Every lease that is out when the process dies counts as a failure: the limit is out of reach, and there is no delay.
pub fn open(builder: HubBuilder, directory: &Path) -> Result<(Hub, Queue, Queue, Stream)> {
    let hub = builder.open(directory)?;
    let retry = Retry { base: Duration::ZERO, jitter: Jitter::None, ..Retry::default() };
    let jobs = hub.queue("jobs").max_failures(1_000_000).retry(retry).dead_letter("jobs.dead").open()?;
    let dead = hub.queue("jobs.dead").open()?;
    let events = hub.stream("events").partitions(PARTITIONS).open()?;
    Ok((hub, jobs, dead, events))
}

/// The stream of a producer that goes on where the child before it ended.
pub fn open_imports(hub: &Hub) -> Result<Stream> {
    hub.stream("imports").partitions(PARTITIONS).open()
}

/// How a line begins that is said after the cut began, and before.
pub const LATE: &str = "late";
const IN_TIME: &str = "now";

/// Raised before the power goes.
static IS_CUT: AtomicBool = AtomicBool::new(false);

/// Cuts the power under this process in a while. A verb that returned before the flag was raised was told the truth; one
/// that returns later may have been overtaken: a sync on its way through the kernel then says yes for a log that was
/// given up.
fn cut_soon(mounted: PathBuf) {
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(number_of(WAIT_MS, 0)));
        IS_CUT.store(true, Ordering::SeqCst);
        loop_disk::cut_power(&mounted);
    });
}

/// One line, whole or not at all.
fn say(line: &str) {
    let when = if IS_CUT.load(Ordering::SeqCst) { LATE } else { IN_TIME };
    let line = format!("@{when} {line}\n");
    assert!(line.len() <= LINE_BYTES_MAX);
    let mut out = std::io::stdout().lock();
    // The parent is gone: nobody listens any more.
    if out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// Of the kinds of messages, the one that is known by a key.
const DEDUP_KEY: u64 = 0;

/// A message of one of six kinds, half of which are plain.
fn with_options<'a>(message: Message<'a>, value: &'a str, kind: u64) -> Message<'a> {
    match kind {
        DEDUP_KEY => message.dedup_key(value),
        1 => message.ordering_key("one after the other").priority(5),
        2 => message.delay(Duration::from_millis(3)),
        _ => message,
    }
}

fn produce(jobs: &Queue, thread: u64, round: u64, dice: &mut Dice) -> Result<()> {
    for first in (0u64..).step_by(4) {
        let count = if dice.once_in(4) { 4 } else { 1 };
        let values: Vec<String> = (first..first + count).map(|n| format!("{round} {thread} {n}")).collect();
        values.iter().for_each(|value| say(&format!("sending {value}")));
        let kind = dice.below(6);
        let messages: Vec<_> =
            values.iter().map(|value| with_options(Message::new(value).key("k"), value, kind)).collect();
        let ids = match &messages[..] {
            [single] => vec![jobs.send(single.clone())?],
            batch => jobs.send_batch(batch)?,
        };
        values.iter().zip(&ids).for_each(|(value, id)| say(&format!("sent {id} {value}")));
        if kind == DEDUP_KEY && dice.once_in(4) {
            // Each is a duplicate: were one sent again, it would be there twice.
            let again = jobs.send_batch(&messages)?;
            values.iter().zip(again).for_each(|(value, id)| say(&format!("sent {id} {value}")));
        }
        if dice.once_in(8) {
            say(&format!("acking {}", values[0]));
            if jobs.cancel(ids[0])? {
                say(&format!("acked {}", values[0]));
            }
        }
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

/// Goes on where the producer of the child before it ended; now and then it says something again.
fn import(imports: &Stream, dice: &mut Dice) -> Result<()> {
    let producer = imports.producer("import")?;
    let mut next = producer.next_sequence()?;
    loop {
        let first = next - dice.below(3).min(next);
        next += 1 + dice.below(4);
        let values: Vec<String> = (first..next).map(|sequence| sequence.to_string()).collect();
        say(&format!("importing {next}"));
        let messages: Vec<_> = values.iter().map(|value| Message::new(value).key(value)).collect();
        producer.append(first, &messages)?;
        say(&format!("imported {next}"));
    }
}

/// Is done with most of what it is given; the rest comes again when it joins anew.
fn audit(imports: &Stream, dice: &mut Dice) -> Result<()> {
    loop {
        let mut member = imports.group("audit").join()?;
        for _ in 0..8 {
            let records = member.poll(1 + dice.below(9) as usize, Duration::from_millis(100))?;
            let (done, _): (Vec<_>, Vec<_>) = records.iter().partition(|_| !dice.once_in(4));
            let value = |record: &Record| String::from_utf8_lossy(record.value()).into_owned();
            done.iter().for_each(|record| say(&format!("doing {}", value(record))));
            done.iter().try_for_each(|record| member.done(record))?;
            member.commit_done()?;
            done.iter().for_each(|record| say(&format!("done {}", value(record))));
        }
    }
}

/// What the process does that [`run`] starts.
#[test]
fn a_child_works_until_it_is_killed() {
    // Only when another test starts it.
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let round = number_of(ROUND, 0);
    let seed = number_of(SEED, 0) ^ round << 32;
    if let Some(mounted) = std::env::var_os(MOUNTED) {
        cut_soon(mounted.into());
    }
    let mut builder = Hub::builder();
    if std::env::var_os(BUG).is_some() {
        builder = builder.seeded_bug(SeededBug::AckBeforeSync);
    }
    let opened =
        open(builder, Path::new(&directory)).and_then(|opened| Ok((open_imports(&opened.0)?, opened)));
    let (imports, (_hub, jobs, _dead, events)) = match opened {
        Ok(opened) => opened,
        Err(error) => return say(&format!("error {} opening: {error}", error.code().name())),
    };
    static FAILED: AtomicBool = AtomicBool::new(false);
    let report = |result: Result<()>| {
        if let Err(error) = result
            && !FAILED.swap(true, Ordering::SeqCst)
        {
            // Once more: a hub that has failed must not say yes to anything.
            if let Ok(id) = jobs.send(Message::new(b"0 0 0")) {
                say(&format!("lies that it sent message {id} after {error}"));
            }
            say(&format!("error {} {error}", error.code().name()));
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
        scope.spawn(|| report(import(&imports, &mut Dice::new(seed + 31))));
        scope.spawn(|| report(audit(&imports, &mut Dice::new(seed + 32))));
    });
}

/// How a child comes to its end.
#[derive(Debug, Clone, Copy)]
pub enum End<'a> {
    /// It is killed.
    Kill,
    /// It cuts the power of the file system that is mounted here, and is killed when it has said what error that brought.
    PowerCut(&'a Path),
}

/// A child to be started.
#[derive(Debug, Clone, Copy)]
pub struct Child<'a> {
    pub directory: &'a Path,
    pub end: End<'a>,
    pub round: u64,
    pub seed: u64,
    /// Whether it acknowledges before it syncs.
    pub has_bug: bool,
}

impl Child<'_> {
    /// Runs it, ends it at a moment drawn from the seed, and hears what it said.
    pub fn run(self, said: &mut Said) {
        let Self { directory, end, round, seed, has_bug } = self;
        let mut dice = Dice::new(seed ^ round);
        let mut command = Command::new(std::env::current_exe().expect("this test's binary"));
        command
            .args(["--exact", "child::a_child_works_until_it_is_killed", "--nocapture", "--test-threads=1"])
            .env(DIRECTORY, directory)
            .env(ROUND, round.to_string())
            .env(SEED, seed.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if has_bug {
            command.env(BUG, "1");
        }
        if let End::PowerCut(mounted) = end {
            // From its very beginning: while it opens, too.
            command.env(MOUNTED, mounted).env(WAIT_MS, dice.below(80).to_string());
        }
        let mut child = command.spawn().expect("a child process");
        let mut lines = BufReader::new(child.stdout.take().expect("its output"));
        let child = Mutex::new(child);
        let (working, has_worked) = mpsc::channel();
        let (failed, has_failed) = mpsc::channel();
        std::thread::scope(|scope| {
            let child = &child;
            scope.spawn(move || {
                if has_worked.recv().is_err() {
                    return;
                }
                match end {
                    End::Kill => std::thread::sleep(Duration::from_millis(5 + dice.below(36))),
                    End::PowerCut(_) => drop(has_failed.recv_timeout(FAILS_WITHIN)),
                }
                child.lock().expect("the child").kill().expect("the child is killed");
            });
            let mut line = Vec::new();
            // A line without its end was cut by the kill: it was never said.
            while lines.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) && line.ends_with(b"\n") {
                let text = String::from_utf8_lossy(&line).into_owned();
                line.clear();
                let Some((_, said_line)) = text.trim_end().split_once('@') else { continue };
                said.hear(said_line);
                let _ = working.send(());
                if said_line.contains(" error ") {
                    let _ = failed.send(());
                }
            }
            drop(working);
        });
        child.lock().expect("the child").wait().expect("the end of the child");
    }
}
