//! Ours. What takes part in the suite `stream`.

use crate::hub::hub;
use anyhow::{Context, Result};
use ringmain::{self as ours, Compaction, Hub, Message, Start};
use ringmain_rivals::harness::Role;
use ringmain_rivals::log::record::identity;
use ringmain_rivals::queue::tally::Tally;
use ringmain_rivals::stream::account::{Account, key_of};
use ringmain_rivals::stream::cell::{Level, OURS};
use ringmain_rivals::stream::compaction::Compacted;
use ringmain_rivals::stream::peer::{Ability, Appender, Member, Peer, Reader, Setup, Stream};
use std::path::Path;
use std::time::Duration;

const NAME: &str = "stream";
const GROUP: &str = "group";

struct Ours {
    hub: Hub,
    stream: ours::Stream,
    is_keyed: bool,
}

fn open(setup: Setup<'_>) -> Result<Box<dyn Stream>> {
    let hub = hub(setup.directory, setup.level)?;
    let mut builder = hub.stream(NAME).partitions(setup.partitions);
    if let Some(lead_max) = setup.lead_max.filter(|_| setup.level == Level::Memory) {
        // Nobody is farther behind than half of that.
        builder = builder.count_max(2 * lead_max);
    }
    Ok(Box::new(Ours { stream: builder.open()?, is_keyed: setup.is_keyed, hub }))
}

/// A record as it is appended: with its key, if it has one.
#[inline]
fn message(record: &[u8], is_keyed: bool) -> Message<'_> {
    let message = Message::new(record);
    if is_keyed { message.key(key_of(record)) } else { message }
}

impl Appender for &Ours {
    fn append(&mut self, record: &[u8]) -> Result<()> {
        self.stream.append(message(record, self.is_keyed))?;
        Ok(())
    }

    fn append_batch(&mut self, records: &[&[u8]]) -> Result<()> {
        let is_keyed = self.is_keyed;
        let messages: Vec<Message<'_>> = records.iter().map(|record| message(record, is_keyed)).collect();
        self.stream.append_batch(&messages)?;
        Ok(())
    }
}

struct Reading(ours::Reader);

/// Whoever follows a stream has the call wait: only then a reader at the heels of a busy producer lets records gather (ADR 15).
const WAIT: Duration = Duration::from_micros(50);

impl Reader for Reading {
    fn read(&mut self, count_max: usize, wait: Duration, account: &mut Account) -> Result<usize> {
        let wait = if count_max > 1 { wait.max(WAIT) } else { wait };
        let enter = |record: ours::RecordRef<'_>| {
            account.enter(record.value(), || (record.key(), record.time_ns()));
        };
        Ok(self.0.poll_each(count_max, wait, enter)?)
    }
}

struct Working(ours::Member);

impl Member for Working {
    fn work(&mut self, count_max: usize, wait: Duration, tally: &mut Tally) -> Result<usize> {
        let records = self.0.poll(count_max, wait)?;
        records.iter().for_each(|record| tally.enter(record.value()));
        if !records.is_empty() {
            self.0.commit()?;
        }
        Ok(records.len())
    }
}

impl Stream for Ours {
    fn appender(&self) -> Result<Box<dyn Appender + '_>> {
        Ok(Box::new(self))
    }

    fn reader(&self) -> Result<Box<dyn Reader + '_>> {
        Ok(Box::new(Reading(self.stream.reader(Start::Earliest)?)))
    }

    fn member(&self) -> Result<Box<dyn Member + Send + '_>> {
        Ok(Box::new(Working(self.stream.group(GROUP).join()?)))
    }

    fn first_at(&self, time_ns: u64) -> Result<(u64, u64)> {
        let mut found = None;
        self.stream.reader(Start::Time(time_ns))?.poll_each(1, Duration::ZERO, |record| {
            found = Some((identity(record.value()).1, record.time_ns()));
        })?;
        found.with_context(|| format!("there is no record at {time_ns} or later"))
    }

    fn sync(&self) -> Result<()> {
        Ok(self.hub.flush()?)
    }
}

/// A stream whose compaction begins when it is asked for.
struct Replaced {
    hub: Hub,
    stream: ours::Stream,
}

/// Opens one.
///
/// # Errors
/// It cannot be opened.
pub fn compacted(directory: &Path, level: Level) -> Result<Box<dyn Compacted>> {
    let hub = hub(directory, level)?;
    Ok(Box::new(Replaced { stream: hub.stream(NAME).open()?, hub }))
}

impl Appender for &Replaced {
    fn append(&mut self, record: &[u8]) -> Result<()> {
        self.stream.append(message(record, true))?;
        Ok(())
    }
}

impl Compacted for Replaced {
    fn appender(&self) -> Box<dyn Appender + '_> {
        Box::new(self)
    }

    fn compact(&self) -> Result<()> {
        // Before it has this option there is nothing that would begin by itself.
        Ok(self.hub.stream(NAME).compaction(Compaction::default()).open()?.compact()?)
    }

    fn read(&self, each: &mut dyn FnMut(&[u8], &[u8])) -> Result<()> {
        let mut reader = self.stream.reader(Start::Earliest)?;
        let show = |record: ours::RecordRef<'_>, each: &mut dyn FnMut(&[u8], &[u8])| {
            each(record.key().unwrap_or_default(), record.value());
        };
        while reader.poll_each(4096, Duration::ZERO, |record| show(record, each))? > 0 {}
        Ok(())
    }
}

/// All of ours.
pub fn peer() -> Peer {
    const ABILITIES: &[Ability] = &[
        Ability::Keeps,
        Ability::Follows,
        Ability::Keys,
        Ability::Partitions,
        Ability::Reopens,
        Ability::Parks,
        Ability::Groups,
        Ability::Times,
    ];
    let levels = &[Level::Memory, Level::Written, Level::Synced];
    Peer { name: OURS, role: Role::Ours, levels, abilities: ABILITIES, open }
}
