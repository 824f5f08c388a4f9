//! Receipts: what was accepted without waiting, and what may be relied on when.

use futures::FutureExt;
use futures::executor::block_on;
use futures::future::join_all;
use ringmain::storage::Storage;
use ringmain::storage::sim::{Fault, SimDisk, Unsynced};
use ringmain::{Clock, Durability, Error, Hub, ManualClock, Message, OnExhausted, Start, Stream};
use std::sync::Arc;
use std::time::Duration;

const DIRECTORY: &str = "/hub";

fn open(disk: &SimDisk, clock: Clock, durability: Durability) -> (Hub, Stream) {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let hub = Hub::builder().storage(storage).clock(clock).durability(durability).open(DIRECTORY).unwrap();
    let stream = hub.stream("s").partitions(2).open().unwrap();
    (hub, stream)
}

/// How many records are left when the power goes now.
fn left(disk: &SimDisk) -> usize {
    let image = disk.image_with(disk.operation_count(), Unsynced::Dropped);
    let (_hub, stream) = open(&image, Clock::Manual(ManualClock::new()), Durability::Synced);
    stream.reader(Start::Earliest).unwrap().map(Result::unwrap).count()
}

#[test]
fn what_a_receipt_was_waited_for_survives_and_one_wait_serves_those_before_it() {
    let disk = SimDisk::new();
    let (_hub, stream) = open(&disk, Clock::Manual(ManualClock::new()), Durability::Synced);
    let receipts: Vec<_> =
        (0..10).map(|n: u8| stream.submit(Message::new(&[n]).key("one partition")).unwrap()).collect();
    assert!(receipts.iter().all(|receipt| !receipt.is_reached()));
    assert_eq!(left(&disk), 0);
    let offsets: Vec<_> = receipts.iter().map(|receipt| receipt.value().offset).collect();
    assert_eq!(offsets, (0..10).collect::<Vec<u64>>());
    let operations = disk.operation_count();
    for receipt in receipts {
        receipt.wait().unwrap();
    }
    assert_eq!(left(&disk), 10);
    let syncs = disk.operations()[operations as usize..].iter().filter(|op| op.starts_with("sync ")).count();
    assert!(syncs <= 3, "{syncs} syncs: two for the journal that was made, one for all");
}

#[test]
fn tasks_await_receipts_on_any_executor() {
    for clock in [Clock::System, Clock::Manual(ManualClock::new())] {
        let disk = SimDisk::new();
        let (hub, stream) = open(&disk, clock, Durability::Synced);
        let jobs = hub.queue("jobs").on_exhausted(OnExhausted::Drop).open().unwrap();
        let sent = [jobs.submit(Message::new(b"a")).unwrap(), jobs.submit(Message::new(b"b")).unwrap()];
        let appended: Vec<_> = (0..50).map(|_| stream.submit(Message::new(b"record")).unwrap()).collect();
        let batch = stream.submit_batch(&[Message::new(b"x"), Message::new(b"y")]).unwrap();
        let ids: Vec<u64> = block_on(join_all(sent)).into_iter().map(Result::unwrap).collect();
        assert_eq!(ids, [0, 1]);
        assert!(block_on(join_all(appended)).iter().all(Result::is_ok));
        assert_eq!(block_on(batch).unwrap().len(), 2);
        assert_eq!(left(&disk), 52);
    }
}

#[test]
fn a_wait_may_be_bounded() {
    let disk = SimDisk::new();
    let (_hub, stream) = open(&disk, Clock::System, Durability::Synced);
    let receipt = stream.submit(Message::new(b"record")).unwrap();
    while !receipt.wait_for(Duration::from_secs(1)).unwrap() {}
    assert!(receipt.is_reached());
    assert_eq!(left(&disk), 1);
}

#[test]
fn a_dropped_receipt_changes_nothing() {
    let (disk, clock) = (SimDisk::new(), ManualClock::new());
    let (_hub, stream) = open(&disk, Clock::Manual(clock.clone()), Durability::Synced);
    drop(stream.submit(Message::new(b"record")).unwrap());
    let mut future = Box::pin(stream.submit(Message::new(b"record")).unwrap());
    assert!(future.as_mut().now_or_never().is_none_or(|done| done.is_ok()));
    drop(future);
    clock.advance(Duration::from_millis(200));
    assert_eq!(left(&disk), 2);
}

