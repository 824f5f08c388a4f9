//! Of the hub and what is under it.

use crate::recorder::{names_of, one};
use crate::{Bench, SECOND};
use ringmain::storage::sim::{Fault, Unsynced};
use ringmain::{Hub, Message};
use std::sync::Arc;
use std::time::Duration;
use tracing::Level;

#[test]
fn a_hub_that_opens_and_closes_says_so() {
    let b = Bench::new("opens-and-closes");
    b.hub.close(Duration::MAX).unwrap();
    assert_eq!(names_of(&b.path()), ["hub_opened", "hub_closed"]);
}

#[test]
fn after_a_crash_it_is_told_what_was_replayed_and_who_was_out() {
    let mut b = Bench::new("crash-counted");
    let queue = b.queue().open().unwrap();
    queue.send_batch(&[Message::new(b"1"), Message::new(b"2")]).unwrap();
    let held = queue.receive_batch(1, Duration::ZERO).unwrap();
    b.hub.flush().unwrap();
    b.crash(Unsynced::Dropped);
    drop(held);
    b.queue().open().unwrap();
    let replayed = one(&b.path(), "journal_replayed");
    assert!(replayed.field("bytes").parse::<u64>().unwrap() > 0, "{replayed:?}");
    let counted = one(b.name, "crash_counted");
    assert_eq!((counted.level, counted.field("count")), (Level::WARN, "1"));
}

#[test]
fn a_journal_that_fails_is_told_once_with_the_number_of_the_system() {
    let b = Bench::new("journal-fails");
    let queue = b.queue().open().unwrap();
    queue.send(Message::new(b"x")).unwrap();
    b.disk.fail_nth(1, Fault::SyncForgets);
    assert!(queue.send(Message::new(b"y")).is_err());
    assert!(queue.send(Message::new(b"z")).is_err());
    let told = one(&b.path(), "journal_failed");
    let eio = "5";
    assert_eq!((told.level, told.field("errno")), (Level::ERROR, eio));
}

#[test]
fn reaching_the_disk_reserve_is_told_and_leaving_it() {
    let b = Bench::new("disk-reserve");
    let queue = b.queue().open().unwrap();
    b.disk.set_free_bytes(1 << 20);
    b.clock.advance(SECOND);
    queue.send(Message::new(b"the last one")).unwrap();
    assert!(queue.send(Message::new(b"no room")).is_err());
    let reached = one(&b.path(), "disk_reserve_reached");
    assert_eq!((reached.level, reached.field("free_bytes")), (Level::ERROR, "1048576"));
    b.disk.set_free_bytes(1 << 40);
    queue.send(Message::new(b"room")).unwrap();
    assert_eq!(one(&b.path(), "disk_reserve_left").level, Level::INFO);
}

#[test]
fn a_salvage_is_told_with_what_it_brought() {
    let b = Bench::new("salvage");
    b.queue().open().unwrap().send(Message::new(b"x")).unwrap();
    b.hub.close(Duration::MAX).unwrap();
    let builder = Hub::builder().storage(Arc::new(b.disk.clone()));
    builder.salvage(b.path(), "/salvage-mended").unwrap();
    let told = one(&b.path(), "salvaged");
    let fields = ["into", "records", "damage"].map(|field| told.field(field));
    assert_eq!((told.level, fields), (Level::INFO, ["/salvage-mended", "1", "0"]));
}

#[test]
fn a_snapshot_is_told_when_it_begins_and_when_it_is_whole_and_that_it_was_restored() {
    let b = Bench::new("snapshot");
    b.queue().open().unwrap().send(Message::new(b"x")).unwrap();
    let copied = b.hub.snapshot("/snapshot-copy").unwrap();
    b.hub.snapshot(b.path()).unwrap_err();
    Hub::builder().storage(Arc::new(b.disk.clone())).restore("/snapshot-copy", "/snapshot-restored").unwrap();
    let (begun, taken) = (one(&b.path(), "snapshot_begun"), one(&b.path(), "snapshot_taken"));
    let bytes = copied.bytes.to_string();
    assert_eq!(
        (begun.level, begun.field("into"), begun.field("bytes")),
        (Level::INFO, "/snapshot-copy", &*bytes)
    );
    assert_eq!((taken.field("segments"), taken.field("bytes")), ("1", &*bytes));
    let restored = one("/snapshot-copy", "restored");
    assert_eq!((restored.field("into"), restored.field("records")), ("/snapshot-restored", "1"));
}

#[test]
fn an_unfinished_write_that_is_cut_is_told_with_its_file_and_bytes() {
    let mut b = Bench::new("tail-cut");
    let queue = b.queue().open().unwrap();
    // Long enough to go straight to the queue's own file.
    let receipt = queue.submit_batch(&vec![Message::new(&[7; 60_000]); 40]).unwrap();
    receipt.wait().unwrap();
    let (disk, path) = (b.disk.clone(), "/tail-cut/queues/tail-cut");
    for cut in (0..disk.operation_count()).rev().take(40) {
        b.disk = disk.image(cut, 7);
        b.crash(Unsynced::Kept);
        if b.queue().open().is_ok() && b.hub.stats().unwrap().recovered_cut_bytes > 0 {
            let told = one(path, "tail_cut");
            let bytes = b.hub.stats().unwrap().recovered_cut_bytes.to_string();
            assert_eq!((told.level, told.field("bytes")), (Level::WARN, &*bytes));
            return;
        }
    }
    panic!("no image of these has an unfinished write");
}
