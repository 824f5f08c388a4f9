//! Sending from a task: it waits for room, as long as the queue says, and keeps no thread waiting (semantics B12).

use crate::{Bench, SECOND, on_both, on_durable, receive, send, stats, take_all};
use futures::executor::block_on;
use futures::task::noop_waker_ref;
use ringmain::{Capacity, Dedup, Error, Message, OnExhausted, Overflow, Queue, Result};
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

fn bounded(bench: &Bench, messages: u64, overflow: Overflow) -> Queue {
    let capacity = Capacity { messages: Some(messages), overflow, ..Capacity::default() };
    bench.queue("jobs").capacity(capacity).open().unwrap()
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(noop_waker_ref()))
}

fn is_full<T>(result: &Poll<Result<T>>) -> bool {
    matches!(result, Poll::Ready(Err(Error::Full { .. })))
}

#[test]
fn a_task_waits_for_room_and_is_woken_when_a_message_leaves() {
    on_both(|b| {
        let queue = bounded(b, 1, Overflow::Block(Duration::MAX));
        send(&queue, Message::new("first"));
        let workers = queue.clone();
        let ids = std::thread::scope(|scope| {
            let sender = scope.spawn(|| block_on(queue.send_async(Message::new("second"))));
            workers.receive(Duration::MAX).unwrap().unwrap().ack().unwrap();
            sender.join().unwrap()
        });
        assert_eq!((ids.unwrap(), take_all(&queue)), (1, vec!["second".to_owned()]));
    });
}

#[test]
fn a_task_gives_up_when_the_clock_of_the_hub_says_so() {
    on_both(|b| {
        let queue = bounded(b, 1, Overflow::Block(10 * SECOND));
        send(&queue, Message::new("x"));
        let mut early = pin!(queue.send_async(Message::new("early")));
        assert!(poll(early.as_mut()).is_pending());
        b.clock.advance(5 * SECOND);
        let (task, wakes) = counting_waker();
        let mut late = pin!(queue.send_async(Message::new("late")));
        assert!(late.as_mut().poll(&mut Context::from_waker(&task)).is_pending());
        assert!(poll(early.as_mut()).is_pending());
        b.clock.advance(5 * SECOND);
        assert!(is_full(&poll(early.as_mut())));
        assert!(late.as_mut().poll(&mut Context::from_waker(&task)).is_pending());
        let before = wakes();
        b.clock.advance(5 * SECOND);
        assert!(wakes() > before, "nobody else would poll it");
        assert!(is_full(&late.as_mut().poll(&mut Context::from_waker(&task))));
        assert_eq!((stats(&queue).refused_total, take_all(&queue)), (2, vec!["x".to_owned()]));
    });
}

/// A waker that counts.
fn counting_waker() -> (std::task::Waker, impl Fn() -> usize) {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    struct Count(AtomicUsize);
    impl std::task::Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let count = Arc::new(Count(AtomicUsize::new(0)));
    (count.clone().into(), move || count.0.load(Ordering::SeqCst))
}

#[test]
fn a_future_that_is_dropped_while_it_waits_for_room_has_sent_nothing() {
    on_both(|b| {
        let queue = b.queue("jobs").dedup(Dedup::default()).open().unwrap();
        bounded(b, 1, Overflow::Block(Duration::MAX));
        send(&queue, Message::new("x"));
        {
            let mut dropped = pin!(queue.send_async(Message::new("y").dedup_key("k")));
            assert!(poll(dropped.as_mut()).is_pending());
            receive(&queue).unwrap().ack().unwrap();
        }
        assert_eq!((stats(&queue).sent_total, stats(&queue).dedup_entries), (1, 0));
        assert_eq!(block_on(queue.send_async(Message::new("y").dedup_key("k"))).unwrap(), 1);
    });
}

#[test]
fn closing_the_hub_and_more_room_release_a_task_that_waits() {
    on_both(|b| {
        let queue = bounded(b, 1, Overflow::Block(Duration::MAX));
        send(&queue, Message::new("x"));
        let mut second = pin!(queue.send_async(Message::new("y")));
        let mut third = pin!(queue.send_async(Message::new("z")));
        assert!(poll(second.as_mut()).is_pending() && poll(third.as_mut()).is_pending());
        bounded(b, 2, Overflow::Block(Duration::MAX));
        assert_eq!(block_on(second.as_mut()).unwrap(), 1);
        let (task, wakes) = counting_waker();
        assert!(third.as_mut().poll(&mut Context::from_waker(&task)).is_pending());
        b.hub.close(Duration::MAX).unwrap();
        assert_eq!(wakes(), 1);
        let closed = third.as_mut().poll(&mut Context::from_waker(&task));
        assert!(matches!(closed, Poll::Ready(Err(Error::Closed { .. }))), "{closed:?}");
    });
}

#[test]
fn a_queue_that_does_not_wait_answers_a_task_at_once() {
    on_both(|b| {
        let queue = bounded(b, 1, Overflow::Reject);
        send(&queue, Message::new("x"));
        assert!(is_full(&poll(pin!(queue.send_async(Message::new("y"))))));
        let queue = bounded(b, 1, Overflow::DropOldest);
        block_on(queue.send_async(Message::new("z"))).unwrap();
        assert_eq!(take_all(&queue), ["z"]);
    });
}

#[test]
fn what_was_awaited_survives_a_crash_with_and_without_a_capacity() {
    on_durable(|b| {
        let capacity = Capacity { messages: Some(9), ..Capacity::default() };
        let queues = |b: &Bench| {
            let open = |name: &str| b.hub.queue(name).on_exhausted(OnExhausted::Keep);
            [open("free").open().unwrap(), open("bounded").capacity(capacity).open().unwrap()]
        };
        for queue in queues(b) {
            assert_eq!(block_on(queue.send_async(Message::new("a"))).unwrap(), 0);
            let two = [Message::new("b"), Message::new("c").priority(1)];
            assert_eq!(block_on(queue.send_batch_async(&two)).unwrap(), [1, 2]);
            assert!(block_on(queue.send_batch_async(&[])).unwrap().is_empty());
        }
        b.crash();
        for queue in queues(b) {
            assert_eq!(take_all(&queue), ["a", "b", "c"]);
        }
    });
}

#[test]
fn a_task_may_be_moved_to_another_thread_while_it_waits() {
    fn movable<T: Send>(_: &T) {}
    on_both(|b| {
        let queue = bounded(b, 1, Overflow::Block(Duration::MAX));
        movable(&queue.send_async(Message::new("x")));
        movable(&queue.send_batch_async(&[Message::new("x")]));
    });
}

#[test]
fn a_task_is_told_of_a_duplicate_and_a_queue_whether_it_may_be_full() {
    on_both(|b| {
        let plain = b.queue("plain").open().unwrap();
        assert!(!plain.is_bounded());
        let queue = bounded(b, 5, Overflow::Reject);
        assert!(queue.is_bounded());
        let pay = || queue.send_unique_async(Message::new("pay").dedup_key("order 17"));
        let (first, again) = (block_on(pay()).unwrap(), block_on(pay()).unwrap());
        assert!(!first.is_duplicate && again.is_duplicate && again.id == first.id);
    });
}
