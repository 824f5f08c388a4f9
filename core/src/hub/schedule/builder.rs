//! Making, altering or opening a schedule.

use crate::error::{Error, Result};
use crate::hub::Hub;
use crate::hub::catalogue::Catalogue;
use crate::hub::registry::Registry;
use crate::hub::schedule::entry::Bytes;
use crate::hub::schedule::live::{Live, wall_ns};
use crate::hub::schedule::timing::Timing;
use crate::hub::schedule::{Missed, Schedule, ScheduleEntry, StoredMessage};
use crate::limits::{SCHEDULE_COUNT_MAX, SCHEDULE_MESSAGE_BYTES_MAX};
use crate::message::{Message, Task};
use crate::name::Name;
use crate::queue::Queue;
use std::sync::Arc;

/// A schedule to make, alter or open. An option that is not given keeps its stored value, or its default if the schedule is new.
#[derive(Debug, Clone)]
pub struct ScheduleBuilder<'a> {
    hub: Hub,
    name: String,
    expression: Option<String>,
    time_zone: Option<String>,
    missed: Option<Missed>,
    queue: Option<Queue>,
    message: Option<Message<'a>>,
}

impl Hub {
    /// A schedule to make, alter or open: a message that the hub sends to a queue by itself, whenever a cron expression says. It is kept
    /// with the hub, and fires in whichever process has that open, from then on when it was opened; without the feature `cron` it
    /// is kept and does not fire. At most 1000.
    ///
    /// ```
    /// use ringmain::{Clock, Hub, ManualClock, Message, Missed, OnExhausted};
    /// use std::time::Duration;
    /// let clock = ManualClock::new();
    /// let hub = Hub::builder().clock(Clock::Manual(clock.clone())).memory()?;
    /// let reports = hub.queue("reports").on_exhausted(OnExhausted::Drop).open()?;
    /// let hourly = hub
    ///     .schedule("hourly")
    ///     .cron("0 9-17 * * MON-FRI")
    ///     .time_zone("Europe/Berlin")
    ///     .missed(Missed::Skip)
    ///     .to(&reports)
    ///     .message(Message::new(b"all flights"))
    ///     .open()?;
    /// clock.advance(Duration::from_secs(9 * 3600)); // Thursday, 1 January 1970, ten o'clock in Berlin
    /// let delivery = reports.try_receive()?.unwrap();
    /// assert_eq!((delivery.value(), delivery.header("rm-schedule")), (&b"all flights"[..], Some(&b"hourly"[..])));
    /// hourly.pause()?;
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    pub fn schedule<'a>(&self, name: &str) -> ScheduleBuilder<'a> {
        ScheduleBuilder {
            hub: self.clone(),
            name: name.to_owned(),
            expression: None,
            time_zone: None,
            missed: None,
            queue: None,
            message: None,
        }
    }
}

impl<'a> ScheduleBuilder<'a> {
    /// When it fires. No default: a new schedule must say. Other times begin anew: from now on.
    ///
    /// - Five fields, or six with a second before them: minute, hour, day of month, month, weekday. `*`, `5`, `1-5`, `*/10`, `20-40/5`, several
    ///   with commas; months as `JAN`, weekdays as `MON`, Sunday is 0 and 7. If neither day of month nor weekday begins with a star,
    ///   either will do.
    /// - `@yearly`, `@monthly`, `@weekly`, `@daily`, `@hourly`.
    /// - `@every 1h30m`: so long after it was made, and again after that, whatever clocks on walls do.
    ///
    /// Where clocks are put forward, an expression that names hours fires once at the end of the gap for what would have been in it; where
    /// they are put back, the first time only. One that allows every hour goes by the time that passes. At most 256 bytes.
    pub fn cron(mut self, expression: &str) -> Self {
        self.expression = Some(expression.to_owned());
        self
    }

    /// Whose clock on the wall it goes by: an IANA name. Default `UTC`. The table of all zones is part of this library.
    pub fn time_zone(mut self, name: &str) -> Self {
        self.time_zone = Some(name.to_owned());
        self
    }

    /// What it does about slots that it could not fire in time. Default [`Missed::One`].
    pub fn missed(mut self, missed: Missed) -> Self {
        self.missed = Some(missed);
        self
    }

