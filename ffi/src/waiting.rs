//! Waiting for a future from several threads, each for as long as it likes.

use ringmain::Result;
use std::future::Future;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

/// A future that ends once, and what it gave.
pub(crate) struct Waiting<F: Future> {
    state: Mutex<State<F>>,
    bell: Arc<Bell>,
}

enum State<F: Future> {
    Running(F),
    Ended(F::Output),
}

/// Counts how often the future asked to be looked at again.
#[derive(Default)]
struct Bell {
    rung: Mutex<u64>,
    heard: Condvar,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        *lock(&self.rung) += 1;
        self.heard.notify_all();
    }
}

impl<T: Copy, F: Future<Output = Result<T>> + Unpin> Waiting<F> {
    pub(crate) fn new(future: F) -> Self {
        Self { state: Mutex::new(State::Running(future)), bell: Arc::default() }
    }

    /// What it gave, waiting for that at most so long; `None` after that time.
    pub(crate) fn wait(&self, time: Duration) -> Result<Option<T>> {
        let deadline = Instant::now().checked_add(time);
        loop {
            // Before looking: what rings afterwards is heard.
            let rung = *lock(&self.bell.rung);
            if let Some(given) = self.look() {
                return given.map(Some);
            }
            let left = deadline.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Ok(None);
            }
            let is_silent = |now: &mut u64| *now == rung;
            drop(self.bell.heard.wait_timeout_while(lock(&self.bell.rung), left, is_silent));
        }
    }

    /// Never held while somebody sleeps.
    fn look(&self) -> Option<Result<T>> {
        let mut state = lock(&self.state);
        if let State::Running(future) = &mut *state {
            let waker = Waker::from(self.bell.clone());
            match std::pin::Pin::new(future).poll(&mut Context::from_waker(&waker)) {
                Poll::Pending => return None,
                Poll::Ready(given) => *state = State::Ended(given),
            }
        }
        match &*state {
            State::Ended(given) => Some(given.clone()),
            State::Running(_) => None,
        }
    }
}

/// A panic in a poll poisons the handle, not this.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// Ends when it is told to; keeps the waker of its last look.
    struct Told(mpsc::Receiver<u32>, mpsc::Sender<Waker>);

    impl Future for Told {
        type Output = Result<u32>;

        fn poll(self: std::pin::Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
            match self.0.try_recv() {
                Ok(value) => Poll::Ready(Ok(value)),
                Err(_) => {
                    let _ = self.1.send(context.waker().clone());
                    Poll::Pending
                }
            }
        }
    }

    #[test]
    fn all_that_wait_are_given_the_same_and_later_ones_too() {
        let ((say, told), (wakers, woken)) = (mpsc::channel(), mpsc::channel());
        let waiting = Waiting::new(Told(told, wakers));
        assert_eq!(waiting.wait(Duration::ZERO).unwrap(), None);
        std::thread::scope(|scope| {
            let waits: Vec<_> = (0..3).map(|_| scope.spawn(|| waiting.wait(Duration::MAX))).collect();
            say.send(7).unwrap();
            woken.recv().unwrap().wake();
            // Whoever began to look only after that finds it.
            waits.into_iter().for_each(|wait| assert_eq!(wait.join().unwrap().unwrap(), Some(7)));
        });
        assert_eq!(waiting.wait(Duration::ZERO).unwrap(), Some(7));
    }
}
