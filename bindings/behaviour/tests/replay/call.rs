//! The verbs, as Rust has them. Those that are not hot are called by name, with the crate that all surfaces share.

use crate::show;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ringmain::{
    Delivery, End, Error, Filter, Group, Hub, ManualClock, Member, Message, Producer, Queue, Reader, Record,
    Result, Start, Stream, Table,
};
use ringmain_behaviour::Step;
use ringmain_surface::{hub_call, open_queue, open_stream, queue_call, stream_call};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::time::Duration;

/// What a name of a script stands for.
pub enum Thing {
    Hub(Hub),
    Clock(ManualClock),
    Queue(Queue),
    Job(Delivery),
    Stream(Stream),
    Reader(Box<Reader>),
    Group(Group),
    Member(Option<Member>),
    Producer(Producer),
    Table(Table),
    Record(Record),
}

pub type Things = HashMap<String, Thing>;

/// What a call gives: what can be compared, and what can be named.
type Given = (Value, Vec<Thing>);

type With = Map<String, Value>;

/// Does one step.
pub fn call(things: &mut Things, step: &Step) -> Result<Given> {
    let (name, verb) = step.split();
    // Taken out, because a verb may need others.
    let mut thing = things.remove(name).unwrap_or_else(|| panic!("{name:?} stands for nothing"));
    let given = on(&mut thing, verb, &step.with, things);
    things.insert(name.to_owned(), thing);
    given
}

fn on(thing: &mut Thing, verb: &str, with: &With, things: &Things) -> Result<Given> {
    match thing {
        Thing::Hub(hub) => on_hub(hub, verb, with),
        Thing::Clock(clock) => {
            clock.advance(ms(with, "ms"));
            shown(Value::Null)
        }
        Thing::Queue(queue) => on_queue(queue, verb, with, things),
        Thing::Job(job) => on_job(job, verb, with),
        Thing::Stream(stream) => on_stream(stream, verb, with),
        Thing::Reader(reader) => on_reader(reader, verb, with),
        Thing::Group(group) => on_group(group, verb),
        Thing::Member(member) => on_member(member, verb, with, things),
        Thing::Producer(producer) => on_producer(producer, verb, with),
        Thing::Table(table) => match verb {
            "get" => {
                let found = table.get(text(with, "key"))?;
                shown(found.as_ref().map_or(Value::Null, show::record))
            }
            "len" => shown(table.len()?.into()),
            _ => unknown(verb),
        },
        Thing::Record(_) => unknown(verb),
    }
}

fn on_hub(hub: &Hub, verb: &str, with: &With) -> Result<Given> {
    let mut options = with.clone();
    match verb {
        "queue" => {
            let name = options.remove("name").unwrap_or_default();
            let queue =
                open_queue(hub, name.as_str().unwrap_or_default(), &Value::from(options).to_string())?;
            Ok((Value::Null, vec![Thing::Queue(queue)]))
        }
        "stream" => {
            let name = options.remove("name").unwrap_or_default();
            let stream =
                open_stream(hub, name.as_str().unwrap_or_default(), &Value::from(options).to_string())?;
            Ok((Value::Null, vec![Thing::Stream(stream)]))
        }
        "close" => shown(hub.close(Duration::from_secs(10)).map(Value::from)?),
        _ => cold(hub_call(hub, verb, &arguments(with))),
    }
}

fn on_queue(queue: &Queue, verb: &str, with: &With, things: &Things) -> Result<Given> {
    let jobs = || -> Vec<&Delivery> { names(with, "jobs").map(|name| job(things, name)).collect() };
    let one = |delivery: Option<Delivery>| match delivery {
        Some(delivery) => Ok((show::delivery(&delivery), vec![Thing::Job(delivery)])),
        None => shown(Value::Null),
    };
    match verb {
        "send" => with_message(with, |message| shown(queue.send(message)?.into())),
        "send_unique" => with_message(with, |message| {
            let sent = queue.send_unique(message)?;
            shown(json!({ "id": sent.id, "is_duplicate": sent.is_duplicate }))
        }),
        "send_many" => with_messages(with, |messages| shown(queue.send_batch(messages)?.into())),
        "receive" => one(queue.try_receive()?),
        "receive_deferred" => one(queue.receive_deferred(number(with, "id"))?),
        "receive_many" => {
            let taken = queue.receive_batch(number(with, "count") as usize, Duration::ZERO)?;
            Ok((taken.iter().map(show::delivery).collect(), taken.into_iter().map(Thing::Job).collect()))
        }
        "peek" => {
            let from = with.get("from_id").and_then(Value::as_u64).unwrap_or(0);
            shown(queue.peek(from, number(with, "count") as usize)?.iter().map(show::peeked).collect())
        }
        "ack_many" => shown(codes(queue.ack_batch(&jobs()))),
        "fail_many" => shown(codes(queue.fail_batch(&jobs(), text(with, "reason")))),
        "release_many" => shown(codes(queue.release_batch(&jobs()))),
        _ => cold(queue_call(queue, verb, &arguments(with))),
    }
}

