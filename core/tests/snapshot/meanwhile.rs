//! What goes on while a snapshot is taken: none of it is in the copy, and none of it is lost. The progress of a snapshot is told
//! while no lock is held, so that is where these tests go on working.

use crate::{GO_ON, append, held, on, queue, send, waiting};
use ringmain::storage::Storage;
use ringmain::storage::sim::SimDisk;
use ringmain::{Compaction, Error, Hub, ManualClock, Message};
use std::path::Path;
use std::time::Duration;

/// Takes a snapshot, does something as soon as it has begun, and opens the copy.
fn copy_while(disk: &SimDisk, clock: &ManualClock, hub: &Hub, meanwhile: impl FnOnce()) -> Hub {
    let mut meanwhile = Some(meanwhile);
    hub.snapshot_with("/backup", |_| {
        if let Some(meanwhile) = meanwhile.take() {
            meanwhile();
        }
        GO_ON
    })
    .unwrap();
    let report = on(disk, clock).verify("/backup").unwrap();
    assert!(report.is_sound() && report.damage.is_empty(), "{report}");
    on(disk, clock).open("/backup").unwrap()
}

fn files(disk: &SimDisk, path: &str) -> usize {
    disk.list(Path::new(path)).map_or(0, |files| files.len())
}

#[test]
fn what_is_settled_meanwhile_waits_in_the_copy_and_its_files_go_afterwards() {
    let (disk, clock) = (SimDisk::new(), ManualClock::new());
    let hub = on(&disk, &clock).open("/hub").unwrap();
    let jobs = queue(&hub, "jobs");
    let sent: Vec<u64> = (0..600).map(|_| jobs.send(Message::new(&[7; 1000])).unwrap()).collect();
    let copy = copy_while(&disk, &clock, &hub, || {
        let before = files(&disk, "/hub/queues/jobs");
        assert!(before > 2);
        while let Some(delivery) = jobs.try_receive().unwrap() {
            delivery.ack().unwrap();
        }
        assert!(files(&disk, "/hub/queues/jobs") >= before, "files are gone that were still to be copied");
    });
    assert_eq!(waiting(&queue(&copy, "jobs")), sent);
    assert!(waiting(&jobs).is_empty());
    assert!(files(&disk, "/hub/queues/jobs") <= 2, "what was settled still takes room");
}

#[test]
fn what_is_too_much_or_compacted_meanwhile_is_in_the_copy_and_goes_afterwards() {
    let (disk, clock) = (SimDisk::new(), ManualClock::new());
    let hub = on(&disk, &clock).open("/hub").unwrap();
    let few = hub.stream("few").count_max(30).bytes_max(200 << 10).open().unwrap();
    let compaction = Compaction { dirty_percent_min: 1, ..Compaction::default() };
    let latest = hub.stream("latest").compaction(compaction).open().unwrap();
    let fill = || {
        for number in 0..100 {
            few.append(Message::new(&[7; 1000])).unwrap();
            latest.append(Message::new(&[7; 1000]).key(&format!("{}", number % 3))).unwrap();
        }
    };
    fill();
    let of_few = held(&few);
    let copy = copy_while(&disk, &clock, &hub, || {
        let before = files(&disk, "/hub/streams/few/0") + files(&disk, "/hub/streams/latest/0");
        fill();
        latest.compact().unwrap();
        clock.advance(Duration::from_secs(10));
        let after = files(&disk, "/hub/streams/few/0") + files(&disk, "/hub/streams/latest/0");
        assert!(after > before);
        assert_eq!(held(&latest).len(), 200, "it was compacted while it was copied");
    });
    assert_eq!(held(&copy.stream("few").open().unwrap()), of_few);
    assert_eq!(held(&copy.stream("latest").open().unwrap()).len(), 100);
    clock.advance(Duration::from_secs(10));
    latest.compact().unwrap();
    assert_eq!(held(&latest), [197, 198, 199]);
    assert!(files(&disk, "/hub/streams/few/0") < 6);
}

