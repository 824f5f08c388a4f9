//! The verbs: send, receive, ack, fail, release, reject, extend; what a lease is, and what a queue keeps.

use ringmain::{Clock, Delivery, Error, Hub, Jitter, ManualClock, Message, OnExhausted, Queue, Retry};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn fixed(seconds: u64) -> Retry {
    Retry { base: SECOND * seconds as u32, factor: 1.0, jitter: Jitter::None, ..Retry::default() }
}

struct Bench {
    clock: ManualClock,
    hub: Hub,
    queue: Queue,
    dead: Queue,
}

fn bench() -> Bench {
    let clock = ManualClock::new();
    let hub = Hub::builder().clock(Clock::Manual(clock.clone())).memory().unwrap();
    let queue = hub
        .queue("jobs")
        .lease(30 * SECOND)
        .max_failures(3)
        .retry(fixed(10))
        .dead_letter("jobs.dead")
        .open()
        .unwrap();
    let dead = hub.queue("jobs.dead").open().unwrap();
    Bench { clock, hub, queue, dead }
}

impl Bench {
    fn send(&self, value: &str) -> u64 {
        self.queue.send(Message::new(value)).unwrap()
    }

    fn receive(&self) -> Option<Delivery> {
        self.queue.try_receive().unwrap()
    }

    fn letter(&self, name: &str) -> String {
        let letters = self.dead.peek(0, 10).unwrap();
        assert_eq!(letters.len(), 1, "one letter");
        String::from_utf8(letters[0].header(name).unwrap().to_vec()).unwrap()
    }
}

fn lease_lost(result: ringmain::Result<()>) -> bool {
    matches!(result, Err(Error::LeaseLost { .. }))
}

#[test]
fn messages_come_in_the_order_in_which_they_were_sent_and_once() {
    let b = bench();
    let ids: Vec<u64> = (0..100).map(|i| b.send(&i.to_string())).collect();
    let got = b.queue.receive_batch(1000, Duration::ZERO).unwrap();
    assert_eq!(got.iter().map(Delivery::id).collect::<Vec<_>>(), ids);
    assert!(b.receive().is_none(), "all of them are leased");
    assert!(b.queue.ack_batch(&got.iter().collect::<Vec<_>>()).iter().all(Result::is_ok));
    b.clock.advance(1000 * SECOND);
    assert!(b.receive().is_none());
    assert_eq!(b.queue.stats().unwrap().acked_total, 100);
}

#[test]
fn key_headers_and_times_come_with_the_message() {
    let b = bench();
    let message = Message::new(b"v").key("k").header("carrier", b"UA").header("x", b"").event_time(77);
    b.queue.send(message).unwrap();
    let delivery = b.receive().unwrap();
    assert_eq!(delivery.key(), Some(&b"k"[..]));
    assert_eq!(delivery.header("carrier"), Some(&b"UA"[..]));
    assert_eq!(delivery.headers().collect::<Vec<_>>(), [("carrier", &b"UA"[..]), ("x", b"")]);
    assert_eq!((delivery.event_time_ns(), delivery.time_ns()), (Some(77), b.clock.now_ns()));
    assert_eq!((delivery.attempts(), delivery.failures()), (1, 0));
}

#[test]
fn a_lease_that_ran_out_changes_nothing_any_more() {
    let b = bench();
    b.send("x");
    let stale = b.receive().unwrap();
    b.clock.advance(30 * SECOND);
    assert!(lease_lost(stale.ack()) && lease_lost(stale.fail("late")) && lease_lost(stale.extend(SECOND)));
    b.clock.advance(10 * SECOND);
    let current = b.receive().unwrap();
    assert_eq!((current.attempts(), current.failures()), (2, 1));
    assert!(lease_lost(stale.ack()), "the ack of a superseded delivery must not finish somebody else's");
    assert!(lease_lost(stale.release()) && lease_lost(stale.reject("late")));
    drop(stale);
    current.ack().unwrap();
    assert_eq!(b.queue.stats().unwrap().leases_expired_total, 1);
}

#[test]
fn a_second_ack_is_fine_and_a_fail_after_an_ack_is_not() {
    let b = bench();
    b.send("x");
    let delivery = b.receive().unwrap();
    delivery.ack().unwrap();
    delivery.ack().unwrap();
    assert!(lease_lost(delivery.fail("too late")));
    assert_eq!(b.queue.stats().unwrap().acked_total, 1);
    b.clock.advance(1000 * SECOND);
    delivery.ack().unwrap();
}

