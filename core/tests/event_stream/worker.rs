//! Workers of a stream: order, retries, hand-over, batches, and when they commit.

use crate::{Bench, hubs};
use ringmain::{Error, Message, OnExhausted, Record, Start, Stream};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const NOW: Duration = Duration::ZERO;
const SECOND: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(60);

fn stream(bench: &Bench, partitions: u32) -> Stream {
    bench.hub.stream("flights").partitions(partitions).open().unwrap()
}

fn append(stream: &Stream, values: &[&str]) {
    values.iter().for_each(|value| _ = stream.append(Message::new(value)).unwrap());
}

fn text(record: &Record) -> String {
    String::from_utf8(record.value().to_vec()).unwrap()
}

/// The next values that a handler has told.
fn next(seen: &Receiver<String>, count: usize) -> Vec<String> {
    (0..count).map(|_| seen.recv_timeout(LONG).unwrap()).collect()
}

/// A handler that tells each record.
fn tell(told: Sender<String>) -> impl Fn(&Record) {
    move |record| _ = told.send(text(record))
}

fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        std::thread::yield_now();
    }
}

/// What a new member of the group is given.
fn left(stream: &Stream) -> Vec<String> {
    let mut member = stream.group("billing").join().unwrap();
    member.poll(1000, NOW).unwrap().iter().map(text).collect()
}

#[test]
fn records_of_a_partition_are_handled_in_order_by_one_thread_at_a_time_and_committed() {
    hubs(|bench| {
        let stream = stream(bench, 4);
        let numbers: Vec<(String, String)> =
            (0..400).map(|i| (i.to_string(), (i % 13).to_string())).collect();
        let batch: Vec<_> = numbers.iter().map(|(number, key)| Message::new(number).key(key)).collect();
        stream.append_batch(&batch).unwrap();
        let seen = Arc::new(Mutex::new(BTreeMap::<u32, Vec<u64>>::new()));
        let busy: Arc<[AtomicBool; 4]> = Arc::default();
        let (told, done) = channel();
        let theirs = seen.clone();
        let handler = move |record: &Record| {
            let busy = &busy[record.partition() as usize];
            assert!(!busy.swap(true, Ordering::SeqCst), "one at a time");
            theirs.lock().unwrap().entry(record.partition()).or_default().push(record.offset());
            busy.store(false, Ordering::SeqCst);
            told.send(()).unwrap();
        };
        let worker = stream.worker("billing", handler).concurrency(4).start().unwrap();
        (0..400).for_each(|_| done.recv_timeout(LONG).unwrap());
        worker.close(LONG).unwrap();
        assert_eq!(worker.error().map(|error| error.to_string()), None);
        assert_eq!(worker.stats().done_total, 400);
        for (partition, offsets) in seen.lock().unwrap().iter() {
            assert!(
                offsets.iter().copied().eq(0..offsets.len() as u64),
                "partition {partition}: {offsets:?}"
            );
        }
        assert_eq!(stream.group("billing").lag().unwrap(), 0);
        assert!(left(&stream).is_empty());
    });
}

#[test]
fn handled_records_are_committed_together_and_not_by_a_sync_each() {
    hubs(|bench| {
        let stream = stream(bench, 1);
        stream.append_batch(&vec![Message::new(b"EWR-IAH"); 200]).unwrap();
        let before = bench.disk.as_ref().map_or(0, |disk| disk.operation_count());
        let (told, seen) = channel();
        let worker = stream.worker("billing", tell(told)).start().unwrap();
        next(&seen, 200);
        worker.close(LONG).unwrap();
        let operations = bench.disk.as_ref().map_or(0, |disk| disk.operation_count()) - before;
        assert!(operations < 50, "{operations} operations of the disk for 200 records");
        assert_eq!(stream.group("billing").lag().unwrap(), 0);
    });
}