#[test]
fn what_is_deleted_meanwhile_is_in_the_copy_and_its_name_is_free_afterwards() {
    let (disk, clock) = (SimDisk::new(), ManualClock::new());
    let hub = on(&disk, &clock).open("/hub").unwrap();
    let (jobs, flights) = (queue(&hub, "jobs"), hub.stream("flights").open().unwrap());
    send(&jobs, "x");
    append(&flights, "x");
    let copy = copy_while(&disk, &clock, &hub, || {
        hub.delete_queue("jobs").unwrap();
        hub.delete_stream("flights").unwrap();
        let refused =
            [hub.queue("jobs").dead_letter("d").open().map(drop), hub.stream("flights").open().map(drop)];
        for refused in refused {
            let error = refused.unwrap_err();
            assert!(matches!(error, Error::InvalidArgument { .. }), "{error}");
            assert!(error.to_string().contains("snapshot"), "{error}");
        }
        // Any other name is free.
        send(&queue(&hub, "other"), "y");
    });
    assert_eq!(copy.queues().unwrap(), ["jobs"]);
    assert_eq!(
        (waiting(&queue(&copy, "jobs")).len(), held(&copy.stream("flights").open().unwrap()).len()),
        (1, 1)
    );
    assert_eq!(hub.queues().unwrap(), ["other"]);
    assert_eq!((files(&disk, "/hub/queues/jobs"), files(&disk, "/hub/streams/flights")), (0, 0));
    assert!(waiting(&queue(&hub, "jobs")).is_empty());
    assert!(held(&hub.stream("flights").open().unwrap()).is_empty());
}

/// What is written to them meanwhile comes to their files soon, and behind what was there.
#[test]
fn what_nobody_had_opened_is_copied_as_it_was_although_it_is_used_meanwhile() {
    let (disk, clock) = (SimDisk::new(), ManualClock::new());
    let open = |disk: &SimDisk, path| on(disk, &clock).journal_bytes_max(4 << 10).open(path).unwrap();
    let fill = |hub: &Hub, name: &str| {
        let (queue, stream) = (queue(hub, name), hub.stream(name).open().unwrap());
        for _ in 0..60 {
            queue.send(Message::new(&[7; 1000])).unwrap();
            stream.append(Message::new(&[7; 1000])).unwrap();
        }
    };
    let names = ["a", "b", "c"];
    let hub = open(&disk, "/hub");
    names.iter().for_each(|name| fill(&hub, name));
    hub.close(Duration::MAX).unwrap();
    // As soon as it has begun, and after so many files.
    for when in 0.. {
        let disk = disk.image_with(disk.operation_count(), ringmain::storage::sim::Unsynced::Kept);
        let hub = open(&disk, "/hub");
        let mut calls = 0;
        hub.snapshot_with("/backup", |_| {
            if calls == when {
                names.iter().for_each(|name| fill(&hub, name));
            }
            calls += 1;
            GO_ON
        })
        .unwrap();
        if calls <= when {
            assert!(calls > 12, "only {calls} calls");
            break;
        }
        let copy = open(&disk, "/backup");
        for name in names {
            let count =
                |hub: &Hub| (waiting(&queue(hub, name)).len(), held(&hub.stream(name).open().unwrap()).len());
            assert_eq!(count(&copy), (60, 60), "{name}, written to in call {when}");
            assert_eq!(count(&hub), (120, 120));
        }
    }
}

#[test]
fn one_snapshot_is_taken_at_a_time_and_a_hub_that_closes_ends_it() {
    let (disk, clock) = (SimDisk::new(), ManualClock::new());
    let hub = on(&disk, &clock).open("/hub").unwrap();
    send(&queue(&hub, "jobs"), "x");
    let copy = copy_while(&disk, &clock, &hub, || {
        let error = hub.snapshot("/other").unwrap_err();
        assert!(error.to_string().contains("another"), "{error}");
    });
    drop(copy);
    let closed = hub.snapshot_with("/third", |_| {
        hub.close(Duration::MAX).unwrap();
        GO_ON
    });
    assert!(matches!(closed, Err(Error::Closed { .. })), "{closed:?}");
    for path in ["/other", "/third"] {
        assert_eq!(files(&disk, path), 0);
    }
}
