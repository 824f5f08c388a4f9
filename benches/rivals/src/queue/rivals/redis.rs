//! Redis: a stream with a consumer group, over a local socket: `XADD`, `XREADGROUP`, then `XACK` and `XDEL`. A batch is a
//! pipeline, and one read. Its append-only file is left to the system (`written`) or synced before each answer (`synced`).

use super::server::{Connection, Server};
use crate::queue::cell::Level;
use crate::queue::peer::{Peer, Queue, Receiver, Sender};
use anyhow::{Context, Result, bail, ensure};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What is started.
pub(crate) const PROGRAM: &str = "redis-server";

struct Redis {
    server: Server,
    workers: AtomicUsize,
}

/// Starts it so that what it has answered has reached the level.
pub(crate) fn start(directory: &Path, level: Level) -> Result<Server> {
    Server::start(PROGRAM, directory, |command, socket| {
        command.args(["--port", "0", "--unixsocket", socket, "--save", ""]);
        if level != Level::Memory {
            let sync = if level == Level::Synced { "always" } else { "no" };
            command.args(["--appendonly", "yes", "--appendfsync", sync]);
        }
    })
}

fn open(directory: &Path, level: Level) -> Result<Box<dyn Queue>> {
    let server = start(directory, level)?;
    let mut client = Client::new(&server)?;
    client.say(&[b"XGROUP", b"CREATE", b"queue", b"group", b"0", b"MKSTREAM"])?;
    client.connection.flush()?;
    client.hear()?;
    Ok(Box::new(Redis { server, workers: AtomicUsize::new(0) }))
}

/// What the server answers.
pub(crate) enum Answer {
    Nothing,
    Number(i64),
    Bytes(Vec<u8>),
    List(Vec<Answer>),
}

impl Answer {
    pub(crate) fn list(self) -> Result<Vec<Answer>> {
        match self {
            Self::Nothing => Ok(Vec::new()),
            Self::List(list) => Ok(list),
            Self::Number(_) | Self::Bytes(_) => bail!("the server answered with something that is no list"),
        }
    }

    pub(crate) fn bytes(self) -> Result<Vec<u8>> {
        let Self::Bytes(bytes) = self else { bail!("the server answered with something that is no text") };
        Ok(bytes)
    }
}

/// A connection on which commands are said and answers heard.
pub(crate) struct Client {
    pub(crate) connection: Connection,
}

impl Client {
    pub(crate) fn new(server: &Server) -> Result<Self> {
        Ok(Self { connection: server.connect()? })
    }

    pub(crate) fn say(&mut self, words: &[&[u8]]) -> Result<()> {
        let out = &mut self.connection.out;
        write!(out, "*{}\r\n", words.len())?;
        for word in words {
            write!(out, "${}\r\n", word.len())?;
            out.extend_from_slice(word);
            out.extend_from_slice(b"\r\n");
        }
        Ok(())
    }

    pub(crate) fn hear(&mut self) -> Result<Answer> {
        let line = self.connection.line()?;
        let (kind, rest) = line.split_at_checked(1).context("the server answered with an empty line")?;
        Ok(match kind {
            "+" => Answer::Bytes(rest.as_bytes().to_vec()),
            ":" => Answer::Number(rest.parse()?),
            "$" | "*" if rest == "-1" => Answer::Nothing,
            "$" => Answer::Bytes(self.connection.bytes(rest.parse()?)?),
            "*" => Answer::List((0..rest.parse()?).map(|_| self.hear()).collect::<Result<_>>()?),
            _ => bail!("the server answered {line:?}"),
        })
    }
}

/// A stream that was read: its name, and the ids and last fields of its entries.
pub(crate) type Read = (Vec<u8>, Vec<(Vec<u8>, Vec<u8>)>);

