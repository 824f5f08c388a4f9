//! Messages with a deduplication key (semantics B7).

use crate::{Bench, SECOND, on_both, on_durable, receive, send, stats, take, take_all};
use ringmain::storage::Storage;
use ringmain::{Dedup, DedupMode, Error, Letters, Message, OnConflict, OnExhausted, Queue, Redrive, Sent};
use std::path::Path;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

fn keyed<'a>(value: &'a str, key: &'a str) -> Message<'a> {
    Message::new(value).dedup_key(key)
}

fn unique(queue: &Queue, message: Message<'_>) -> Sent {
    queue.send_unique(message).unwrap()
}

fn is_duplicate(queue: &Queue, value: &str, key: &str) -> bool {
    unique(queue, keyed(value, key)).is_duplicate
}

fn open(bench: &Bench, dedup: Dedup) -> Queue {
    bench.queue("jobs").dedup(dedup).open().unwrap()
}

fn with_mode(mode: DedupMode) -> Dedup {
    Dedup { mode, window: MINUTE, ..Dedup::default() }
}

fn on_conflict(on_conflict: OnConflict) -> Dedup {
    Dedup { on_conflict, window: MINUTE, ..Dedup::default() }
}

#[test]
fn a_duplicate_is_not_sent_and_has_the_first_messages_id() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let first = unique(&queue, keyed("first", "k"));
        let other = unique(&queue, keyed("other", "l"));
        let second = unique(&queue, keyed("second", "k"));
        assert!(!first.is_duplicate && !other.is_duplicate && second.is_duplicate);
        assert_eq!(second.id, first.id);
        assert_eq!(send(&queue, keyed("third", "k")), first.id);
        assert_eq!(queue.submit(keyed("fourth", "k")).unwrap().wait().unwrap(), first.id);
        assert_eq!((stats(&queue).dedup_hits_total, stats(&queue).dedup_entries), (3, 2));
        assert_eq!(take_all(&queue), ["first", "other"]);
    });
}

#[test]
fn without_an_option_a_key_is_remembered_for_ten_minutes_from_the_first_message_on() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        assert!(!is_duplicate(&queue, "a", "k"));
        assert_eq!(take(&queue).unwrap(), "a", "what becomes of the message does not matter");
        for _ in 0..10 {
            b.clock.advance(MINUTE - Duration::from_millis(1));
            assert!(is_duplicate(&queue, "b", "k"), "a hit does not make it longer");
        }
        b.clock.advance(Duration::from_millis(10));
        assert_eq!(stats(&queue).dedup_entries, 0);
        assert!(!is_duplicate(&queue, "c", "k"));
        assert_eq!(take_all(&queue), ["c"]);
    });
}

#[test]
fn with_a_sliding_window_each_duplicate_makes_it_begin_anew() {
    on_both(|b| {
        let queue = open(b, with_mode(DedupMode::Sliding));
        assert!(!is_duplicate(&queue, "a", "k"));
        for _ in 0..5 {
            b.clock.advance(MINUTE - SECOND);
            assert!(is_duplicate(&queue, "a", "k"));
        }
        b.clock.advance(MINUTE);
        assert!(!is_duplicate(&queue, "b", "k"));
    });
}

#[test]
fn a_key_that_a_duplicate_has_made_longer_stays_so_across_a_crash() {
    on_durable(|b| {
        let queue = open(b, with_mode(DedupMode::Sliding));
        is_duplicate(&queue, "a", "k");
        b.clock.advance(MINUTE - SECOND);
        is_duplicate(&queue, "a", "k");
        b.crash();
        let queue = open(b, with_mode(DedupMode::Sliding));
        b.clock.advance(MINUTE - SECOND);
        assert!(is_duplicate(&queue, "a", "k"));
    });
}

