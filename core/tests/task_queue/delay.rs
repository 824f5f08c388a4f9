//! Messages that wait for their time (semantics B4, delay).

use crate::{SECOND, on_both, on_durable, send, stats, take_all};
use ringmain::Message;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

#[test]
fn a_delay_of_months_or_years_is_not_a_moment_early_also_over_reopening() {
    on_durable(|b| {
        // 2^32 ms are 49.7 days.
        let days = [40, 49, 50, 60, 3650];
        let queue = b.queue("jobs").open().unwrap();
        for n in days {
            send(&queue, Message::new(&n.to_string()).delay(n * DAY));
        }
        drop(queue);
        let mut passed = Duration::ZERO;
        for n in days {
            b.reopen();
            let queue = b.queue("jobs").open().unwrap();
            b.clock.advance(n * DAY - Duration::from_nanos(1) - passed);
            assert_eq!(take_all(&queue), [""; 0], "a moment before {n} days");
            b.clock.advance(Duration::from_nanos(1));
            passed = n * DAY;
            assert_eq!(take_all(&queue), [n.to_string()]);
        }
    });
}

#[test]
fn however_many_wait_none_is_lost_to_a_power_cut_and_they_come_in_the_order_of_their_times() {
    on_durable(|b| {
        let queue = b.queue("jobs").open().unwrap();
        let seconds: Vec<String> = (0..5000u32).map(|n| (1 + n * 7919 % 5000).to_string()).collect();
        let messages: Vec<Message<'_>> = seconds
            .iter()
            .map(|text| Message::new(text).delay(text.parse::<u32>().unwrap() * SECOND))
            .collect();
        queue.send_batch(&messages).unwrap();
        b.crash();
        let queue = b.queue("jobs").open().unwrap();
        assert_eq!(stats(&queue).scheduled, 5000);
        b.clock.advance(2500 * SECOND);
        let expected =
            |range: std::ops::RangeInclusive<u32>| range.map(|n| n.to_string()).collect::<Vec<_>>();
        assert_eq!(take_all(&queue), expected(1..=2500));
        b.clock.advance(2500 * SECOND);
        assert_eq!(take_all(&queue), expected(2501..=5000));
    });
}

#[test]
fn what_waits_for_its_time_is_with_no_worker_and_has_used_up_no_attempt() {
    on_both(|b| {
        let queue = b.queue("jobs").lease(SECOND).max_failures(1).open().unwrap();
        send(&queue, Message::new("late").delay(1000 * SECOND));
        send(&queue, Message::new("now"));
        let mut consumer = queue.consumer().prefetch(100).start().unwrap();
        let now = consumer.next().unwrap();
        assert_eq!((now.value(), stats(&queue).leased, stats(&queue).scheduled), (&b"now"[..], 1, 1));
        now.ack().unwrap();
        b.clock.advance(1000 * SECOND);
        let late = consumer.next().unwrap();
        assert_eq!((late.value(), late.attempts(), late.failures()), (&b"late"[..], 1, 0));
        late.ack().unwrap();
    });
}
