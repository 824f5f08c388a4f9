//! The events of a queue in its log: an event is refused or understood as it would be written; a queue whose log holds
//! whatever events opens or blames its file, twice the same, and delivers nothing that was not sent.
//!
//! Input: what the queue is told, frames of the log, then verbs. The bytes as a whole are an event, too.

use crate::clock::ManualClock;
use crate::disk::{self, LOG_ID};
use crate::error::{Error, Result};
use crate::input::{Input, Output};
use crate::journal::Journal;
use crate::log::{Draft, Frame, Kind, Log, Options, Place};
use crate::message::Message;
use crate::name::Name;
use crate::queue::settlement::{Event, ids_of};
use crate::queue::{
    Ask, DEDUP_KEY, Dedup, DedupMode, Delivery, ORDERING_KEY, OnBreach, OnConflict, OnExhausted,
    QueueOptions, Shared, Start,
};
use crate::storage::sim::SimDisk;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const FRAME_COUNT_MAX: u8 = 40;
const VERB_COUNT_MAX: u32 = 30;
/// Every third record is this long, so that there is more than one segment.
const LONG_BYTES: usize = 7000;

/// What an input begins its parts with.
pub(crate) mod part {
    pub(crate) const PLAIN: u8 = 0;
    pub(crate) const DELAYED: u8 = 1;
    pub(crate) const EVENT: u8 = 2;
    /// A lease of a record that is there.
    pub(crate) const STARTED: u8 = 3;
    pub(crate) const COUNT: u8 = 4;
    /// A record with options, from here on: which ones says the next byte.
    pub(crate) const OPTIONS: u8 = 128;
    pub(crate) const PRIORITY: u8 = 1;
    pub(crate) const EXPIRES: u8 = 2;
    pub(crate) const START_BY: u8 = 4;
    pub(crate) const COMPLETE_BY: u8 = 8;
    pub(crate) const FAILURES_MAX: u8 = 16;
    pub(crate) const REPLACES: u8 = 32;
    pub(crate) const ORDERING_KEY: u8 = 64;
    pub(crate) const DEDUP_KEY: u8 = 128;
}

/// What the queue is told, beside what becomes of exhausted messages.
mod told {
    pub(super) const DEDUP: u8 = 32;
    pub(super) const BREACH: u8 = 64;
}

pub(super) fn run(bytes: &[u8]) {
    if let Some(event) = Event::decode(bytes) {
        assert_eq!(Event::decode(&event.encode()), Some(event));
    }
    let mut input = Input::new(bytes);
    let clock = ManualClock::new();
    let disk = disk::empty();
    disk::make_directory(&disk, Path::new("/dead"));
    let journal = disk::journal(&clock);
    let policy = input.u8();
    let Sent { mut sent, touched, relocated } = fill(&mut input, &disk, &journal);
    let queue = match open(&disk, &journal, policy) {
        Ok(queue) => queue,
        Err(error) => {
            disk::assert_blames_the_files(&error);
            let again = open(&disk, &journal, policy).map(drop);
            return assert_eq!(format!("{:?}", again.err()), format!("{:?}", Some(error)), "the second time");
        }
    };
    let kept = (0..sent.len() as u64).find(|id| !touched.contains(id));
    let start = queue.log.start().1;
    assert!(kept.is_none_or(|id| id >= start), "message {kept:?} is gone, the log begins with {start}");
    let mut held = Vec::new();
    for _ in 0..VERB_COUNT_MAX {
        if input.is_over() {
            break;
        }
        verb(&mut input, &queue, &clock, &mut sent, &relocated, &mut held);
    }
    held.iter().for_each(Delivery::forget);
    drop((held, queue));
    if let Err(error) = open(&disk, &journal, policy) {
        panic!("a queue that opened does not open again: {error}");
    }
}

/// What was written.
struct Sent {
    sent: Vec<Vec<u8>>,
    /// Messages that some event is about: all others wait to be delivered.
    touched: BTreeSet<u64>,
    /// Messages that are told again, and what is told as their value.
    relocated: Vec<(u64, Vec<u8>)>,
}

