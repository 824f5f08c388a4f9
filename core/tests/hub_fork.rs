//! A hub in a forked child. Alone in its program: a child holds every lock that its parent held at that moment.

use ringmain::{Error, Hub, Job, Message, OnExhausted};
use std::time::Duration;

#[test]
fn a_forked_child_is_refused_and_does_its_parent_no_harm() {
    let scratch = tempfile::tempdir().unwrap();
    let hub = Hub::open(scratch.path()).unwrap();
    let queue = hub.queue("q").on_exhausted(OnExhausted::Drop).open().unwrap();
    let worker = hub.queue("w").dead_letter("w.dead").open().unwrap().worker(|_: &Job| ()).start().unwrap();
    // SAFETY: the child only calls into the hub, which refuses before it takes a lock, and leaves by _exit.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let refused = matches!(queue.send(Message::new(b"x")), Err(Error::Forked { .. }));
        let closed = matches!(hub.close(Duration::from_secs(1)), Err(Error::Forked { .. }));
        let ended = worker.close(Duration::from_secs(1)).is_ok();
        // SAFETY: ends the child at once, without running anybody's destructors.
        unsafe { libc::_exit(if refused && closed && ended { 0 } else { 1 }) };
    }
    let mut status = 0;
    // SAFETY: waits for the child made above.
    unsafe { libc::waitpid(child, &mut status, 0) };
    assert_eq!(status, 0);
    queue.send(Message::new(b"parent")).unwrap();
    worker.close(Duration::from_secs(60)).unwrap();
    assert!(Hub::open(scratch.path()).is_err(), "the parent still has it");
}