#[test]
fn a_failed_message_waits_for_its_retry_delay_and_dies_at_the_limit_with_its_story() {
    let b = bench();
    b.send("poison");
    for attempt in 1..=3 {
        let delivery = b.receive().unwrap();
        assert_eq!(delivery.attempts(), attempt);
        delivery.fail(format!("boom {attempt}")).unwrap();
        assert!(b.receive().is_none(), "not before its delay");
        b.clock.advance(10 * SECOND);
    }
    assert!(b.receive().is_none(), "dead at the third failure, without another receive");
    assert_eq!(b.letter("rm-dead-reason"), "failed");
    assert_eq!(b.letter("rm-dead-error"), "boom 3");
    assert_eq!(b.letter("rm-dead-queue"), "jobs");
    assert_eq!((b.letter("rm-failures"), b.letter("rm-attempts")), ("3".into(), "3".into()));
    let stats = b.queue.stats().unwrap();
    assert_eq!((stats.dead_total, stats.failures_total, stats.redeliveries_total), (1, 3, 2));
}

#[test]
fn a_lease_that_runs_out_for_the_last_time_kills_without_anybody_receiving() {
    let b = bench();
    b.send("stuck");
    let mut stuck = Vec::new();
    for _ in 0..3 {
        stuck.push(b.receive().unwrap());
        b.clock.advance(30 * SECOND);
        b.clock.advance(10 * SECOND);
    }
    assert_eq!(b.letter("rm-dead-error"), "the lease ran out");
}

#[test]
fn a_released_message_keeps_its_place_and_its_failures() {
    let b = bench();
    b.send("first");
    b.send("second");
    let first = b.receive().unwrap();
    first.release().unwrap();
    let again = b.receive().unwrap();
    assert_eq!((again.value(), again.attempts(), again.failures()), (&b"first"[..], 2, 0));
    again.release_after(5 * SECOND).unwrap();
    let second = b.receive().unwrap();
    assert_eq!(second.value(), b"second");
    b.clock.advance(5 * SECOND);
    assert_eq!(b.receive().unwrap().value(), b"first");
}

#[test]
fn a_dropped_delivery_is_released_without_penalty() {
    let b = bench();
    b.send("x");
    drop(b.receive().unwrap());
    let again = b.receive().unwrap();
    assert_eq!((again.attempts(), again.failures()), (2, 0));
}

#[test]
fn a_rejected_message_is_dead_at_once() {
    let b = bench();
    b.send("bad");
    b.receive().unwrap().reject("not JSON").unwrap();
    assert_eq!(
        (b.letter("rm-dead-reason"), b.letter("rm-dead-error")),
        ("rejected".into(), "not JSON".into())
    );
    assert_eq!(b.letter("rm-failures"), "0");
}

#[test]
fn a_delay_given_with_the_failure_wins_over_the_policy() {
    let b = bench();
    b.send("x");
    b.receive().unwrap().fail_after("later", 100 * SECOND).unwrap();
    b.clock.advance(99 * SECOND);
    assert!(b.receive().is_none());
    b.clock.advance(SECOND);
    assert!(b.receive().is_some());
}

#[test]
fn a_delay_beyond_ten_years_is_refused_and_the_delivery_stays_ours() {
    let b = bench();
    b.send("x");
    let delivery = b.receive().unwrap();
    assert!(delivery.fail_after("never", Duration::MAX).unwrap_err().to_string().contains("ten years"));
    assert!(delivery.release_after(Duration::MAX).is_err());
    delivery.ack().unwrap();
}

#[test]
fn a_delayed_message_blocks_nobody_and_is_never_early() {
    let b = bench();
    b.queue.send(Message::new(b"late").delay(5 * SECOND)).unwrap();
    b.send("now");
    let now = b.receive().unwrap();
    assert_eq!(now.value(), b"now");
    now.ack().unwrap();
    b.clock.advance(5 * SECOND - Duration::from_nanos(1));
    assert!(b.receive().is_none());
    assert_eq!(b.queue.stats().unwrap().scheduled, 1);
    b.clock.advance(Duration::from_nanos(1));
    assert_eq!(b.receive().unwrap().value(), b"late");
}

#[test]
fn an_extended_lease_lasts_longer_and_never_shorter() {
    let b = bench();
    b.send("slow");
    let delivery = b.receive().unwrap();
    delivery.extend(SECOND).unwrap();
    b.clock.advance(29 * SECOND);
    delivery.extend(60 * SECOND).unwrap();
    b.clock.advance(59 * SECOND);
    delivery.ack().unwrap();
}

