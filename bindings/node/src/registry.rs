//! The hubs open in this process, so that worker threads which open the same directory share one.
//!
//! **Promise.** Opening a directory (by whatever path) or a `memory:NAME` that is already open in this process gives
//! another handle of the same hub; the last handle closed or dropped closes the hub. **Not promised.** Sharing with
//! another process: the core's directory lock refuses that, naming the holder.
//!
//! **Protocol.** Two levels of locks. [`REGISTRY`] maps a key to its slot and is held only to look up. A slot is
//! held while its hub is opened or closed, so two threads that open one directory meet there, and a thread that
//! opens what another is just closing waits for it. A thread that holds a slot may take the registry's lock, never
//! the other way round.

use crate::error::catch;
use crate::handle::Held;
use crate::hot;
use ringmain::{Error, Hub, Name, Result};
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// What is in front of the name of a memory hub that several threads share.
const MEMORY_PREFIX: &str = "memory:";
/// How long a hub that nobody closed, whose last handle ends with its thread or as garbage, waits for callers in it.
const DROP_CLOSE_MS: u64 = 5_000;

thread_local! {
    /// The handles that were opened on this thread, for [`close_of_thread`].
    static OF_THREAD: RefCell<Vec<Weak<SharedHub>>> = const { RefCell::new(Vec::new()) };
}

static NUMBERS: AtomicU64 = AtomicU64::new(1);
static REGISTRY: LazyLock<Mutex<HashMap<Key, Arc<Slot>>>> = LazyLock::new(Mutex::default);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Directory(PathBuf),
    Memory(Name),
}

/// The place of one hub; empty while it is closed.
#[derive(Default)]
struct Slot(Mutex<Option<OpenHub>>);

struct OpenHub {
    hub: Hub,
    /// What it was opened with, by name.
    options: Options,
    handle_count: usize,
}

type Options = serde_json::Map<String, serde_json::Value>;

/// One JavaScript `Hub`. Several may stand for the same hub of the core, each closed on its own.
pub(crate) struct SharedHub {
    hub: Held<Hub>,
    key: Option<Key>,
    /// Empty once this handle has left: who still holds a slot is somebody who uses it.
    slot: Mutex<Option<Arc<Slot>>>,
    closed: AtomicBool,
    /// Unlike that of any other handle of this process: what was leased through this one is handed back when it is closed.
    number: u64,
}

/// Opens a hub: `None` in memory and private, `memory:NAME` in memory and shared by name, else a directory. The options are those of the
/// surface; of a hub that is open already they must be those that it has.
pub(crate) fn open(path: Option<&str>, options: &str) -> Result<Arc<SharedHub>> {
    let options: Options =
        serde_json::from_str(options).map_err(|error| Error::invalid("options", error.to_string()))?;
    let key = match path {
        None => None,
        Some(path) => Some(match path.strip_prefix(MEMORY_PREFIX) {
            Some(name) => Key::Memory(Name::new(name)?),
            None => Key::Directory(canonical(Path::new(path))?),
        }),
    };
    let slot = match &key {
        None => Arc::default(),
        Some(key) => lock(&REGISTRY).entry(key.clone()).or_default().clone(),
    };
    let mut place = lock(&slot.0);
    let opened = match &mut *place {
        Some(open) => open.join(&options),
        empty => {
            let directory = match &key {
                Some(Key::Directory(path)) => Some(path.to_str().ok_or_else(|| not_text(path))),
                _ => None,
            };
            let text = serde_json::Value::from(options.clone()).to_string();
            directory
                .transpose()
                .and_then(|directory| ringmain_surface::open_hub(directory, &text))
                .map(|opened| fill(empty, opened.hub, options))
        }
    };
    drop(place);
    let hub = match opened {
        Ok(hub) => Held::new(hub),
        Err(error) => {
            forget(key.as_ref(), &slot);
            return Err(error);
        }
    };
    let shared = Arc::new(SharedHub {
        hub,
        key,
        slot: Mutex::new(Some(slot)),
        closed: AtomicBool::new(false),
        // ORDERING: Relaxed: only that no two get the same number.
        number: NUMBERS.fetch_add(1, Ordering::Relaxed),
    });
    OF_THREAD.with_borrow_mut(|handles| {
        handles.retain(|handle| handle.strong_count() > 0);
        handles.push(Arc::downgrade(&shared));
    });
    Ok(shared)
}