fn touched_by(event: &Event) -> Vec<u64> {
    match event {
        Event::Started(leases) => leases.iter().map(|(id, _)| *id).collect(),
        Event::Acked(ids) | Event::Gone(ids) => ids.clone(),
        Event::Leaving { letters, .. } => letters.iter().map(|letter| letter.id).collect(),
        Event::Run { id, count, .. } => (*id..id.saturating_add((*count).into())).collect(),
        Event::AckedRun { id, bits } => ids_of(*id, *bits).collect(),
        Event::Failed(failure) => vec![failure.id],
        Event::Released { id, .. }
        | Event::Dead { id }
        | Event::Dropped { id }
        | Event::Adopted { id, .. }
        | Event::Recalled { id }
        | Event::Deferred { id }
        | Event::Breached { id, .. }
        | Event::Copied { id, .. } => vec![*id],
        Event::Relocated(relocated) => vec![relocated.id],
        Event::Remembered(_) | Event::Forgotten | Event::Fired(_) => Vec::new(),
        Event::Halted { by, .. } => by.iter().flat_map(|by| touched_by(by)).collect(),
        Event::Resting { .. } | Event::Resumed { .. } => Vec::new(),
    }
}

/// Writes the log as the input says.
fn fill(input: &mut Input<'_>, disk: &SimDisk, journal: &Journal) -> Sent {
    let (log, _) = disk::open(disk, "/log", LOG_ID).expect("an empty directory is an empty log");
    let mut sent: Vec<Vec<u8>> = Vec::new();
    let (mut touched, mut relocated) = (BTreeSet::new(), Vec::new());
    let mut places: Vec<Place> = Vec::new();
    let mut end = Place::default();
    for _ in 0..input.u8() % FRAME_COUNT_MAX {
        let kind = match input.u8() {
            part::OPTIONS.. => part::OPTIONS,
            kind => kind % part::COUNT,
        };
        let event;
        let value: Vec<u8> = match kind {
            part::PLAIN | part::DELAYED | part::OPTIONS => {
                let bytes = if sent.len() % 3 == 2 { LONG_BYTES } else { 1 };
                vec![sent.len() as u8; bytes]
            }
            part::EVENT => input.piece().to_vec(),
            _ => {
                let index = usize::from(input.u8());
                let lease = places.get(index).map(|place| (index as u64, *place));
                event = Event::Started(lease.into_iter().collect());
                event.encode()
            }
        };
        let is_record = [part::PLAIN, part::DELAYED, part::OPTIONS].contains(&kind);
        let kind_of_frame = if is_record { Kind::Data } else { Kind::Control };
        if !is_record {
            let event = Event::decode(&value);
            touched.extend(event.iter().flat_map(touched_by));
            if let Some(Event::Relocated(message)) = event {
                let value = Frame::enclosed(&message.frame).map(|frame| frame.value().to_vec());
                let is_sent = message.id < sent.len() as u64;
                relocated.extend(value.filter(|_| is_sent).map(|value| (message.id, value)));
            }
        }
        let due_ns = if kind == part::DELAYED { input.u64() } else { 0 };
        let asked = (kind == part::OPTIONS).then(|| asked(input));
        if let Some((options, _)) = &asked {
            touched.insert(sent.len() as u64);
            touched.extend(options.replaces);
        }
        let (options, headers) =
            asked.as_ref().map_or((None, &[][..]), |(options, headers)| (Some(options), headers));
        let draft = Draft { due_ns, options, headers, ..Draft::control(kind_of_frame, 1, &value) };
        let receipt = log.append(&[draft]).expect("an open log takes frames");
        end = receipt.end;
        if is_record {
            places.push(receipt.start);
            sent.push(value);
        }
    }
    journal.commit(&log, end).expect("a simulated disk does not fail");
    Sent { sent, touched, relocated }
}

/// Options, and the headers of keys.
fn asked(input: &mut Input<'_>) -> (Options, Vec<(&'static str, &'static [u8])>) {
    const KEYS: [&[u8]; 3] = [b"a", b"b", b"c"];
    let mask = input.u8();
    let mut number = |option: u8| (mask & option != 0).then(|| u64::from(input.u8()));
    let at_ns = |seconds: u64| seconds * 1_000_000_000;
    let options = Options {
        priority: number(part::PRIORITY),
        expires_ns: number(part::EXPIRES).map(at_ns),
        start_by_ns: number(part::START_BY).map(at_ns),
        complete_by_ns: number(part::COMPLETE_BY).map(at_ns),
        failures_max: number(part::FAILURES_MAX),
        replaces: number(part::REPLACES),
        ..Options::default()
    };
    let key = |number: u64| KEYS[number as usize % KEYS.len()];
    let ordering_key = number(part::ORDERING_KEY).map(|number| (ORDERING_KEY, key(number)));
    let dedup_key = number(part::DEDUP_KEY).map(|number| (DEDUP_KEY, key(number)));
    (options, ordering_key.into_iter().chain(dedup_key).collect())
}

