//! The schedules of an open hub, and firing what is due.

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::hub::queue_builder::open_shared;
use crate::hub::registry::Registry;
use crate::hub::schedule::timing::Timing;
use crate::hub::schedule::{
    LATE_NS_MAX, LATE_NS_TOLD, LOOK_NS, Missed, RETRY_NS, ScheduleEntry, ScheduleInfo,
};
use crate::hub::{Hub, Inner};
use crate::message::duration_ns;
use crate::name::Name;
use crate::notice::{self, Notice, QuietGuard, lock_quietly};
use crate::queue::{Shared, Slot};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

/// See the module's description. Its lock is taken before the registry's.
#[derive(Debug, Default)]
pub(crate) struct Schedules {
    live: Mutex<BTreeMap<String, Live>>,
}

/// A schedule.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) entry: ScheduleEntry,
    /// What it takes to fire, or why that is not there.
    ready: Result<Ready>,
    /// Why the last slot could not be fired.
    failure: Option<Error>,
}

#[derive(Debug)]
struct Ready {
    timing: Timing,
    queue: Arc<Shared>,
    /// The slot that is over.
    after_ns: u64,
    next_ns: Option<u64>,
}

/// The time on the wall.
pub(super) fn wall_ns(clock: &Clock) -> u64 {
    match clock {
        Clock::System => duration_ns(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()),
        Clock::Manual(clock) => clock.now_ns(),
    }
}

impl Schedules {
    pub(super) fn lock(&self) -> QuietGuard<'_, BTreeMap<String, Live>> {
        lock_quietly(&self.live)
    }

    /// Makes the schedules of the catalogue live when a hub is opened, and fires what was missed. One that cannot be fired keeps nobody from
    /// the hub.
    pub(crate) fn load(hub: &Hub) {
        let inner = hub.inner();
        {
            let mut live = inner.schedules.lock();
            let mut registry = lock_quietly(&inner.registry);
            let now_ns = wall_ns(&inner.clock);
            for (name, entry) in registry.catalogue.schedules.clone() {
                let mut schedule = Live::new(hub, &mut registry, entry);
                if schedule.entry.missed == Missed::Skip {
                    schedule.skip(&name, now_ns);
                }
                live.insert(name, schedule);
            }
            if live.is_empty() {
                return;
            }
        }
        inner.schedules.tick(inner);
        inner.journal.commit_noted();
    }

    /// Fires what is due, and arms the alarm for what comes next.
    pub(crate) fn tick(&self, inner: &Inner) {
        let mut live = self.lock();
        if live.is_empty() {
            return;
        }
        let now_ns = wall_ns(&inner.clock);
        let waits = live.iter_mut().filter_map(|(name, schedule)| schedule.tick(name, now_ns));
        if let Some(wait_ns) = waits.min() {
            inner.alarm.arm(inner.clock.now_ns().saturating_add(wait_ns.min(LOOK_NS)));
        }
    }
}

impl Live {
    /// A schedule as the catalogue has it; its queue is opened with it.
    pub(super) fn new(hub: &Hub, registry: &mut Registry, entry: ScheduleEntry) -> Self {
        let ready = Ready::new(hub, registry, &entry);
        Self { entry, ready, failure: None }
    }

    /// Takes the place of another one of its name: what is over for that is over for this one.
    pub(super) fn follow(mut self, before: Option<&Live>) -> Self {
        if let Some(before) = before {
            self.pass(before.after_ns());
        }
        self
    }

    /// Waits until what it has fired is safe: before the catalogue says that it is over.
    pub(super) fn commit(&self) -> Result<()> {
        self.ready.as_ref().map_or(Ok(()), |ready| ready.queue.commit_fired())
    }

    /// Whether it can be fired.
    pub(super) fn readiness(&self) -> Result<()> {
        self.ready.as_ref().map(drop).map_err(Error::clone)
    }

    /// What slots have to come after, if its queue knows of more than the catalogue.
    pub(super) fn after_ns(&self) -> u64 {
        self.ready.as_ref().map_or(self.entry.after_ns, |ready| ready.after_ns)
    }

    /// Takes all slots up to an instant as over.
    fn pass(&mut self, now_ns: u64) {
        if let Ok(ready) = &mut self.ready {
            ready.pass(now_ns);
        }
    }