/// Closes the handles that this thread still has open, because it ends: Node runs no finalizers when the main thread
/// calls `process.exit`. The first error, after trying all.
pub(crate) fn close_of_thread() -> Result<()> {
    let handles = OF_THREAD.take();
    let open = handles.iter().filter_map(Weak::upgrade).filter(|handle| handle.shut().is_ok());
    let results: Vec<_> =
        open.map(|handle| handle.leave(handle.leases(), Duration::from_millis(DROP_CLOSE_MS))).collect();
    results.into_iter().collect()
}

fn fill(place: &mut Option<OpenHub>, hub: Hub, options: Options) -> Hub {
    *place = Some(OpenHub { hub: hub.clone(), options, handle_count: 1 });
    hub
}

impl OpenHub {
    fn join(&mut self, asked: &Options) -> Result<Hub> {
        for (name, asked) in asked {
            let synced = (name == "durability").then(|| "synced".into());
            let has = self.options.get(name).cloned().or(synced).unwrap_or_default();
            if *asked != has {
                let detail = format!(
                    "{name}: the hub is open in this process with {has}, asked for {asked}; leave it out to share that"
                );
                return Err(Error::invalid("options", detail));
            }
        }
        self.handle_count += 1;
        Ok(self.hub.clone())
    }
}

fn not_text(path: &Path) -> Error {
    Error::invalid("path", format!("{} is not UTF-8", path.display()))
}

impl SharedHub {
    /// The hub, if this handle is open.
    pub(crate) fn hub(&self) -> Result<&Hub> {
        self.check()?;
        Ok(&self.hub)
    }

    /// Refuses if this handle is closed, whatever other handles of the hub are.
    pub(crate) fn check(&self) -> Result<()> {
        // ORDERING: closed. Carries no data: a verb that runs beside a close on another thread may go either way, and
        // the core refuses by itself once the hub is closed.
        if self.closed.load(Ordering::Relaxed) { Err(Error::Closed { what: "hub" }) } else { Ok(()) }
    }

    /// What tells this handle from every other.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Closes this handle for new verbs; [`leave`](Self::leave) does the rest. An error if it was closed before.
    pub(crate) fn shut(&self) -> Result<()> {
        // ORDERING: closed. The swap alone decides which of two closers goes on.
        if self.closed.swap(true, Ordering::Relaxed) { Err(Error::Closed { what: "hub" }) } else { Ok(()) }
    }

    /// What this thread leased through this handle: dropped, it is handed back. For [`leave`](Self::leave), which may run elsewhere.
    pub(crate) fn leases(&self) -> Vec<hot::Lease> {
        hot::close_leases(self.number)
    }

    /// Hands back what was leased through this handle; the last handle of the hub closes it.
    pub(crate) fn leave(&self, leases: Vec<hot::Lease>, timeout: Duration) -> Result<()> {
        drop(leases);
        let Some(slot) = lock(&self.slot).take() else { return Ok(()) };
        let mut place = lock(&slot.0);
        let Some(open) = place.as_mut() else { return Ok(()) };
        open.handle_count -= 1;
        if open.handle_count > 0 {
            return Ok(());
        }
        let result = open.hub.close(timeout);
        *place = None;
        drop(place);
        forget(self.key.as_ref(), &slot);
        result
    }
}

impl Drop for SharedHub {
    fn drop(&mut self) {
        if self.shut().is_ok() {
            // Garbage collected or at the end of its thread: there is nobody to tell of an error.
            let _ = catch(|| self.leave(self.leases(), Duration::from_millis(DROP_CLOSE_MS)));
        }
    }
}

/// The one path that stands for a directory, which is made if need be: only what exists has one.
fn canonical(path: &Path) -> Result<PathBuf> {
    let refused = |error: std::io::Error| Error::Io {
        operation: "open hub directory",
        path: path.to_owned(),
        detail: error.to_string(),
        errno: error.raw_os_error().unwrap_or(0),
    };
    std::fs::create_dir_all(path).map_err(refused)?;
    path.canonicalize().map_err(refused)
}

/// Takes an empty slot out of the registry, unless somebody else is about to fill it.
fn forget(key: Option<&Key>, slot: &Arc<Slot>) {
    let Some(key) = key else { return };
    let mut registry = lock(&REGISTRY);
    // Two holders: the registry and the caller. Nobody can join them while the registry is locked.
    if Arc::strong_count(slot) == 2 {
        registry.remove(key);
    }
}

/// What these locks guard is whole between any two statements, so a panic elsewhere does not spoil it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
