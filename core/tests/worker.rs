//! What a user of workers relies on. Time is the manual clock's: leases run out only where a test says so. Each rule that
//! depends on what a hub keeps is shown on a hub in memory and on a durable one.

use ringmain::{
    Clock, Delivery, Error, Hub, Jitter, Job, ManualClock, Message, Outcome, Queue, Retry, Worker,
};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
/// Longer than anything takes, unless it hangs.
const LONG: Duration = Duration::from_secs(60);

struct Bench {
    clock: ManualClock,
    hub: Hub,
    queue: Queue,
    dead: Queue,
    _scratch: Option<tempfile::TempDir>,
}

/// A queue with leases of 30 s, whose messages die of their second failure, and are tried again at once after the first.
fn bench(scratch: Option<tempfile::TempDir>) -> Bench {
    let clock = ManualClock::new();
    let builder = Hub::builder().clock(Clock::Manual(clock.clone()));
    let hub = match &scratch {
        Some(scratch) => builder.open(scratch.path()),
        None => builder.memory(),
    };
    let hub = hub.unwrap();
    let retry = Retry { base: Duration::ZERO, factor: 1.0, jitter: Jitter::None, ..Retry::default() };
    let jobs = hub.queue("jobs").lease(30 * SECOND).max_failures(2).retry(retry);
    let queue = jobs.dead_letter("jobs.dead").open().unwrap();
    let dead = hub.queue("jobs.dead").open().unwrap();
    Bench { clock, hub, queue, dead, _scratch: scratch }
}

fn on_both_kinds_of_hub(test: impl Fn(&Bench)) {
    test(&bench(None));
    test(&bench(Some(tempfile::tempdir().unwrap())));
}

impl Bench {
    fn send(&self, values: &[&str]) -> Vec<u64> {
        values.iter().map(|value| self.queue.send(Message::new(value.as_bytes())).unwrap()).collect()
    }

    /// Whom another worker would get now: value, attempts and failures.
    fn receive(&self) -> Option<(String, u32, u32)> {
        let delivery = self.queue.try_receive().unwrap()?;
        let seen = (text(&delivery), delivery.attempts(), delivery.failures());
        delivery.ack().unwrap();
        Some(seen)
    }

    /// Value and reason of each dead letter.
    fn letters(&self) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let letters = self.dead.peek(0, 100).unwrap();
        letters.iter().map(|l| (text(l.value()), text(l.header("rm-dead-error").unwrap()))).collect()
    }

    /// Moves the clock by so many steps of 10 s, the third of a lease.
    fn thirds(&self, count: u32) {
        (0..count).for_each(|_| self.clock.advance(10 * SECOND));
    }

    fn leases_expired(&self) -> u64 {
        self.queue.stats().unwrap().leases_expired_total
    }
}

fn text(delivery: &Delivery) -> String {
    String::from_utf8(delivery.value().to_vec()).unwrap()
}

fn close(worker: &Worker) {
    worker.close(LONG).unwrap();
}

/// Handlers that tell which message they were given, and return when they are told to.
struct Gate {
    started: Receiver<String>,
    go: Sender<()>,
}

type Gated = Box<dyn Fn(&Job) + Send + Sync>;

fn gate() -> (Gate, Gated) {
    let (tell, started) = channel();
    let (go, told) = channel();
    let (tell, told) = (Mutex::new(tell), Mutex::new(told));
    let handler = move |job: &Job| {
        let _ = tell.lock().unwrap().send(text(job));
        let _ = told.lock().unwrap().recv();
    };
    (Gate { started, go }, Box::new(handler))
}

impl Gate {
    fn next_started(&self) -> String {
        self.started.recv_timeout(LONG).expect("a handler is called")
    }

    /// One handler returns.
    fn finish(&self) {
        self.go.send(()).unwrap();
    }

    /// All handlers return, and later ones at once.
    fn open(self) {}
}

