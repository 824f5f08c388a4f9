//! Who is woken when a message comes. Alone in its program: the system counts how often each thread was woken.

#![cfg(target_os = "linux")]

use ringmain::{Durability, Hub, Message, Queue};
use std::fs;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(60);
const WAITING: usize = 8;
const COUNT: usize = 300;

/// How often the threads that wait went to sleep so far.
fn sleeps() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let status =
        tasks.map(|task| fs::read_to_string(task.unwrap().path().join("status")).unwrap_or_default());
    let waiting = status.filter(|status| status.contains("waiting"));
    waiting
        .flat_map(|status| {
            let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches:")).unwrap();
            line.split_whitespace().last().unwrap().parse::<usize>()
        })
        .sum()
}

/// Wakes for each of many messages, sent one by one, and for each of a batch, when eight threads wait.
fn wakes(hub: &Hub) -> (f64, f64) {
    let queue: Queue = hub.queue("q").dead_letter("q.dead").open().unwrap();
    let (tell, acked) = mpsc::channel();
    let wait = |index: usize| {
        let (queue, tell) = (queue.clone(), tell.clone());
        let work = move || {
            while let Ok(Some(delivery)) = queue.receive(LONG) {
                delivery.ack().unwrap();
                tell.send(()).unwrap();
            }
        };
        thread::Builder::new().name(format!("waiting {index}")).spawn(work).unwrap()
    };
    let threads: Vec<_> = (0..WAITING).map(wait).collect();
    let run = |batch: usize| {
        let before = sleeps();
        for _ in 0..COUNT / batch {
            queue.send_batch(&vec![Message::new(b"x"); batch]).unwrap();
            (0..batch).for_each(|_| acked.recv_timeout(LONG).unwrap());
        }
        (sleeps() - before) as f64 / COUNT as f64
    };
    // So that all of them sleep.
    run(WAITING);
    let wakes = (run(1), run(4));
    hub.close(LONG).unwrap();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    wakes
}

#[test]
fn a_message_wakes_one_of_those_who_wait() {
    let directory = tempfile::tempdir().unwrap();
    let durable = Hub::builder().durability(Durability::Written).open(directory.path()).unwrap();
    for hub in [Hub::memory(), durable] {
        let (single, batch) = wakes(&hub);
        // What is on its way to sleep, or waits for a lock, sleeps as well: a few more. All of them would be eight.
        assert!(single < 4.0 && batch < 4.0, "{single} and {batch} wakes for a message");
    }
}
