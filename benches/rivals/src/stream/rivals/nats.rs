//! NATS JetStream, over a local port: a stream for each partition, and pull consumers, of which a group shares one for each
//! partition. A batch is sent without waiting, and then all answers are heard.

use super::partition_of;
use crate::harness::Role;
use crate::log::record::identity;
use crate::queue::rivals::server::{Connection, Server};
use crate::queue::tally::Tally;
use crate::stream::account::Account;
use crate::stream::cell::Level;
use crate::stream::peer::{Ability, Appender, Member, Peer, Reader, Setup, Stream};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const PROGRAM: &str = "nats-server";
const GROUP: &str = "group";
/// Records that a group has read and not acked, at most.
const UNACKED_MAX: usize = 1 << 16;

struct Nats {
    server: Server,
    partitions: usize,
    clients: AtomicUsize,
}

fn open(setup: Setup<'_>) -> Result<Box<dyn Stream>> {
    let server = Server::start_at_port(PROGRAM, setup.directory, |command, port| {
        let sync = if setup.level == Level::Synced { "sync_interval: always" } else { "" };
        let limits = "max_memory_store: 8GB, max_file_store: 8GB";
        let text =
            format!("listen: \"127.0.0.1:{port}\"\njetstream {{ store_dir: \".\", {limits}\n{sync} }}\n");
        let path = setup.directory.join("nats.conf");
        std::fs::write(&path, text)?;
        command.arg("-c").arg(path);
        Ok(())
    })?;
    let nats = Nats { server, partitions: setup.partitions as usize, clients: AtomicUsize::new(0) };
    let mut client = nats.client()?;
    let storage = if setup.level == Level::Memory { "memory" } else { "file" };
    for partition in 0..nats.partitions {
        let name = stream_name(partition);
        let config = json!({ "name": name, "subjects": [subject(partition)], "storage": storage });
        client.request(&format!("$JS.API.STREAM.CREATE.{name}"), &config)?;
    }
    Ok(Box::new(nats))
}

fn stream_name(partition: usize) -> String {
    format!("S{partition}")
}

fn subject(partition: usize) -> String {
    format!("records.{partition}")
}

/// A connection, with a subject of its own that answers come to.
struct Client {
    connection: Connection,
    inbox: String,
}

/// What was heard.
struct Heard {
    /// Where an ack of it goes.
    reply: Option<String>,
    /// Not a record, but why there is none.
    is_status: bool,
    payload: Vec<u8>,
}

impl Client {
    fn new(server: &Server, number: usize) -> Result<Self> {
        let mut client = Self { connection: server.connect()?, inbox: format!("_INBOX.{number}") };
        let greeting = client.connection.line()?;
        ensure!(greeting.starts_with("INFO "), "the server began with {greeting:?}");
        let options =
            json!({ "verbose": false, "pedantic": false, "headers": true, "lang": "rust", "version": "1" });
        write!(client.connection.out, "CONNECT {options}\r\nSUB {} 1\r\nPING\r\n", client.inbox)?;
        client.connection.flush()?;
        let answer = client.connection.line()?;
        ensure!(answer == "PONG", "the server answered {answer:?}");
        Ok(client)
    }

    fn say(&mut self, subject: &str, payload: &[u8]) -> Result<()> {
        let out = &mut self.connection.out;
        write!(out, "PUB {subject} {} {}\r\n", self.inbox, payload.len())?;
        out.extend_from_slice(payload);
        out.extend_from_slice(b"\r\n");
        Ok(())
    }

    fn hear(&mut self) -> Result<Heard> {
        loop {
            let line = self.connection.line()?;
            let words: Vec<&str> = line.split(' ').collect();
            let (reply, headers, bytes) = match words[..] {
                ["PING"] => {
                    self.connection.out.extend_from_slice(b"PONG\r\n");
                    self.connection.flush()?;
                    continue;
                }
                ["INFO", ..] => continue,
                ["MSG", _, _, bytes] => (None, 0, bytes),
                ["MSG", _, _, reply, bytes] => (Some(reply.to_owned()), 0, bytes),
                ["HMSG", _, _, headers, bytes] => (None, headers.parse()?, bytes),
                ["HMSG", _, _, reply, headers, bytes] => (Some(reply.to_owned()), headers.parse()?, bytes),
                _ => bail!("the server answered {line:?}"),
            };
            let mut payload = self.connection.bytes(bytes.parse()?)?;
            ensure!(headers <= payload.len(), "the server answered {line:?}");
            return Ok(Heard { reply, is_status: headers > 0, payload: payload.split_off(headers) });
        }
    }

    /// Asks for something, and hears the one answer.
    fn request(&mut self, subject: &str, question: &Value) -> Result<Value> {
        self.say(subject, question.to_string().as_bytes())?;
        self.connection.flush()?;
        let answer: Value = serde_json::from_slice(&self.hear()?.payload)?;
        ensure!(answer.get("error").is_none(), "the server answered {subject} by {answer}");
        Ok(answer)
    }

