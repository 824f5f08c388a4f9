//! What the core tells its operator (`docs/events.md`), for listeners in other languages: a ring for each, which threads of the core fill
//! and the host's own thread or event loop empties.
//!
//! **Promise.** Who notices something writes it into the rings and goes on: it calls nothing of the host's, and waits for nobody. A ring that is
//! full counts what it has no room for. Nobody listens: nothing is put together. **Not promised.** All of them, to a listener that is too
//! slow; and anything at all where another part of the same program takes the notices of this library.

use ringmain::{Error, Result};
use serde_json::{Map, Value, json};
use std::collections::VecDeque;
use std::fmt::{self, Debug};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError, Weak};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata};

/// Of the core's events.
const TARGET: &str = "ringmain";
/// Notices that wait for one listener.
const RING_COUNT_MAX: usize = 4096;

static LISTENERS: Mutex<Vec<Weak<Ring>>> = Mutex::new(Vec::new());
static INSTALLED: Once = Once::new();

/// Somebody who wants to know, until it is dropped.
pub struct Listener {
    ring: Arc<Ring>,
}

/// What was noticed.
#[derive(Debug, Default)]
pub struct Notices {
    /// Each as JSON: `name`, `level` (`error`, `warn`, `info` or `debug`), `message` and `fields`.
    pub notices: Vec<String>,
    /// How many there was no room for.
    pub missed: u64,
}

struct Ring {
    waiting: Mutex<VecDeque<String>>,
    came: Condvar,
    missed: AtomicU64,
    level: Level,
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Listener {
    /// Listens to what is of at least this level: `error`, `warn`, `info` or `debug`. `wake` is called by whoever notices something
    /// when nothing waited: it must be short, wait for nothing, and call nothing of Ringmain's.
    ///
    /// # Errors
    /// `InvalidArgument` for another level.
    pub fn new(level: &str, wake: impl Fn() + Send + Sync + 'static) -> Result<Self> {
        let level = match level {
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
            waiting: Mutex::default(),
            came: Condvar::new(),
            missed: AtomicU64::new(0),
            level,
            wake: Box::new(wake),
        });
        lock(&LISTENERS).push(Arc::downgrade(&ring));
        // Whoever else has one in this program keeps it: then there is nothing to hear here.
        INSTALLED.call_once(|| drop(tracing::subscriber::set_global_default(Listening)));
        tracing::callsite::rebuild_interest_cache();
        Ok(Self { ring })
    }

    /// Takes what was noticed since this was called last, after waiting at most `wait` for the first.
    pub fn take(&self, wait: Duration) -> Notices {
        let waiting = lock(&self.ring.waiting);
        let waited = self.ring.came.wait_timeout_while(waiting, wait, |waiting| waiting.is_empty());
        let mut waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        let notices = std::mem::take(&mut *waiting).into();
        // STATISTIC: how many were missed.
        Notices { notices, missed: self.ring.missed.swap(0, Ordering::Relaxed) }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        lock(&LISTENERS).retain(|listener| !std::ptr::eq(listener.as_ptr(), Arc::as_ptr(&self.ring)));
        tracing::callsite::rebuild_interest_cache();
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("level", &self.ring.level).finish_non_exhaustive()
    }
}

impl Ring {
    fn push(&self, notice: &str) {
        let was_empty = {
            let mut waiting = lock(&self.waiting);
            if waiting.len() >= RING_COUNT_MAX {
                // STATISTIC: how many were missed.
                self.missed.fetch_add(1, Ordering::Relaxed);
                return;
            }
            waiting.push_back(notice.to_owned());
            waiting.len() == 1
        };
        // Whoever empties the ring takes all of it, so one call is enough for what comes until then.
        if was_empty {
            self.came.notify_one();
            (self.wake)();
        }
    }
}

/// What these locks guard is whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes events of the core into the rings. It has no spans: the core has none.
struct Listening;

impl tracing::Subscriber for Listening {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == TARGET
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let levels = lock(&LISTENERS).iter().filter_map(Weak::upgrade).map(|ring| ring.level).max();
        Some(levels.map_or(LevelFilter::OFF, LevelFilter::from_level))
    }

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

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
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
