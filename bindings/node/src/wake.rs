//! Waiting without a thread: the core's waker fires one function of the JavaScript thread.
//!
//! **Promise.** A message that arrives after a poll found nothing leads to a call of the environment's `wake`
//! function with the poller's token, so that it polls again. Any number of arrivals between two polls make one call.
//! **Not promised.** That the call finds a message: somebody else may have taken it. The function is weak: it does
//! not keep the process alive (`lib/wait.js` does, while somebody waits).
//!
//! **Protocol (armed).** JavaScript's thread sets `armed`, then polls, which registers the waker inside the core.
//! Whoever wakes clears `armed` and, if it was set, queues the call. Nothing is taken on that other thread, so an
//! aborted wait loses nothing.

use crate::error::{Result, guard, internal, thrown};
use crate::hot;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode, UnknownReturnValue};
use napi_derive::napi;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

pub(crate) type WakeFunction = ThreadsafeFunction<u32, UnknownReturnValue, u32, napi::Status, false, true>;

/// The function that an environment (the main thread or a worker) wants called when a poller has something to poll.
#[napi]
pub struct WakePort {
    function: Arc<WakeFunction>,
}

#[napi]
impl WakePort {
    /// A port that calls `wake` with the token of the poller to poll again.
    #[napi(constructor)]
    pub fn new(wake: Function<'_, u32, UnknownReturnValue>) -> Result<Self> {
        let function = wake.build_threadsafe_function().weak::<true>().build();
        let function = function.map_err(|error| thrown(internal(error.reason.clone())))?;
        Ok(Self { function: Arc::new(function) })
    }

    pub(crate) fn function(&self) -> Arc<WakeFunction> {
        self.function.clone()
    }

    /// From now on the callbacks of this thread's room use it.
    #[napi]
    pub fn serve_room(&self) -> Result<()> {
        guard(|| {
            hot::room()?.set_port(self.function.clone());
            Ok(())
        })
    }
}

/// What one poller registers with the core: made at its first wait.
#[derive(Default)]
pub(crate) struct Poller(OnceLock<(Arc<Wake>, Waker)>);

struct Wake {
    function: Arc<WakeFunction>,
    token: u32,
    armed: AtomicBool,
}

impl Poller {
    /// Polls; if there is nothing, a later arrival calls `port` with `token`.
    pub(crate) fn poll<T>(
        &self,
        port: &WakePort,
        token: u32,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<ringmain::Result<T>>,
    ) -> ringmain::Result<Option<T>> {
        self.poll_at(&port.function, token, poll)
    }

    /// The same with the function of a port.
    pub(crate) fn poll_at<T>(
        &self,
        function: &Arc<WakeFunction>,
        token: u32,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<ringmain::Result<T>>,
    ) -> ringmain::Result<Option<T>> {
        let (wake, waker) = self.0.get_or_init(|| {
            let wake = Arc::new(Wake { function: function.clone(), token, armed: AtomicBool::new(false) });
            (wake.clone(), Waker::from(wake))
        });
        // ORDERING: armed. The core's own registration of the waker, which follows, carries this store to whoever
        // wakes; a waker that fires before that registration makes a call too many, never one too few.
        wake.armed.store(true, Ordering::Relaxed);
        match poll(&mut Context::from_waker(waker)) {
            Poll::Ready(result) => result.map(Some),
            Poll::Pending => Ok(None),
        }
    }
}

impl std::task::Wake for Wake {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // ORDERING: armed. Only one of several wakers may win, which any atomic swap gives; the messages themselves
        // are carried by the core, not by this flag.
        if self.armed.swap(false, Ordering::Relaxed) {
            // A status other than ok means that the environment is going away: nobody waits any more.
            let _ = self.function.call(self.token, ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}
