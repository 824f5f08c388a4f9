//! Redis: streams over a local socket, one for each partition: `XADD`, `XREAD`, and `XREADGROUP` with `XACK` for groups, whose
//! members share each partition. A batch is a pipeline. Its files are as in the suite `queue`.

use super::partition_of;
use crate::harness::Role;
use crate::queue::rivals::redis::{Answer, Client, PROGRAM, Read, start};
use crate::queue::rivals::server::Server;
use crate::queue::tally::Tally;
use crate::stream::account::Account;
use crate::stream::cell::Level;
use crate::stream::peer::{Ability, Appender, Member, Peer, Reader, Setup, Stream};
use anyhow::{Context, Result, bail, ensure};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const GROUP: &[u8] = b"group";

struct Redis {
    server: Server,
    /// Of the streams, one a partition.
    names: Vec<String>,
    members: AtomicUsize,
}

fn open(setup: Setup<'_>) -> Result<Box<dyn Stream>> {
    let server = start(setup.directory, setup.level)?;
    let names: Vec<String> = (0..setup.partitions).map(|partition| partition.to_string()).collect();
    let mut client = Client::new(&server)?;
    for name in &names {
        client.say(&[b"XGROUP", b"CREATE", name.as_bytes(), GROUP, b"0", b"MKSTREAM"])?;
        client.connection.flush()?;
        client.hear()?;
    }
    Ok(Box::new(Redis { server, names, members: AtomicUsize::new(0) }))
}

struct Appending<'a> {
    client: Client,
    names: &'a [String],
}

impl Appender for Appending<'_> {
    fn append(&mut self, record: &[u8]) -> Result<()> {
        self.append_batch(&[record])
    }

    fn append_batch(&mut self, records: &[&[u8]]) -> Result<()> {
        for record in records {
            let name = &self.names[partition_of(record, self.names.len())];
            self.client.say(&[b"XADD", name.as_bytes(), b"*", b"r", record])?;
        }
        self.client.connection.flush()?;
        records.iter().try_for_each(|_| self.client.hear().map(drop))
    }
}

/// Says what is to be read of which streams, and hears what there is.
fn read(
    client: &mut Client,
    verb: &[&[u8]],
    count: usize,
    wait: Duration,
    of: &[&[u8]],
) -> Result<Vec<Read>> {
    // No time at all would be for ever.
    let (count, wait_ms) = (count.to_string(), wait.as_millis().max(1).to_string());
    let mut words = verb.to_vec();
    words.extend([b"COUNT", count.as_bytes()]);
    if !wait.is_zero() {
        words.extend([b"BLOCK", wait_ms.as_bytes()]);
    }
    words.push(b"STREAMS");
    words.extend(of);
    client.say(&words)?;
    client.connection.flush()?;
    client.hear()?.streams()
}

struct Reading<'a> {
    client: Client,
    names: &'a [String],
    /// Of the last entry that was read of each stream.
    ids: Vec<Vec<u8>>,
}

impl Reader for Reading<'_> {
    fn read(&mut self, count_max: usize, wait: Duration, account: &mut Account) -> Result<usize> {
        let ids = self.ids.iter().map(Vec::as_slice);
        let of: Vec<&[u8]> = self.names.iter().map(String::as_bytes).chain(ids).collect();
        let streams = read(&mut self.client, &[b"XREAD"], count_max, wait, &of)?;
        let mut count = 0;
        for (name, entries) in streams {
            entries.iter().for_each(|(_, record)| account.enter(record, || (None, 0)));
            count += entries.len();
            let place = self.names.iter().position(|other| other.as_bytes() == name);
            let place = place.context("the server answered with another stream")?;
            if let Some((id, _)) = entries.into_iter().last() {
                self.ids[place] = id;
            }
        }
        Ok(count)
    }
}

struct Working<'a> {
    client: Client,
    name: String,
    names: &'a [String],
}

impl Member for Working<'_> {
    fn work(&mut self, count_max: usize, wait: Duration, tally: &mut Tally) -> Result<usize> {
        let news = self.names.iter().map(|_| b">".as_slice());
        let of: Vec<&[u8]> = self.names.iter().map(String::as_bytes).chain(news).collect();
        let verb = [&b"XREADGROUP"[..], b"GROUP", GROUP, self.name.as_bytes()];
        let streams = read(&mut self.client, &verb, count_max, wait, &of)?;
        for (name, entries) in &streams {
            entries.iter().for_each(|(_, record)| tally.enter(record));
            let ids = entries.iter().map(|(id, _)| id.as_slice());
            let words: Vec<&[u8]> = [&b"XACK"[..], name, GROUP].into_iter().chain(ids).collect();
            self.client.say(&words)?;
        }
        self.client.connection.flush()?;
        for (_, entries) in &streams {
            let Answer::Number(count) = self.client.hear()? else { bail!("the server did not count") };
            ensure!(count == entries.len() as i64, "of {} records {count} were acked", entries.len());
        }
        Ok(streams.iter().map(|(_, entries)| entries.len()).sum())
    }
}

impl Stream for Redis {
    fn appender(&self) -> Result<Box<dyn Appender + '_>> {
        Ok(Box::new(Appending { client: Client::new(&self.server)?, names: &self.names }))
    }

    fn reader(&self) -> Result<Box<dyn Reader + '_>> {
        let ids = vec![b"0".to_vec(); self.names.len()];
        Ok(Box::new(Reading { client: Client::new(&self.server)?, names: &self.names, ids }))
    }

    fn member(&self) -> Result<Box<dyn Member + Send + '_>> {
        // ORDERING: Relaxed: each takes another number.
        let number = self.members.fetch_add(1, Ordering::Relaxed);
        let (client, name) = (Client::new(&self.server)?, format!("member {number}"));
        Ok(Box::new(Working { client, name, names: &self.names }))
    }
}

pub fn peer() -> Peer {
    const ABILITIES: &[Ability] = &[Ability::Keeps, Ability::Follows, Ability::Partitions, Ability::Groups];
    let levels = &[Level::Memory, Level::Written, Level::Synced];
    Peer { name: PROGRAM, role: Role::Rival, levels, abilities: ABILITIES, open }
}
