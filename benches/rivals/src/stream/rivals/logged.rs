//! The logs and stores of the suite `log`: their records are numbered by their places, and have neither keys nor times.

use super::partition_of;
use crate::harness::Role;
use crate::log::peer::{Log, Peer as LogPeer, Tail, Writer};
use crate::log::rivals::{commitlog, redb, sqlite};
use crate::stream::account::Account;
use crate::stream::cell::Level;
use crate::stream::peer::{Ability, Appender, Peer, Reader, Setup, Stream};
use anyhow::{Context, Result};
use std::time::Duration;

/// A log for each partition.
struct Logged {
    logs: Vec<Box<dyn Log>>,
    syncs: bool,
}

fn open(peer: LogPeer, setup: Setup<'_>) -> Result<Box<dyn Stream>> {
    let log = |partition: u32| {
        let directory = setup.directory.join(partition.to_string());
        std::fs::create_dir_all(&directory).context("cannot make the directory of a partition")?;
        (peer.open)(&directory, setup.level)
    };
    let logs = (0..setup.partitions).map(log).collect::<Result<_>>()?;
    Ok(Box::new(Logged { logs, syncs: peer.syncs }))
}

struct Appending<'a>(Vec<Box<dyn Writer + 'a>>);

impl Appender for Appending<'_> {
    fn append(&mut self, record: &[u8]) -> Result<()> {
        let partition = partition_of(record, self.0.len());
        self.0[partition].append(record)
    }

    fn append_batch(&mut self, records: &[&[u8]]) -> Result<()> {
        if let [writer] = &mut self.0[..] {
            return writer.append_batch(records);
        }
        let mut batches = vec![Vec::new(); self.0.len()];
        records.iter().for_each(|record| batches[partition_of(record, self.0.len())].push(*record));
        let filled = self.0.iter_mut().zip(&batches).filter(|(_, batch)| !batch.is_empty());
        filled.into_iter().try_for_each(|(writer, batch)| writer.append_batch(batch))
    }
}

struct Reading<'a>(Vec<Box<dyn Tail + 'a>>);

impl Reader for Reading<'_> {
    fn read(&mut self, _: usize, _: Duration, account: &mut Account) -> Result<usize> {
        let before = account.count();
        for tail in &mut self.0 {
            tail.read(&mut |record| account.enter(record, || (None, 0)))?;
        }
        Ok((account.count() - before) as usize)
    }
}

impl Stream for Logged {
    fn appender(&self) -> Result<Box<dyn Appender + '_>> {
        Ok(Box::new(Appending(self.logs.iter().map(|log| log.writer()).collect::<Result<_>>()?)))
    }

    fn reader(&self) -> Result<Box<dyn Reader + '_>> {
        Ok(Box::new(Reading(self.logs.iter().map(|log| log.tail()).collect::<Result<_>>()?)))
    }

    fn sync(&self) -> Result<()> {
        if self.syncs { self.logs.iter().try_for_each(|log| log.sync()) } else { Ok(()) }
    }
}

/// commitlog, which has one log for each partition; redb and SQLite, which would have keys of two parts.
pub fn peers() -> Vec<Peer> {
    const KEPT: &[Ability] = &[Ability::Keeps, Ability::Follows, Ability::Reopens];
    const DIVIDED: &[Ability] = &[Ability::Keeps, Ability::Follows, Ability::Reopens, Ability::Partitions];
    let peer = |name, levels, abilities, open| Peer { name, role: Role::Rival, levels, abilities, open };
    vec![
        peer("commitlog", &[Level::Written], DIVIDED, |setup| open(commitlog::peer(), setup)),
        peer("redb", &[Level::Memory, Level::Synced], KEPT, |setup| open(redb::peer(), setup)),
        peer("sqlite", &[Level::Written, Level::Synced], KEPT, |setup| open(sqlite::peer(), setup)),
    ]
}
