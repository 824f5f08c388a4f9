//! The verbs of streams, and of what reads and writes them.

use super::{Given, Thing, Verbs, expected, unknown};
use crate::arguments::{Arguments, Result, filter, literal, message, messages, place};
use crate::shown::{self, Shown};
use ringmain_behaviour::Step;
use serde_json::Value;

fn record(batch: &str, index: usize) -> Shown<'static> {
    Shown {
        kind: "ringmain_record",
        get: format!("ringmain_records_get({batch}, {index}"),
        header: format!("ringmain_records_header({batch}, {index}"),
    }
}

impl Verbs {
    pub(super) fn on_stream(
        &mut self,
        step: &Step,
        stream: &str,
        verb: &str,
        mut with: Arguments,
    ) -> Result<Given> {
        match verb {
            "append" => return self.append(step, &format!("ringmain_stream_append({stream}"), with),
            "append_to" => {
                let partition = with.number("partition")?;
                return self.append(step, &format!("ringmain_stream_append_to({stream}, {partition}"), with);
            }
            "append_many" => {
                self.append_many(step, &format!("ringmain_stream_append_batch({stream}"), &mut with)?
            }
            "append_expecting" => {
                let (partition, end) = (with.number("partition")?, with.number("end")?);
                let call = format!("ringmain_stream_append_expecting({stream}, {partition}, {end}");
                self.append_many(step, &call, &mut with)?;
            }
            "reader" => return self.reader(step, stream, with),
            "group" => {
                let name = literal(&with.text("name")?);
                with.end()?;
                return Ok(Thing::Group { stream: stream.to_owned(), name }.into());
            }
            "producer" => {
                let name = literal(&with.text("name")?);
                let call = format!("ringmain_producer_open({stream}, {name}");
                let producer = self.opens(step, "ringmain_producer", "ringmain_producer_close", &call);
                with.end()?;
                return Ok(Thing::Producer(producer).into());
            }
            "table" => {
                let call = format!("ringmain_table_open({stream}");
                let table = self.opens(step, "ringmain_table", "ringmain_table_close", &call);
                with.end()?;
                return Ok(Thing::Table(table).into());
            }
            "groups" => self.groups(step)?,
            "producers" => {
                let why = "stream.producers: who opened one knows it".to_owned();
                return Ok(Given { unsaid: Some(why), ..Given::default() });
            }
            "delete_group" | "delete_producer" => {
                let name = literal(&with.text("name")?);
                self.answers(step, &format!("ringmain_stream_{verb}({stream}, {name})"));
            }
            "offset_at_time" => {
                let (partition, time) = (with.number("partition")?, with.number("time_ns")?);
                let call = format!("ringmain_stream_offset_at_time({stream}, {partition}, {time}");
                _ = self.counts(step, "uint64_t", &call)?;
            }
            _ => return unknown("stream", verb),
        }
        with.end().map(|()| Given::default())
    }

    /// In C they are among the counts of the hub.
    fn groups(&mut self, step: &Step) -> Result<()> {
        if self.things.values().filter(|thing| matches!(thing, Thing::Stream(_))).count() > 1 {
            return Err("the generator only knows the groups of a hub's only stream".to_owned());
        }
        if let Some((gives, json)) = self.json(step, "ringmain_hub_stats(hub") {
            let (names, list) = (self.fresh(), gives.to_string());
            let bytes = list.len();
            self.line(format!("const char *{names} = names_in({json}, \"groups\");"));
            self.line(format!("BYTES(\"groups\", {}, {bytes}, {names}, strlen({names}));", literal(&list)));
        }
        Ok(())
    }

    fn append(&mut self, step: &Step, call: &str, with: Arguments) -> Result<Given> {
        let (each, position) = (self.fresh(), self.fresh());
        self.line(format!("const ringmain_message {each} = {};", message(with)?));
        self.line(format!("ringmain_position {position} = {{0}};"));
        self.answers(step, &format!("{call}, &{each}, &{position})"));
        if let Some(gives) = expected(step) {
            self.lines.extend(shown::position(gives, &position)?);
        }
        Ok(Given::default())
    }

    fn append_many(&mut self, step: &Step, call: &str, with: &mut Arguments) -> Result<()> {
        let (messages, count) = messages(with)?;
        let (each, positions) = (self.fresh(), self.fresh());
        self.line(format!("const ringmain_message {each}[] = {messages};"));
        self.line(format!("ringmain_position {positions}[{count}] = {{{{0, 0, 0}}}};"));
        self.answers(step, &format!("{call}, {each}, {count}, {positions})"));
        let Some(gives) = expected(step) else { return Ok(()) };
        let gives = gives.as_array().ok_or_else(|| format!("{gives} is no list"))?;
        self.line(shown::number("how many", &gives.len().into(), &count.to_string())?);
        for (index, gives) in gives.iter().enumerate().take(count) {
            self.lines.extend(shown::position(gives, &format!("{positions}[{index}]"))?);
        }
        Ok(())
    }