#[test]
fn until_done_a_key_lasts_as_long_as_its_message_however_that_ends() {
    on_both(|b| {
        let queue = open(b, with_mode(DedupMode::UntilDone));
        let first = unique(&queue, keyed("a", "k"));
        b.clock.advance(100 * MINUTE);
        assert!(is_duplicate(&queue, "a", "k"), "while it waits");
        let delivery = receive(&queue).unwrap();
        assert!(is_duplicate(&queue, "a", "k"), "while it is out");
        delivery.fail("again").unwrap();
        assert!(is_duplicate(&queue, "a", "k"), "while it waits for its retry");
        b.clock.advance(10 * SECOND);
        receive(&queue).unwrap().ack().unwrap();
        let second = unique(&queue, keyed("b", "k"));
        assert!(!second.is_duplicate && second.id > first.id, "acked");
        receive(&queue).unwrap().reject("never").unwrap();
        assert!(!is_duplicate(&queue, "c", "k"), "rejected");
        let third = unique(&queue, keyed("c", "k")).id;
        assert!(queue.cancel(third).unwrap());
        assert!(!is_duplicate(&queue, "d", "k"), "cancelled");
        assert_eq!(take_all(&queue), ["d"]);
        assert_eq!(stats(&queue).dedup_entries, 0, "nothing is left of it");
    });
}

#[test]
fn until_started_one_more_may_wait_while_one_is_worked_on() {
    on_both(|b| {
        let queue = open(b, with_mode(DedupMode::UntilStarted));
        assert!(!is_duplicate(&queue, "a", "k"));
        assert!(is_duplicate(&queue, "a", "k"));
        let running = receive(&queue).unwrap();
        assert!(!is_duplicate(&queue, "b", "k"));
        assert!(is_duplicate(&queue, "b", "k"));
        running.release().unwrap();
        assert_eq!(take_all(&queue), ["a", "b"], "what comes back is no duplicate");
        assert!(!is_duplicate(&queue, "c", "k"));
    });
}

#[test]
fn keys_that_their_messages_end_are_as_they_were_after_a_crash() {
    on_durable(|b| {
        for mode in [DedupMode::UntilDone, DedupMode::UntilStarted] {
            let queue = open(b, with_mode(mode));
            for key in ["done", "out", "waiting"] {
                send(&queue, keyed(key, key));
            }
            receive(&queue).unwrap().ack().unwrap();
            let out = receive(&queue).unwrap();
            std::mem::forget(out);
            // The lease is noted; a commit makes it durable.
            send(&queue, Message::new("x"));
            b.crash();
            let queue = open(b, with_mode(mode));
            let found = ["done", "out", "waiting"].map(|key| is_duplicate(&queue, key, key));
            assert_eq!(found, [false, mode == DedupMode::UntilDone, true], "{mode:?}");
            b.clock.advance(10 * SECOND);
            take_all(&queue);
        }
    });
}

#[test]
fn a_replacement_takes_the_place_of_a_message_that_waits_and_of_no_other() {
    on_both(|b| {
        let queue = open(b, on_conflict(OnConflict::Replace));
        let first = unique(&queue, keyed("old", "k").delay(5 * SECOND));
        let second = unique(&queue, keyed("new", "k"));
        assert!(second.is_duplicate && second.id > first.id);
        assert_eq!((stats(&queue).ready, stats(&queue).scheduled), (1, 0));
        let delivery = receive(&queue).unwrap();
        assert_eq!((delivery.id(), delivery.value()), (second.id, &b"new"[..]));
        let while_out = unique(&queue, keyed("newer", "k"));
        assert!(while_out.is_duplicate && while_out.id == second.id);
        delivery.ack().unwrap();
        assert!(is_duplicate(&queue, "newest", "k"));
        b.clock.advance(5 * SECOND);
        assert!(take_all(&queue).is_empty());
    });
}