#[test]
fn what_a_handler_returns_is_what_becomes_of_the_message() {
    on_both_kinds_of_hub(|b| {
        b.send(&["done", "error", "reject", "later", "at once"]);
        let (tell, seen) = channel();
        let handler = move |job: &Job| -> Result<Outcome, &'static str> {
            tell.send(()).unwrap();
            match (text(job).as_str(), job.attempts()) {
                ("error", _) => Err("no such airport"),
                ("reject", _) => Ok(Outcome::reject("not JSON")),
                ("later", 1) => Ok(Outcome::release_after(5 * SECOND)),
                ("at once", 1) => Ok(Outcome::release()),
                _ => Ok(Outcome::Ack),
            }
        };
        let worker = b.queue.worker(handler).start().unwrap();
        // Two of them come twice at once.
        (0..7).for_each(|_| seen.recv_timeout(LONG).unwrap());
        close(&worker);
        let stats = worker.stats();
        assert_eq!((stats.acked_total, stats.failed_total), (2, 2));
        assert_eq!((stats.released_total, stats.rejected_total, stats.lost_total), (2, 1, 0));
        let letters = [("error", "no such airport"), ("reject", "not JSON")];
        assert_eq!(b.letters(), letters.map(|(value, why)| (value.to_owned(), why.to_owned())));
        assert_eq!(b.receive(), None, "not before its delay");
        b.clock.advance(5 * SECOND);
        assert_eq!(b.receive(), Some(("later".into(), 2, 0)));
    });
}

#[test]
fn a_handler_that_panics_fails_its_message_and_no_other() {
    on_both_kinds_of_hub(|b| {
        b.send(&["words", "number", "fine"]);
        let (tell, done) = channel();
        let handler = move |job: &Job| match text(job).as_str() {
            "words" => panic!("row {} is bad", 7),
            "number" => std::panic::panic_any(7),
            _ => tell.send(()).unwrap(),
        };
        let worker = b.queue.worker(handler).start().unwrap();
        done.recv_timeout(LONG).expect("the thread goes on");
        close(&worker);
        let letters = [("words", "panicked: row 7 is bad"), ("number", "panicked: not in words")];
        assert_eq!(b.letters(), letters.map(|(value, why)| (value.to_owned(), why.to_owned())));
        let stats = worker.stats();
        assert_eq!((stats.panics_total, stats.failed_total, stats.acked_total), (4, 4, 1));
    });
}

#[test]
fn what_a_handler_settled_itself_is_left_alone() {
    let b = bench(None);
    b.send(&["acked", "released"]);
    let (tell, seen) = channel();
    let handler = move |job: &Job| -> Result<(), &'static str> {
        match (text(job).as_str(), job.attempts()) {
            ("acked", _) => job.ack().unwrap(),
            (_, 1) => job.release().unwrap(),
            _ => tell.send(job.failures()).unwrap(),
        }
        if job.attempts() == 1 { Err("said too late") } else { Ok(()) }
    };
    let worker = b.queue.worker(handler).start().unwrap();
    assert_eq!(seen.recv_timeout(LONG), Ok(0), "released, and not failed");
    close(&worker);
    let stats = worker.stats();
    assert_eq!((stats.settled_by_handler_total, stats.acked_total, stats.failed_total), (2, 1, 0));
}

#[test]
fn an_outcome_that_the_queue_does_not_allow_is_a_failure_that_says_so() {
    let b = bench(None);
    b.send(&["x"]);
    let handler = |_: &Job| Outcome::release_after(Duration::MAX);
    let worker = b.queue.worker(handler).prefetch(0).start().unwrap();
    let letter = b.dead.receive(LONG).unwrap().unwrap();
    let why = String::from_utf8(letter.header("rm-dead-error").unwrap().to_vec()).unwrap();
    assert!(why.contains("ten years"), "{why}");
    close(&worker);
    assert_eq!((worker.stats().failed_total, worker.stats().released_total), (2, 0));
}