#[test]
fn a_message_may_ask_for_more_than_its_hub() {
    for submitted in [false, true] {
        let disk = SimDisk::new();
        let (_hub, stream) = open(&disk, Clock::Manual(ManualClock::new()), Durability::Relaxed);
        stream.append(Message::new(b"may be lost").key("k")).unwrap();
        assert_eq!(left(&disk), 0);
        let message = Message::new(b"must not be lost").key("k").durability(Durability::Synced);
        if submitted {
            stream.submit(message).unwrap().wait().unwrap();
        } else {
            stream.append(message).unwrap();
        }
        assert_eq!(left(&disk), 2, "what came before it in the same partition is safe, too");
    }
}

#[test]
fn a_failed_disk_is_told_to_whoever_waits_and_whoever_comes_later() {
    let disk = SimDisk::new();
    let (_hub, stream) = open(&disk, Clock::Manual(ManualClock::new()), Durability::Synced);
    stream.append(Message::new(b"before")).unwrap();
    let receipts = [(); 2].map(|()| stream.submit(Message::new(b"record")).unwrap());
    disk.fail_nth(1, Fault::Io);
    let [first, second] = receipts;
    assert!(matches!(first.wait(), Err(Error::Poisoned { .. })));
    assert!(matches!(block_on(second), Err(Error::Poisoned { .. })));
    assert!(matches!(stream.submit(Message::new(b"after")), Err(Error::Poisoned { .. })));
}

#[test]
fn what_is_below_the_reserve_is_refused_by_every_verb_that_publishes_and_by_none_that_drains() {
    let dir = tempfile::tempdir().unwrap();
    let open = |reserve| Hub::builder().disk_reserve_bytes(reserve).open(dir.path().join("hub")).unwrap();
    let hub = open(0);
    hub.queue("jobs").on_exhausted(OnExhausted::Drop).open().unwrap().send(Message::new(b"job")).unwrap();
    hub.stream("s").open().unwrap().append(Message::new(b"record")).unwrap();
    hub.close(Duration::from_secs(60)).unwrap();
    // More than there is.
    let hub = open(u64::MAX / 2);
    let jobs = hub.queue("jobs").open().unwrap();
    let stream = hub.stream("s").open().unwrap();
    let message = || Message::new(b"more");
    let refused = [
        jobs.send(message()).map(drop),
        jobs.send_batch(&[message()]).map(drop),
        jobs.submit(message()).map(drop),
        jobs.submit_batch(&[message()]).map(drop),
        stream.append(message()).map(drop),
        stream.append_batch(&[message()]).map(drop),
        stream.submit(message()).map(drop),
        stream.submit_batch(&[message()]).map(drop),
    ];
    assert!(refused.iter().all(|refused| matches!(refused, Err(Error::DiskFull { .. }))), "{refused:?}");
    jobs.try_receive().unwrap().unwrap().ack().unwrap();
    let mut member = stream.group("g").join().unwrap();
    assert_eq!(member.poll(10, Duration::ZERO).unwrap().len(), 1);
    member.commit().unwrap();
    drop(member);
    hub.close(Duration::from_secs(60)).unwrap();
}

#[test]
fn what_is_submitted_and_never_waited_for_does_not_pile_up_in_memory() {
    let (disk, clock) = (SimDisk::new(), Clock::Manual(ManualClock::new()));
    let builder = Hub::builder().storage(Arc::new(disk.clone())).clock(clock).streaming_bytes_min(4 << 10);
    let hub = builder.open(DIRECTORY).unwrap();
    let stream = hub.stream("s").partitions(2).open().unwrap();
    let value = vec![7; 1000];
    for _ in 0..500 {
        drop(stream.submit(Message::new(&value).key("one partition")).unwrap());
    }
    let found = left(&disk);
    assert!(found > 400, "of 500 records {found} are on the disk, and nobody has waited");
}
