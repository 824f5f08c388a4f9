//! How messages with an ordering key come, where the queue was told something of that (semantics B6).

use crate::{SECOND, on_both, on_durable, receive, send, stats, take, take_all};
use ringmain::{Cause, Delivery, Error, Message, Queue};
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// Sends messages whose ordering keys are their first letters.
fn send_grouped(queue: &Queue, values: &[&str]) {
    for value in values {
        send(queue, Message::new(*value).ordering_key(&value[..1]));
    }
}

fn values(deliveries: &[Delivery]) -> Vec<String> {
    deliveries.iter().map(|delivery| String::from_utf8_lossy(delivery.value()).into_owned()).collect()
}

/// Everything that can be received now.
fn receive_all(queue: &Queue) -> Vec<Delivery> {
    std::iter::from_fn(|| receive(queue)).collect()
}

#[test]
fn as_many_of_an_ordering_key_are_out_as_its_queue_allows_and_they_are_its_first() {
    on_both(|b| {
        let queue = b.queue("jobs").group_parallelism(2).open().unwrap();
        send_grouped(&queue, &["a1", "a2", "a3", "b1"]);
        assert_eq!((stats(&queue).ready, stats(&queue).blocked), (3, 1));
        assert_eq!(queue.explain(2).unwrap().causes, [Cause::Blocked { by: 0 }]);
        let out = receive_all(&queue);
        assert_eq!(values(&out), ["a1", "b1", "a2"]);
        out[0].fail("again").unwrap();
        assert!(receive(&queue).is_none(), "a1 waits for its retry, and is one of the two");
        out[2].ack().unwrap();
        assert_eq!(take_all(&queue), ["a3"]);
        b.clock.advance(10 * SECOND);
        assert_eq!(take_all(&queue), ["a1"]);
    });
}

#[test]
fn how_many_of_an_ordering_key_may_be_out_survives_reopening_and_is_altered_at_once() {
    on_durable(|b| {
        let queue = b.queue("jobs").group_parallelism(2).open().unwrap();
        send_grouped(&queue, &["a1", "a2", "a3", "a4"]);
        drop(queue);
        b.reopen();
        let queue = b.queue("jobs").open().unwrap();
        let out = receive_all(&queue);
        assert_eq!(values(&out), ["a1", "a2"]);
        let queue = b.queue("jobs").group_parallelism(3).open().unwrap();
        let more = receive_all(&queue);
        assert_eq!(values(&more), ["a3"]);
        let queue = b.queue("jobs").group_parallelism(1).open().unwrap();
        out.iter().for_each(|delivery| delivery.ack().unwrap());
        assert!(receive(&queue).is_none(), "a3 is out");
        more[0].ack().unwrap();
        assert_eq!(take_all(&queue), ["a4"]);
    });
}

#[test]
fn none_or_too_many_of_an_ordering_key_out_is_refused() {
    on_both(|b| {
        for count in [0, 1001] {
            let refused = b.queue("jobs").group_parallelism(count).open();
            assert!(matches!(refused, Err(Error::InvalidArgument { argument: "group_parallelism", .. })));
        }
    });
}

#[test]
fn an_ordering_key_has_as_many_turns_in_a_row_as_its_weight() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        queue.set_weight("a", 3).unwrap();
        send_grouped(&queue, &["a1", "a2", "a3", "a4", "a5", "b1", "b2", "b3"]);
        assert_eq!(take_all(&queue), ["a1", "a2", "a3", "b1", "a4", "a5", "b2", "b3"]);
        queue.set_weight("a", 1).unwrap();
        send_grouped(&queue, &["a1", "a2", "b1", "b2"]);
        assert_eq!(take_all(&queue), ["a1", "b1", "a2", "b2"]);
    });
}

#[test]
fn an_ordering_key_with_a_weight_comes_first_again_as_soon_as_its_message_is_acked() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        queue.set_weight("a", 2).unwrap();
        send_grouped(&queue, &["a1", "a2", "a3", "b1", "c1", "d1"]);
        let a1 = receive(&queue).unwrap();
        assert_eq!(take(&queue).unwrap(), "b1", "nobody waits for a1");
        a1.ack().unwrap();
        assert_eq!(take_all(&queue), ["a2", "c1", "d1", "a3"]);
    });
}

