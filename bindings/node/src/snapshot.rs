//! How far a snapshot has come, told to JavaScript, which may stop it.

use crate::registry::lock;
use crate::wake::{WakeFunction, WakePort};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi_derive::napi;
use ringmain::SnapshotProgress;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Who is told of a snapshot.
#[napi]
pub struct SnapshotWatch {
    pub(crate) state: Arc<Watched>,
}

/// What the thread that copies and the event loop share.
pub(crate) struct Watched {
    progress: Mutex<Progress>,
    is_stopped: AtomicBool,
    function: Arc<WakeFunction>,
    token: u32,
}

/// How far a snapshot has come.
#[napi(object)]
#[derive(Clone, Default)]
pub struct Progress {
    /// Bytes copied.
    pub copied_bytes: f64,
    /// Bytes to be copied in all.
    pub total_bytes: f64,
}

#[napi]
impl SnapshotWatch {
    /// One that calls the port with a token when there is something new.
    #[napi(constructor)]
    pub fn new(port: &WakePort, token: u32) -> Self {
        let state = Watched {
            progress: Mutex::default(),
            is_stopped: AtomicBool::new(false),
            function: port.function(),
            token,
        };
        Self { state: Arc::new(state) }
    }

    /// How far it has come.
    #[napi]
    pub fn progress(&self) -> Progress {
        lock(&self.state.progress).clone()
    }

    /// Stops it soon.
    #[napi]
    pub fn stop(&self) {
        // ORDERING: Relaxed: carries nothing; the copier sees it at its next step.
        self.state.is_stopped.store(true, Ordering::Relaxed);
    }
}

impl Watched {
    pub(crate) fn tell(&self, progress: &SnapshotProgress) -> ControlFlow<()> {
        *lock(&self.progress) =
            Progress { copied_bytes: progress.copied_bytes as f64, total_bytes: progress.total_bytes as f64 };
        // A status other than ok means that the environment is going away: nobody listens any more.
        let _ = self.function.call(self.token, ThreadsafeFunctionCallMode::NonBlocking);
        // ORDERING: Relaxed: as where it is stored.
        if self.is_stopped.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}