    /// Shows up to so many records that a consumer has not had, each with where an ack goes; how many.
    fn pull(&mut self, consumer: &Consumer, count_max: usize, mut each: impl FnMut(Heard)) -> Result<usize> {
        let question = json!({ "batch": count_max, "no_wait": true }).to_string();
        self.say(&consumer.next, question.as_bytes())?;
        self.connection.flush()?;
        for count in 0..count_max {
            let heard = self.hear()?;
            // That there are no more.
            if heard.is_status {
                return Ok(count);
            }
            each(heard);
        }
        Ok(count_max)
    }
}

/// Of one partition.
struct Consumer {
    /// Where records are asked for.
    next: String,
}

impl Consumer {
    fn new(client: &mut Client, partition: usize, group: Option<&str>) -> Result<Self> {
        let stream = stream_name(partition);
        let ack = if group.is_some() { "explicit" } else { "none" };
        let mut config = json!({ "deliver_policy": "all", "ack_policy": ack, "replay_policy": "instant" });
        let subject = match group {
            Some(group) => {
                config["durable_name"] = group.into();
                config["max_ack_pending"] = UNACKED_MAX.into();
                format!("$JS.API.CONSUMER.DURABLE.CREATE.{stream}.{group}")
            }
            None => format!("$JS.API.CONSUMER.CREATE.{stream}"),
        };
        let made = client.request(&subject, &json!({ "stream_name": stream, "config": config }))?;
        let name =
            made.get("name").and_then(Value::as_str).context("the server made a consumer without a name")?;
        Ok(Self { next: format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{name}") })
    }
}

struct Appending {
    client: Client,
    partitions: usize,
}

impl Appender for Appending {
    fn append(&mut self, record: &[u8]) -> Result<()> {
        self.append_batch(&[record])
    }

    fn append_batch(&mut self, records: &[&[u8]]) -> Result<()> {
        for record in records {
            self.client.say(&subject(partition_of(record, self.partitions)), record)?;
        }
        self.client.connection.flush()?;
        for record in records {
            let answer = self.client.hear()?;
            let is_error = answer.is_status || answer.payload.starts_with(b"{\"error\"");
            let text = || String::from_utf8_lossy(&answer.payload).into_owned();
            ensure!(!is_error, "the server refused record {}: {}", identity(record).1, text());
        }
        Ok(())
    }
}

/// Reads, for itself or as one of a group.
struct Reading {
    client: Client,
    consumers: Vec<Consumer>,
}

impl Reader for Reading {
    fn read(&mut self, count_max: usize, _: Duration, account: &mut Account) -> Result<usize> {
        let mut count = 0;
        for consumer in &self.consumers {
            count +=
                self.client.pull(consumer, count_max, |heard| account.enter(&heard.payload, || (None, 0)))?;
        }
        Ok(count)
    }
}

impl Member for Reading {
    fn work(&mut self, count_max: usize, _: Duration, tally: &mut Tally) -> Result<usize> {
        let mut replies = Vec::new();
        for consumer in &self.consumers {
            self.client.pull(consumer, count_max, |heard| {
                tally.enter(&heard.payload);
                replies.extend(heard.reply);
            })?;
        }
        replies.iter().try_for_each(|reply| self.client.say(reply, b"+ACK"))?;
        self.client.connection.flush()?;
        replies.iter().try_for_each(|_| self.client.hear().map(drop))?;
        Ok(replies.len())
    }
}

impl Nats {
    fn client(&self) -> Result<Client> {
        // ORDERING: Relaxed: each takes another number.
        Client::new(&self.server, self.clients.fetch_add(1, Ordering::Relaxed))
    }

    fn reading(&self, group: Option<&str>) -> Result<Reading> {
        let mut client = self.client()?;
        let consumers = (0..self.partitions).map(|partition| Consumer::new(&mut client, partition, group));
        let consumers = consumers.collect::<Result<_>>()?;
        Ok(Reading { client, consumers })
    }
}

impl Stream for Nats {
    fn appender(&self) -> Result<Box<dyn Appender + '_>> {
        Ok(Box::new(Appending { client: self.client()?, partitions: self.partitions }))
    }

    fn reader(&self) -> Result<Box<dyn Reader + '_>> {
        Ok(Box::new(self.reading(None)?))
    }

    fn member(&self) -> Result<Box<dyn Member + Send + '_>> {
        Ok(Box::new(self.reading(Some(GROUP))?))
    }
}

pub fn peer() -> Peer {
    const ABILITIES: &[Ability] = &[Ability::Keeps, Ability::Follows, Ability::Partitions, Ability::Groups];
    let levels = &[Level::Memory, Level::Written, Level::Synced];
    Peer { name: PROGRAM, role: Role::Rival, levels, abilities: ABILITIES, open }
}
