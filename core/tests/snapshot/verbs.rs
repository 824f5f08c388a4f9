//! Taking and restoring: what is refused, and why.

use crate::{GO_ON, append, held, on, queue, send, waiting};
use ringmain::storage::Storage;
use ringmain::storage::sim::SimDisk;
use ringmain::{Durability, Error, Hub, ManualClock, Message};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

#[test]
fn a_snapshot_holds_queues_streams_groups_options_and_what_is_scheduled() {
    let (disk, clock) = (SimDisk::new(), ManualClock::new());
    let hub = on(&disk, &clock).open("/hub").unwrap();
    let jobs = hub.queue("jobs").dead_letter("jobs.dead").max_failures(1).open().unwrap();
    send(&jobs, "dies");
    jobs.try_receive().unwrap().unwrap().fail("no luck").unwrap();
    send(&jobs, "waits");
    jobs.send(Message::new("later").delay(Duration::from_secs(60))).unwrap();
    let flights = hub.stream("flights").partitions(2).count_max(10).open().unwrap();
    (0..30).for_each(|number| _ = flights.append(Message::new("x").key(&format!("{number}"))).unwrap());
    let mut member = flights.group("billing").join().unwrap();
    member.poll(7, crate::NOW).unwrap();
    member.commit().unwrap();
    let committed = flights.group("billing").committed().unwrap();
    let copied = hub.snapshot("/backup").unwrap();
    assert_eq!((copied.queues, copied.streams), (2, 1));
    assert!(copied.segments >= 3 && copied.bytes > 0, "{copied:?}");

    let report = on(&disk, &clock).restore("/backup", "/restored").unwrap();
    assert!(report.is_sound() && report.segments == copied.segments, "{report}");
    for path in ["/backup", "/restored"] {
        let hub = on(&disk, &clock).open(path).unwrap();
        assert_eq!(hub.queues().unwrap(), ["jobs", "jobs.dead"]);
        let (jobs, dead) = (hub.queue("jobs").open().unwrap(), hub.queue("jobs.dead").open().unwrap());
        assert_eq!((waiting(&jobs).len(), waiting(&dead).len()), (2, 1));
        assert_eq!(jobs.stats().unwrap().scheduled, 1);
        let flights = hub.stream("flights").open().unwrap();
        assert_eq!(flights.partitions(), 2);
        assert!(held(&flights).len() <= 10);
        assert_eq!(flights.group("billing").committed().unwrap(), committed);
        // It goes on like any other.
        send(&jobs, "new");
        append(&flights, "new");
        hub.close(Duration::MAX).unwrap();
    }
}

/// What nobody waited for is in it, too, once a verb has returned.
#[test]
fn a_snapshot_holds_what_verbs_have_returned_for_whatever_the_durability() {
    for durability in [Durability::Relaxed, Durability::Written, Durability::Synced] {
        let (disk, clock) = (SimDisk::new(), ManualClock::new());
        let hub = on(&disk, &clock).durability(durability).open("/hub").unwrap();
        let flights = hub.stream("flights").open().unwrap();
        (0..50).for_each(|_| _ = append(&flights, "x"));
        hub.snapshot("/backup").unwrap();
        let copy = on(&disk, &clock).open("/backup").unwrap();
        assert_eq!(held(&copy.stream("flights").open().unwrap()).len(), 50, "{durability:?}");
    }
}

#[test]
fn a_hub_in_memory_says_that_it_has_nothing_to_copy() {
    let scratch = tempfile::tempdir().unwrap();
    let error = Hub::memory().snapshot(scratch.path().join("backup")).unwrap_err();
    assert!(
        matches!(error, Error::InvalidArgument { .. }) && error.to_string().contains("memory"),
        "{error}"
    );
}

#[test]
fn a_directory_that_is_in_use_or_within_the_hub_is_not_copied_to() {
    let (disk, clock) = (SimDisk::new(), ManualClock::new());
    let hub = on(&disk, &clock).open("/hub").unwrap();
    queue(&hub, "jobs");
    hub.snapshot("/backup").unwrap();
    for (into, word) in [("/backup", "not empty"), ("/hub", "own directory"), ("/hub/copy", "own directory")]
    {
        let error = hub.snapshot(into).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { .. }), "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
    let error = on(&disk, &clock).restore("/backup", "/hub").unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { .. }), "{error}");
    let error = on(&disk, &clock).restore("/nothing", "/restored").unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    let open = on(&disk, &clock).open("/backup").unwrap();
    let error = on(&disk, &clock).restore("/backup", "/restored").unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    drop(open);
    on(&disk, &clock).restore("/backup", "/restored").unwrap();
}

#[test]
fn a_disk_without_room_for_it_is_told_before_anything_is_copied() {
    let (disk, clock) = (SimDisk::new(), ManualClock::new());
    let hub = on(&disk, &clock).disk_reserve_bytes(0).open("/hub").unwrap();
    let jobs = queue(&hub, "jobs");
    send(&jobs, "x");
    hub.flush().unwrap();
    disk.set_free_bytes(100);
    let error = hub.snapshot("/backup").unwrap_err();
    assert!(error.to_string().contains("100 are free"), "{error}");
    assert!(disk.list(Path::new("/backup")).unwrap().is_empty());
    disk.set_free_bytes(1 << 30);
    hub.snapshot("/backup").unwrap();
}

#[test]
fn a_snapshot_that_is_stopped_leaves_nothing_and_the_next_one_goes_there() {
    let (disk, clock) = (SimDisk::new(), ManualClock::new());
    let hub = on(&disk, &clock).open("/hub").unwrap();
    let jobs = queue(&hub, "jobs");
    (0..60).for_each(|_| _ = jobs.send(Message::new(&[7; 1000])).unwrap());
    let mut seen = Vec::new();
    let copied = hub.snapshot_with("/backup", |progress| {
        seen.push(progress.copied_bytes);
        if seen.len() == 3 { ControlFlow::Break(()) } else { GO_ON }
    });
    assert!(copied.unwrap().is_none());
    assert!(seen[0] == 0 && seen.is_sorted(), "{seen:?}");
    assert!(disk.list(Path::new("/backup")).unwrap().is_empty());
    let mut last = None;
    let copied = hub.snapshot_with("/backup", |progress| {
        last = Some(progress);
        GO_ON
    });
    let last = last.unwrap();
    assert_eq!((last.copied_bytes, copied.unwrap().unwrap().bytes), (last.total_bytes, last.total_bytes));
}

#[test]
fn a_copy_that_was_not_finished_is_neither_opened_nor_looked_at_nor_copied_to() {
    let (disk, clock) = (SimDisk::new(), ManualClock::new());
    let hub = on(&disk, &clock).open("/hub").unwrap();
    send(&queue(&hub, "jobs"), "x");
    let mut unfinished = None;
    hub.snapshot_with("/backup", |_| {
        unfinished = Some(disk.image_with(disk.operation_count(), ringmain::storage::sim::Unsynced::Dropped));
        GO_ON
    })
    .unwrap();
    let disk = unfinished.unwrap();
    let b = || on(&disk, &clock);
    let errors = [
        b().open("/backup").map(drop).unwrap_err(),
        b().verify("/backup").map(drop).unwrap_err(),
        b().restore("/backup", "/restored").map(drop).unwrap_err(),
        b().salvage("/backup", "/salvaged").map(drop).unwrap_err(),
        b().open("/hub").unwrap().snapshot("/backup").map(drop).unwrap_err(),
    ];
    for error in errors {
        assert!(error.to_string().contains("not finished"), "{error}");
    }
}
