//! A subscriber that keeps what it is told, and asks the hub back about it.

use ringmain::Hub;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// An event: its level, its name, and its fields as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub level: Level,
    pub name: &'static str,
    pub fields: BTreeMap<&'static str, String>,
}

impl Told {
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    fn is_of(&self, what: &str) -> bool {
        ["queue", "schedule", "stream", "path"].iter().any(|field| self.field(field) == what)
            || self.field("error").contains(&format!("{what}/"))
    }
}

#[derive(Default)]
struct Recorder {
    told: Mutex<Vec<Told>>,
    asked: Mutex<Vec<(&'static str, Hub)>>,
}

static RECORDER: OnceLock<Recorder> = OnceLock::new();

fn recorder() -> &'static Recorder {
    RECORDER.get_or_init(|| {
        // The first that comes here; each test does.
        let _ = tracing::subscriber::set_global_default(Listener);
        Recorder::default()
    })
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has everything recorded from now on.
pub fn listen() {
    recorder();
}

/// Has the subscriber ask this hub back, whatever it is told of it.
pub fn ask_back(name: &'static str, hub: &Hub) {
    locked(&recorder().asked).push((name, hub.clone()));
}

/// What was told of something: a queue or a stream by its name, a schedule, or a path.
pub fn told_of(what: &str) -> Vec<Told> {
    locked(&recorder().told).iter().filter(|told| told.is_of(what)).cloned().collect()
}

/// Their names.
pub fn names_of(what: &str) -> Vec<&'static str> {
    told_of(what).iter().map(|told| told.name).collect()
}

/// The only one of that name that was told of it.
pub fn one(what: &str, name: &str) -> Told {
    let found: Vec<Told> = told_of(what).into_iter().filter(|told| told.name == name).collect();
    assert_eq!(found.len(), 1, "{name} of {what}: {:?}", told_of(what));
    found[0].clone()
}

struct Listener;

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "ringmain"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(BTreeMap::new());
        event.record(&mut fields);
        let metadata = event.metadata();
        let told = Told { level: *metadata.level(), name: metadata.name(), fields: fields.0 };
        let asked = locked(&recorder().asked).clone();
        locked(&recorder().told).push(told.clone());
        // The tests run beside each other: nobody asks another one's hub, and sees to what is due there.
        let is_asked = |name: &str| told.is_of(name) || told.is_of(&format!("/{name}"));
        for (name, hub) in asked.iter().filter(|(name, _)| is_asked(name)) {
            // Whatever a program may want to know: each takes the locks of the hub and of its queues.
            let _ = hub.stats().map(|stats| stats.prometheus());
            let _ = hub.schedules();
            if hub.queues().is_ok_and(|queues| queues.iter().any(|queue| queue == name)) {
                let queue = hub.queue(name).open().and_then(|queue| queue.explain(0));
                assert!(queue.is_ok(), "{queue:?}");
            }
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}
