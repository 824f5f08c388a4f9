//! What the core notices, told to listeners of JavaScript: the events of `docs/events.md`. The thread that notices something calls nobody's
//! JavaScript: see `ringmain_surface::Listener`. The event loop empties the ring.

use crate::error::{Result, guard};
use crate::registry::lock;
use crate::wake::WakePort;
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi_derive::napi;
use ringmain_surface::Listener;
use std::sync::Mutex;
use std::time::Duration;

/// Somebody who wants to know.
#[napi]
pub struct NoticeListener {
    listener: Mutex<Option<Listener>>,
}

/// What has been noticed.
#[napi(object)]
pub struct Notices {
    /// Each as an object in JSON: `name`, `level`, `message` and `fields`.
    pub notices: Vec<String>,
    /// How many there was no room for.
    pub missed: f64,
}

#[napi]
impl NoticeListener {
    /// One that calls the port with a token when there is something of at least this level: `error`, `warn`, `info` or `debug`.
    #[napi(constructor)]
    pub fn new(port: &WakePort, token: u32, level: String) -> Result<Self> {
        guard(|| {
            let function = port.function();
            let wake = move || {
                // A status other than ok means that the environment is going away: nobody listens any more.
                let _ = function.call(token, ThreadsafeFunctionCallMode::NonBlocking);
            };
            Ok(Self { listener: Mutex::new(Some(Listener::new(&level, wake)?)) })
        })
    }

    /// Takes what has been noticed since this was called last.
    #[napi]
    pub fn take(&self) -> Notices {
        let taken = lock(&self.listener).as_ref().map(|listener| listener.take(Duration::ZERO));
        let taken = taken.unwrap_or_default();
        Notices { notices: taken.notices, missed: taken.missed as f64 }
    }

    /// Hears nothing any more.
    #[napi]
    pub fn close(&self) {
        lock(&self.listener).take();
    }
}