#[test]
fn a_replaced_message_stays_away_after_a_crash_and_its_replacement_does_not() {
    on_durable(|b| {
        let queue = open(b, on_conflict(OnConflict::Replace));
        send(&queue, keyed("old", "k"));
        b.clock.advance(MINUTE - SECOND);
        send(&queue, keyed("new", "k"));
        b.crash();
        let queue = open(b, on_conflict(OnConflict::Replace));
        assert_eq!(take_all(&queue), ["new"]);
        assert!(is_duplicate(&queue, "x", "k"));
        b.clock.advance(SECOND);
        assert!(!is_duplicate(&queue, "y", "k"), "the window is the first message's");
    });
}

#[test]
fn an_extended_message_is_due_when_the_last_duplicate_would_be_and_never_earlier() {
    on_both(|b| {
        let queue = open(b, on_conflict(OnConflict::Extend));
        let first = unique(&queue, keyed("first", "k").delay(5 * SECOND));
        for _ in 0..4 {
            b.clock.advance(4 * SECOND);
            assert!(receive(&queue).is_none());
            let again = unique(&queue, keyed("again", "k").delay(5 * SECOND));
            assert!(again.is_duplicate && again.id == first.id);
        }
        unique(&queue, keyed("sooner", "k").delay(SECOND));
        unique(&queue, keyed("at once", "k"));
        if b.disk.is_some() {
            b.crash();
        }
        let queue = open(b, on_conflict(OnConflict::Extend));
        b.clock.advance(5 * SECOND - Duration::from_millis(1));
        assert!(receive(&queue).is_none());
        b.clock.advance(Duration::from_millis(1));
        let delivery = receive(&queue).unwrap();
        assert_eq!(delivery.value(), b"first");
        unique(&queue, keyed("too late", "k").delay(5 * SECOND));
        delivery.ack().unwrap();
        assert!(take_all(&queue).is_empty());
    });
}

#[test]
fn a_queue_may_refuse_duplicates_and_says_which_message_has_the_key() {
    on_both(|b| {
        let queue = open(b, on_conflict(OnConflict::Error));
        let first = send(&queue, keyed("first", "k"));
        let batch = [Message::new("plain"), keyed("second", "k")];
        let refused = [queue.send(keyed("second", "k")).err(), queue.send_batch(&batch).err()];
        for error in refused {
            assert!(matches!(error, Some(Error::Duplicate { id, .. }) if id == first), "{error:?}");
        }
        assert_eq!(take_all(&queue), ["first"], "a batch is refused as a whole");
    });
}

#[test]
fn another_value_is_an_error_only_if_the_queue_compares_them() {
    on_both(|b| {
        let queue = open(b, Dedup { verify_payload: true, ..Dedup::default() });
        send(&queue, keyed("pay 10", "k"));
        assert!(is_duplicate(&queue, "pay 10", "k"));
        let error = queue.send(keyed("pay 20", "k")).unwrap_err().to_string();
        assert!(error.contains("another value"), "{error}");
        if b.disk.is_some() {
            b.crash();
            let queue = open(b, Dedup { verify_payload: true, ..Dedup::default() });
            assert!(queue.send(keyed("pay 20", "k")).is_err(), "after a crash");
            assert!(is_duplicate(&queue, "pay 10", "k"));
        }
        let queue = open(b, Dedup::default());
        assert!(is_duplicate(&queue, "pay 20", "k"));
    });
}

#[test]
fn only_the_key_itself_is_compared_byte_for_byte() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        send(&queue, keyed("a", "key"));
        for other in ["Key", "key ", "ke", "", "my-key"] {
            assert!(!is_duplicate(&queue, other, other), "{other:?}");
        }
        send(&queue, Message::new("b").key("key").header("x-dedup-key", "key").header("dedup-key", "key"));
        send(&queue, Message::new("c").header("dedup-key", "new"));
        assert!(!is_duplicate(&queue, "d", "new"));
        assert!(is_duplicate(&queue, "", ""), "an empty key is one, too");
        let other = b.queue("other").open().unwrap();
        assert!(!is_duplicate(&other, "a", "key"), "each queue has its own");
    });
}

