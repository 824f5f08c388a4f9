//! What a host's logger relies on. One test, because a program has one taker of notices.

use ringmain::{Hub, Message};
use ringmain_surface::Listener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(60);

/// Each dead letter is a notice.
fn kill(hub: &Hub, count: usize) {
    let jobs = hub.queue("jobs").dead_letter("dead").open().unwrap();
    for _ in 0..count {
        jobs.send(Message::new(b"x")).unwrap();
        jobs.try_receive().unwrap().unwrap().reject("no").unwrap();
    }
}

#[test]
fn a_listener_hears_what_is_of_its_level_is_woken_once_and_told_what_it_missed() {
    let hub = Hub::memory();
    let woken = Arc::new(AtomicUsize::new(0));
    let count = woken.clone();
    let listener = Listener::new("debug", move || _ = count.fetch_add(1, Ordering::SeqCst)).unwrap();
    let quiet = Listener::new("error", || ()).unwrap();
    assert!(Listener::new("loud", || ()).unwrap_err().to_string().contains("loud"));

    kill(&hub, 2);
    let heard = listener.take(LONG);
    let died: Vec<_> = heard.notices.iter().filter(|notice| notice.contains("message_died")).collect();
    assert_eq!((died.len(), heard.missed), (2, 0), "{heard:?}");
    let first: serde_json::Value = serde_json::from_str(died[0]).unwrap();
    assert_eq!(first["fields"]["queue"], "jobs");
    assert_eq!(woken.load(Ordering::SeqCst), 1, "one wake for all that waits");
    assert!(quiet.take(Duration::ZERO).notices.is_empty());

    kill(&hub, 5_000);
    let heard = listener.take(LONG);
    assert_eq!(heard.notices.len(), 4096);
    assert!(heard.missed >= 5_000 - 4096, "{}", heard.missed);
    assert_eq!(listener.take(Duration::ZERO).missed, 0);

    drop(listener);
    kill(&hub, 1);
    assert_eq!(woken.load(Ordering::SeqCst), 2, "who is dropped is not called");
}
