//! The hub's one thread: sleeps until something is due, then has it done.

use crate::clock::alarm::Alarm;
use crate::hub::Inner;
use std::io;
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};

/// Starts the thread. It ends when the alarm is stopped or the hub is gone.
pub(super) fn start(hub: Weak<Inner>, alarm: Arc<Alarm>) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("ringmain-timer".into()).spawn(move || {
        let mut now_ns = match hub.upgrade() {
            Some(hub) => hub.clock.now_ns(),
            None => return,
        };
        while alarm.sleep(now_ns) {
            let Some(hub) = hub.upgrade() else { return };
            now_ns = hub.clock.now_ns();
            if alarm.take(now_ns) {
                hub.run_due(now_ns);
                // A commit may have taken long: the next sleep is not to be longer by that.
                now_ns = hub.clock.now_ns();
            }
        }
    })
}
