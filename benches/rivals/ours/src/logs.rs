//! Ours. What takes part in the suite `log`.
//!
//! A log is a stream with one partition; many logs with a commit of their own are a stream with many, many logs with a
//! producer each are queues.

use crate::hub::hub;
use anyhow::{Context, Result};
use ringmain::{Hub, Message, OnExhausted, Queue, Reader, Start, Stream};
use ringmain_rivals::harness::Role;
use ringmain_rivals::log::OursAlone;
use ringmain_rivals::log::cell::{Level, OURS};
use ringmain_rivals::log::many::{OursOnly, Send};
use ringmain_rivals::log::peer::{Log, Logs, Peer, Tail, Writer};
use ringmain_rivals::log::record::identity;
use std::any::Any;
use std::path::Path;
use std::time::Duration;

const NAME: &str = "log";
/// Records that a reader takes at a time, and how long it waits for the first.
const READ_COUNT: usize = 4096;
const WAIT: Duration = Duration::from_millis(1);

struct Ours {
    stream: Stream,
    hub: Hub,
}

fn open(directory: &Path, level: Level) -> Result<Box<dyn Log>> {
    let hub = hub(directory, level)?;
    Ok(Box::new(Ours { stream: hub.stream(NAME).open()?, hub }))
}

impl Writer for &Ours {
    fn append(&mut self, record: &[u8]) -> Result<()> {
        self.stream.append(Message::new(record))?;
        Ok(())
    }

    fn append_batch(&mut self, records: &[&[u8]]) -> Result<()> {
        let messages: Vec<Message<'_>> = records.iter().copied().map(Message::new).collect();
        self.stream.append_batch(&messages)?;
        Ok(())
    }
}

struct Reading(Reader);

impl Tail for Reading {
    fn read(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.0.poll_each(READ_COUNT, WAIT, |record| each(record.value()))?;
        Ok(())
    }
}

impl Log for Ours {
    fn writer(&self) -> Result<Box<dyn Writer + '_>> {
        Ok(Box::new(self))
    }

    fn sync(&self) -> Result<()> {
        Ok(self.hub.flush()?)
    }

    fn replay(&self, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        let mut reader = self.stream.reader(Start::Earliest)?;
        while reader.poll_each(READ_COUNT, Duration::ZERO, |record| each(record.value()))? > 0 {}
        Ok(())
    }

    fn tail(&self) -> Result<Box<dyn Tail + '_>> {
        Ok(Box::new(Reading(self.stream.reader(Start::Earliest)?)))
    }

    fn count(&self) -> Result<Option<u64>> {
        let partitions = self.stream.stats()?.partitions;
        Ok(Some(partitions.iter().map(|partition| partition.end - partition.start).sum()))
    }
}

/// A partition each, chosen by a key.
struct Partitions {
    stream: Stream,
    keys: Vec<String>,
}

impl Logs for Partitions {
    fn commit(&mut self, records: &[&[u8]]) -> Result<()> {
        let messages: Vec<Message<'_>> =
            records.iter().map(|record| Message::new(record).key(&self.keys[identity(record).0])).collect();
        self.stream.append_batch(&messages)?;
        Ok(())
    }
}

fn many(directory: &Path, count: usize) -> Result<Box<dyn Logs>> {
    let partitions = count as u32;
    let stream = hub(directory, Level::Synced)?.stream(NAME).partitions(partitions).open()?;
    // Which key goes where is found in memory, where the same keys go to the same partitions.
    let probe = Hub::builder().memory()?.stream(NAME).partitions(partitions).open()?;
    let mut keys = vec![None; count];
    for number in 0_u64.. {
        let key = number.to_string();
        let partition = probe.append(Message::new(b"").key(&key))?.partition as usize;
        keys[partition].get_or_insert(key);
        if keys.iter().all(Option::is_some) {
            break;
        }
    }
    Ok(Box::new(Partitions { stream, keys: keys.into_iter().flatten().collect() }))
}

fn queue(hub: &Hub, number: usize) -> Result<Queue> {
    let name = format!("queue-{number}");
    hub.queue(&name).on_exhausted(OnExhausted::Keep).open().with_context(|| format!("cannot open {name}"))
}

fn queues(directory: &Path, count: usize) -> Result<Vec<Queue>> {
    let hub = hub(directory, Level::Synced)?;
    (0..count).map(|number| queue(&hub, number)).collect()
}

/// All of ours.
pub fn peer() -> Peer {
    let levels = &[Level::Memory, Level::Relaxed, Level::Written, Level::Synced];
    Peer::new(OURS, levels, open).role(Role::Ours).batches().syncs().replays().tails().recovers().many(many)
}

/// What only ours is asked for.
pub fn alone() -> OursAlone {
    OursAlone {
        open,
        many: OursOnly {
            queues: |directory, count| {
                let queues = queues(directory, count)?;
                let send: Send = Box::new(move |queue: usize, record: &[u8]| {
                    queues[queue].send(Message::new(record))?;
                    Ok(())
                });
                Ok(send)
            },
            fill: |directory, count| {
                for queue in queues(directory, count)? {
                    queue.send(Message::new(b"one record, so that there is something to open"))?;
                }
                Ok(())
            },
            open: |directory, count| {
                let open: Box<dyn Any> = Box::new(queues(directory, count)?);
                Ok(open)
            },
        },
    }
}