fn open(disk: &SimDisk, journal: &Arc<Journal>, told: u8) -> Result<Arc<Shared>> {
    let queue = |log: Arc<Log>, name: &str, policy, dead: Option<Arc<Shared>>| {
        let mut options = QueueOptions { max_failures: 2, ..QueueOptions::new(policy) };
        if told & told::DEDUP != 0 {
            let (mode, on_conflict) = (DedupMode::UntilDone, OnConflict::Replace);
            options.dedup = Some(Dedup { mode, on_conflict, ..Dedup::default() });
        }
        if told & told::BREACH != 0 && dead.is_some() {
            options.on_breach = OnBreach::EscalateTo("dead".into());
        }
        Shared::open(Name::new(name)?, log, journal.clone(), options, dead)
    };
    let (log, _) = disk::open(disk, "/log", LOG_ID)?;
    match told % 3 {
        0 => queue(log, "jobs", OnExhausted::Drop, None),
        1 => queue(log, "jobs", OnExhausted::Keep, None),
        _ => {
            let (dead, _) = disk::open(disk, "/dead", LOG_ID + 1)?;
            let dead = queue(dead, "dead", OnExhausted::Keep, None)?;
            let jobs = queue(log, "jobs", OnExhausted::DeadLetter("dead".into()), Some(dead.clone()))?;
            jobs.set_breach_target(Some(&dead))?;
            Ok(jobs)
        }
    }
}

fn verb(
    input: &mut Input<'_>,
    queue: &Arc<Shared>,
    clock: &ManualClock,
    sent: &mut Vec<Vec<u8>>,
    relocated: &[(u64, Vec<u8>)],
    held: &mut Vec<Delivery>,
) {
    let verb = input.u8();
    if verb >= BY_ID {
        return verb_by_id(verb, input.u8(), queue, sent, held);
    }
    let done = match verb % 7 {
        0 | 1 => queue.take_as(&Ask::new(usize::from(verb >> 4) + 1, Start::Now)).map(|taken| {
            for delivery in &taken {
                let (id, value) = (delivery.id(), delivery.value());
                let is_sent =
                    usize::try_from(id).ok().and_then(|id| sent.get(id)).is_some_and(|sent| sent == value);
                let is_told = || relocated.iter().any(|(of, told)| *of == id && told == value);
                assert!(is_sent || is_told(), "message {id}: {delivery:?}");
            }
            held.extend(taken);
        }),
        2 => {
            clock.advance(Duration::from_secs(1 << (verb >> 3)));
            queue.tick(clock.now_ns());
            Ok(())
        }
        kind => match held.pop() {
            None => Ok(()),
            Some(delivery) => match kind {
                3 => delivery.ack(),
                4 => delivery.fail("no"),
                5 => delivery.release(),
                _ => delivery.reject("never"),
            },
        },
    };
    match done {
        Ok(()) | Err(Error::LeaseLost { .. } | Error::OptionMissing { .. }) => {}
        Err(error) => panic!("a queue that opened refuses a verb: {error:?}"),
    }
}

/// Verbs from here on are about a message by its id, or about all.
const BY_ID: u8 = 128;

fn verb_by_id(verb: u8, number: u8, queue: &Arc<Shared>, sent: &mut Vec<Vec<u8>>, held: &mut Vec<Delivery>) {
    let id = u64::from(number);
    let done = match verb % 8 {
        0 => queue.cancel(id).map(drop),
        1 => queue.cancel_now(id).map(drop),
        2 => queue.reschedule(id, Duration::from_secs(u64::from(verb >> 4))).map(drop),
        3 => queue.purge(number.is_multiple_of(2)).map(drop),
        4 => queue.take_deferred(id, None).map(|taken| held.extend(taken)),
        5 => held.pop().map_or(Ok(()), |delivery| delivery.defer()),
        6 => held.pop().map_or(Ok(()), |delivery| delivery.rate_limited(Duration::from_secs(id))),
        _ => {
            let value = vec![sent.len() as u8];
            queue.send_unique(&Message::new(&value).dedup_key(&[b'a' + number % 3])).map(|answer| {
                if answer.id == sent.len() as u64 {
                    sent.push(value);
                } else {
                    assert!(
                        answer.is_duplicate && answer.id < sent.len() as u64,
                        "{answer:?} of {}",
                        sent.len()
                    );
                }
            })
        }
    };
    match done {
        Ok(()) | Err(Error::LeaseLost { .. }) => {}
        Err(error) => panic!("a queue that opened refuses a verb: {error:?}"),
    }
}

/// The other half of the format.
pub(crate) fn put_replacement(output: &mut Output, old: u8) {
    output.u8(part::OPTIONS).u8(part::REPLACES | part::DEDUP_KEY).u8(old).u8(0);
}

/// The other half of the format.
pub(crate) fn put_event(output: &mut Output, event: &Event) {
    output.u8(part::EVENT).piece(&event.encode());
}