#[test]
fn retries_and_dead_letters_are_no_duplicates() {
    on_both(|b| {
        let jobs = b.hub.queue("jobs").max_failures(2).dead_letter("dead");
        let jobs = jobs.dedup(with_mode(DedupMode::UntilStarted)).open().unwrap();
        for _ in 0..2 {
            send(&jobs, keyed("x", "k"));
            for _ in 0..2 {
                receive(&jobs).unwrap().fail_after("no", Duration::ZERO).unwrap();
            }
        }
        let dead = b.hub.queue("dead").open().unwrap();
        assert_eq!(take_all(&dead), ["x", "x"]);
        assert_eq!(stats(&dead).dedup_hits_total, 0);
    });
}

#[test]
fn deleting_the_message_does_not_forget_its_key() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let id = send(&queue, keyed("a", "k"));
        assert!(queue.cancel(id).unwrap());
        assert!(is_duplicate(&queue, "a", "k"));
    });
}

#[test]
fn one_key_too_many_is_refused_and_none_is_forgotten_for_it() {
    on_both(|b| {
        let queue = open(b, Dedup { entries_max: 2, window: MINUTE, ..Dedup::default() });
        send(&queue, keyed("a", "a"));
        b.clock.advance(SECOND);
        send(&queue, keyed("b", "b"));
        let batch = [Message::new("plain"), keyed("c", "c")];
        for error in [queue.send(keyed("c", "c")).err(), queue.send_batch(&batch).err()] {
            assert!(matches!(error, Some(Error::Full { count: 2, limit: 2, .. })), "{error:?}");
        }
        assert!(is_duplicate(&queue, "a", "a") && is_duplicate(&queue, "b", "b"));
        send(&queue, Message::new("without"));
        b.clock.advance(MINUTE - SECOND);
        assert!(!is_duplicate(&queue, "c", "c"), "a is over, and c was not remembered when it was refused");
        assert!(queue.send(keyed("d", "d")).is_err());
        assert_eq!(take_all(&queue), ["a", "b", "without", "c"]);
    });
}

#[test]
fn a_batch_is_sent_without_its_duplicates() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let first = send(&queue, keyed("1", "a"));
        let batch = [keyed("2", "a"), keyed("3", "b"), Message::new("4"), keyed("5", "b"), keyed("6", "c")];
        let ids = queue.send_batch(&batch).unwrap();
        assert_eq!(ids, [first, first + 1, first + 2, first + 1, first + 3]);
        assert_eq!(queue.send_batch(&[keyed("7", "a"), keyed("8", "c")]).unwrap(), [first, first + 3]);
        assert_eq!(take_all(&queue), ["1", "3", "4", "6"]);
    });
}

#[test]
fn a_batch_that_is_not_waited_for_tells_of_each_message_whether_it_was_a_duplicate() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let first = send(&queue, keyed("1", "a"));
        let batch = [keyed("2", "a"), keyed("3", "b"), Message::new("4"), keyed("5", "b")];
        let sent = queue.submit_batch(&batch).unwrap().wait().unwrap();
        let sent: Vec<_> = sent.iter().map(|sent| (sent.id, sent.is_duplicate)).collect();
        assert_eq!(sent, [(first, true), (first + 1, false), (first + 2, false), (first + 1, true)]);
        let plain = queue.submit_batch(&[Message::new("6"), Message::new("7")]).unwrap().wait().unwrap();
        assert_eq!(plain.iter().map(|sent| sent.id).collect::<Vec<_>>(), [first + 3, first + 4]);
        assert_eq!(take_all(&queue), ["1", "3", "4", "6", "7"]);
    });
}

#[test]
fn a_batch_that_is_not_waited_for_is_admitted_as_a_whole_or_not_at_all() {
    on_both(|b| {
        let queue = open(b, on_conflict(OnConflict::Error));
        send(&queue, keyed("1", "a"));
        assert!(queue.submit_batch(&[keyed("2", "b"), keyed("3", "a")]).is_err());
        assert_eq!(take_all(&queue), ["1"]);
        let sent = queue.submit_batch(&[keyed("4", "b")]).unwrap().wait().unwrap();
        assert!(!sent[0].is_duplicate, "the batch that was refused left no key behind");
    });
}

