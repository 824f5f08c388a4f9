//! Of workers.

use crate::recorder::one;
use crate::{Bench, SECOND};
use ringmain::Message;
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;
use tracing::Level;

/// Longer than anything takes, unless it hangs.
const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_handler_that_panics_is_told_with_what_it_said() {
    let b = Bench::new("panics");
    let queue = b.queue().open().unwrap();
    let (done, results) = channel();
    let worker = queue.worker(move |job| {
        if job.failures() == 0 {
            panic!("out of cheese");
        }
        let _ = done.send(());
    });
    let worker = worker.start().unwrap();
    queue.send(Message::new(b"x")).unwrap();
    results.recv_timeout(LONG).unwrap();
    worker.close(LONG).unwrap();
    let told = one(b.name, "handler_panicked");
    assert_eq!((told.level, told.field("error")), (Level::ERROR, "out of cheese"));
}

#[test]
fn a_handler_that_hangs_is_told_when_its_lease_is_over_and_when_the_worker_is_closed() {
    let b = Bench::new("hangs");
    let queue = b.queue().open().unwrap();
    let (started, starts) = channel();
    let end = Arc::new(Barrier::new(2));
    let started = Mutex::new(started);
    let wait = end.clone();
    let worker = queue.worker(move |_| {
        let _ = started.lock().unwrap().send(());
        wait.wait();
    });
    let worker = worker.liveness(|_| false).start().unwrap();
    queue.send(Message::new(b"x")).unwrap();
    starts.recv_timeout(LONG).unwrap();
    (0..4).for_each(|_| b.clock.advance(10 * SECOND));
    assert_eq!(one(b.name, "handler_lost_lease").level, Level::WARN);
    assert_eq!(one(b.name, "handler_not_alive").level, Level::WARN);
    assert!(worker.close(Duration::ZERO).is_err());
    assert_eq!(one(b.name, "drain_timed_out").field("count"), "1");
    end.wait();
    worker.close(LONG).unwrap();
}