#[test]
fn one_handler_gets_messages_in_the_order_in_which_they_were_sent() {
    on_both_kinds_of_hub(|b| {
        for prefetch in [0, 1, 7, 1000] {
            let values: Vec<String> = (0..100).map(|i| i.to_string()).collect();
            b.send(&values.iter().map(String::as_str).collect::<Vec<_>>());
            let (tell, seen) = channel();
            let handler = move |job: &Job| tell.send(text(job)).unwrap();
            let worker = b.queue.worker(handler).prefetch(prefetch).start().unwrap();
            let got: Vec<String> = seen.iter().take(100).collect();
            close(&worker);
            assert_eq!(got, values);
        }
    });
}

#[test]
fn as_many_handlers_run_at_a_time_as_were_asked_for_and_no_more() {
    let b = bench(None);
    for prefetch in [0, 1, 16] {
        let (meeting, busy, most) = (Barrier::new(4), AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
        let (tell, seen) = channel();
        let theirs = most.clone();
        let handler = move |_: &Job| {
            theirs.fetch_max(busy.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Nobody gets past it unless four are there.
            meeting.wait();
            busy.fetch_sub(1, Ordering::SeqCst);
            tell.send(()).unwrap();
        };
        let worker = b.queue.worker(handler).concurrency(4).prefetch(prefetch).start().unwrap();
        b.send(&["x"; 40]);
        (0..40).for_each(|_| seen.recv_timeout(LONG).unwrap());
        close(&worker);
        assert_eq!((most.load(Ordering::SeqCst), worker.stats().acked_total), (4, 40));
    }
}

#[test]
fn every_message_is_handled_once_however_it_is_taken() {
    for (concurrency, prefetch) in [(1, 0), (4, 0), (4, 1), (4, 64), (16, 3)] {
        let hub = Hub::memory();
        let queue = hub.queue("q").dead_letter("q.dead").open().unwrap();
        let (tell, seen) = channel();
        let handler = move |job: &Job| tell.send(job.id()).unwrap();
        let start = || queue.worker(handler.clone()).concurrency(concurrency).prefetch(prefetch).start();
        let workers = [start().unwrap(), start().unwrap()];
        let mut ids: Vec<u64> = Vec::new();
        for count in (0..400).map(|i| i % 7) {
            // Sometimes all threads sleep when messages come, and sometimes none.
            (0..count).for_each(|_| _ = queue.send(Message::new(b"x")).unwrap());
            if count == 3 {
                ids.push(seen.recv_timeout(LONG).unwrap());
            }
        }
        let sent = queue.stats().unwrap().sent_total;
        ids.extend((ids.len() as u64..sent).map(|_| seen.recv_timeout(LONG).expect("nobody sleeps over it")));
        workers.iter().for_each(close);
        ids.sort_unstable();
        assert_eq!(ids, (0..sent).collect::<Vec<_>>());
        assert_eq!(workers.iter().map(|w| w.stats().acked_total).sum::<u64>(), sent);
    }
}

#[test]
fn a_handler_that_is_blocked_keeps_its_lease_up_to_the_total() {
    on_both_kinds_of_hub(|b| {
        b.send(&["slow"]);
        let (gate, handler) = gate();
        let worker = b.queue.worker(handler).lease_total_max(120 * SECOND).start().unwrap();
        assert_eq!(gate.next_started(), "slow");
        b.thirds(11);
        b.clock.advance(10 * SECOND - Duration::from_nanos(1));
        assert_eq!((b.leases_expired(), b.receive()), (0, None), "four leases later it is still ours");
        b.clock.advance(Duration::from_nanos(1));
        assert_eq!(b.leases_expired(), 1, "and not beyond the total");
        assert_eq!(b.receive(), Some(("slow".into(), 2, 1)), "it is somebody else's");
        gate.finish();
        close(&worker);
        assert_eq!((worker.stats().acked_total, worker.stats().lost_total), (0, 1));
    });
}

#[test]
fn a_handler_that_is_no_longer_alive_loses_its_lease() {
    on_both_kinds_of_hub(|b| {
        b.send(&["hangs", "panics"]);
        let alive = Arc::new(AtomicBool::new(true));
        let theirs = alive.clone();
        let check = move |job: &Job| {
            let is_alive = theirs.load(Ordering::SeqCst);
            assert!(is_alive || text(job) != "panics", "a check that panics says no");
            is_alive
        };
        let (gate, handler) = gate();
        let worker = b.queue.worker(handler).concurrency(2).liveness(check).start().unwrap();
        (0..2).for_each(|_| _ = gate.next_started());
        b.thirds(6);
        assert_eq!(b.leases_expired(), 0);
        alive.store(false, Ordering::SeqCst);
        b.thirds(2);
        assert_eq!(b.leases_expired(), 0, "what was granted stays");
        b.thirds(1);
        assert_eq!(b.leases_expired(), 2);
        gate.open();
        close(&worker);
    });
}

#[test]
fn a_handler_is_told_that_its_lease_is_lost_and_what_it_says_then_is_discarded() {
    on_both_kinds_of_hub(|b| {
        b.send(&["x"]);
        let (tell, seen) = channel();
        let (go, told) = channel::<()>();
        let told = Mutex::new(told);
        let handler = move |job: &Job| {
            for _ in 0..2 {
                tell.send(job.is_lost()).unwrap();
                told.lock().unwrap().recv().unwrap();
            }
        };
        let worker = b.queue.worker(handler).liveness(|_| false).prefetch(0).start().unwrap();
        assert_eq!(seen.recv_timeout(LONG), Ok(false));
        b.thirds(3);
        // Somebody else has it before the first is through.
        let other = b.queue.try_receive().unwrap().unwrap();
        go.send(()).unwrap();
        assert_eq!(seen.recv_timeout(LONG), Ok(true));
        go.send(()).unwrap();
        close(&worker);
        assert_eq!((worker.stats().lost_total, worker.stats().acked_total), (1, 0));
        other.ack().expect("the result of the first did not finish the delivery of the second");
    });
}

#[test]
fn a_lease_that_the_handler_prolonged_itself_is_not_taken_for_lost() {
    let b = bench(None);
    b.send(&["x"]);
    let (tell, seen) = channel();
    let (go, told) = channel::<()>();
    let told = Mutex::new(told);
    let handler = move |job: &Job| {
        job.extend(300 * SECOND).unwrap();
        tell.send(()).unwrap();
        told.lock().unwrap().recv().unwrap();
        assert!(!job.is_lost());
    };
    let worker = b.queue.worker(handler).liveness(|_| false).start().unwrap();
    seen.recv_timeout(LONG).unwrap();
    b.thirds(29);
    go.send(()).unwrap();
    close(&worker);
    assert_eq!((worker.stats().acked_total, worker.stats().panics_total), (1, 0));
}

#[test]
fn the_lease_of_a_message_that_was_taken_ahead_begins_when_its_handler_is_called() {
    on_both_kinds_of_hub(|b| {
        b.send(&["first", "second"]);
        let (gate, handler) = gate();
        let worker = b.queue.worker(handler).prefetch(1).liveness(|_| false).start().unwrap();
        assert_eq!(gate.next_started(), "first");
        b.clock.advance(19 * SECOND);
        gate.finish();
        assert_eq!(gate.next_started(), "second");
        b.clock.advance(30 * SECOND - Duration::from_nanos(1));
        assert_eq!(b.leases_expired(), 0, "it has the whole lease, and it was taken 49 s ago");
        b.clock.advance(Duration::from_nanos(1));
        assert_eq!(b.leases_expired(), 1);
        gate.open();
        close(&worker);
    });
}

#[test]
fn a_slow_handler_does_not_keep_others_from_the_messages_that_were_taken_ahead() {
    on_both_kinds_of_hub(|b| {
        b.send(&["slow", "second", "third", "fourth"]);
        let (gate, handler) = gate();
        let worker = b.queue.worker(handler).prefetch(2).start().unwrap();
        assert_eq!(gate.next_started(), "slow");
        assert_eq!((worker.stats().waiting, worker.stats().running), (2, 1));
        assert_eq!(b.receive(), Some(("fourth".into(), 1, 0)), "no more than asked for are taken ahead");
        b.clock.advance(20 * SECOND - Duration::from_nanos(1));
        assert_eq!(b.receive(), None);
        b.clock.advance(Duration::from_nanos(1));
        assert_eq!(b.receive(), Some(("second".into(), 1, 0)), "handed back, and nobody's failure");
        assert_eq!(b.receive(), Some(("third".into(), 1, 0)));
        gate.finish();
        close(&worker);
        assert_eq!((worker.stats().returned_total, b.leases_expired()), (2, 0));
    });
}

#[test]
fn closing_hands_back_what_was_not_started_and_waits_for_what_was() {
    on_both_kinds_of_hub(|b| {
        b.send(&["running", "unstarted"]);
        let (gate, handler) = gate();
        let worker = Arc::new(b.queue.worker(handler).prefetch(1).start().unwrap());
        assert_eq!(gate.next_started(), "running");
        let theirs = worker.clone();
        let closing = std::thread::spawn(move || theirs.close(LONG));
        let back = b.queue.receive(LONG).unwrap().unwrap();
        assert_eq!((text(&back), back.attempts(), back.failures()), ("unstarted".into(), 1, 0));
        b.thirds(9);
        assert_eq!(
            b.leases_expired(),
            1,
            "of the one that we have: a lease is prolonged while its handler is waited for"
        );
        gate.finish();
        closing.join().unwrap().expect("it returned in time");
        assert_eq!((worker.stats().acked_total, worker.stats().returned_total), (1, 1));
        close(&worker);
        assert_eq!(b.queue.stats().unwrap().leased, 0);
    });
}

#[test]
fn closing_tells_who_is_still_running_when_its_time_is_over_and_leaves_their_leases_to_run_out() {
    on_both_kinds_of_hub(|b| {
        let ids = b.send(&["late", "too late"]);
        let (gate, handler) = gate();
        let worker = b.queue.worker(handler).concurrency(2).start().unwrap();
        (0..2).for_each(|_| _ = gate.next_started());
        b.thirds(2);
        let still = worker.close(Duration::ZERO).unwrap_err();
        assert_eq!(still.ids(), ids);
        assert!(still.to_string().contains("2 handlers"), "{still}");
        assert!(matches!(Error::from(still), Error::Timeout { .. }));
        // Their leases are of ten seconds ago at the most: what comes now is in time.
        gate.finish();
        while worker.stats().acked_total == 0 {
            std::thread::yield_now();
        }
        b.thirds(3);
        assert_eq!(b.leases_expired(), 1, "nobody prolongs it any more");
        assert_eq!(worker.close(Duration::ZERO).unwrap_err().ids().len(), 1);
        gate.finish();
        close(&worker);
        assert_eq!((worker.stats().acked_total, worker.stats().lost_total), (1, 1));
    });
}

#[test]
fn a_worker_that_is_dropped_is_closed() {
    let b = bench(None);
    b.send(&["running", "unstarted"]);
    let (gate, handler) = gate();
    let worker = b.queue.worker(handler).start().unwrap();
    assert_eq!(gate.next_started(), "running");
    gate.finish();
    assert_eq!(gate.next_started(), "unstarted");
    gate.finish();
    drop(worker);
    assert_eq!(b.queue.stats().unwrap().acked_total, 2, "it waited for its handler");
    b.send(&["later"]);
    assert_eq!(b.receive(), Some(("later".into(), 1, 0)));
}

#[test]
fn a_handler_that_closes_its_own_worker_does_not_wait_for_itself() {
    let b = bench(None);
    let slot: Arc<Mutex<Option<Worker>>> = Arc::default();
    let (theirs, (tell, seen)) = (slot.clone(), channel());
    let handler = move |_: &Job| {
        let worker = theirs.lock().unwrap();
        tell.send(worker.as_ref().unwrap().close(Duration::MAX)).unwrap();
    };
    *slot.lock().unwrap() = Some(b.queue.worker(handler).start().unwrap());
    b.send(&["x"]);
    assert_eq!(seen.recv_timeout(LONG).unwrap().unwrap_err().ids(), [0]);
    close(slot.lock().unwrap().as_ref().unwrap());
    assert_eq!(b.queue.stats().unwrap().acked_total, 1);
}

#[test]
fn a_worker_ends_with_its_hub_and_says_so() {
    on_both_kinds_of_hub(|b| {
        let idle = b.dead.worker(|_: &Job| ()).concurrency(3).start().unwrap();
        b.send(&["running"]);
        let (gate, handler) = gate();
        let busy = b.queue.worker(handler).start().unwrap();
        assert_eq!(gate.next_started(), "running");
        assert!(idle.error().is_none());
        b.hub.close(LONG).unwrap();
        gate.finish();
        for worker in [&idle, &busy] {
            // Waits for the end, and is not what ended it.
            while worker.error().is_none() {
                std::thread::yield_now();
            }
            close(worker);
            assert!(matches!(worker.error(), Some(Error::Closed { .. })), "{:?}", worker.error());
        }
        assert_eq!(busy.stats().acked_total, 0, "closing had handed it back");
        let late = b.queue.worker(|_: &Job| ()).start().unwrap();
        close(&late);
    });
}

#[test]
fn a_hub_can_be_opened_again_as_soon_as_its_worker_is_closed_and_dropped() {
    let scratch = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let hub = Hub::open(scratch.path()).unwrap();
        let queue = hub.queue("q").dead_letter("q.dead").open().unwrap();
        let worker = queue.worker(|_: &Job| ()).concurrency(4).start().unwrap();
        queue.send(Message::new(b"x")).unwrap_or_else(|e| panic!("round {round}: {e}"));
        close(&worker);
    }
}

#[test]
fn options_out_of_their_range_are_refused() {
    let b = bench(None);
    let worker = || b.queue.worker(|_: &Job| ());
    for refused in [worker().concurrency(0), worker().concurrency(1025), worker().prefetch(65_536)] {
        let error = refused.start().unwrap_err();
        assert!(error.to_string().contains("is not allowed"), "{error}");
    }
}

#[test]
fn of_the_workers_of_a_queue_with_a_single_active_consumer_the_next_takes_over_when_the_first_is_closed() {
    on_both_kinds_of_hub(|b| {
        b.hub.queue("jobs").single_active_consumer(true).open().unwrap();
        let (done, results) = channel();
        let start = |name: &'static str| {
            let done = Mutex::new(done.clone());
            let handle = move |job: &Job| done.lock().unwrap().send((name, text(job))).unwrap();
            b.queue.worker(handle).concurrency(2).start().unwrap()
        };
        // The first one is active once it was handed something: which of two that start together is, nobody says.
        let first = start("first");
        b.send(&["0"]);
        assert_eq!(results.recv_timeout(LONG).unwrap(), ("first", "0".to_owned()));
        let second = start("second");
        b.send(&["1", "2", "3"]);
        let mut handled: Vec<_> = (0..3).map(|_| results.recv_timeout(LONG).unwrap()).collect();
        handled.sort();
        assert_eq!(handled, ["1", "2", "3"].map(|value| ("first", value.to_owned())));
        first.close(LONG).unwrap();
        b.send(&["4"]);
        assert_eq!(results.recv_timeout(LONG).unwrap(), ("second", "4".to_owned()));
        second.close(LONG).unwrap();
        assert_eq!((second.error().is_none(), first.error().is_none()), (true, true));
    });
}

/// A thread that has just asked the queue in vain, and one that is woken for what came a moment later: neither may leave it to the other.
#[test]
fn a_message_that_comes_while_the_threads_of_a_worker_fall_asleep_is_handled() {
    on_both_kinds_of_hub(|b| {
        let (done, results) = channel();
        let done = Mutex::new(done);
        let worker = b
            .queue
            .worker(move |_: &Job| done.lock().unwrap().send(()).unwrap())
            .concurrency(3)
            .start()
            .unwrap();
        for index in 0..5_000 {
            b.send(&["x"]);
            // Now sooner, now later than the thread that handled it is back.
            results.recv_timeout(LONG).unwrap();
            (0..index % 64).for_each(|_| std::hint::spin_loop());
        }
        worker.close(LONG).unwrap();
    });
}