#[test]
fn within_a_batch_the_last_replacement_counts() {
    on_both(|b| {
        let queue = open(b, on_conflict(OnConflict::Replace));
        let first = send(&queue, keyed("1", "k"));
        let ids = queue.send_batch(&[keyed("2", "k"), Message::new("3"), keyed("4", "k")]).unwrap();
        assert_eq!(ids, [first + 2, first + 1, first + 2]);
        assert_eq!(take_all(&queue).len(), 2);
        assert!(is_duplicate(&queue, "5", "k"));
    });
}

#[test]
fn keys_are_remembered_across_a_crash_and_forgotten_in_time() {
    on_durable(|b| {
        let queue = open(b, with_mode(DedupMode::Fixed));
        let first = send(&queue, keyed("a", "k"));
        assert_eq!(take(&queue).unwrap(), "a");
        b.clock.advance(MINUTE - SECOND);
        b.crash();
        let queue = open(b, with_mode(DedupMode::Fixed));
        assert_eq!(unique(&queue, keyed("a", "k")).id, first);
        assert!(take_all(&queue).is_empty());
        b.reopen();
        b.clock.advance(SECOND);
        let queue = open(b, with_mode(DedupMode::Fixed));
        assert!(!is_duplicate(&queue, "a", "k"));
    });
}

/// Whether the queue's first segment is still there, and how many there are.
fn segments(bench: &Bench) -> (bool, usize) {
    let names = bench.disk.as_ref().unwrap().list(Path::new("/hub/queues/jobs")).unwrap();
    (names.iter().any(|name| name.ends_with("0000000000000001.segment")), names.len())
}

/// Sends and acks so many long messages.
fn pass(queue: &Queue, count: usize) {
    let long = "x".repeat(6000);
    for _ in 0..count {
        send(queue, Message::new(&long));
        take(queue).unwrap();
    }
}

#[test]
fn a_key_outlives_the_segment_of_its_message_across_a_crash() {
    on_durable(|b| {
        let mut queue = open(b, with_mode(DedupMode::Fixed));
        let first = send(&queue, keyed("a", "k"));
        take(&queue).unwrap();
        // More than once: what was told again is told again.
        for _ in 0..3 {
            pass(&queue, 40);
            b.clock.advance(SECOND);
            b.reopen();
            queue = open(b, with_mode(DedupMode::Fixed));
        }
        assert!(!segments(b).0, "the message's own segment is gone");
        for _ in 0..2 {
            b.crash();
            let queue = open(b, with_mode(DedupMode::Fixed));
            assert_eq!(unique(&queue, keyed("a", "k")), unique(&queue, keyed("b", "k")));
            assert_eq!(unique(&queue, keyed("a", "k")).id, first);
        }
        b.clock.advance(MINUTE - 3 * SECOND);
        let queue = open(b, with_mode(DedupMode::Fixed));
        assert!(!is_duplicate(&queue, "a", "k"), "its time is that of the message");
    });
}