#[test]
fn a_record_that_fails_is_tried_again_after_a_delay_and_holds_up_its_partition_only() {
    hubs(|bench| {
        let stream = stream(bench, 2);
        let (told, seen) = channel();
        let calls = AtomicBool::new(false);
        let handler = move |record: &Record| {
            told.send(text(record)).unwrap();
            if text(record) == "bad" && !calls.swap(true, Ordering::SeqCst) { Err("once") } else { Ok(()) }
        };
        let worker = stream.worker("billing", handler).retry_delay(5 * SECOND, LONG).start().unwrap();
        let of = |key: &str, value: &str| stream.append(Message::new(value).key(key)).unwrap().partition;
        let other = (0..).map(|i| i.to_string()).find(|key| of(key, "probe") != of("a", "probe")).unwrap();
        until(|| worker.stats().waiting == 0 && stream.group("billing").lag().unwrap() == 0);
        while seen.try_recv().is_ok() {}
        of("a", "bad");
        assert_eq!(next(&seen, 1), ["bad"]);
        of("a", "behind");
        of(&other, "aside");
        assert_eq!(next(&seen, 1), ["aside"]);
        until(|| worker.stats().waiting == 2);
        bench.clock.advance(5 * SECOND);
        assert_eq!(next(&seen, 2), ["bad", "behind"]);
        worker.close(LONG).unwrap();
        assert_eq!((worker.stats().failed_total, stream.group("billing").lag().unwrap()), (1, 0));
    });
}

#[test]
fn a_record_that_fails_too_often_stops_the_worker_and_is_not_committed() {
    hubs(|bench| {
        let stream = stream(bench, 1);
        append(&stream, &["good", "bad", "behind"]);
        let handler = |record: &Record| {
            if text(record) == "bad" { panic!("no such airport") } else { Ok::<(), String>(()) }
        };
        let worker = stream.worker("billing", handler).retry_delay(NOW, NOW).max_failures(3).start().unwrap();
        until(|| worker.error().is_some());
        let error = worker.error().unwrap();
        assert!(
            matches!(error, Error::HandlerFailed { partition: 0, offset: 1, failures: 3, .. }),
            "{error}"
        );
        assert!(error.to_string().contains("panicked: no such airport"), "{error}");
        worker.close(LONG).unwrap();
        assert_eq!(worker.stats().panics_total, 3);
        assert_eq!(left(&stream), ["bad", "behind"]);
    });
}

#[test]
fn a_record_that_fails_too_often_is_skipped_only_when_that_is_asked_for() {
    hubs(|bench| {
        let stream = stream(bench, 1);
        append(&stream, &["good", "bad", "behind"]);
        let (told, seen) = channel();
        let handler = move |record: &Record| {
            told.send(text(record)).unwrap();
            if text(record) == "bad" { Err("no such airport") } else { Ok(()) }
        };
        let worker = stream.worker("billing", handler).max_failures(1).skip_failed().start().unwrap();
        assert_eq!(next(&seen, 3), ["good", "bad", "behind"]);
        worker.close(LONG).unwrap();
        assert_eq!((worker.stats().skipped_total, worker.stats().done_total), (1, 2));
        assert!(left(&stream).is_empty());
    });
}

#[test]
fn a_record_that_is_handed_over_is_committed_only_after_the_sink_has_returned() {
    hubs(|bench| {
        let stream = stream(bench, 1);
        append(&stream, &["bad", "good"]);
        let (told, seen) = channel();
        let billing = stream.group("billing");
        let sink = move |record: &Record, reason: &str| {
            assert_eq!(billing.lag()?, 2, "not committed yet");
            told.send(format!("{} {reason}", text(record))).unwrap();
            Ok(())
        };
        let handler = |record: &Record| if text(record) == "bad" { Err("no such airport") } else { Ok(()) };
        let worker = stream.worker("billing", handler).max_failures(1).hand_over(sink).start().unwrap();
        assert_eq!(next(&seen, 1), ["bad no such airport"]);
        until(|| stream.group("billing").lag().unwrap() == 0);
        worker.close(LONG).unwrap();
        assert_eq!(worker.stats().handed_over_total, 1);

        append(&stream, &["bad", "good"]);
        let refuses = |_: &Record, _: &str| Err(Error::Timeout { doing: "asking somebody else" });
        let worker = stream.worker("billing", handler).max_failures(1).hand_over(refuses).start().unwrap();
        until(|| worker.error().is_some());
        assert!(matches!(worker.error(), Some(Error::Timeout { .. })));
        worker.close(LONG).unwrap();
        assert_eq!(left(&stream), ["bad", "good"]);
    });
}

