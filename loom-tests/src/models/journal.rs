//! Committing to a disk: the watermarks of a log, the list of what is to be committed, and who does it.

use super::disk::Disk;
use super::log::{append, record};
use super::{Model, Size, join};
use crate::clock::Clock;
use crate::clock::alarm::Alarm;
use crate::journal::Journal;
use crate::log::{Appended, Level, Log, Reader};
use crate::sync::Ordering;
use crate::sync::barrier::expedited::{MODEL, OFFERED};
use crate::sync::event_count::EventCount;
use crate::thread;
use std::path::PathBuf;
use std::sync::Arc;

models_of! {
    "journal";
    watermark Size::Small,
    next_beyond_the_watermark Size::Small,
    watermark_and_eviction Size::Small,
    dirty Size::Small,
    lead Size::Bounded(3),
    lead_without_sync Size::Bounded(3),
    lead_for_all Size::Bounded(2),
    lead_to_a_failing_disk Size::Bounded(3),
    park_wake_of_a_reader Size::Bounded(3),
    stream Size::Bounded(2),
    stream_and_home Size::Bounded(2),
}

/// A hub's commit path and one log of it.
struct Hub {
    disk: Arc<Disk>,
    journal: Journal,
    log: Arc<Log>,
}

impl Hub {
    /// With record 0 appended, and committed by nobody.
    fn new(level: Level) -> Arc<Self> {
        let disk = Arc::new(Disk::default());
        let data = Arc::new(EventCount::new());
        let (log, _) = Log::open(disk.clone(), PathBuf::new(), 1, level, data).unwrap();
        let log = Arc::new(log);
        append(&log, 0);
        Arc::new(Self { disk, journal: Journal::new(Clock::System, Arc::new(Alarm::new()), level, 0), log })
    }

    fn append(&self, number: u64) -> Appended {
        append(&self.log, number)
    }

    fn commit(&self, number: u64) -> Appended {
        let receipt = self.append(number);
        self.journal.commit(&self.log, receipt.end).unwrap();
        receipt
    }
}

/// What a reader of what is durable sees survives a power cut, and so does what a verb has returned for.
fn watermark() {
    let hub = Hub::new(Level::Durable);
    let mut reader = Reader::earliest(hub.log.clone());
    let theirs = hub.clone();
    let committing = thread::spawn(move || {
        let receipt = theirs.commit(7);
        assert!(theirs.disk.keeps(7, &receipt), "it was not synced");
    });
    let mut seen = 0;
    for _ in 0..2 {
        if reader.advance().unwrap() {
            let (sequence, start, end) = (reader.sequence(), reader.found_place(), reader.place());
            let number = reader.frame().time_ns();
            assert!(hub.disk.keeps(number, &Appended { sequence, start, end }), "{number} was not synced");
            seen += 1;
        }
    }
    committing.join().unwrap();
    while reader.advance().unwrap() {
        seen += 1;
    }
    assert_eq!(seen, 2);
}

/// Of two commits the one that only writes moves no mark of the other back.
fn lead_without_sync() {
    let hub = Hub::new(Level::Durable);
    let theirs = hub.clone();
    let syncing = thread::spawn(move || theirs.commit(7));
    hub.journal.commit_all(Level::Written);
    let receipt = syncing.join().unwrap();
    assert!(hub.disk.keeps(7, &receipt), "it was not synced");
    hub.journal.note(&hub.log);
    hub.journal.commit_all(Level::Written);
    assert!(hub.log.reached(Level::Durable, receipt.end), "the mark was moved back");
}

/// A reader that stands at the watermark stays in its segment, even if that is sealed, and goes on when it is committed.
fn next_beyond_the_watermark() {
    let hub = Hub::new(Level::Written);
    hub.journal.note(&hub.log);
    hub.journal.commit_all(Level::Written);
    let mut reader = Reader::earliest(hub.log.clone());
    assert!(reader.advance().unwrap());
    hub.append(1);
    hub.append(2);
    let theirs = hub.clone();
    let committing = thread::spawn(move || {
        theirs.journal.note(&theirs.log);
        theirs.journal.commit_all(Level::Written);
    });
    let mut seen = Vec::new();
    while reader.advance().unwrap() {
        seen.push(reader.frame().time_ns());
    }
    committing.join().unwrap();
    while reader.advance().unwrap() {
        seen.push(reader.frame().time_ns());
    }
    assert_eq!(seen, [1, 2]);
}