fn on_job(job: &Delivery, verb: &str, with: &With) -> Result<Given> {
    let delay = with.get("delay_ms").map(|_| ms(with, "delay_ms"));
    match (verb, delay) {
        ("ack", _) => match with.get("result").and_then(Value::as_str) {
            Some(result) => job.ack_with(result)?,
            None => job.ack()?,
        },
        ("fail", None) => match with.get("class").and_then(Value::as_str) {
            Some(class) => job.fail_as(class, text(with, "reason"))?,
            None => job.fail(text(with, "reason"))?,
        },
        ("fail", Some(delay)) => job.fail_after(text(with, "reason"), delay)?,
        ("release", delay) => job.release_after(delay.unwrap_or_default())?,
        ("reject", _) => job.reject(text(with, "reason"))?,
        ("extend", _) => job.extend(ms(with, "duration_ms"))?,
        ("defer", _) => job.defer()?,
        ("rate_limited", _) => job.rate_limited(ms(with, "retry_after_ms"))?,
        ("is_cancelled", _) => return shown(job.is_cancelled().into()),
        _ => return unknown(verb),
    }
    shown(Value::Null)
}

fn on_stream(stream: &Stream, verb: &str, with: &With) -> Result<Given> {
    let partition = || number(with, "partition") as u32;
    match verb {
        "append" => with_message(with, |message| shown(show::position(stream.append(message)?))),
        "append_to" => {
            with_message(with, |message| shown(show::position(stream.append_to(partition(), message)?)))
        }
        "append_many" => with_messages(with, |messages| {
            shown(stream.append_batch(messages)?.into_iter().map(show::position).collect())
        }),
        "append_expecting" => with_messages(with, |messages| {
            let positions = stream.append_expecting(partition(), number(with, "end"), messages)?;
            shown(positions.into_iter().map(show::position).collect())
        }),
        "reader" => {
            let start = start(with.get("start"));
            let mut reader = match with.get("partition") {
                Some(_) => stream.partition_reader(partition(), start)?,
                None => stream.reader(start)?,
            };
            if let Some(until) = with.get("until") {
                reader = reader.until(until["offset"].as_u64().map_or(End::Now, End::Offset));
            }
            if let Some(only) = with.get("only") {
                reader = reader.only(filter(only))?;
            }
            Ok((Value::Null, vec![Thing::Reader(Box::new(reader))]))
        }
        "group" => Ok((Value::Null, vec![Thing::Group(stream.group(text(with, "name")))])),
        "producer" => Ok((Value::Null, vec![Thing::Producer(stream.producer(text(with, "name"))?)])),
        "table" => Ok((Value::Null, vec![Thing::Table(stream.table()?)])),
        _ => cold(stream_call(stream, verb, &arguments(with))),
    }
}

fn on_reader(reader: &mut Reader, verb: &str, with: &With) -> Result<Given> {
    match verb {
        "poll" => records(reader.poll(number(with, "count") as usize, Duration::ZERO)?),
        "seek" => {
            reader.seek(number(with, "partition") as u32, number(with, "offset"))?;
            shown(Value::Null)
        }
        "lag" => shown(reader.lag().into()),
        "is_done" => shown(reader.is_done().into()),
        _ => unknown(verb),
    }
}

fn on_group(group: &Group, verb: &str) -> Result<Given> {
    match verb {
        "join" => Ok((Value::Null, vec![Thing::Member(Some(group.join()?))])),
        "committed" => shown(group.committed()?.into()),
        "lag" => shown(group.lag()?.into()),
        _ => unknown(verb),
    }
}

fn on_member(member: &mut Option<Member>, verb: &str, with: &With, things: &Things) -> Result<Given> {
    if verb == "leave" {
        return shown(member.take().map(Member::leave).transpose()?.into());
    }
    let Some(member) = member else { return Err(Error::Closed { what: "member" }) };
    let partition = || number(with, "partition") as u32;
    match verb {
        "poll" => return records(member.poll(number(with, "count") as usize, Duration::ZERO)?),
        "commit" => member.commit()?,
        "commit_offset" => member.commit_offset(partition(), number(with, "offset"))?,
        "done" => {
            let Some(Thing::Record(record)) = things.get(text(with, "record")) else { panic!("no record") };
            member.done(record)?;
        }
        "commit_done" => member.commit_done()?,
        "rewind" => member.rewind(partition(), number(with, "offset"))?,
        "seek" => member.seek(partition(), number(with, "offset"))?,
        "assignment" => return shown(member.assignment()?.into()),
        "lag" => return shown(member.lag()?.into()),
        _ => return unknown(verb),
    }
    shown(Value::Null)
}

fn on_producer(producer: &Producer, verb: &str, with: &With) -> Result<Given> {
    match verb {
        "append" => with_messages(with, |messages| {
            let accepted = producer.append(number(with, "sequence"), messages)?;
            shown(json!({ "duplicate": accepted.duplicate }))
        }),
        "next_sequence" => shown(producer.next_sequence()?.into()),
        _ => unknown(verb),
    }
}

