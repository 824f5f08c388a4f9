//! Asking whether there is something to receive, without receiving it.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn is_ready(queue: &Queue) -> bool {
    queue.poll_ready(&mut Context::from_waker(Waker::noop())).map(Result::unwrap).is_ready()
}

#[test]
fn a_queue_is_ready_when_a_receive_would_get_something_and_only_then() {
    on_both(|b| {
        let queue = b.queue("q").open().unwrap();
        assert!(!is_ready(&queue));
        send(&queue, Message::new("later").delay(SECOND));
        assert!(!is_ready(&queue), "it is not due");
        b.clock.advance(SECOND);
        assert!(is_ready(&queue) && is_ready(&queue), "asking takes nothing");
        queue.pause().unwrap();
        assert!(!is_ready(&queue), "it is paused");
        queue.resume().unwrap();
        let delivery = receive(&queue).unwrap();
        assert_eq!(delivery.attempts(), 1);
        assert!(!is_ready(&queue), "somebody has it");
        delivery.release().unwrap();
        assert!(is_ready(&queue));
        assert_eq!(take(&queue).as_deref(), Some("later"));
        for value in ["a", "b"] {
            send(&queue, Message::new(value).ordering_key("k"));
        }
        let first = receive(&queue).unwrap();
        assert!(!is_ready(&queue), "the next of its key has to wait");
        first.ack().unwrap();
        assert!(is_ready(&queue));
    });
}

#[test]
fn who_asked_in_vain_is_woken_by_the_next_message_and_by_the_end_of_the_hub() {
    on_both(|b| {
        let queue = b.queue("q").open().unwrap();
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(wakes.clone());
        let mut context = Context::from_waker(&waker);
        assert!(queue.poll_ready(&mut context).is_pending());
        send(&queue, Message::new("a"));
        assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
        assert_eq!(take(&queue).as_deref(), Some("a"));
        assert!(queue.poll_ready(&mut context).is_pending());
        b.hub.close(SECOND).unwrap();
        assert!(wakes.0.load(Ordering::SeqCst) > 1);
        assert!(matches!(queue.poll_ready(&mut context), std::task::Poll::Ready(Err(_))));
    });
}