    fn reader(&mut self, step: &Step, stream: &str, mut with: Arguments) -> Result<Given> {
        let (start, start_value) = place("START", with.take("start"))?;
        let partition = match with.has("partition") {
            true => with.number("partition")?.to_string(),
            false => "RINGMAIN_PARTITION_ALL".to_owned(),
        };
        let mut fields = vec![".size = sizeof(ringmain_reader_options)".to_owned()];
        if let Some(until) = with.take("until") {
            let (kind, value) = place("END", Some(until))?;
            fields.push(format!(".end_kind = {kind}, .end_value = {value}"));
        }
        if let Some(only) = with.take("only") {
            fields.push(format!(".filter = &(const ringmain_filter){}", filter(&only)?));
        }
        let options = self.fresh();
        self.line(format!("const ringmain_reader_options {options} = {{{}}};", fields.join(", ")));
        let arguments = format!("{stream}, {partition}, {start}, {start_value}, &{options}");
        let call = format!("ringmain_reader_open_with({arguments}");
        let reader = self.opens(step, "ringmain_reader", "ringmain_reader_close", &call);
        with.end()?;
        Ok(Thing::Reader(reader).into())
    }

    fn poll(&mut self, step: &Step, call: &str, mut with: Arguments) -> Result<Given> {
        let count_max = with.number("count")?;
        with.end()?;
        let (batch, count) = (self.variable("ringmain_records"), self.variable("size_t"));
        self.answers(step, &format!("{call}, {count_max}, 0, &{batch}, &{count})"));
        self.keep("ringmain_records_close", &batch);
        if let Some(gives) = expected(step) {
            self.lines.extend(shown::messages(gives, &count, |index| record(&batch, index))?);
        }
        let things = (0..step.names().len()).map(|index| Thing::Record { batch: batch.clone(), index });
        Ok(Given { things: things.collect(), unsaid: None })
    }

    pub(super) fn on_reader(
        &mut self,
        step: &Step,
        reader: &str,
        verb: &str,
        mut with: Arguments,
    ) -> Result<Given> {
        match verb {
            "poll" => return self.poll(step, &format!("ringmain_reader_poll({reader}"), with),
            "seek" => {
                let (partition, offset) = (with.number("partition")?, with.number("offset")?);
                self.answers(step, &format!("ringmain_reader_seek({reader}, {partition}, {offset})"));
            }
            "lag" => _ = self.counts(step, "uint64_t", &format!("ringmain_reader_lag({reader}"))?,
            "is_done" => _ = self.counts(step, "int32_t", &format!("ringmain_reader_is_done({reader}"))?,
            _ => return unknown("reader", verb),
        }
        with.end().map(|()| Given::default())
    }

    pub(super) fn on_group(
        &mut self,
        step: &Step,
        stream: &str,
        name: &str,
        verb: &str,
        with: Arguments,
    ) -> Result<Given> {
        with.end()?;
        match verb {
            "join" => {
                let call = format!("ringmain_group_join({stream}, {name}, RINGMAIN_START_EARLIEST, 0");
                let member = self.opens(step, "ringmain_member", "ringmain_member_leave", &call);
                Ok(Thing::Member(member).into())
            }
            "lag" => self.counts(step, "uint64_t", &format!("ringmain_group_lag({stream}, {name}")),
            "committed" => self.committed(step, stream, name),
            _ => unknown("group", verb),
        }
    }

    /// Of each partition, which C asks for one by one.
    fn committed(&mut self, step: &Step, stream: &str, name: &str) -> Result<Given> {
        let partitions = self.variable("uint32_t");
        self.line(format!("OK(ringmain_stream_partitions({stream}, &{partitions}));"));
        let places = match expected(step) {
            Some(gives) => gives.as_array().ok_or_else(|| format!("{gives} is no list"))?.clone(),
            None => vec![Value::Null],
        };
        if expected(step).is_some() {
            self.line(shown::number("how many", &places.len().into(), &partitions)?);
        }
        for (index, gives) in places.iter().enumerate() {
            let (offset, is_committed) = (self.variable("uint64_t"), self.variable("int32_t"));
            let places = format!("{index}, &{offset}, &{is_committed}");
            self.answers(step, &format!("ringmain_group_committed({stream}, {name}, {places})"));
            if expected(step).is_some() {
                self.line(shown::number(
                    "whether it is committed",
                    &(!gives.is_null()).into(),
                    &is_committed,
                )?);
                let gives = if gives.is_null() { &Value::from(0) } else { gives };
                self.line(shown::number("offset", gives, &offset)?);
            }
        }
        Ok(Given::default())
    }