/// A reader goes through segments that leave memory because they are durable.
fn watermark_and_eviction() {
    let hub = Hub::new(Level::Written);
    for number in 1..5 {
        hub.append(number);
    }
    hub.journal.note(&hub.log);
    hub.journal.commit_all(Level::Written);
    let mut reader = Reader::earliest(hub.log.clone());
    assert!(reader.advance().unwrap() && reader.advance().unwrap());
    let theirs = hub.clone();
    let committing = thread::spawn(move || {
        theirs.journal.note(&theirs.log);
        theirs.journal.commit_all(Level::Durable);
    });
    for number in 2..5 {
        assert!(reader.advance().unwrap());
        assert_eq!((reader.sequence(), reader.frame().time_ns()), (number, number));
    }
    committing.join().unwrap();
}

/// What was noted is committed by whoever commits what was noted next.
fn dirty() {
    let hub = Hub::new(Level::Written);
    hub.journal.note(&hub.log);
    let theirs = hub.clone();
    let noting = thread::spawn(move || {
        let receipt = theirs.append(7);
        theirs.journal.note(&theirs.log);
        receipt
    });
    hub.journal.commit_noted();
    let receipt = noting.join().unwrap();
    hub.journal.commit_noted();
    assert!(hub.log.reached(Level::Written, receipt.end), "it was noted, and nobody knows");
}

/// Two verbs wait for a commit: one of them does it, for both or each for itself.
fn lead() {
    let hub = Hub::new(Level::Written);
    let theirs = hub.clone();
    let committing = thread::spawn(move || theirs.commit(7));
    for receipt in [hub.commit(8), committing.join().unwrap()] {
        assert!(hub.log.reached(Level::Written, receipt.end));
    }
}

/// One waits for its turn to commit what others noted, and one for its own commit.
fn lead_for_all() {
    let hub = Hub::new(Level::Written);
    hub.journal.note(&hub.log);
    let (first, second) = (hub.clone(), hub.clone());
    let committing = [
        thread::spawn(move || first.journal.commit_all(Level::Written)),
        thread::spawn(move || drop(second.commit(7))),
    ];
    hub.journal.commit_all(Level::Written);
    join(committing);
}

/// Who waits for a log whose disk fails is told.
fn lead_to_a_failing_disk() {
    let hub = Hub::new(Level::Written);
    hub.disk.fail();
    let commit = |hub: &Hub, number| {
        let Ok(receipt) = hub.log.append(&[record(number)]) else { return };
        assert!(hub.journal.commit(&hub.log, receipt.end).is_err());
    };
    let theirs = hub.clone();
    let committing = thread::spawn(move || commit(&theirs, 7));
    commit(&hub, 8);
    committing.join().unwrap();
}

/// A reader that sleeps until something it may see is durable is woken by whoever commits it.
fn park_wake_of_a_reader() {
    let hub = Hub::new(Level::Durable);
    let mut reader = Reader::earliest(hub.log.clone());
    let theirs = hub.clone();
    let committing = thread::spawn(move || theirs.commit(7));
    assert!(hub.log.data().wait_until(None, || reader.advance().unwrap()));
    assert_eq!(reader.frame().time_ns(), 0);
    committing.join().unwrap();
}

/// Whoever waits while a log is streamed is told when it is durable, and not before.
fn stream() {
    MODEL.store(OFFERED, Ordering::Relaxed);
    let hub = Hub::new(Level::Durable);
    let theirs = hub.clone();
    let streaming = thread::spawn(move || theirs.journal.stream(&theirs.log));
    let appended = hub.commit(7);
    assert!(hub.disk.keeps(7, &appended), "it was not synced");
    streaming.join().unwrap();
}

/// Whoever brings something home waits for its turn beside whoever streams, or finds it done.
fn stream_and_home() {
    MODEL.store(OFFERED, Ordering::Relaxed);
    let hub = Hub::new(Level::Durable);
    for number in 1..5 {
        hub.append(number);
    }
    let theirs = hub.clone();
    let (_, place) = hub.log.collect().unwrap();
    // So much that what lies in the last segment is not worth it.
    let streaming = thread::spawn(move || theirs.log.stream_home(1 << 20, &theirs.journal).unwrap());
    hub.log.bring_home(place).unwrap();
    assert!(hub.log.homed() >= place);
    streaming.join().unwrap();
}