#[test]
fn a_record_that_goes_to_a_queue_takes_its_key_and_headers_along_and_says_where_it_was() {
    hubs(|bench| {
        let (stream, failed) =
            (stream(bench, 1), bench.hub.queue("failed").on_exhausted(OnExhausted::Drop).open().unwrap());
        append(&stream, &["good"]);
        stream
            .append(Message::new(b"bad").key("N14228").header("carrier", b"UA").header("stream", b"mine"))
            .unwrap();
        let handler = |record: &Record| if text(record) == "bad" { Err("no such airport") } else { Ok(()) };
        let worker = stream.worker("billing", handler).max_failures(1).hand_over_to(&failed).start().unwrap();
        let message = failed.receive(LONG).unwrap().unwrap();
        assert_eq!((message.value(), message.key()), (&b"bad"[..], Some(&b"N14228"[..])));
        let mut headers: Vec<_> = message
            .headers()
            .map(|(name, value)| format!("{name}={}", String::from_utf8_lossy(value)))
            .collect();
        headers.sort();
        let expected = [
            "carrier=UA",
            "stream-error=no such airport",
            "stream-offset=1",
            "stream-partition=0",
            "stream=flights",
        ];
        assert_eq!(headers, expected);
        until(|| stream.group("billing").lag().unwrap() == 0);
        worker.close(LONG).unwrap();
    });
}

#[test]
fn side_by_side_a_record_that_is_slow_or_fails_holds_up_none_and_the_others_are_not_handled_again() {
    hubs(|bench| {
        let stream = stream(bench, 1);
        append(&stream, &["slow", "1", "bad", "3", "4"]);
        let (told, seen) = channel();
        let (go, gate) = channel::<()>();
        let gate = Mutex::new(gate);
        let handler = move |record: &Record| {
            if text(record) == "slow" {
                gate.lock().unwrap().recv().unwrap();
            }
            told.send(text(record)).unwrap();
            if text(record) == "bad" { Err("no such airport") } else { Ok(()) }
        };
        let worker = stream.worker("billing", handler).concurrency(2).parallel(2).start().unwrap();
        assert_eq!(next(&seen, 4), ["1", "bad", "3", "4"]);
        until(|| stream.group("billing").lag().unwrap() == 2);
        assert_eq!(stream.group("billing").committed().unwrap(), [Some(0)]);
        assert!(matches!(worker.close(NOW), Err(Error::Timeout { .. })), "one is still running");
        go.send(()).unwrap();
        worker.close(LONG).unwrap();
        assert_eq!(left(&stream), ["bad"]);
    });
}

/// The key of each of two partitions.
fn keys_of_two(stream: &Stream) -> [String; 2] {
    let partition = |key: &String| stream.append(Message::new("probe").key(key)).unwrap().partition;
    [0, 1].map(|of| (0..).map(|key| key.to_string()).find(|key| partition(key) == of).unwrap())
}

#[test]
fn a_second_worker_gets_its_share_without_waiting_for_what_waits_at_the_first() {
    hubs(|bench| {
        let stream = stream(bench, 2);
        let [stays, moves] = keys_of_two(&stream);
        let (told, seen) = channel();
        let handler = move |record: &Record| {
            told.send(text(record)).unwrap();
            if text(record) == "bad" { Err("not here") } else { Ok(()) }
        };
        let first = stream.worker("billing", handler).retry_delay(LONG, LONG).start().unwrap();
        until(|| stream.group("billing").lag().unwrap() == 0);
        while seen.try_recv().is_ok() {}
        let append = |key: &str, value: &str| _ = stream.append(Message::new(value).key(key)).unwrap();
        append(&moves, "bad");
        append(&moves, "behind");
        assert_eq!(next(&seen, 1), ["bad"]);
        until(|| first.stats().waiting == 2);
        let (told, seen_by_second) = channel();
        let second = stream.worker("billing", tell(told)).start().unwrap();
        // No clock moves: neither the delay nor the group's time to let go is over.
        assert_eq!(next(&seen_by_second, 2), ["bad", "behind"]);
        until(|| stream.group("billing").lag().unwrap() == 0);
        bench.clock.advance(LONG);
        // It has one thread, which takes what is due before it asks for more.
        for value in ["1", "2"] {
            append(&stays, value);
            assert_eq!(next(&seen, 1), [value], "and nothing of what it has given up");
        }
        first.close(LONG).unwrap();
        second.close(LONG).unwrap();
        assert_eq!((first.stats().waiting, first.stats().lost_total, seen.try_recv().is_err()), (0, 0, true));
        assert!(first.error().is_none() && second.error().is_none());
    });
}