    pub(super) fn on_member(
        &mut self,
        step: &Step,
        member: &str,
        verb: &str,
        mut with: Arguments,
    ) -> Result<Given> {
        match verb {
            "poll" => return self.poll(step, &format!("ringmain_member_poll({member}"), with),
            "commit" | "commit_done" | "leave" => {
                self.answers(step, &format!("ringmain_member_{verb}({member})"));
            }
            "commit_offset" | "rewind" | "seek" => {
                let (partition, offset) = (with.number("partition")?, with.number("offset")?);
                self.answers(step, &format!("ringmain_member_{verb}({member}, {partition}, {offset})"));
            }
            "done" => {
                let name = with.text("record")?;
                let Some(Thing::Record { batch, index }) = self.things.get(&name) else {
                    return Err(format!("{name} is no record"));
                };
                let call = format!("ringmain_member_done({member}, {batch}, {index})");
                self.answers(step, &call);
            }
            "assignment" => {
                let (partitions, count) = (self.fresh(), self.variable("size_t"));
                let max = "RINGMAIN_PARTITION_COUNT_MAX";
                self.line(format!("static uint32_t {partitions}[{max}];"));
                let call = format!("ringmain_member_assignment({member}, {max}, {partitions}, &{count})");
                self.answers(step, &call);
                if let Some(gives) = expected(step) {
                    let gives = gives.as_array().ok_or_else(|| format!("{gives} is no list"))?;
                    self.line(shown::number("how many", &gives.len().into(), &count)?);
                    for (index, partition) in gives.iter().enumerate() {
                        self.line(shown::number("partition", partition, &format!("{partitions}[{index}]"))?);
                    }
                }
            }
            "lag" => _ = self.counts(step, "uint64_t", &format!("ringmain_member_lag({member}"))?,
            _ => return unknown("member", verb),
        }
        with.end().map(|()| Given::default())
    }

    pub(super) fn on_producer(
        &mut self,
        step: &Step,
        producer: &str,
        verb: &str,
        mut with: Arguments,
    ) -> Result<Given> {
        match verb {
            "append" => {
                let sequence = with.number("sequence")?;
                let (messages, count) = messages(&mut with)?;
                let (each, is_duplicate) = (self.fresh(), self.variable("int32_t"));
                self.line(format!("const ringmain_message {each}[] = {messages};"));
                let arguments = format!("{producer}, {sequence}, {each}, {count}, NULL, &{is_duplicate}");
                self.answers(step, &format!("ringmain_producer_append({arguments})"));
                if let Some(gives) = expected(step) {
                    let mut gives = Arguments::of_value("gives", gives)?;
                    self.line(shown::number("duplicate", &gives.need("duplicate")?, &is_duplicate)?);
                    gives.end()?;
                }
            }
            "next_sequence" => {
                _ = self.counts(step, "uint64_t", &format!("ringmain_producer_next_sequence({producer}"))?;
            }
            _ => return unknown("producer", verb),
        }
        with.end().map(|()| Given::default())
    }

    pub(super) fn on_table(
        &mut self,
        step: &Step,
        table: &str,
        verb: &str,
        mut with: Arguments,
    ) -> Result<Given> {
        match verb {
            "get" => {
                let key = with.text("key")?;
                let (batch, count) = (self.variable("ringmain_records"), self.variable("size_t"));
                let arguments = format!("{table}, {}, {}, &{batch}, &{count}", literal(&key), key.len());
                self.answers(step, &format!("ringmain_table_get({arguments})"));
                self.keep("ringmain_records_close", &batch);
                if let Some(gives) = expected(step) {
                    let is_there = u8::from(!gives.is_null());
                    self.line(format!("NUMBER(\"a record\", {is_there}, {count});"));
                    if !gives.is_null() {
                        self.lines.extend(shown::message(&record(&batch, 0), gives)?);
                    }
                }
            }
            "len" => _ = self.counts(step, "size_t", &format!("ringmain_table_count({table}"))?,
            _ => return unknown("table", verb),
        }
        with.end().map(|()| Given::default())
    }
}