impl Answer {
    /// Of a read of streams: a list of them, each a name and a list of entries, each an id and a list of names and values.
    pub(crate) fn streams(self) -> Result<Vec<Read>> {
        let stream = |stream: Answer| {
            let mut parts = stream.list()?.into_iter();
            let (name, entries) =
                parts.next().zip(parts.next()).context("the server answered with half a stream")?;
            let entry = |entry: Answer| {
                let mut parts = entry.list()?.into_iter();
                let (id, fields) =
                    parts.next().zip(parts.next()).context("the server answered with half an entry")?;
                let message = fields.list()?.pop().context("the server answered with an empty entry")?;
                Ok((id.bytes()?, message.bytes()?))
            };
            Ok((name.bytes()?, entries.list()?.into_iter().map(entry).collect::<Result<_>>()?))
        };
        self.list()?.into_iter().map(stream).collect()
    }
}

/// One of the group.
struct Worker {
    client: Client,
    name: String,
}

impl Worker {
    /// The ids and the messages that were read.
    fn read(&mut self, count_max: usize, wait: Duration) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let (name, count) = (self.name.clone(), count_max.to_string());
        let mut words: Vec<&[u8]> = vec![b"XREADGROUP", b"GROUP", b"group", name.as_bytes()];
        words.extend([b"COUNT", count.as_bytes()]);
        // No time at all would be for ever.
        let wait_ms = wait.as_millis().to_string();
        if !wait.is_zero() {
            words.extend([&b"BLOCK"[..], wait_ms.as_bytes()]);
        }
        words.extend([&b"STREAMS"[..], b"queue", b">"]);
        self.client.say(&words)?;
        self.client.connection.flush()?;
        Ok(self.client.hear()?.streams()?.pop().map_or(Vec::new(), |(_, entries)| entries))
    }

    /// Acks and removes.
    fn ack(&mut self, ids: &[&[u8]]) -> Result<()> {
        self.client.say(&[&[&b"XACK"[..], b"queue", b"group"], ids].concat())?;
        self.client.say(&[&[&b"XDEL"[..], b"queue"], ids].concat())?;
        self.client.connection.flush()?;
        for _ in 0..2 {
            let Answer::Number(count) = self.client.hear()? else { bail!("the server did not count") };
            ensure!(count == ids.len() as i64, "of {} messages {count} were acked", ids.len());
        }
        Ok(())
    }
}

impl Sender for Worker {
    fn send(&mut self, message: &[u8]) -> Result<()> {
        self.send_batch(&[message])
    }

    fn send_batch(&mut self, messages: &[&[u8]]) -> Result<()> {
        let client = &mut self.client;
        messages.iter().try_for_each(|message| client.say(&[b"XADD", b"queue", b"*", b"m", message]))?;
        client.connection.flush()?;
        messages.iter().try_for_each(|_| client.hear().map(drop))
    }
}

impl Receiver for Worker {
    fn work(&mut self, count_max: usize, wait: Duration, each: &mut dyn FnMut(&[u8])) -> Result<usize> {
        let entries = self.read(count_max, wait)?;
        entries.iter().for_each(|(_, message)| each(message));
        if !entries.is_empty() {
            self.ack(&entries.iter().map(|(id, _)| id.as_slice()).collect::<Vec<_>>())?;
        }
        Ok(entries.len())
    }
}

impl Redis {
    fn worker(&self) -> Result<Worker> {
        // ORDERING: Relaxed: each takes another number.
        let number = self.workers.fetch_add(1, Ordering::Relaxed);
        Ok(Worker { client: Client::new(&self.server)?, name: format!("worker {number}") })
    }
}

impl Queue for Redis {
    fn sender(&self) -> Result<Box<dyn Sender + '_>> {
        Ok(Box::new(self.worker()?))
    }

    fn receiver(&self) -> Result<Box<dyn Receiver + '_>> {
        Ok(Box::new(self.worker()?))
    }
}

pub fn peer() -> Peer {
    Peer::new(PROGRAM, &[Level::Memory, Level::Written, Level::Synced], open).fills_slowly()
}
