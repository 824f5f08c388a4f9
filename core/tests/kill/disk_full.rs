//! Disks that fill up: publishing is refused before the disk is full, and what drains it goes on; and where nothing is kept
//! in reserve, the first write that finds no room stops the hub, and nothing that was acknowledged is lost.

use crate::child::number_of;
use crate::loop_disk::LoopDisk;
use ringmain::storage::{Blocking, Storage};
use ringmain::{Error, ErrorCode, Hub, Message, OnExhausted, Queue, Result, Start, Stream};
use std::path::Path;
use std::time::Duration;

const DISK_BYTES: u64 = 48 << 20;
const RESERVE_BYTES: u64 = 12 << 20;
/// What may be taken beyond the reserve: a segment of each log, a step of the journal, what is committed between two looks.
const BEYOND_BYTES_MAX: u64 = 3 << 20;
/// Removed to make room.
const BALLAST_BYTES: u64 = 6 << 20;
/// More messages than any of these disks holds.
const MESSAGES_MAX: u64 = 1 << 20;

fn open(directory: &Path, reserve_bytes: u64) -> Result<(Hub, Queue, Stream)> {
    let builder = Hub::builder().disk_reserve_bytes(reserve_bytes).journal_bytes_max(1 << 20);
    let hub = builder.open(directory)?;
    let jobs = hub.queue("jobs").on_exhausted(OnExhausted::Keep).open()?;
    let events = hub.stream("events").open()?;
    Ok((hub, jobs, events))
}

/// Sends, one and many at a time, until that is refused. How many were accepted, and why no more.
fn fill(jobs: &Queue, first: u64) -> (u64, Error) {
    let mut next = first;
    while next < MESSAGES_MAX {
        let count = if next.is_multiple_of(3) { 40 } else { 1 };
        let values: Vec<_> = (next..next + count).map(|n| [n; 1000].map(u64::to_le_bytes).concat()).collect();
        let messages: Vec<_> = values.iter().map(Message::new).collect();
        match jobs.send_batch(&messages) {
            Ok(_) => next += count,
            Err(error) => return (next, error),
        }
    }
    panic!("the disk is never full")
}

/// Takes and acks everything: it must be what was accepted, and at most the batch that was refused.
fn drain(jobs: &Queue, accepted: std::ops::Range<u64>, place: &str) {
    let mut expected = accepted.clone();
    loop {
        let deliveries = jobs.receive_batch(100, Duration::ZERO).unwrap_or_else(|e| panic!("{place}: {e}"));
        if deliveries.is_empty() {
            break;
        }
        for delivery in &deliveries {
            let found = delivery.value().first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
            if let Some(expected) = expected.next() {
                assert_eq!(found, Some(expected), "{place}: lost");
            }
        }
        let acked: Result<()> = jobs.ack_batch(&deliveries.iter().collect::<Vec<_>>()).into_iter().collect();
        acked.unwrap_or_else(|e| panic!("{place}: {e}"));
    }
    assert_eq!(expected.next(), None, "{place}: accepted were {accepted:?}");
}

#[test]
fn a_full_disk_refuses_publishing_and_can_be_drained() {
    let disk = match LoopDisk::new(DISK_BYTES, "data=ordered") {
        Ok(disk) => disk,
        Err(reason) => return println!("full disks: with a reserve: skipped: {reason}"),
    };
    let (cycles, directory) = (number_of("DISK_FULL_CYCLES", 4).div_ceil(2), disk.path().join("hub"));
    let (mut total, mut first) = (0, 0);
    let (mut hub, mut jobs, mut events) = open(&directory, RESERVE_BYTES).unwrap();
    for cycle in 0..cycles {
        let place = format!("cycle {cycle}");
        events.append(Message::new(b"a record")).unwrap_or_else(|e| panic!("{place}: {e}"));
        let (end, error) = fill(&jobs, first);
        assert_eq!(error.code(), ErrorCode::DiskFull, "{place}: {error}");
        let text = error.to_string();
        assert!(text.contains("/hub") && text.contains(&RESERVE_BYTES.to_string()), "{place}: {text}");
        let refused = events.append(Message::new(b"one more")).expect_err("the disk is full");
        assert_eq!(refused.code(), ErrorCode::DiskFull, "{place}: {refused}");
        let free_bytes = Blocking.space(&directory).unwrap().free_bytes;
        assert!(free_bytes > RESERVE_BYTES - BEYOND_BYTES_MAX, "{place}: only {free_bytes} bytes are left");

        let records = events.reader(Start::Earliest).unwrap().count();
        assert_eq!(records as u64, cycle + 1, "{place}");
        let mut member = events.group("billing").join().unwrap();
        member.poll(1, Duration::ZERO).unwrap();
        member.commit().unwrap_or_else(|e| panic!("{place}: {e}"));
        drop(member);
        if cycle % 2 == 1 {
            hub.close(Duration::from_secs(60)).unwrap_or_else(|e| panic!("{place}: {e}"));
            (hub, jobs, events) = open(&directory, RESERVE_BYTES).unwrap_or_else(|e| panic!("{place}: {e}"));
        }
        drain(&jobs, first..end, &place);
        total += end - first;
        first = end;
    }
    println!("full disks: with a reserve: filled {cycles} times with {total} messages, drained, lost 0");
}

#[test]
fn a_disk_that_is_full_without_a_reserve_stops_the_hub_and_loses_nothing() {
    let disk = match LoopDisk::new(DISK_BYTES, "data=ordered") {
        Ok(disk) => disk,
        Err(reason) => return println!("full disks: without a reserve: skipped: {reason}"),
    };
    let (cycles, directory) = (number_of("DISK_FULL_CYCLES", 4).div_ceil(2), disk.path().join("hub"));
    let ballast = disk.path().join("ballast");
    let (mut total, mut first) = (0, 0);
    for cycle in 0..cycles {
        let place = format!("cycle {cycle}");
        std::fs::write(&ballast, vec![1; BALLAST_BYTES as usize]).unwrap();
        let (hub, jobs, events) = open(&directory, 0).unwrap_or_else(|e| panic!("{place}: {e}"));
        events.append(Message::new(b"a record")).unwrap_or_else(|e| panic!("{place}: {e}"));
        let (end, error) = fill(&jobs, first);
        let text = error.to_string();
        assert_eq!(error.code(), ErrorCode::Poisoned, "{place}: {text}");
        assert_eq!(error.errno(), libc::ENOSPC, "{place}: {text}");
        assert!(text.contains("/hub/") && text.contains("open it again"), "{place}: {text}");
        assert!(jobs.send(Message::new(b"more")).is_err(), "{place}: it must not accept anything");
        assert!(jobs.peek(0, 1).is_ok(), "{place}: it can be read");
        assert!(hub.close(Duration::from_secs(60)).is_err(), "{place}: it must not say that all is well");
        drop((hub, jobs, events));

        std::fs::remove_file(&ballast).unwrap();
        let (hub, jobs, events) = open(&directory, 0).unwrap_or_else(|e| panic!("{place}: {e}"));
        assert_eq!(events.reader(Start::Earliest).unwrap().count() as u64, cycle + 1, "{place}");
        drain(&jobs, first..end, &place);
        hub.close(Duration::from_secs(60)).unwrap_or_else(|e| panic!("{place}: {e}"));
        total += end - first;
        first = end;
    }
    println!("full disks: without a reserve: filled {cycles} times with {total} messages, lost 0");
}
