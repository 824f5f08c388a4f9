//! What an operator does with dead letters (semantics B5): look, send back, throw away, write down.

use crate::{Bench, SECOND, on_both, on_durable, receive, send, stats, take_all};
use ringmain::storage::Storage;
use ringmain::storage::sim::Unsynced;
use ringmain::{Error, Letters, Message, Peeked, Queue, Redrive};

fn open(b: &Bench) -> (Queue, Queue) {
    let queue = b.hub.queue("jobs").dead_letter("jobs.dead").open().unwrap();
    (queue, b.hub.queue("jobs.dead").open().unwrap())
}

/// Sends messages, each of which is rejected with its own value as the reason.
fn kill(queue: &Queue, values: &[&str]) {
    for value in values {
        send(queue, Message::new(*value));
        receive(queue).unwrap().reject(value).unwrap();
    }
}

fn redrive(dead: &Queue, letters: &Letters) -> u64 {
    dead.dead_letters().redrive(letters, &Redrive::default()).unwrap()
}

fn values(letters: &[Peeked]) -> Vec<String> {
    letters.iter().map(|letter| String::from_utf8(letter.value().to_vec()).unwrap()).collect()
}

fn peek(dead: &Queue, letters: &Letters) -> Vec<String> {
    values(&dead.dead_letters().peek(letters, 100).unwrap())
}

#[test]
fn a_redriven_message_comes_as_it_was_sent_and_with_a_clean_slate() {
    on_both(|b| {
        let (queue, dead) = open(b);
        let sent_ns = b.clock.now_ns();
        let message = Message::new("x").key("k").header("carrier", "UA").event_time(77);
        send(&queue, message.ordering_key("tail").priority(9).max_failures(2));
        for _ in 0..2 {
            receive(&queue).unwrap().fail("boom").unwrap();
            b.clock.advance(100 * SECOND);
        }
        assert_eq!(redrive(&dead, &Letters::all()), 1);
        send(&queue, Message::new("other").priority(8));
        let back = receive(&queue).expect("its priority is the highest");
        assert_eq!((back.value(), back.key(), back.event_time_ns()), (&b"x"[..], Some(&b"k"[..]), Some(77)));
        assert_eq!((back.attempts(), back.failures()), (3, 0), "attempts go on, failures begin again");
        let header = |name: &str| back.header(name).map(|value| String::from_utf8_lossy(value).into_owned());
        assert_eq!(header("carrier").as_deref(), Some("UA"));
        assert_eq!(header("rm-redrives").as_deref(), Some("1"));
        assert_eq!(header("rm-first-enqueued"), Some(sent_ns.to_string()));
        assert_eq!(header("rm-dead-reason"), None, "it is alive");
        back.fail("boom").unwrap();
        b.clock.advance(100 * SECOND);
        let again = receive(&queue).expect("one failure is not the last");
        send(&queue, Message::new("y").ordering_key("tail").priority(9));
        assert_eq!(take_all(&queue), ["other"], "of its ordering key nothing passes it");
        again.fail("boom").unwrap();
        assert_eq!(redrive(&dead, &Letters::all()), 1);
        let letter_again = receive(&queue).unwrap();
        assert_eq!(letter_again.value(), b"y");
        letter_again.ack().unwrap();
        let back = receive(&queue).unwrap();
        assert_eq!((back.header("rm-redrives"), back.attempts()), (Some(&b"2"[..]), 5));
        assert_eq!((stats(&dead).redriven_total, stats(&dead).ready), (2, 0));
    });
}

#[test]
fn a_redriven_message_does_not_inherit_the_old_count_unless_it_is_to() {
    on_both(|b| {
        let (queue, dead) = open(b);
        let queue_of_two = b.hub.queue("jobs").max_failures(2).open().unwrap();
        for value in ["clean", "counted"] {
            send(&queue, Message::new(value));
            receive(&queue).unwrap().fail_after("boom", SECOND).unwrap();
            b.clock.advance(SECOND);
            receive(&queue_of_two).unwrap().fail("boom").unwrap();
        }
        let [clean, counted] = [0, 1].map(|n| dead.peek(0, 10).unwrap()[n].id());
        assert_eq!(redrive(&dead, &Letters::ids([clean])), 1);
        let keep = Redrive { keep_failures: true, ..Redrive::default() };
        assert_eq!(dead.dead_letters().redrive(&Letters::ids([counted]), &keep).unwrap(), 1);
        assert_eq!(receive(&queue).unwrap().failures(), 0);
        let [first, second] = [receive(&queue).unwrap(), receive(&queue).unwrap()];
        assert_eq!((first.failures(), second.failures()), (0, 2));
        second.fail("boom").unwrap();
        assert_eq!(stats(&dead).ready, 1, "its third failure is over the limit");
    });
}