fn shown(value: Value) -> Result<Given> {
    Ok((value, vec![]))
}

fn unknown(verb: &str) -> Result<Given> {
    panic!("no verb {verb:?} here")
}

fn records(records: Vec<Record>) -> Result<Given> {
    Ok((records.iter().map(show::record).collect(), records.into_iter().map(Thing::Record).collect()))
}

fn codes(results: Vec<Result<()>>) -> Value {
    results.iter().map(|result| result.as_ref().err().map(|error| error.code().name())).collect()
}

/// An answer of the shared crate, its bytes as text.
fn cold(answer: Result<String>) -> Result<Given> {
    let mut answer: Value = serde_json::from_str(&answer?).expect("an answer is JSON");
    if let Value::Object(members) = &mut answer {
        let encoded: Vec<_> = members.keys().filter(|name| name.ends_with("_base64")).cloned().collect();
        for name in encoded {
            let bytes = members.remove(&name).unwrap_or_default();
            let decoded = bytes.as_str().map(|text| BASE64_STANDARD.decode(text).expect("base64"));
            let text = decoded.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            members.insert(name.trim_end_matches("_base64").to_owned(), text.into());
        }
    }
    shown(answer)
}

fn arguments(with: &With) -> String {
    Value::from(with.clone()).to_string()
}

fn number(with: &With, name: &str) -> u64 {
    with.get(name).and_then(Value::as_u64).unwrap_or_else(|| panic!("{name} is missing"))
}

fn ms(with: &With, name: &str) -> Duration {
    Duration::from_millis(number(with, name))
}

fn text<'a>(with: &'a With, name: &str) -> &'a str {
    with.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("{name} is missing"))
}

fn names<'a>(with: &'a With, name: &str) -> impl Iterator<Item = &'a str> {
    with.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn job<'a>(things: &'a Things, name: &str) -> &'a Delivery {
    match things.get(name) {
        Some(Thing::Job(job)) => job,
        _ => panic!("{name} is no job"),
    }
}

fn start(start: Option<&Value>) -> Start {
    match start {
        None => Start::Earliest,
        Some(Value::String(text)) if text == "latest" => Start::Latest,
        Some(Value::String(_)) => Start::Earliest,
        Some(object) => match object["offset"].as_u64() {
            Some(offset) => Start::Offset(offset),
            None => Start::Time(object["time_ns"].as_u64().unwrap_or_default()),
        },
    }
}

fn filter(filter: &Value) -> Filter {
    let text = |name: &str| filter[name].as_str();
    let each =
        |name: &str| filter[name].as_array().map(|each| each.iter().map(self::filter).collect::<Vec<_>>());
    match (text("key"), text("header"), text("value")) {
        (Some(key), ..) => Filter::key(key),
        (_, Some(header), Some(value)) => Filter::header(header, value),
        (_, Some(header), None) => Filter::has_header(header),
        _ => match (each("any"), each("all")) {
            (Some(any), _) => Filter::any(any),
            (_, all) => Filter::all(all.unwrap_or_default()),
        },
    }
}

fn with_message(with: &With, then: impl FnOnce(Message<'_>) -> Result<Given>) -> Result<Given> {
    then(message(with))
}

fn with_messages(with: &With, then: impl FnOnce(&[Message<'_>]) -> Result<Given>) -> Result<Given> {
    let messages = with.get("messages").and_then(Value::as_array).expect("messages");
    let messages: Vec<_> =
        messages.iter().map(|each| message(each.as_object().expect("a message"))).collect();
    then(&messages)
}

fn message(with: &With) -> Message<'_> {
    let text = |name: &str| with.get(name).and_then(Value::as_str);
    let mut message = match with.get("tombstone") {
        Some(_) => Message::tombstone(self::text(with, "key")),
        None => Message::new(self::text(with, "value")),
    };
    if let Some(key) = text("key") {
        message = message.key(key);
    }
    for (name, value) in with.get("headers").and_then(Value::as_object).into_iter().flatten() {
        message = message.header(name, value.as_str().unwrap_or_default());
    }
    if let Some(key) = text("ordering_key") {
        message = message.ordering_key(key);
    }
    if let Some(key) = text("dedup_key") {
        message = message.dedup_key(key);
    }
    let number = |name: &str| with.get(name).and_then(Value::as_u64);
    if let Some(ns) = number("event_time_ns") {
        message = message.event_time(ns);
    }
    if let Some(ns) = number("deliver_at_ns") {
        message = message.deliver_at(ns);
    }
    if let Some(delay) = number("delay_ms") {
        message = message.delay(Duration::from_millis(delay));
    }
    if let Some(ttl) = number("ttl_ms") {
        message = message.ttl(Duration::from_millis(ttl));
    }
    if let Some(priority) = number("priority") {
        message = message.priority(priority as u8);
    }
    if let Some(count) = number("max_failures") {
        message = message.max_failures(count as u32);
    }
    message
}
