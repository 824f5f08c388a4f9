//! What flush and close promise while other threads are in the middle of their verbs, seen from the disk.

use ringmain::storage::sim::{SimDisk, Unsynced};
use ringmain::storage::{File, Lock, Storage};
use ringmain::{Durability, Hub, Message, OnExhausted, Queue};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// A disk whose writes and syncs take their time, so that verbs meet in the middle of each other's commits.
#[derive(Debug)]
struct Slow<T>(T);

fn take_time() {
    thread::sleep(Duration::from_micros(50));
}

impl File for Slow<Arc<dyn File>> {
    fn read_exact_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, position)
    }
    fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        take_time();
        self.0.write_all_at(bytes, position)
    }
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
    fn sync(&self) -> io::Result<()> {
        take_time();
        self.0.sync()
    }
}

impl Storage for Slow<SimDisk> {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.0.create_dir(path)
    }
    fn create(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(Slow(self.0.create(path, bytes)?)))
    }
    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(Slow(self.0.open(path)?)))
    }
    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        self.0.list(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.remove(path)
    }
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.0.remove_dir(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.0.sync_dir(path)
    }
    fn lock(&self, path: &Path, holder: &str) -> io::Result<Result<Box<dyn Lock>, String>> {
        self.0.lock(path, holder)
    }
}

fn open(disk: &SimDisk, durability: Durability) -> (Hub, Queue) {
    let hub =
        Hub::builder().durability(durability).storage(Arc::new(Slow(disk.clone()))).open("/hub").unwrap();
    let queue = hub.queue("q").on_exhausted(OnExhausted::Drop).open().unwrap();
    (hub, queue)
}

/// Messages that would be found if power had gone after so many operations.
fn found_after(disk: &SimDisk, operations: u64) -> u64 {
    let (_hub, queue) = open(&disk.image_with(operations, Unsynced::Dropped), Durability::Synced);
    queue.stats().unwrap().ready
}

/// Send, with pauses, until told to stop, or refused; count what was acknowledged.
fn senders(queue: &Queue, sent: &Arc<AtomicU64>, stop: &Arc<AtomicBool>) -> Vec<thread::JoinHandle<()>> {
    (0..2)
        .map(|thread| {
            let (queue, sent, stop) = (queue.clone(), sent.clone(), stop.clone());
            thread::spawn(move || {
                let mut pauses = (0..5).cycle().map(|i| Duration::from_micros(i * (70 + 20 * thread)));
                while !stop.load(Ordering::SeqCst) && queue.send(Message::new(b"x")).is_ok() {
                    sent.fetch_add(1, Ordering::SeqCst);
                    if let Some(pause) = pauses.next() {
                        thread::sleep(pause);
                    }
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
        for _ in 0..40 {
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
    for round in 0..60 {
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