#[test]
fn letters_are_chosen_by_what_is_known_of_them() {
    on_both(|b| {
        let (queue, dead) = open(b);
        let other = b.hub.queue("other").max_failures(1).dead_letter("jobs.dead").open().unwrap();
        let began_ns = b.clock.now_ns();
        send(&queue, Message::new("expired").ttl(SECOND));
        b.clock.advance(SECOND);
        kill(&queue, &["rejected"]);
        b.clock.advance(SECOND);
        send(&other, Message::new("failed"));
        receive(&other).unwrap().fail_as("Timeout", "no answer in 30 s").unwrap();
        send(&dead, Message::new("no letter"));
        let all = || Letters::all();
        for (letters, expected) in [
            (all(), &["expired", "rejected", "failed"][..]),
            (all().reason("expired"), &["expired"]),
            (all().reason("failed"), &["failed"]),
            (all().queue("jobs"), &["expired", "rejected"]),
            (all().queue("jobs").reason("failed"), &[]),
            (all().class("Timeout"), &["failed"]),
            (all().error_contains("answer"), &["failed"]),
            (all().error_contains("reject"), &["rejected"]),
            (all().died_between(0..began_ns + 2_000_000_000), &["expired", "rejected"]),
            (all().died_between(began_ns + 2_000_000_000..u64::MAX), &["failed"]),
            (all().from_id(1), &["rejected", "failed"]),
            (Letters::ids([2, 0, 2, 99]), &["expired", "failed"]),
            (Letters::ids([0, 1]).reason("rejected"), &["rejected"]),
            (Letters::ids([3]), &[]),
        ] {
            assert_eq!(peek(&dead, &letters), expected, "{letters:?}");
        }
        assert_eq!(values(&dead.dead_letters().peek(&all(), 2).unwrap()), ["expired", "rejected"]);
        assert!(dead.dead_letters().peek(&all(), 0).is_err());
        assert_eq!(stats(&dead).ready, 4, "looking changes nothing");
    });
}

#[test]
fn a_letter_is_redriven_once_however_often_it_is_asked_for() {
    on_both(|b| {
        let (queue, dead) = open(b);
        kill(&queue, &["a", "b", "c"]);
        let held = receive(&dead).unwrap();
        assert_eq!(redrive(&dead, &Letters::ids([0, 1])), 1, "the first is out with somebody");
        assert_eq!(redrive(&dead, &Letters::ids([0, 1])), 0);
        assert_eq!(redrive(&dead, &Letters::all()), 1);
        assert_eq!(redrive(&dead, &Letters::all()), 0);
        held.ack().unwrap();
        assert_eq!(take_all(&queue), ["b", "c"]);
        assert_eq!((stats(&dead).ready, stats(&dead).leased), (0, 0));
    });
}

#[test]
fn letters_go_back_at_the_rate_that_is_asked_for() {
    on_both(|b| {
        let (queue, dead) = open(b);
        kill(&queue, &["a", "b", "c", "d"]);
        let gently = Redrive { per_second: Some(0.5), ..Redrive::default() };
        assert_eq!(dead.dead_letters().redrive(&Letters::all(), &gently).unwrap(), 4);
        assert_eq!(take_all(&queue), ["a"]);
        b.clock.advance(2 * SECOND);
        assert_eq!(take_all(&queue), ["b"]);
        b.clock.advance(4 * SECOND);
        assert_eq!(take_all(&queue), ["c", "d"]);
        for rate in [0.0, -1.0, f64::NAN, f64::NEG_INFINITY] {
            let wrong = Redrive { per_second: Some(rate), ..Redrive::default() };
            assert!(dead.dead_letters().redrive(&Letters::all(), &wrong).is_err(), "{rate}");
        }
    });
}

#[test]
fn a_paced_redrive_holds_up_nobody_of_its_ordering_key() {
    on_both(|b| {
        let (queue, dead) = open(b);
        for value in ["a", "b"] {
            send(&queue, Message::new(value).ordering_key("k"));
            receive(&queue).unwrap().reject("no").unwrap();
        }
        let gently = Redrive { per_second: Some(1.0), ..Redrive::default() };
        dead.dead_letters().redrive(&Letters::all(), &gently).unwrap();
        send(&queue, Message::new("new").ordering_key("k"));
        assert_eq!(take_all(&queue), ["a", "new"]);
        b.clock.advance(SECOND);
        assert_eq!(take_all(&queue), ["b"]);
    });
}

