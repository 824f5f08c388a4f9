//! The smallest executor: one thread that sleeps until its task is woken.

use crate::sync::{Thread, park_until, thread_current};
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Wake, Waker};

struct Sleeper(Thread);

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Drops a handle of something shared, unless `KEEP` says to keep it for ever: ThreadSanitizer does not understand the
/// fence that the standard library's `Arc` passes before it frees anything, and the library is not built for it.
pub fn keep<T>(handle: T) {
    static KEEPS: LazyLock<bool> = LazyLock::new(|| std::env::var_os("KEEP").is_some());
    if *KEEPS {
        std::mem::forget(handle);
    }
}

/// Polls a future until it is ready.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Sleeper(thread_current())));
    keep(waker.clone());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        park_until(None);
    }
}