    /// The same, for it is not to make up for any.
    fn skip(&mut self, name: &str, now_ns: u64) {
        let Ok(ready) = &self.ready else { return };
        let first = ready.next_ns.filter(|slot_ns| *slot_ns <= now_ns && !self.entry.paused);
        if let Some(since_ns) = first {
            self.entry.tell_missed(name, 0, since_ns);
        }
        self.pass(now_ns);
    }

    /// Fires what is due; returns in how many nanoseconds there is more to do, if ever.
    fn tick(&mut self, name: &str, now_ns: u64) -> Option<u64> {
        let Ok(ready) = &mut self.ready else { return None };
        if self.entry.paused {
            return None;
        }
        if ready.next_ns? <= now_ns {
            let failure = ready.fire(name, &self.entry, now_ns).err();
            if let (None, Some(error)) = (&self.failure, &failure) {
                let (schedule, queue, error) = (name.to_owned(), self.entry.queue.clone(), error.clone());
                notice::later(|| Notice::SlotFailed { schedule, queue, error });
            }
            self.failure = failure;
        }
        let wait_ns = ready.next_ns?.saturating_sub(now_ns);
        Some(if self.failure.is_some() { RETRY_NS } else { wait_ns })
    }

    pub(super) fn info(&self, name: &str) -> ScheduleInfo {
        let (entry, ready) = (&self.entry, self.ready.as_ref());
        ScheduleInfo {
            name: name.to_owned(),
            expression: entry.expression.clone(),
            time_zone: entry.time_zone.clone(),
            missed: entry.missed,
            queue: entry.queue.clone(),
            is_paused: entry.paused,
            last_slot_ns: ready.ok().and_then(|ready| ready.queue.last_fired(entry.id)),
            next_slot_ns: ready.ok().filter(|_| !entry.paused).and_then(|ready| ready.next_ns),
            failure: ready.err().or(self.failure.as_ref()).cloned(),
        }
    }
}

impl Ready {
    fn new(hub: &Hub, registry: &mut Registry, entry: &ScheduleEntry) -> Result<Self> {
        let timing = Timing::new(&entry.expression, &entry.time_zone, entry.anchor_ns)?;
        let queue = open_shared(hub.inner(), registry, &Name::new(&entry.queue)?)?;
        let after_ns = queue.last_fired(entry.id).unwrap_or(0).max(entry.after_ns);
        let next_ns = timing.next(after_ns);
        Ok(Self { timing, queue, after_ns, next_ns })
    }

    fn pass(&mut self, slot_ns: u64) {
        self.after_ns = self.after_ns.max(slot_ns);
        self.next_ns = self.timing.next(self.after_ns);
    }

    /// Fires those of the slots up to now that the schedule wants.
    fn fire(&mut self, name: &str, entry: &ScheduleEntry, now_ns: u64) -> Result<()> {
        let count_max = match entry.missed {
            Missed::Skip | Missed::One => 1,
            Missed::All { max } => max as usize,
        };
        let first_ns = self.next_ns.unwrap_or(now_ns);
        let mut sent = 0;
        let slots = self.timing.latest(self.after_ns, now_ns, count_max);
        let is_all = slots.front() == Some(&first_ns);
        let mut is_missed = !is_all;
        for slot_ns in slots {
            let late_ns = now_ns - slot_ns;
            if entry.missed != Missed::Skip || late_ns <= LATE_NS_MAX {
                self.queue.fire(&entry.message.message(), Slot { schedule: entry.id, name, slot_ns })?;
                sent += 1;
            }
            if late_ns > LATE_NS_MAX {
                is_missed = true;
            } else if late_ns >= LATE_NS_TOLD {
                let (schedule, queue) = (name.to_owned(), entry.queue.clone());
                let late_ms = late_ns / 1_000_000;
                notice::later(|| Notice::SlotLate { schedule, queue, slot_ns, late_ms });
            }
            self.pass(slot_ns);
        }
        if is_missed {
            entry.tell_missed(name, sent, first_ns);
        }
        Ok(())
    }
}

impl ScheduleEntry {
    /// Slots from that one on were missed, and messages were sent for so many.
    fn tell_missed(&self, name: &str, sent: u64, since_ns: u64) {
        let policy = match self.missed {
            Missed::Skip => "skip",
            Missed::One => "one",
            Missed::All { .. } => "all",
        };
        let (schedule, queue) = (name.to_owned(), self.queue.clone());
        notice::later(|| Notice::SlotsMissed { schedule, queue, policy, sent, since_ns });
    }
}