#[test]
fn a_partition_that_moves_is_not_let_go_of_while_a_record_of_it_is_handled() {
    hubs(|bench| {
        let stream = stream(bench, 2);
        let [stays, moves] = keys_of_two(&stream);
        let (told, seen) = channel();
        let (go, gate) = channel::<()>();
        let gate = Mutex::new(gate);
        let handler = move |record: &Record| {
            told.send(text(record)).unwrap();
            if text(record) == "slow" {
                gate.lock().unwrap().recv().unwrap();
            }
        };
        let first = stream.worker("billing", handler).concurrency(2).start().unwrap();
        until(|| stream.group("billing").lag().unwrap() == 0);
        while seen.try_recv().is_ok() {}
        let append = |key: &str, value: &str| _ = stream.append(Message::new(value).key(key)).unwrap();
        append(&moves, "slow");
        append(&moves, "behind");
        assert_eq!(next(&seen, 1), ["slow"]);
        let (told, seen_by_second) = channel();
        let second = stream.worker("billing", tell(told)).start().unwrap();
        // Whoever polls this one has been asked for the other partition.
        append(&stays, "aside");
        assert_eq!(next(&seen, 1), ["aside"]);
        until(|| first.stats().waiting == 0);
        let groups = stream.stats().unwrap().groups;
        assert_eq!(groups.iter().map(|group| group.revoking_partitions).collect::<Vec<_>>(), [1]);
        go.send(()).unwrap();
        assert_eq!(next(&seen_by_second, 1), ["behind"], "what was handled has been committed before");
        until(|| stream.group("billing").lag().unwrap() == 0);
        first.close(LONG).unwrap();
        second.close(LONG).unwrap();
        assert!(seen.try_recv().is_err() && seen_by_second.try_recv().is_err(), "each was handled once");
    });
}

#[test]
fn a_handler_that_runs_for_longer_than_a_member_may_be_silent_keeps_its_partition() {
    hubs(|bench| {
        let stream = stream(bench, 1);
        append(&stream, &["slow", "behind"]);
        let (told, seen) = channel();
        let (go, gate) = channel::<()>();
        let gate = Mutex::new(gate);
        let handler = move |record: &Record| {
            told.send(text(record)).unwrap();
            gate.lock().unwrap().recv().unwrap();
        };
        let worker = stream.worker("billing", handler).start().unwrap();
        assert_eq!(next(&seen, 1), ["slow"]);
        let mut other = stream.group("billing").max_poll_interval(None).join().unwrap();
        for _ in 0..100 {
            bench.clock.advance(LONG);
            assert_eq!(other.poll(9, NOW).unwrap().len(), 0);
        }
        assert_eq!(stream.stats().unwrap().groups[0].members, 2);
        go.send(()).unwrap();
        go.send(()).unwrap();
        assert_eq!(next(&seen, 1), ["behind"]);
        worker.close(LONG).unwrap();
        assert_eq!((worker.stats().done_total, worker.stats().lost_total), (2, 0));
        assert_eq!(other.poll(9, NOW).unwrap().len(), 0, "all of it was committed");
    });
}