#[test]
fn exhausted_messages_are_dropped_or_kept_where_the_queue_says_so() {
    let b = bench();
    let drops = b.hub.queue("drops").max_failures(1).on_exhausted(OnExhausted::Drop).open().unwrap();
    drops.send(Message::new(b"x")).unwrap();
    drops.try_receive().unwrap().unwrap().fail("no").unwrap();
    assert_eq!(drops.stats().unwrap().dropped_total, 1);
    let keeps =
        b.hub.queue("keeps").max_failures(1).retry(fixed(0)).on_exhausted(OnExhausted::Keep).open().unwrap();
    keeps.send(Message::new(b"x")).unwrap();
    for failures in 0..5 {
        let delivery = keeps.try_receive().unwrap().unwrap();
        assert_eq!(delivery.failures(), failures);
        delivery.fail("again").unwrap();
    }
    let refused = keeps.try_receive().unwrap().unwrap().reject("where to?");
    assert!(matches!(refused, Err(Error::OptionMissing { .. })), "{refused:?}");
}

#[test]
fn a_new_queue_must_say_where_hopeless_messages_go() {
    let b = bench();
    let error = b.hub.queue("silent").open().unwrap_err();
    assert!(error.to_string().contains("dead_letter"), "{error}");
    let error = b.hub.queue("jobs.dead").dead_letter("jobs").open().unwrap_err();
    assert!(error.to_string().contains("jobs.dead -> jobs -> jobs.dead"), "{error}");
    assert!(b.hub.queue("self").dead_letter("self").open().is_err());
    assert!(b.hub.queue("JOBS").on_exhausted(OnExhausted::Drop).open().is_err(), "differs only in case");
}

#[test]
fn a_batch_is_refused_whole_if_one_message_is_over_a_limit() {
    let b = bench();
    let long = vec![0; (1 << 20) + 1];
    assert!(b.queue.send_batch(&[Message::new(b"ok"), Message::new(&long)]).is_err());
    assert!(b.receive().is_none());
    assert_eq!(b.queue.send_batch(&[]).unwrap(), Vec::<u64>::new());
}

#[test]
fn peek_changes_nothing_and_shows_only_what_waits() {
    let b = bench();
    for value in ["acked", "leased", "failed", "ready"] {
        b.send(value);
    }
    b.queue.send(Message::new(b"scheduled").delay(SECOND)).unwrap();
    b.receive().unwrap().ack().unwrap();
    let _leased = b.receive().unwrap();
    b.receive().unwrap().fail("once").unwrap();
    for _ in 0..2 {
        let peeked = b.queue.peek(0, 100).unwrap();
        let seen: Vec<_> = peeked.iter().map(|p| (p.value(), p.attempts(), p.failures())).collect();
        assert_eq!(seen, [(&b"failed"[..], 1, 1), (b"ready", 0, 0), (b"scheduled", 0, 0)]);
    }
    assert_eq!(b.queue.peek(3, 1).unwrap()[0].value(), b"ready");
}

#[test]
fn a_waiting_receiver_is_woken_by_a_send_and_by_close() {
    let hub = Hub::memory();
    let queue = hub.queue("q").on_exhausted(OnExhausted::Drop).open().unwrap();
    let theirs = queue.clone();
    let receiver = std::thread::spawn(move || {
        let first = theirs.receive(Duration::MAX).unwrap().unwrap();
        first.ack().unwrap();
        theirs.receive(Duration::MAX)
    });
    std::thread::sleep(Duration::from_millis(20));
    queue.send(Message::new(b"x")).unwrap();
    std::thread::sleep(Duration::from_millis(20));
    hub.close(10 * SECOND).unwrap();
    assert!(matches!(receiver.join().unwrap(), Err(Error::Closed { .. })));
    assert!(matches!(queue.send(Message::new(b"x")), Err(Error::Closed { .. })));
    hub.close(SECOND).unwrap();
}

#[test]
fn on_the_system_clock_a_delayed_message_wakes_its_receiver_by_itself() {
    let hub = Hub::memory();
    let queue = hub.queue("q").on_exhausted(OnExhausted::Drop).open().unwrap();
    queue.send(Message::new(b"x").delay(Duration::from_millis(30))).unwrap();
    assert!(queue.try_receive().unwrap().is_none());
    assert!(queue.receive(60 * SECOND).unwrap().is_some());
}

