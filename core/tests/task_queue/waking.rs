//! Who waits is woken when there is something for him.

use super::*;
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, Sender};
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
                            if woken.recv_timeout(Duration::from_secs(60)).is_err() {
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
            let got = got.recv_timeout(Duration::from_secs(60));
            assert_eq!(got.as_deref(), Ok(&b"b"[..]), "{how}: nobody woke it");
            task.join().unwrap();
        }
    });
}