#[test]
fn a_record_that_fails_again_and_again_waits_twice_as_long_each_time_up_to_the_longest_delay() {
    hubs(|bench| {
        let stream = stream(bench, 2);
        let [fails, works] = keys_of_two(&stream);
        let (told, seen) = channel();
        let handler = move |record: &Record| {
            told.send(text(record)).unwrap();
            if text(record) == "bad" { Err("no such airport") } else { Ok(()) }
        };
        let worker = stream.worker("billing", handler).retry_delay(SECOND, 3 * SECOND).max_failures(5);
        let worker = worker.start().unwrap();
        until(|| stream.group("billing").lag().unwrap() == 0);
        while seen.try_recv().is_ok() {}
        let append = |key: &str, value: &str| _ = stream.append(Message::new(value).key(key)).unwrap();
        append(&fails, "bad");
        for (failures, delay) in [(1, SECOND), (2, 2 * SECOND), (3, 3 * SECOND), (4, 3 * SECOND)] {
            assert_eq!(next(&seen, 1), ["bad"]);
            until(|| worker.stats().failed_total == failures && worker.stats().waiting == 1);
            bench.clock.advance(delay - Duration::from_nanos(1));
            // Its one thread takes what is due before it asks for more.
            append(&works, "aside");
            assert_eq!(next(&seen, 1), ["aside"], "after {failures} failures");
            bench.clock.advance(Duration::from_nanos(1));
        }
        assert_eq!(next(&seen, 1), ["bad"]);
        until(|| worker.error().is_some());
        worker.close(LONG).unwrap();
    });
}

#[test]
fn a_worker_begins_where_it_is_told_if_its_group_has_committed_nothing() {
    hubs(|bench| {
        let stream = stream(bench, 1);
        append(&stream, &["old"]);
        let (told, seen) = channel();
        let worker = stream.worker("billing", tell(told)).start_at(Start::Latest).start().unwrap();
        append(&stream, &["new"]);
        assert_eq!(next(&seen, 1), ["new"]);
        worker.close(LONG).unwrap();
        assert!(seen.try_recv().is_err());
    });
}

#[test]
fn a_sink_that_panics_stops_the_worker_and_the_record_is_not_committed() {
    hubs(|bench| {
        let stream = stream(bench, 1);
        append(&stream, &["bad"]);
        let sink = |_: &Record, _: &str| panic!("no such table");
        let worker = stream.worker("billing", |_| Err("no such airport")).max_failures(1).hand_over(sink);
        let worker = worker.start().unwrap();
        until(|| worker.error().is_some());
        let error = worker.error().unwrap().to_string();
        assert!(error.contains("sink") && error.contains("no such table"), "{error}");
        worker.close(LONG).unwrap();
        assert_eq!(left(&stream), ["bad"]);
    });
}

#[test]
fn a_worker_that_was_too_slow_to_let_go_of_a_partition_goes_on_with_what_it_has() {
    for threads in [1, 2] {
        hubs(|bench| {
            let stream = stream(bench, 2);
            let [stays, moves] = keys_of_two(&stream);
            let (told, seen) = channel();
            let (go, gate) = channel::<()>();
            let gate = Mutex::new(gate);
            let handler = move |record: &Record| {
                told.send(text(record)).unwrap();
                if text(record) == "slow" {
                    gate.lock().unwrap().recv().unwrap();
                }
            };
            let first = stream.worker("billing", handler).concurrency(threads).start().unwrap();
            until(|| stream.group("billing").lag().unwrap() == 0);
            while seen.try_recv().is_ok() {}
            let append = |key: &str, value: &str| _ = stream.append(Message::new(value).key(key)).unwrap();
            append(&moves, "slow");
            assert_eq!(next(&seen, 1), ["slow"]);
            let (told, seen_by_second) = channel();
            let second = stream.worker("billing", tell(told)).start().unwrap();
            bench.clock.advance(30 * SECOND);
            assert_eq!(next(&seen_by_second, 1), ["slow"], "it was not committed in time");
            until(|| stream.group("billing").lag().unwrap() == 0);
            if threads > 1 {
                append(&stays, "aside");
                assert_eq!(next(&seen, 1), ["aside"]);
            }
            go.send(()).unwrap();
            append(&stays, "more");
            assert_eq!(next(&seen, 1), ["more"]);
            until(|| stream.group("billing").lag().unwrap() == 0);
            first.close(LONG).unwrap();
            second.close(LONG).unwrap();
            assert!(first.error().is_none() && second.error().is_none(), "{:?}", first.error());
            // With one thread it does not know before it commits.
            assert_eq!(first.stats().lost_total, u64::from(threads > 1));
        });
    }
}

