//! A worker with nothing to do. Alone in its program: the system counts how often each thread was woken.

#![cfg(target_os = "linux")]

use ringmain::{Hub, Job, Message};
use std::fs;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(60);

/// How often each thread of a worker went to sleep so far.
fn sleeps() -> Vec<(String, String)> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let status =
        tasks.map(|task| fs::read_to_string(task.unwrap().path().join("status")).unwrap_or_default());
    let line =
        |status: &str, name: &str| status.lines().find(|l| l.starts_with(name)).unwrap_or("").to_owned();
    let mut sleeps: Vec<_> = status
        .filter(|status| ["ringmain-worker", "ringmain-leases"].iter().any(|name| status.contains(name)))
        .map(|status| (line(&status, "Pid:"), line(&status, "voluntary_ctxt_switches:")))
        .collect();
    sleeps.sort_unstable();
    sleeps
}

#[test]
fn nobody_wakes_while_a_worker_has_nothing_to_do() {
    let hub = Hub::memory();
    let queue = hub.queue("q").lease(Duration::from_millis(30)).dead_letter("q.dead").open().unwrap();
    let other = hub.queue("other").dead_letter("q.dead").open().unwrap();
    let (tell, seen) = std::sync::mpsc::channel();
    let worker = queue.worker(move |_: &Job| tell.send(()).unwrap()).concurrency(3).start().unwrap();
    (0..10).for_each(|_| _ = queue.send(Message::new(b"x")).unwrap());
    (0..10).for_each(|_| seen.recv_timeout(LONG).unwrap());
    // Threads may be on their way to sleep, and a lease of those ten may still be looked at: not for long.
    let is_quiet = |_| {
        let before = sleeps();
        assert!(other.receive(Duration::from_secs(1)).unwrap().is_none());
        // Three handlers and a keeper, all of them known by their names.
        before.len() == 4 && sleeps() == before
    };
    assert!((0..10).any(is_quiet), "threads wake again and again: {:?}", sleeps());
    worker.close(LONG).unwrap();
}