#[test]
fn letters_may_go_to_another_queue_and_the_time_to_live_begins_again_there() {
    on_both(|b| {
        let (queue, dead) = open(b);
        let other = b.queue("other").ttl(10 * SECOND).open().unwrap();
        send(&queue, Message::new("x").ttl(SECOND));
        b.clock.advance(100 * SECOND);
        let to = Redrive { to: Some("other".into()), ..Redrive::default() };
        assert_eq!(dead.dead_letters().redrive(&Letters::all(), &to).unwrap(), 1);
        b.clock.advance(9 * SECOND);
        assert_eq!(stats(&other).ready, 1);
        b.clock.advance(SECOND);
        assert_eq!((stats(&other).ready, stats(&other).expired_total), (0, 1));
    });
}

#[test]
fn a_redrive_to_a_queue_that_does_not_exist_names_it_and_moves_nothing() {
    on_both(|b| {
        let (queue, dead) = open(b);
        let doomed = b.hub.queue("doomed").dead_letter("jobs.dead").open().unwrap();
        kill(&queue, &["a"]);
        kill(&doomed, &["b"]);
        b.hub.delete_queue("doomed").unwrap();
        let refused = dead.dead_letters().redrive(&Letters::all(), &Redrive::default()).unwrap_err();
        assert!(matches!(&refused, Error::NotFound { name, .. } if name == "doomed"), "{refused}");
        assert!(refused.to_string().contains("nothing was moved"), "{refused}");
        assert_eq!(peek(&dead, &Letters::all()), ["a", "b"]);
        for (to, word) in [("nowhere", "nowhere"), ("jobs.dead", "where it is"), ("../x", "../x")] {
            let how = Redrive { to: Some(to.into()), ..Redrive::default() };
            let refused = dead.dead_letters().redrive(&Letters::all(), &how).unwrap_err();
            assert!(refused.to_string().contains(word), "{refused}");
        }
        let elsewhere = Redrive { to: Some("jobs".into()), ..Redrive::default() };
        assert_eq!(dead.dead_letters().redrive(&Letters::all(), &elsewhere).unwrap(), 2);
        assert_eq!(take_all(&queue), ["a", "b"]);
    });
}

#[test]
fn letters_that_are_gone_keep_nobody_from_redriving_the_others() {
    on_both(|b| {
        let (queue, dead) = open(b);
        let doomed = b.hub.queue("doomed").dead_letter("jobs.dead").open().unwrap();
        kill(&queue, &["a"]);
        kill(&doomed, &["b", "c"]);
        b.hub.delete_queue("doomed").unwrap();
        assert_eq!(dead.dead_letters().discard(&Letters::ids([1])).unwrap(), 1);
        let [first, held] = [0; 2].map(|_| receive(&dead).unwrap());
        first.release().unwrap();
        assert_eq!(redrive(&dead, &Letters::all()), 1);
        assert_eq!(take_all(&queue), ["a"]);
        held.release().unwrap();
        assert_eq!(peek(&dead, &Letters::all().queue("doomed")), ["c"]);
    });
}

#[test]
fn discarded_letters_are_gone_and_no_others() {
    on_durable(|b| {
        let (queue, dead) = open(b);
        kill(&queue, &["a", "b", "c", "d"]);
        receive(&dead).unwrap().release().unwrap();
        send(&dead, Message::new("no letter"));
        assert_eq!(dead.dead_letters().discard(&Letters::ids([0, 2])).unwrap(), 2);
        assert_eq!(dead.dead_letters().discard(&Letters::ids([0, 2])).unwrap(), 0);
        assert_eq!((stats(&dead).ready, stats(&dead).purged_total), (3, 2));
        assert_eq!(dead.peek(0, 10).unwrap().len(), 3);
        b.crash();
        let (_, dead) = open(b);
        assert_eq!(peek(&dead, &Letters::all()), ["b", "d"]);
        assert_eq!(dead.dead_letters().discard(&Letters::all()).unwrap(), 2);
        assert_eq!(take_all(&dead), ["no letter"]);
    });
}

#[test]
fn an_export_has_a_line_for_each_letter_with_all_that_is_known_of_it() {
    on_both(|b| {
        let (queue, dead) = open(b);
        let message = Message::new(&[0xff, 0xfe]).key("k").header("carrier", "UA");
        send(&queue, message.event_time(77));
        receive(&queue).unwrap().reject("not JSON").unwrap();
        kill(&queue, &["späť\n"]);
        let mut lines = Vec::new();
        assert_eq!(dead.dead_letters().export(&Letters::all(), &mut lines).unwrap(), 2);
        let lines: Vec<serde_json::Value> = std::str::from_utf8(&lines)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 2, "a line each, whatever is in them");
        assert_eq!(lines[0]["value"]["base64"], "//4=");
        assert_eq!((&lines[0]["key"]["text"], &lines[0]["event_time_ns"]), (&"k".into(), &77.into()));
        let header = |line: usize, name: &str| {
            let headers = lines[line]["headers"].as_array().unwrap();
            headers.iter().find(|header| header["name"] == name).map(|header| header["text"].clone())
        };
        assert_eq!(header(0, "carrier"), Some("UA".into()));
        assert_eq!(header(0, "rm-dead-error"), Some("not JSON".into()));
        assert_eq!((&lines[1]["id"], &lines[1]["value"]["text"]), (&1.into(), &"späť\n".into()));
        assert_eq!(stats(&dead).ready, 2, "writing down changes nothing");
    });
}