#[test]
fn a_record_whose_partition_went_and_came_back_meanwhile_is_handled_anew_and_once() {
    hubs(|bench| {
        let stream = stream(bench, 2);
        let [_, moves] = keys_of_two(&stream);
        let (told, seen) = channel();
        let (go, gate) = channel::<()>();
        let (gate, calls) = (Mutex::new(gate), AtomicBool::new(false));
        let handler = move |record: &Record| {
            told.send(text(record)).unwrap();
            if text(record) == "bad" && !calls.swap(true, Ordering::SeqCst) {
                gate.lock().unwrap().recv().unwrap();
                return Err("once");
            }
            Ok(())
        };
        let worker =
            stream.worker("billing", handler).concurrency(2).retry_delay(LONG, LONG).start().unwrap();
        until(|| stream.group("billing").lag().unwrap() == 0);
        while seen.try_recv().is_ok() {}
        stream.append(Message::new("bad").key(&moves)).unwrap();
        assert_eq!(next(&seen, 1), ["bad"]);
        let mut other = stream.group("billing").join().unwrap();
        bench.clock.advance(30 * SECOND);
        assert_eq!(other.poll(9, NOW).unwrap().len(), 1);
        other.leave().unwrap();
        until(|| worker.stats().waiting == 1);
        go.send(()).unwrap();
        // No clock moves: the delay is that of a job that is of no account any more.
        assert_eq!(next(&seen, 1), ["bad"]);
        until(|| stream.group("billing").lag().unwrap() == 0);
        bench.clock.advance(LONG);
        worker.close(LONG).unwrap();
        assert!(seen.try_recv().is_err());
    });
}

#[test]
fn a_handler_that_is_busy_for_long_has_what_was_handled_committed_meanwhile() {
    hubs(|bench| {
        let stream = stream(bench, 1);
        append(&stream, &["1", "2", "3"]);
        let (told, seen) = channel();
        let (clock, group) = (bench.clock.clone(), stream.group("billing"));
        let handler = move |record: &Record| {
            told.send(format!("{}: {} left", text(record), group.lag().unwrap())).unwrap();
            if text(record) == "2" {
                clock.advance(Duration::from_millis(100));
            }
        };
        let worker = stream.worker("billing", handler).start().unwrap();
        assert_eq!(next(&seen, 3), ["1: 3 left", "2: 3 left", "3: 1 left"]);
        worker.close(LONG).unwrap();
    });
}

#[test]
fn no_partition_waits_because_all_threads_are_busy_with_another_one() {
    hubs(|bench| {
        let stream = stream(bench, 2);
        stream.append_batch_to(0, &[Message::new("slow"), Message::new("slow")]).unwrap();
        stream.append_to(1, Message::new("quick")).unwrap();
        let (told, seen) = channel();
        let (go, gate) = channel::<()>();
        let gate = Mutex::new(gate);
        let handler = move |record: &Record| {
            if text(record) == "slow" {
                gate.lock().unwrap().recv().unwrap();
            }
            told.send(text(record)).unwrap();
        };
        let worker = stream.worker("billing", handler).concurrency(2).parallel(2).start().unwrap();
        assert_eq!(next(&seen, 1), ["quick"]);
        go.send(()).unwrap();
        go.send(()).unwrap();
        assert_eq!(next(&seen, 2), ["slow", "slow"]);
        worker.close(LONG).unwrap();
    });
}

#[test]
fn of_a_partition_that_is_held_up_a_worker_takes_no_more_than_so_many_records() {
    hubs(|bench| {
        let stream = stream(bench, 2);
        stream.append_batch_to(0, &vec![Message::new("bad"); 10_000]).unwrap();
        let (told, seen) = channel();
        let handler = move |record: &Record| {
            told.send(text(record)).unwrap();
            if text(record) == "bad" { Err("no such airport") } else { Ok(()) }
        };
        let worker = stream.worker("billing", handler).retry_delay(LONG, LONG).start().unwrap();
        assert_eq!(next(&seen, 1), ["bad"]);
        for _ in 0..20 {
            stream.append_to(1, Message::new("aside")).unwrap();
            assert_eq!(next(&seen, 1), ["aside"]);
        }
        let waiting = worker.stats().waiting;
        assert!((1..=512).contains(&waiting), "{waiting}");
        worker.close(LONG).unwrap();
    });
}

