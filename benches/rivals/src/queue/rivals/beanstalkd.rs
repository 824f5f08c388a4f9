//! beanstalkd: a server of queues, over a local socket. A batch is a pipeline of single commands; delays are whole seconds.
//! Its binlog is never synced (`written`) or at each write (`synced`).

use super::bell::Bell;
use super::server::{Connection, Server};
use crate::queue::cell::Level;
use crate::queue::peer::{Peer, Queue, Receiver, Sender};
use anyhow::{Context, Result, bail};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

const PROGRAM: &str = "beanstalkd";
const LEASE_S: u64 = 30;

struct Beanstalkd {
    server: Server,
    bell: Bell,
}

fn open(directory: &Path, level: Level) -> Result<Box<dyn Queue>> {
    let server = Server::start(PROGRAM, directory, |command, socket| {
        command.arg("-l").arg(format!("unix:{socket}"));
        if level != Level::Memory {
            command.args(["-b", ".", if level == Level::Synced { "-f0" } else { "-F" }]);
        }
    })?;
    Ok(Box::new(Beanstalkd { server, bell: Bell::default() }))
}

struct Client<'a> {
    connection: Connection,
    bell: &'a Bell,
}

impl Client<'_> {
    fn put<'a>(&mut self, messages: impl Iterator<Item = (&'a [u8], u64)>) -> Result<()> {
        let mut count = 0;
        for (message, delay_s) in messages {
            write!(self.connection.out, "put 0 {delay_s} {LEASE_S} {}\r\n", message.len())?;
            self.connection.out.extend_from_slice(message);
            self.connection.out.extend_from_slice(b"\r\n");
            count += 1;
        }
        self.answers("INSERTED ", count)?;
        self.bell.ring(count);
        Ok(())
    }

    /// Hears so many lines that begin alike.
    fn answers(&mut self, begin: &str, count: usize) -> Result<()> {
        self.connection.flush()?;
        for _ in 0..count {
            let line = self.connection.line()?;
            if !line.starts_with(begin) {
                bail!("the server answered {line:?} instead of {begin:?}");
            }
        }
        Ok(())
    }

    fn reserve(&mut self, count_max: usize, each: &mut dyn FnMut(&[u8])) -> Result<Vec<String>> {
        (0..count_max).for_each(|_| self.connection.out.extend_from_slice(b"reserve-with-timeout 0\r\n"));
        self.connection.flush()?;
        let mut ids = Vec::new();
        for _ in 0..count_max {
            let line = self.connection.line()?;
            if line == "TIMED_OUT" {
                continue;
            }
            let found = line.strip_prefix("RESERVED ").and_then(|rest| rest.split_once(' '));
            let (id, bytes) = found.with_context(|| format!("the server answered {line:?}"))?;
            each(&self.connection.bytes(bytes.parse()?)?);
            ids.push(id.to_owned());
        }
        Ok(ids)
    }
}

impl Sender for Client<'_> {
    fn send(&mut self, message: &[u8]) -> Result<()> {
        self.send_batch(&[message])
    }

    fn send_batch(&mut self, messages: &[&[u8]]) -> Result<()> {
        self.put(messages.iter().map(|message| (*message, 0)))
    }

    fn send_delayed(&mut self, messages: &[(&[u8], Duration)]) -> Result<()> {
        // The second that has begun counts.
        self.put(messages.iter().map(|(message, delay)| (*message, delay.as_secs() + 1)))
    }
}

impl Receiver for Client<'_> {
    fn work(&mut self, count_max: usize, wait: Duration, each: &mut dyn FnMut(&[u8])) -> Result<usize> {
        let (mut ids, bell) = (Vec::new(), self.bell);
        let count = bell.wait_for(wait, || {
            ids = self.reserve(count_max, each)?;
            Ok(ids.len())
        })?;
        ids.iter().try_for_each(|id| write!(self.connection.out, "delete {id}\r\n"))?;
        self.answers("DELETED", count)?;
        Ok(count)
    }
}

impl Beanstalkd {
    fn client(&self) -> Result<Client<'_>> {
        Ok(Client { connection: self.server.connect()?, bell: &self.bell })
    }
}

impl Queue for Beanstalkd {
    fn sender(&self) -> Result<Box<dyn Sender + '_>> {
        Ok(Box::new(self.client()?))
    }

    fn receiver(&self) -> Result<Box<dyn Receiver + '_>> {
        Ok(Box::new(self.client()?))
    }
}

pub fn peer() -> Peer {
    Peer::new(PROGRAM, &[Level::Memory, Level::Written, Level::Synced], open)
        .delays(Duration::from_secs(1))
        .fills_slowly()
}
