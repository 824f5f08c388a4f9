//! What flush and close promise while other threads are in the middle of their verbs, seen from the disk.

use ringmain::storage::sim::{SimDisk, Unsynced};
use ringmain::{Durability, Hub, Message, OnExhausted, Queue};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

fn open(disk: &SimDisk, durability: Durability) -> (Hub, Queue) {
    let hub = Hub::builder().durability(durability).storage(Arc::new(disk.clone())).open("/hub").unwrap();
    let queue = hub.queue("q").on_exhausted(OnExhausted::Drop).open().unwrap();
    (hub, queue)
}

/// Messages that would be found if power had gone after so many operations.
fn found_after(disk: &SimDisk, operations: u64) -> u64 {
    let (_hub, queue) = open(&disk.image_with(operations, Unsynced::Dropped), Durability::Synced);
    queue.stats().unwrap().ready
}

/// Sends until told to stop, or refused; counts what was acknowledged.
fn senders(queue: &Queue, sent: &Arc<AtomicU64>, stop: &Arc<AtomicBool>) -> Vec<thread::JoinHandle<()>> {
    (0..3)
        .map(|_| {
            let (queue, sent, stop) = (queue.clone(), sent.clone(), stop.clone());
            thread::spawn(move || {
                while !stop.load(Ordering::SeqCst) && queue.send(Message::new(b"x")).is_ok() {
                    sent.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect()
}

#[test]
fn a_flush_makes_durable_what_was_acknowledged_before_it_while_others_go_on() {
    for durability in [Durability::Written, Durability::Relaxed] {
        let disk = SimDisk::new();
        let (hub, queue) = open(&disk, durability);
        let (sent, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let threads = senders(&queue, &sent, &stop);
        let mut flushes = vec![];
        for _ in 0..15 {
            let before = sent.load(Ordering::SeqCst);
            hub.flush().unwrap();
            flushes.push((before, disk.operation_count()));
            thread::sleep(Duration::from_micros(200));
        }
        stop.store(true, Ordering::SeqCst);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        for (acknowledged, operations) in flushes {
            let found = found_after(&disk, operations);
            assert!(found >= acknowledged, "{durability:?}: {found} of {acknowledged} after a flush");
        }
    }
}

#[test]
fn once_closed_a_hub_touches_no_file_and_every_acknowledged_message_is_on_disk() {
    for round in 0..30 {
        let durability = [Durability::Synced, Durability::Written, Durability::Relaxed][round % 3];
        let disk = SimDisk::new();
        let (hub, queue) = open(&disk, durability);
        let (sent, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let threads = senders(&queue, &sent, &stop);
        thread::sleep(Duration::from_micros(300 * (round as u64 % 7)));
        hub.close(Duration::from_secs(60)).unwrap();
        let closed = disk.operation_count();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        drop((hub, queue));
        assert_eq!(
            disk.operation_count(),
            closed,
            "{durability:?}: the directory may be somebody else's by now"
        );
        let (sent, found) = (sent.load(Ordering::SeqCst), found_after(&disk, closed));
        assert!(found >= sent, "{durability:?}: {found} of {sent} after a close");
    }
}
