//! What a review of the merged branches found.

use super::*;
use ringmain::storage::Storage;
use ringmain::{Capacity, Overflow};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::Mutex;
use std::task::{Context, Poll, Wake, Waker};

/// Whoever wakes it waits until the task has looked, or cannot.
struct Nosy {
    wake: Mutex<Sender<()>>,
    looked: Mutex<Receiver<()>>,
}

impl Wake for Nosy {
    fn wake(self: Arc<Self>) {
        let _ = self.wake.lock().unwrap().send(());
        let _ = self.looked.lock().unwrap().recv_timeout(Duration::from_millis(200));
    }
}

#[test]
fn who_waits_for_the_next_of_an_ordering_key_is_woken_when_it_can_be_had() {
    on_both(|b| {
        for how in ["ack", "reject", "cancel"] {
            let queue = b.queue(how).open().unwrap();
            for value in ["a", "b"] {
                send(&queue, Message::new(value).ordering_key("k"));
            }
            let first = receive(&queue).unwrap();
            let (wake, woken) = mpsc::channel();
            let (tell, looked) = mpsc::channel();
            let (got_it, got) = mpsc::channel();
            let waker = Waker::from(Arc::new(Nosy { wake: Mutex::new(wake), looked: Mutex::new(looked) }));
            let (ready, is_ready) = mpsc::channel();
            let of_task = queue.clone();
            let task = std::thread::spawn(move || {
                let (mut context, mut is_first) = (Context::from_waker(&waker), true);
                loop {
                    match of_task.poll_receive(&mut context, 1) {
                        Poll::Ready(taken) => {
                            let taken = taken.unwrap();
                            got_it.send(taken[0].value().to_vec()).unwrap();
                            taken[0].ack().unwrap();
                            return;
                        }
                        Poll::Pending => {
                            // The first time somebody waits there, then the waker.
                            let _ = if is_first { ready.send(()) } else { tell.send(()) };
                            is_first = false;
                            if woken.recv_timeout(Duration::from_secs(5)).is_err() {
                                return;
                            }
                        }
                    }
                }
            });
            is_ready.recv().unwrap();
            match how {
                "ack" => first.ack().unwrap(),
                "reject" => first.reject("no").unwrap(),
                _ => assert!(queue.cancel_now(first.id()).unwrap()),
            }
            let got = got.recv_timeout(Duration::from_secs(2));
            assert_eq!(got.as_deref(), Ok(&b"b"[..]), "{how}: nobody woke it");
            task.join().unwrap();
        }
    });
}

fn segments(bench: &Bench, queue: &str) -> usize {
    let names = bench.disk.as_ref().unwrap().list(&Path::new("/hub/queues").join(queue)).unwrap();
    names.iter().filter(|name| name.extension().is_some_and(|end| end == "segment")).count()
}

#[test]
fn a_letter_that_waits_for_room_does_not_pin_the_disk() {
    on_durable(|b| {
        let full = Capacity { messages: Some(1), overflow: Overflow::Reject, ..Capacity::default() };
        let open = |b: &Bench| {
            let dead = b.hub.queue("dead").on_exhausted(OnExhausted::Keep).capacity(full).open().unwrap();
            (b.queue("jobs").dead_letter("dead").open().unwrap(), dead)
        };
        let (queue, dead) = open(b);
        for value in ["a", "b"] {
            send(&queue, Message::new(value));
            receive(&queue).unwrap().reject("no").unwrap();
        }
        drop((queue, dead));
        let long = "x".repeat(6000);
        let mut held = Vec::new();
        for _ in 0..4 {
            let (queue, _dead) = open(b);
            for _ in 0..90 {
                send(&queue, Message::new(&long).priority(9));
                assert_eq!(take(&queue).map(|value| value.len()), Some(6000));
            }
            b.reopen();
            let _ = open(b);
            held.push(segments(b, "jobs"));
        }
        let (_queue, dead) = open(b);
        assert_eq!(take_all(&dead), ["a", "b"]);
        assert!(held[3] <= held[0] + 2, "segments that are held: {held:?}");
    });
}

#[test]
fn what_stays_pins_no_disk_when_a_backlog_behind_it_is_worked_off() {
    on_durable(|b| {
        for (name, priority) in [("plain", 4), ("indexed", 9)] {
            let queue = b.queue(name).open().unwrap();
            let id = send(&queue, Message::new("stays").priority(9));
            receive(&queue).unwrap().defer().unwrap();
            let long = "x".repeat(6000);
            (0..300).for_each(|_| assert!(send(&queue, Message::new(&long).priority(priority)) > id));
            drop(queue);
            // What there is is in files then.
            b.reopen();
            let queue = b.queue(name).open().unwrap();
            let before = segments(b, name);
            assert_eq!(take_all(&queue).len(), 300);
            let after = segments(b, name);
            assert!(2 * after < before, "{name}: {before} segments, then {after}");
            queue.receive_deferred(id).unwrap().unwrap().ack().unwrap();
        }
    });
}
