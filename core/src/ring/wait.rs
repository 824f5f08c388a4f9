//! How a thread waits for another one: it spins, then yields, then sleeps on an event count.

use super::error::{RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError};
use crate::sync::event_count::EventCount;
use std::time::{Duration, Instant};

/// Longer and longer pauses between attempts.
pub(super) struct Pause {
    #[cfg(not(any(loom, shuttle)))]
    backoff: crossbeam_utils::Backoff,
}

impl Pause {
    pub(super) fn new() -> Self {
        Self {
            #[cfg(not(any(loom, shuttle)))]
            backoff: crossbeam_utils::Backoff::new(),
        }
    }

    /// After losing a race: somebody else went on, so that trying again soon is right.
    pub(super) fn spin(&self) {
        #[cfg(not(any(loom, shuttle)))]
        self.backoff.spin();
        #[cfg(any(loom, shuttle))]
        crate::sync::thread::yield_now();
    }

    /// Before looking again at what another thread is about to do, which may not even be running.
    pub(super) fn snooze(&self) {
        #[cfg(not(any(loom, shuttle)))]
        self.backoff.snooze();
        #[cfg(any(loom, shuttle))]
        crate::sync::thread::yield_now();
    }

    /// Whether sleeping is better than another pause. Models always sleep: it is the part that can go wrong.
    fn is_over(&self) -> bool {
        #[cfg(not(any(loom, shuttle)))]
        return self.backoff.is_completed();
        #[cfg(any(loom, shuttle))]
        return true;
    }
}

/// Sends, waiting for room until `timeout` is over. Whoever makes room notifies `event` afterwards.
pub(super) fn send_until<T>(
    event: &EventCount,
    timeout: Option<Duration>,
    message: T,
    try_send: impl Fn(T) -> Result<(), TrySendError<T>>,
) -> Result<(), SendTimeoutError<T>> {
    let mut unsent = Some(message);
    let sent = attempt_until(event, timeout, || match try_send(unsent.take()?) {
        Ok(()) => Some(Ok(())),
        Err(TrySendError::Disconnected(message)) => Some(Err(SendTimeoutError::Disconnected(message))),
        Err(TrySendError::Full(message)) => {
            unsent = Some(message);
            None
        }
    });
    match (sent, unsent) {
        (Some(result), _) => result,
        (None, Some(message)) => Err(SendTimeoutError::Timeout(message)),
        (None, None) => unreachable!("an attempt that comes to nothing leaves the message"),
    }
}

/// Receives, waiting for a message until `timeout` is over. Whoever sends or closes notifies `event` afterwards.
pub(super) fn recv_until<T>(
    event: &EventCount,
    timeout: Option<Duration>,
    try_recv: impl Fn() -> Result<T, TryRecvError>,
) -> Result<T, RecvTimeoutError> {
    let received = attempt_until(event, timeout, || match try_recv() {
        Ok(message) => Some(Ok(message)),
        Err(TryRecvError::Disconnected) => Some(Err(RecvTimeoutError::Disconnected)),
        Err(TryRecvError::Empty) => None,
    });
    received.unwrap_or(Err(RecvTimeoutError::Timeout))
}

/// Attempts until something comes of it or `timeout` is over, without reading the clock if the first attempt does.
fn attempt_until<R>(
    event: &EventCount,
    timeout: Option<Duration>,
    mut attempt: impl FnMut() -> Option<R>,
) -> Option<R> {
    let mut result = attempt();
    if result.is_some() {
        return result;
    }
    // A time that the clock cannot reach is no limit.
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let pause = Pause::new();
    while !pause.is_over() {
        pause.snooze();
        result = attempt();
        if result.is_some() {
            return result;
        }
    }
    event.wait_until(deadline, || {
        result = attempt();
        result.is_some()
    });
    result
}