#[test]
fn a_future_that_waits_is_woken_and_one_that_is_dropped_loses_nothing() {
    use std::future::Future;
    use std::task::{Context, Poll, Wake, Waker};
    struct Flag(std::sync::atomic::AtomicU32);
    impl Wake for Flag {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
    }
    let b = bench();
    let flag = std::sync::Arc::new(Flag(0.into()));
    let waker = Waker::from(flag.clone());
    let mut context = Context::from_waker(&waker);
    let mut dropped = Box::pin(b.queue.receive_async(1));
    assert!(dropped.as_mut().poll(&mut context).is_pending());
    drop(dropped);
    let mut waits = Box::pin(b.queue.receive_async(1));
    assert!(waits.as_mut().poll(&mut context).is_pending());
    b.send("x");
    assert!(flag.0.load(std::sync::atomic::Ordering::SeqCst) > 0);
    let Poll::Ready(got) = waits.as_mut().poll(&mut context) else { panic!("woken for nothing") };
    assert_eq!(got.unwrap().len(), 1);
}

#[test]
fn competing_consumers_get_each_message_once() {
    let hub = Hub::memory();
    let queue = hub.queue("q").dead_letter("q.dead").open().unwrap();
    let count = 20_000u64;
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let queue = queue.clone();
            std::thread::spawn(move || {
                let mut ids = vec![];
                loop {
                    let got = queue.receive_batch(64, Duration::from_millis(10)).unwrap();
                    if got.is_empty() && queue.stats().unwrap().acked_total == count {
                        return ids;
                    }
                    ids.extend(got.iter().map(Delivery::id));
                    assert!(queue.ack_batch(&got.iter().collect::<Vec<_>>()).iter().all(Result::is_ok));
                }
            })
        })
        .collect();
    for i in 0..count {
        queue.send(Message::new(&i.to_le_bytes())).unwrap();
    }
    let mut ids: Vec<u64> = workers.into_iter().flat_map(|w| w.join().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..count).collect::<Vec<_>>());
}

#[test]
fn acks_deaths_failures_and_delays_survive_reopening() {
    let scratch = tempfile::tempdir().unwrap();
    let clock = ManualClock::new();
    let open = || {
        let hub = Hub::builder().clock(Clock::Manual(clock.clone())).open(scratch.path()).unwrap();
        let queue =
            hub.queue("jobs").max_failures(2).retry(fixed(10)).dead_letter("jobs.dead").open().unwrap();
        (hub, queue)
    };
    let (hub, queue) = open();
    for value in ["acked", "dead", "failed", "leased", "plain"] {
        queue.send(Message::new(value)).unwrap();
    }
    queue.send(Message::new(b"late").delay(100 * SECOND)).unwrap();
    let got = queue.receive_batch(4, Duration::ZERO).unwrap();
    got[0].ack().unwrap();
    got[1].reject("no").unwrap();
    got[2].fail("once").unwrap();
    hub.close(60 * SECOND).unwrap();
    drop(got);
    let (hub, queue) = open();
    let stats = queue.stats().unwrap();
    assert_eq!((stats.ready, stats.scheduled, stats.leased), (2, 2, 0));
    assert_eq!(hub.queue("jobs.dead").open().unwrap().stats().unwrap().ready, 1);
    let leased = queue.try_receive().unwrap().unwrap();
    assert_eq!(
        (leased.value(), leased.attempts(), leased.failures()),
        (&b"leased"[..], 2, 0),
        "closed cleanly"
    );
    clock.advance(10 * SECOND);
    let failed = queue.try_receive().unwrap().unwrap();
    assert_eq!((failed.value(), failed.attempts(), failed.failures()), (&b"failed"[..], 2, 1));
    assert_eq!(queue.try_receive().unwrap().unwrap().value(), b"plain");
    clock.advance(90 * SECOND);
    drop((leased, failed));
}

#[test]
fn a_queue_that_is_worked_off_gives_its_disk_space_back() {
    let scratch = tempfile::tempdir().unwrap();
    let hub = Hub::builder().durability(ringmain::Durability::Written).open(scratch.path()).unwrap();
    let queue = hub.queue("jobs").on_exhausted(OnExhausted::Drop).open().unwrap();
    let value = vec![7; 4000];
    for _ in 0..200 {
        queue.send_batch(&vec![Message::new(&value); 20]).unwrap();
        let got = queue.receive_batch(20, SECOND).unwrap();
        queue.ack_batch(&got.iter().collect::<Vec<_>>()).into_iter().for_each(Result::unwrap);
    }
    let files = std::fs::read_dir(scratch.path().join("queues/jobs")).unwrap().count();
    assert!(files <= 3, "{files} segments of a queue that is empty");
}