#[test]
fn many_keys_keep_their_segments_instead_of_being_moved_round_for_ever() {
    on_durable(|b| {
        let queue = open(b, with_mode(DedupMode::Fixed));
        let count = 600;
        let keys: Vec<String> = (0..count).map(|n| format!("{n:0500}")).collect();
        for some in keys.chunks(3) {
            let batch: Vec<_> = some.iter().map(|key| keyed("", key)).collect();
            queue.send_batch(&batch).unwrap();
            take_all_at_once(&queue);
        }
        pass(&queue, 20);
        b.reopen();
        let queue = open(b, with_mode(DedupMode::Fixed));
        let (is_there, held) = segments(b);
        assert!(is_there && held > 3, "{held} segments");
        // Once what is settled is far more than the keys in it, they are moved on, and it goes.
        pass(&queue, 200);
        b.reopen();
        open(b, with_mode(DedupMode::Fixed));
        assert!(!segments(b).0);
        b.crash();
        let queue = open(b, with_mode(DedupMode::Fixed));
        assert_eq!(stats(&queue).dedup_entries, count);
        b.clock.advance(MINUTE);
        b.reopen();
        let queue = open(b, with_mode(DedupMode::Fixed));
        assert_eq!(stats(&queue).dedup_entries, 0);
        let (is_there, held) = segments(b);
        assert!(!is_there && held < 4, "{held} segments of a queue that is empty");
    });
}

fn take_all_at_once(queue: &Queue) {
    let deliveries = queue.receive_batch(1000, Duration::ZERO).unwrap();
    assert!(queue.ack_batch(&deliveries.iter().collect::<Vec<_>>()).iter().all(Result::is_ok));
}

#[test]
fn of_many_senders_with_the_same_key_one_has_the_message() {
    on_both(|b| {
        for (round, conflict) in (1..).zip([OnConflict::Ignore, OnConflict::Replace]) {
            let queue = open(b, on_conflict(conflict));
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        for n in 0..50 {
                            send(&queue, keyed("x", &format!("{n}")));
                        }
                    });
                }
            });
            assert_eq!(take_all(&queue).len(), 50, "{conflict:?}");
            assert_eq!(stats(&queue).dedup_hits_total, round * 150);
            b.clock.advance(MINUTE);
        }
    });
}

#[test]
fn an_altered_option_counts_for_keys_that_are_remembered_already() {
    on_both(|b| {
        let queue = open(b, with_mode(DedupMode::Fixed));
        send(&queue, keyed("done", "done"));
        take(&queue).unwrap();
        send(&queue, keyed("waiting", "waiting"));
        b.clock.advance(30 * SECOND);
        let queue = open(b, Dedup { window: 20 * SECOND, ..Dedup::default() });
        assert!(!is_duplicate(&queue, "done", "done"));
        take_all(&queue);
        send(&queue, keyed("waiting", "waits on"));
        let queue = open(b, with_mode(DedupMode::UntilDone));
        assert_eq!(stats(&queue).dedup_entries, 1, "the key of the only message that is there");
        take_all(&queue);
        assert_eq!(stats(&queue).dedup_entries, 0);
    });
}

#[test]
fn options_out_of_their_range_are_refused() {
    on_both(|b| {
        let window = Duration::from_millis(999);
        let error = b.queue("jobs").dedup(Dedup { window, ..Dedup::default() }).open().unwrap_err();
        assert!(error.to_string().contains("1 s to 30 days"), "{error}");
        let long = "k".repeat(4097);
        let queue = b.queue("jobs").on_exhausted(OnExhausted::Drop).open().unwrap();
        assert!(matches!(queue.send(keyed("x", &long)), Err(Error::TooLarge { limit_bytes: 4096, .. })));
    });
}

/// What was sent once more after a failure had the key of the first, which is remembered, and was thrown away as its duplicate
/// (kubewarden/sbomscanner#281, of nats-io/nats-server#2921).
#[test]
fn a_redrive_is_not_swallowed_by_a_key_that_is_still_remembered() {
    on_both(|b| {
        let jobs = b.hub.queue("jobs").dead_letter("dead").open().unwrap();
        let dead = b.hub.queue("dead").open().unwrap();
        send(&jobs, keyed("x", "k"));
        receive(&jobs).unwrap().reject("no").unwrap();
        assert!(is_duplicate(&jobs, "y", "k"), "it is remembered");
        assert_eq!(dead.dead_letters().redrive(&Letters::all(), &Redrive::default()).unwrap(), 1);
        assert_eq!((take_all(&jobs), stats(&dead).ready), (vec!["x".to_owned()], 0));
    });
}
