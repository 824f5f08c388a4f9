//! Schedules as data.

use crate::message::Message;
use crate::value;
use ringmain::{Error, Hub, Result, Schedule, ScheduleInfo};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a schedule does about slots that it could not fire in time: `skip`, `one`, or `{"all": {"max": 3}}`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Missed {
    Skip,
    One,
    All { max: u32 },
}

/// What a schedule is to be.
pub(super) struct Asked {
    pub(super) cron: Option<String>,
    pub(super) time_zone: Option<String>,
    pub(super) missed: Option<Missed>,
    pub(super) queue: Option<String>,
    pub(super) message: Option<Message>,
}

pub(super) fn open(hub: &Hub, name: &str, asked: &Asked) -> Result<Value> {
    let mut builder = hub.schedule(name);
    if let Some(cron) = &asked.cron {
        builder = builder.cron(cron);
    }
    if let Some(time_zone) = &asked.time_zone {
        builder = builder.time_zone(time_zone);
    }
    if let Some(missed) = asked.missed {
        builder = builder.missed(match missed {
            Missed::Skip => ringmain::Missed::Skip,
            Missed::One => ringmain::Missed::One,
            Missed::All { max } => ringmain::Missed::All { max },
        });
    }
    if let Some(queue) = &asked.queue {
        // Opening is also making, which is not meant here.
        hub.queue_info(queue)?;
        builder = builder.to(&hub.queue(queue).open()?);
    }
    if let Some(message) = &asked.message {
        builder = builder.message(message.message());
    }
    Ok(tell(&builder.open()?.info()?))
}

pub(super) fn info(hub: &Hub, name: &str) -> Result<Value> {
    let all = hub.schedules()?;
    all.iter().find(|schedule| schedule.name == name).map(tell).ok_or_else(|| missing(name))
}

/// A schedule that is there.
pub(super) fn named(hub: &Hub, name: &str) -> Result<Schedule> {
    info(hub, name)?;
    hub.schedule(name).open()
}

fn missing(name: &str) -> Error {
    Error::NotFound { noun: "schedule", name: name.to_owned(), advice: "; schedules tells which there are" }
}

pub(super) fn tell(info: &ScheduleInfo) -> Value {
    let missed = match info.missed {
        ringmain::Missed::Skip => Missed::Skip,
        ringmain::Missed::One => Missed::One,
        ringmain::Missed::All { max } => Missed::All { max },
    };
    json!({
        "name": info.name,
        "cron": info.expression,
        "time_zone": info.time_zone,
        "missed": missed,
        "queue": info.queue,
        "is_paused": info.is_paused,
        "last_slot_ns": info.last_slot_ns,
        "next_slot_ns": info.next_slot_ns,
        "failure": info.failure.as_ref().map(value::error),
    })
}
