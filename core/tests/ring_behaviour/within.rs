//! A limit for what may hang.

use std::sync::mpsc;
use std::time::Duration;

/// Long enough for any machine, short enough to tell a hang.
pub const SOON: Duration = Duration::from_secs(60);

/// Runs `work` in a thread of its own and fails the test if it hangs.
pub fn within<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, wait) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        // The receiver is gone only when the test has failed already.
        let _ = done.send(work());
    });
    match wait.recv_timeout(SOON) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => std::panic::resume_unwind(thread.join().unwrap_err()),
    }
}