    /// The queue that it sends to, of the same hub. No default.
    pub fn to(mut self, queue: &Queue) -> Self {
        self.queue = Some(queue.clone());
        self
    }

    /// What it sends: value, key, headers, delay, priority, ttl and ordering key; at most 16 KiB. No default. The hub adds the headers
    /// `rm-schedule` (its name) and `rm-schedule-slot` (nanoseconds since 1970), which together name the slot for handlers that must not
    /// do it twice.
    pub fn message(mut self, message: Message<'a>) -> Self {
        self.message = Some(message);
        self
    }

    /// Makes the schedule if it does not exist. Options given here are stored. What it does not ask for anew stays as it is: opening it once
    /// more with the same options changes nothing, and fires nothing twice.
    ///
    /// # Errors
    /// `InvalidName`; `InvalidArgument`, for an expression with the place and what is allowed there; `TooLarge`; `OptionMissing`
    /// for a new one without `cron`, `to` or `message`; `Corrupt` or `Io` if its queue cannot be opened.
    pub fn open(self) -> Result<Schedule> {
        let hub = self.hub.clone();
        let inner = hub.inner();
        inner.check_open()?;
        let name = Name::new(&self.name)?;
        {
            let mut live = inner.schedules.lock();
            let mut registry = inner.registry_of_open()?;
            let mut catalogue = registry.catalogue.clone();
            let stored = catalogue.schedules.get(name.as_str()).cloned();
            let after_ns = live.get(name.as_str()).map_or(0, Live::after_ns);
            let entry = self.merged(&name, stored.clone(), after_ns, &mut catalogue, &registry)?;
            if stored.as_ref() != Some(&entry) {
                catalogue.schedules.insert(name.to_string(), entry.clone());
                live.get(name.as_str()).map_or(Ok(()), Live::commit)?;
                inner.save(&catalogue)?;
                registry.catalogue = catalogue;
            } else if live.get(name.as_str()).is_some_and(|live| live.readiness().is_ok()) {
                return Ok(Schedule::new(hub.clone(), name));
            }
            let schedule = Live::new(&hub, &mut registry, entry).follow(live.get(name.as_str()));
            let readiness = schedule.readiness();
            live.insert(name.to_string(), schedule);
            readiness?;
        }
        inner.schedules.tick(inner);
        Ok(Schedule::new(hub.clone(), name))
    }

    /// What is to be stored.
    fn merged(
        &self,
        name: &Name,
        stored: Option<ScheduleEntry>,
        after_ns: u64,
        catalogue: &mut Catalogue,
        registry: &Registry,
    ) -> Result<ScheduleEntry> {
        let now_ns = wall_ns(&self.hub.inner().clock);
        let queue = self.queue.as_ref().map(|queue| queue_name(queue, registry)).transpose()?;
        let message = self.message.as_ref().map(|message| stored_message(message, now_ns)).transpose()?;
        let mut entry = match stored {
            Some(stored) => {
                let queue = queue.unwrap_or_else(|| stored.queue.clone());
                let after_ns = if queue == stored.queue { stored.after_ns } else { after_ns };
                ScheduleEntry {
                    queue,
                    after_ns,
                    message: message.unwrap_or(stored.message.clone()),
                    ..stored
                }
            }
            None => self.new_entry(name, queue, message, now_ns, catalogue)?,
        };
        let times = (entry.expression.clone(), entry.time_zone.clone());
        entry.expression = self.expression.clone().unwrap_or(entry.expression);
        entry.time_zone = self.time_zone.clone().unwrap_or(entry.time_zone);
        if times != (entry.expression.clone(), entry.time_zone.clone()) {
            (entry.anchor_ns, entry.after_ns) = (now_ns, after_ns.max(now_ns));
        }
        entry.missed = self.missed.unwrap_or(entry.missed);
        entry.missed.check().map_err(|detail| Error::invalid("missed", detail))?;
        Timing::new(&entry.expression, &entry.time_zone, entry.anchor_ns)?;
        Ok(entry)
    }