#[test]
fn weights_survive_reopening() {
    on_durable(|b| {
        let queue = b.queue("jobs").open().unwrap();
        queue.set_weight([0xff, b'a'], 2).unwrap();
        for (value, key) in [("a1", &[0xff, b'a'][..]), ("a2", &[0xff, b'a']), ("b1", b"b")] {
            send(&queue, Message::new(value).ordering_key(key));
        }
        drop(queue);
        b.reopen();
        assert_eq!(take_all(&b.queue("jobs").open().unwrap()), ["a1", "a2", "b1"]);
    });
}

#[test]
fn a_weight_out_of_its_range_or_for_too_many_keys_is_refused() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        for weight in [0, 101] {
            let refused = queue.set_weight("a", weight);
            assert!(matches!(refused, Err(Error::InvalidArgument { argument: "weight", .. })), "{weight}");
        }
        let long = [b'k'; 4096];
        for key in 0..16u8 {
            queue.set_weight([&[key][..], &long[1..]].concat(), 2).unwrap();
        }
        let refused = queue.set_weight("a", 2);
        assert!(matches!(refused, Err(Error::InvalidArgument { argument: "weight", .. })), "{refused:?}");
        queue.set_weight([&[0][..], &long[1..]].concat(), 1).unwrap();
        queue.set_weight("a", 2).unwrap();
    });
}

/// Later messages of a key came while the first was out, because its lease had been extended (localstack/localstack#12457), because
/// others were sent meanwhile (#6762, #8724), or to two who asked at once (#6766); and how many of a key come at a time was nowhere
/// certain (pgmq/pgmq#476).
#[test]
fn an_extended_lease_holds_up_its_whole_key_and_what_is_sent_to_it_meanwhile() {
    on_both(|b| {
        let queue = b.queue("jobs").lease(10 * SECOND).open().unwrap();
        send_grouped(&queue, &["a1", "a2", "a3"]);
        let out = queue.receive_batch(5, Duration::ZERO).unwrap();
        assert_eq!(values(&out), ["a1"], "one of a key, unless its queue says otherwise");
        out[0].extend(15 * SECOND).unwrap();
        send_grouped(&queue, &["a4", "b1"]);
        b.clock.advance(12 * SECOND);
        assert_eq!(take_all(&queue), ["b1"]);
        b.clock.advance(3 * SECOND);
        assert_eq!((stats(&queue).leases_expired_total, receive(&queue).is_none()), (1, true));
        b.clock.advance(10 * SECOND);
        assert_eq!(take_all(&queue), ["a1", "a2", "a3", "a4"]);
    });
}

/// Consumers that came and went mixed up the order of a key, or had its messages stuck (apache/pulsar#21656, #23307, #10762,
/// #23802).
#[test]
fn consumers_that_join_and_leave_neither_mix_up_a_key_nor_have_it_stuck() {
    on_both(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let sent: Vec<String> = (0..30).map(|n| format!("{}{n:02}", ["a", "b", "c"][n % 3])).collect();
        send_grouped(&queue, &sent.iter().map(String::as_str).collect::<Vec<_>>());
        let (mut consumers, mut out, mut seen) = (VecDeque::new(), VecDeque::new(), Vec::new());
        while stats(&queue).acked_total < 30 {
            let mut joined = queue.consumer().prefetch(2).start().unwrap();
            if stats(&queue).ready > 0 {
                out.extend(joined.next());
            }
            consumers.push_back(joined);
            if consumers.len() > 2 {
                consumers.pop_front();
            }
            let values = values(out.make_contiguous());
            let keys: BTreeSet<_> = values.iter().map(|value| &value[..1]).collect();
            assert_eq!(keys.len(), values.len(), "two of a key are out: {values:?}");
            if out.len() == 2 || stats(&queue).ready == 0 {
                out.pop_front().inspect(|first| first.ack().unwrap());
                seen.extend(values.into_iter().next());
            }
        }
        seen.sort_by_key(|value| value.as_bytes()[0]);
        let mut expected = sent;
        expected.sort();
        assert_eq!(seen, expected, "of each key in the order in which they were sent");
    });
}