fn batches(told: Sender<String>) -> impl Fn(&[Record]) {
    move |records| _ = told.send(records.iter().map(text).collect::<Vec<_>>().join(" "))
}

#[test]
fn the_last_batch_is_handed_over_when_its_time_is_over_with_no_further_input() {
    hubs(|bench| {
        let stream = stream(bench, 1);
        let (told, seen) = channel();
        let worker = stream.batch_worker("billing", 3, 5 * SECOND, batches(told)).start().unwrap();
        append(&stream, &["1", "2", "3", "4"]);
        assert_eq!(next(&seen, 1), ["1 2 3"]);
        until(|| worker.stats().waiting == 1);
        bench.clock.advance(5 * SECOND);
        assert_eq!(next(&seen, 1), ["4"]);
        worker.close(LONG).unwrap();
        assert_eq!(stream.group("billing").lag().unwrap(), 0);
    });
}

#[test]
fn the_wait_of_a_batch_begins_with_its_first_record_and_not_with_the_batch_before() {
    hubs(|bench| {
        let stream = stream(bench, 1);
        let (told, seen) = channel();
        let worker = stream.batch_worker("billing", 3, 5 * SECOND, batches(told)).start().unwrap();
        append(&stream, &["1", "2", "3"]);
        assert_eq!(next(&seen, 1), ["1 2 3"]);
        until(|| worker.stats().running == 0);
        bench.clock.advance(60 * SECOND);
        append(&stream, &["4"]);
        until(|| worker.stats().waiting == 1);
        bench.clock.advance(4 * SECOND);
        append(&stream, &["5"]);
        until(|| worker.stats().waiting == 2);
        assert!(seen.try_recv().is_err(), "the wait goes on");
        bench.clock.advance(SECOND);
        assert_eq!(next(&seen, 1), ["4 5"]);
        worker.close(LONG).unwrap();
    });
}

#[test]
fn a_batch_fails_and_comes_again_as_a_whole() {
    hubs(|bench| {
        let stream = stream(bench, 1);
        append(&stream, &["1", "2"]);
        let (told, seen) = channel();
        let failed = AtomicBool::new(false);
        let tell = batches(told);
        let handler = move |records: &[Record]| {
            tell(records);
            if failed.swap(true, Ordering::SeqCst) { Ok(()) } else { Err("once") }
        };
        let worker =
            stream.batch_worker("billing", 2, LONG, handler).retry_delay(SECOND, SECOND).start().unwrap();
        assert_eq!(next(&seen, 1), ["1 2"]);
        until(|| worker.stats().waiting == 2);
        bench.clock.advance(SECOND);
        assert_eq!(next(&seen, 1), ["1 2"]);
        worker.close(LONG).unwrap();
        assert!(left(&stream).is_empty());
    });
}

#[test]
fn closing_the_hub_ends_its_workers() {
    hubs(|bench| {
        let stream = stream(bench, 1);
        let worker = stream.worker("billing", |_| ()).concurrency(2).start().unwrap();
        bench.hub.close(LONG).unwrap();
        worker.close(LONG).unwrap();
        assert!(stream.worker("billing", |_| ()).start().is_err());
        let out_of_range = |builder: ringmain::StreamWorkerBuilder| builder.start().unwrap_err().to_string();
        assert!(out_of_range(stream.worker("billing", |_| ()).concurrency(0)).contains("concurrency"));
        assert!(out_of_range(stream.worker("billing", |_| ()).parallel(2000)).contains("parallel"));
        assert!(out_of_range(stream.batch_worker("billing", 0, NOW, |_| ())).contains("max"));
        assert!(out_of_range(stream.worker("billing", |_| ()).max_failures(0)).contains("max_failures"));
    });
}