    fn new_entry(
        &self,
        name: &Name,
        queue: Option<String>,
        message: Option<StoredMessage>,
        now_ns: u64,
        catalogue: &mut Catalogue,
    ) -> Result<ScheduleEntry> {
        let missing =
            |option, advice| Error::OptionMissing { noun: "schedule", name: name.clone(), option, advice };
        let expression = self.expression.clone();
        let expression =
            expression.ok_or_else(|| missing("cron", "say when; for instance .cron(\"0 9 * * MON-FRI\")"))?;
        let queue = queue.ok_or_else(|| missing("to", "say which queue it sends to"))?;
        let message = message.ok_or_else(|| missing("message", "say what it sends"))?;
        Catalogue::check_case(name, catalogue.schedules.keys())?;
        if catalogue.schedules.len() >= SCHEDULE_COUNT_MAX {
            let detail = format!(
                "there are {SCHEDULE_COUNT_MAX}, and no more are allowed; delete one that is not needed"
            );
            return Err(Error::invalid("schedule", detail));
        }
        Ok(ScheduleEntry {
            id: catalogue.next_schedule(),
            expression,
            time_zone: "UTC".into(),
            missed: Missed::default(),
            queue,
            message,
            paused: false,
            anchor_ns: now_ns,
            after_ns: now_ns,
        })
    }
}

fn queue_name(queue: &Queue, registry: &Registry) -> Result<String> {
    let shared = queue.shared();
    match registry.queues.get(&shared.name) {
        Some(open) if Arc::ptr_eq(open, shared) => Ok(queue.name().to_owned()),
        _ => Err(Error::invalid("to", format!("queue {} is of another hub", queue.name()))),
    }
}

/// What is kept of a message: all that it says, or it is refused.
fn stored_message(message: &Message<'_>, now_ns: u64) -> Result<StoredMessage> {
    let Message { value, key, headers, task, event_time_ns, durability: _, is_tombstone } = message;
    let Task { is_any: _, delay, deliver_at_ns, priority, ttl, ordering_key, .. } = *task;
    let Task { dedup_key, start_within, complete_within, complete_by_ns, max_failures, .. } = *task;
    let refused = [
        ("deliver_at", deliver_at_ns.is_some()),
        ("event_time", event_time_ns.is_some()),
        ("tombstone", *is_tombstone),
        ("dedup_key", dedup_key.is_some()),
        ("complete_by", complete_by_ns.is_some()),
    ];
    if let Some((what, _)) = refused.into_iter().find(|(_, given)| *given) {
        return Err(Error::invalid(
            "message",
            format!("{what} has no meaning for a message that is sent again and again"),
        ));
    }
    let not_kept = [
        ("start_within", start_within.is_some()),
        ("complete_within", complete_within.is_some()),
        ("max_failures", max_failures.is_some()),
    ];
    if let Some((what, _)) = not_kept.into_iter().find(|(_, given)| *given) {
        let detail = format!(
            "a schedule does not keep {what}; say it of the queue, or have the job sent by a program"
        );
        return Err(Error::invalid("message", detail));
    }
    message.check(now_ns)?;
    let bytes = |bytes: &[u8]| Bytes(bytes.to_vec());
    let stored = StoredMessage {
        value: bytes(value),
        key: key.map(bytes),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), bytes(value))).collect(),
        delay,
        priority,
        ttl,
        ordering_key: ordering_key.map(bytes),
    };
    if stored.bytes() > SCHEDULE_MESSAGE_BYTES_MAX {
        let (bytes, limit_bytes) = (stored.bytes() as u64, SCHEDULE_MESSAGE_BYTES_MAX as u64);
        return Err(Error::TooLarge { what: "message of a schedule", bytes, limit_bytes });
    }
    Ok(stored)
}

impl StoredMessage {
    /// The message as it was given.
    pub(super) fn message(&self) -> Message<'_> {
        let Self { value, key, headers, delay, priority, ttl, ordering_key } = self;
        let mut message = Message::new(&value.0);
        if let Some(key) = key {
            message = message.key(&key.0);
        }
        if let Some(delay) = delay {
            message = message.delay(*delay);
        }
        if let Some(priority) = priority {
            message = message.priority(*priority);
        }
        if let Some(ttl) = ttl {
            message = message.ttl(*ttl);
        }
        if let Some(key) = ordering_key {
            message = message.ordering_key(&key.0);
        }
        headers.iter().fold(message, |message, (name, value)| message.header(name, &value.0))
    }
}
