//! What the core notices, told to listeners of JavaScript: the events of `docs/events.md`.
//!
//! **Promise.** The thread that notices something writes it into a ring of each listener and calls nobody's JavaScript: the event loop empties
//! the ring. A ring that is full counts what it has no room for. Nobody listens: nothing is put together. **Not promised.** All of them, if the
//! event loop is busy for long.

use crate::error::{Result, guard};
use crate::registry::lock;
use crate::wake::{WakeFunction, WakePort};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi_derive::napi;
use ringmain::Error;
use serde_json::{Map, Value, json};
use std::collections::VecDeque;
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once, Weak};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata};

/// Of the core's events.
const TARGET: &str = "ringmain";
/// Notices that wait for one event loop.
const RING_COUNT_MAX: usize = 1024;

static LISTENERS: Mutex<Vec<Weak<Ring>>> = Mutex::new(Vec::new());
static INSTALLED: Once = Once::new();

struct Ring {
    notices: Mutex<VecDeque<String>>,
    missed: AtomicU64,
    is_told: AtomicBool,
    level: Level,
    function: Arc<WakeFunction>,
    token: u32,
}

/// Somebody who wants to know.
#[napi]
pub struct NoticeListener {
    ring: Arc<Ring>,
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
            let level = match level.as_str() {
                "error" => Level::ERROR,
                "warn" => Level::WARN,
                "info" => Level::INFO,
                "debug" => Level::DEBUG,
                _ => {
                    let detail = format!("{level:?} is none of \"error\", \"warn\", \"info\", \"debug\"");
                    return Err(Error::invalid("level", detail));
                }
            };
            let ring = Arc::new(Ring {
                notices: Mutex::default(),
                missed: AtomicU64::new(0),
                is_told: AtomicBool::new(false),
                level,
                function: port.function(),
                token,
            });
            lock(&LISTENERS).push(Arc::downgrade(&ring));
            // Whoever else has one in this process keeps it: then there is nothing to hear here.
            INSTALLED.call_once(|| drop(tracing::subscriber::set_global_default(Listening)));
            tracing::callsite::rebuild_interest_cache();
            Ok(Self { ring })
        })
    }

    /// Takes what has been noticed since this was called last.
    #[napi]
    pub fn take(&self) -> Notices {
        // ORDERING: told. Cleared before the ring is emptied: what comes later tells again. The lock carries the notices.
        self.ring.is_told.store(false, Ordering::SeqCst);
        let notices = std::mem::take(&mut *lock(&self.ring.notices));
        // STATISTIC: how many were missed.
        let missed = self.ring.missed.swap(0, Ordering::Relaxed);
        Notices { notices: notices.into(), missed: missed as f64 }
    }

    /// Hears nothing any more.
    #[napi]
    pub fn close(&self) {
        lock(&LISTENERS).retain(|listener| !std::ptr::eq(listener.as_ptr(), Arc::as_ptr(&self.ring)));
        tracing::callsite::rebuild_interest_cache();
    }
}

impl Ring {
    fn push(&self, notice: &str) {
        {
            let mut notices = lock(&self.notices);
            if notices.len() >= RING_COUNT_MAX {
                // STATISTIC: how many were missed.
                self.missed.fetch_add(1, Ordering::Relaxed);
                return;
            }
            notices.push_back(notice.to_owned());
        }
        // ORDERING: told. As in `take`: one call for all that comes before the event loop looks.
        if !self.is_told.swap(true, Ordering::SeqCst) {
            // A status other than ok means that the environment is going away: nobody listens any more.
            let _ = self.function.call(self.token, ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

/// Writes events of the core into the rings.
struct Listening;

fn level() -> Option<Level> {
    lock(&LISTENERS).iter().filter_map(Weak::upgrade).map(|ring| ring.level).max()
}

impl tracing::Subscriber for Listening {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == TARGET
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(level().map_or(LevelFilter::OFF, LevelFilter::from_level))
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let rings: Vec<_> = lock(&LISTENERS).iter().filter_map(Weak::upgrade).collect();
        let mut fields = Fields::default();
        event.record(&mut fields);
        let notice = json!({
            "name": metadata.name(),
            "level": metadata.level().as_str().to_lowercase(),
            "message": fields.message,
            "fields": fields.others,
        });
        let text = notice.to_string();
        rings.iter().filter(|ring| *metadata.level() <= ring.level).for_each(|ring| ring.push(&text));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        self.others.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" { self.message = text } else { self.put(field, text.into()) }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }
}
