//! A schedule in the hands of a caller.

use crate::error::{Error, Result};
use crate::hub::Hub;
use crate::hub::schedule::live::{Live, wall_ns};
use crate::hub::schedule::{Missed, ScheduleEntry};
use crate::name::Name;

/// A schedule of a hub. Clones are the same schedule. It goes on firing when its handles are gone, as long as its hub is open; see
/// [`Hub::schedule`].
#[derive(Debug, Clone)]
pub struct Schedule {
    hub: Hub,
    name: Name,
}

/// What there is to know of a schedule. Times are nanoseconds since 1970.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ScheduleInfo {
    /// Its name.
    pub name: String,
    /// Its expression.
    pub expression: String,
    /// The IANA name of its time zone.
    pub time_zone: String,
    /// What it does about missed slots.
    pub missed: Missed,
    /// The queue that it sends to.
    pub queue: String,
    /// It does not fire until it is resumed.
    pub is_paused: bool,
    /// The last slot that it sent a message for to this queue.
    pub last_slot_ns: Option<u64>,
    /// The slot that it fires next; none if it is paused.
    pub next_slot_ns: Option<u64>,
    /// Why it could not fire when it was to.
    pub failure: Option<Error>,
}

impl Schedule {
    pub(super) fn new(hub: Hub, name: Name) -> Self {
        Self { hub, name }
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// What there is to know of it now.
    ///
    /// # Errors
    /// `Closed`; `NotFound` if it was deleted.
    pub fn info(&self) -> Result<ScheduleInfo> {
        let inner = self.hub.inner();
        inner.check_open()?;
        let live = inner.schedules.lock();
        live.get(self.name()).map(|live| live.info(self.name())).ok_or_else(|| self.missing())
    }

    /// Fires no more until [`resume`](Self::resume), in whichever process.
    ///
    /// # Errors
    /// `Closed`, `NotFound` if it was deleted, `Io`.
    pub fn pause(&self) -> Result<()> {
        self.alter(|entry, _| entry.paused = true)
    }

    /// Goes on from now; what came while it was paused was not missed.
    ///
    /// # Errors
    /// As [`pause`](Self::pause).
    pub fn resume(&self) -> Result<()> {
        self.alter(|entry, now_ns| {
            if std::mem::take(&mut entry.paused) {
                entry.after_ns = entry.after_ns.max(now_ns);
            }
        })
    }

    /// Deletes it. What it has sent stays in the queue.
    ///
    /// # Errors
    /// As [`pause`](Self::pause).
    pub fn delete(&self) -> Result<()> {
        let inner = self.hub.inner();
        let mut live = inner.schedules.lock();
        let mut registry = inner.registry_of_open()?;
        let mut catalogue = registry.catalogue.clone();
        let Some(entry) = catalogue.schedules.remove(self.name()) else { return Err(self.missing()) };
        inner.save(&catalogue)?;
        live.remove(self.name());
        registry.catalogue = catalogue;
        if let Some(queue) = registry.queues.get(&Name::new(&entry.queue)?) {
            queue.retain_fired(|id| id != entry.id);
        }
        Ok(())
    }

    fn alter(&self, change: impl FnOnce(&mut ScheduleEntry, u64)) -> Result<()> {
        let inner = self.hub.inner();
        {
            let mut live = inner.schedules.lock();
            let mut registry = inner.registry_of_open()?;
            let mut catalogue = registry.catalogue.clone();
            let Some(entry) = catalogue.schedules.get_mut(self.name()) else { return Err(self.missing()) };
            change(entry, wall_ns(&inner.clock));
            let entry = entry.clone();
            live.get(self.name()).map_or(Ok(()), Live::commit)?;
            inner.save(&catalogue)?;
            registry.catalogue = catalogue;
            let schedule = Live::new(&self.hub, &mut registry, entry).follow(live.get(self.name()));
            live.insert(self.name().to_owned(), schedule);
        }
        inner.schedules.tick(inner);
        Ok(())
    }

    fn missing(&self) -> Error {
        Error::NotFound { noun: "schedule", name: self.name.to_string(), advice: "" }
    }
}

impl Hub {
    /// The schedules, in order of their names.
    ///
    /// # Errors
    /// `Closed`.
    pub fn schedules(&self) -> Result<Vec<ScheduleInfo>> {
        self.inner().check_open()?;
        let live = self.inner().schedules.lock();
        Ok(live.iter().map(|(name, live)| live.info(name)).collect())
    }
}