fn files(b: &Bench) -> usize {
    let disk = b.disk.as_ref().unwrap();
    Storage::list(disk, "/hub/queues/jobs.dead".as_ref()).unwrap().len()
}

#[test]
fn a_redrive_of_many_letters_takes_all_and_gives_their_disk_space_back() {
    on_durable(|b| {
        let (queue, dead) = open(b);
        let value = "x".repeat(4000);
        for _ in 0..10 {
            queue.send_batch(&vec![Message::new(&value).ttl(SECOND); 100]).unwrap();
            b.clock.advance(SECOND);
        }
        let before = files(b);
        assert_eq!(redrive(&dead, &Letters::all()), 1000);
        assert_eq!(take_all(&queue).len(), 1000);
        assert!(before > 3 && files(b) <= 2, "{} files of {before} are left", files(b));
    });
}

/// At every operation of the disk during a redrive the power fails; whatever is lost of what was not synced, each letter is in one
/// place.
#[test]
fn a_power_cut_during_a_redrive_neither_loses_nor_doubles_a_letter() {
    on_durable(|b| {
        let (queue, dead) = open(b);
        kill(&queue, &["a", "b", "c"]);
        drop((queue, dead));
        b.crash();
        let (_queue, dead) = open(b);
        let disk = b.disk.clone().unwrap();
        let first = disk.operation_count();
        assert_eq!(redrive(&dead, &Letters::ids([0, 2])), 2);
        let last = disk.operation_count();
        assert!(last > first + 2, "three syncs at the least");
        let mut seen = std::collections::BTreeSet::new();
        for operations in first..=last {
            for unsynced in [Unsynced::Dropped, Unsynced::Kept] {
                let image = disk.image_with(operations, unsynced);
                let hub = crate::open(&b.clock, Some(&image));
                let queue = hub.queue("jobs").open().unwrap();
                let dead = hub.queue("jobs.dead").open().unwrap();
                let (back, left) = (take_all(&queue), peek(&dead, &Letters::all()));
                let mut all = [back.clone(), left].concat();
                all.sort();
                assert_eq!(all, ["a", "b", "c"], "after {operations} operations, {unsynced:?}");
                seen.insert(back.len());
            }
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 2], "the note finishes what it begins");
    });
}

#[test]
fn letters_on_their_way_to_a_queue_that_was_deleted_meanwhile_wait_again() {
    on_durable(|b| {
        let (queue, dead) = open(b);
        drop(b.queue("other").open().unwrap());
        kill(&queue, &["a"]);
        let disk = b.disk.clone().unwrap();
        let first = disk.operation_count();
        let to = Redrive { to: Some("other".into()), ..Redrive::default() };
        assert_eq!(dead.dead_letters().redrive(&Letters::all(), &to).unwrap(), 1);
        let mut restored = 0;
        for operations in first..=disk.operation_count() {
            let image = disk.image_with(operations, Unsynced::Dropped);
            let hub = crate::open(&b.clock, Some(&image));
            hub.delete_queue("other").unwrap();
            let dead = hub.queue("jobs.dead").open().unwrap();
            restored += peek(&dead, &Letters::all()).len();
        }
        assert!(restored > 2, "{restored}");
    });
}

#[test]
fn a_queue_made_anew_under_an_old_name_does_not_take_old_letters_for_its_own() {
    on_durable(|b| {
        let (queue, dead) = open(b);
        kill(&queue, &["old"]);
        drop((queue, dead));
        b.hub.delete_queue("jobs").unwrap();
        let (queue, dead) = open(b);
        send(&queue, Message::new("new"));
        let disk = b.disk.clone().unwrap();
        let first = disk.operation_count();
        receive(&queue).unwrap().reject("no").unwrap();
        drop((queue, dead));
        for operations in first..=disk.operation_count() {
            let image = disk.image_with(operations, Unsynced::Dropped);
            let hub = crate::open(&b.clock, Some(&image));
            let queue = hub.queue("jobs").open().unwrap();
            let dead = hub.queue("jobs.dead").open().unwrap();
            let waiting = stats(&queue).ready + stats(&queue).scheduled;
            match &peek(&dead, &Letters::all())[..] {
                [old] => assert_eq!((old.as_str(), waiting), ("old", 1), "after {operations} operations"),
                [old, new] => assert_eq!((old.as_str(), new.as_str(), waiting), ("old", "new", 0)),
                other => panic!("{other:?}"),
            }
        }
    });
}
