//! The verbs of queues and of jobs.

use super::{Given, Thing, Verbs, expected, unknown};
use crate::arguments::{Arguments, Result, literal, message, messages};
use crate::shown::{self, Shown};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ringmain_behaviour::Step;
use serde_json::Value;

/// The counts that C has in a struct too.
const COUNTS: [&str; 10] = [
    "ready",
    "scheduled",
    "leased",
    "sent_total",
    "acked_total",
    "failures_total",
    "leases_expired_total",
    "redeliveries_total",
    "dead_total",
    "dropped_total",
];

fn delivered(job: &str) -> Shown<'static> {
    Shown {
        kind: "ringmain_message_info",
        get: format!("ringmain_delivery_get({job}"),
        header: format!("ringmain_delivery_header({job}"),
    }
}

impl Verbs {
    pub(super) fn on_queue(
        &mut self,
        step: &Step,
        queue: &str,
        verb: &str,
        mut with: Arguments,
    ) -> Result<Given> {
        match verb {
            "send" | "send_unique" => return self.send(step, queue, verb, with),
            "send_many" => {
                let (messages, count) = messages(&mut with)?;
                let (each, ids) = (self.fresh(), self.fresh());
                self.line(format!("const ringmain_message {each}[] = {messages};"));
                self.line(format!("uint64_t {ids}[{count}] = {{0}};"));
                self.answers(step, &format!("ringmain_queue_send_batch({queue}, {each}, {count}, {ids})"));
                if let Some(gives) = expected(step) {
                    let gives = gives.as_array().ok_or("send_many gives a list")?;
                    self.line(shown::number("how many", &gives.len().into(), &count.to_string())?);
                    for (index, id) in gives.iter().enumerate().take(count) {
                        self.line(shown::number("id", id, &format!("{ids}[{index}]"))?);
                    }
                }
            }
            "receive" => {
                with.end()?;
                return self.receive(step, &format!("ringmain_queue_receive({queue}, 0"));
            }
            "receive_deferred" => {
                let id = with.number("id")?;
                with.end()?;
                return self.receive(step, &format!("ringmain_queue_receive_deferred({queue}, {id}"));
            }
            "receive_many" => {
                let count = with.number("count")?;
                with.end()?;
                return self.receive_many(step, queue, count);
            }
            "peek" => {
                let from = if with.has("from_id") { with.number("from_id")? } else { 0 };
                let (batch, count) = (self.variable("ringmain_peeked"), self.variable("size_t"));
                let count_max = with.number("count")?;
                let call = format!("ringmain_queue_peek({queue}, {from}, {count_max}, &{batch}, &{count})");
                self.answers(step, &call);
                self.keep("ringmain_peeked_close", &batch);
                if let Some(gives) = expected(step) {
                    self.lines.extend(shown::messages(gives, &count, |index| Shown {
                        kind: "ringmain_message_info",
                        get: format!("ringmain_peeked_get({batch}, {index}"),
                        header: format!("ringmain_peeked_header({batch}, {index}"),
                    })?);
                }
            }
            "ack_many" | "fail_many" | "release_many" => return self.settle_many(step, queue, verb, with),
            "pause" | "resume" => self.answers(step, &format!("ringmain_queue_{verb}({queue})")),
            "purge" | "purge_all" => {
                _ = self.counts(step, "uint64_t", &format!("ringmain_queue_{verb}({queue}"))?;
            }
            "cancel" | "cancel_now" => {
                let id = with.number("id")?;
                _ = self.counts(step, "int32_t", &format!("ringmain_queue_{verb}({queue}, {id}"))?;
            }
            "reschedule" => {
                let (id, delay) = (with.number("id")?, with.number("delay_ms")?);
                _ = self.counts(
                    step,
                    "int32_t",
                    &format!("ringmain_queue_reschedule({queue}, {id}, {delay}"),
                )?;
            }
            "dead_letters_redrive" => {
                if let Some(letters) = with.take("letters") {
                    Arguments::of_value("letters", &letters)?.end()?;
                }
                let call = format!("ringmain_dead_letters_redrive({queue}, NULL, NULL");
                _ = self.counts(step, "uint64_t", &call)?;
            }
            "finished" => {
                let id = with.number("id")?;
                self.members(step, &format!("ringmain_queue_finished({queue}, {id}, 1"))?;
            }
            "stats" => {
                self.members(step, &format!("ringmain_queue_stats_all({queue}"))?;
                self.stats(step, queue)?;
            }
            _ => return unknown("queue", verb),
        }
        with.end().map(|()| Given::default())
    }

    fn send(&mut self, step: &Step, queue: &str, verb: &str, with: Arguments) -> Result<Given> {
        let each = self.fresh();
        self.line(format!("const ringmain_message {each} = {};", message(with)?));
        if verb == "send" {
            return self.counts(step, "uint64_t", &format!("ringmain_queue_send({queue}, &{each}"));
        }
        let sent = self.fresh();
        self.line(format!("ringmain_sent {sent} = {{0}};"));
        self.answers(step, &format!("ringmain_queue_send_unique({queue}, &{each}, &{sent})"));
        if let Some(gives) = expected(step) {
            let mut gives = Arguments::of_value("gives", gives)?;
            for name in ["id", "is_duplicate"] {
                if let Some(value) = gives.take(name) {
                    self.line(shown::number(name, &value, &format!("{sent}.{name}"))?);
                }
            }
            gives.end()?;
        }
        Ok(Given::default())
    }

    fn receive(&mut self, step: &Step, call: &str) -> Result<Given> {
        let job = self.opens(step, "ringmain_delivery", "ringmain_delivery_close", call);
        match expected(step) {
            None => {}
            Some(Value::Null) => self.line(format!("NUMBER(\"a message\", 0, {job} != 0);")),
            Some(gives) => {
                self.line(format!("NUMBER(\"a message\", 1, {job} != 0);"));
                self.lines.extend(shown::message(&delivered(&job), gives)?);
            }
        }
        Ok(Thing::Job(job).into())
    }

    fn receive_many(&mut self, step: &Step, queue: &str, count_max: u64) -> Result<Given> {
        let (jobs, count) = (self.fresh(), self.variable("size_t"));
        let places = count_max.max(1);
        self.line(format!("ringmain_delivery {jobs}[{places}] = {{0}};"));
        let call = format!("ringmain_queue_receive_batch({queue}, {count_max}, 0, {jobs}, &{count})");
        self.answers(step, &call);
        let mut given = Given::default();
        for index in 0..places {
            self.keep("ringmain_delivery_close", &format!("{jobs}[{index}]"));
            given.things.push(Thing::Job(format!("{jobs}[{index}]")));
        }
        if let Some(gives) = expected(step) {
            self.lines
                .extend(shown::messages(gives, &count, |index| delivered(&format!("{jobs}[{index}]")))?);
        }
        Ok(given)
    }

    fn settle_many(&mut self, step: &Step, queue: &str, verb: &str, mut with: Arguments) -> Result<Given> {
        let mut jobs = Vec::new();
        for name in with.array("jobs")? {
            match name.as_str().and_then(|name| self.things.get(name)) {
                Some(Thing::Job(job)) => jobs.push(job.clone()),
                _ => return Err(format!("{name} is no job")),
            }
        }
        let count = jobs.len();
        let (each, codes) = (self.fresh(), self.fresh());
        self.line(format!("const ringmain_delivery {each}[] = {{{}}};", jobs.join(", ")));
        self.line(format!("int32_t {codes}[{count}] = {{0}};"));
        let function = verb.replace("_many", "_batch");
        let reason = match verb {
            "fail_many" => {
                let reason = with.text("reason")?;
                format!("{}, {}, ", literal(&reason), reason.len())
            }
            _ => String::new(),
        };
        let call = format!("ringmain_queue_{function}({queue}, {each}, {count}, {reason}{codes})");
        match expected(step) {
            // The call answers with the first that is not 0.
            Some(gives) => {
                let first = gives.as_array().and_then(|each| each.iter().find_map(Value::as_str));
                self.line(format!("ANSWERS({}, {call});", shown::error(first)));
                self.lines.extend(shown::codes(gives, count, &codes)?);
            }
            None => self.answers(step, &call),
        }
        with.end().map(|()| Given::default())
    }

    /// Calls a function that stores JSON, which has these members: numbers as they are, bytes as base64.
    fn members(&mut self, step: &Step, call: &str) -> Result<()> {
        let Some((gives, json)) = self.json(step, call) else { return Ok(()) };
        let gives = gives.as_object().ok_or_else(|| format!("{gives} is no object"))?;
        for (name, value) in gives {
            let (name, value) = match value.as_str() {
                Some(text) if ["result", "key"].contains(&name.as_str()) => {
                    (format!("{name}_base64"), format!("\"{}\"", BASE64_STANDARD.encode(text)))
                }
                _ => (name.clone(), value.to_string()),
            };
            self.line(format!("MEMBER({json}, {}, {});", literal(&name), literal(&value)));
        }
        Ok(())
    }

    /// The counts that are in the struct.
    fn stats(&mut self, step: &Step, queue: &str) -> Result<()> {
        let Some(Value::Object(gives)) = expected(step) else { return Ok(()) };
        let stats = self.fresh();
        self.line(format!("ringmain_queue_stats {stats} = {{.size = sizeof(ringmain_queue_stats)}};"));
        self.line(format!("OK(ringmain_queue_stats_get({queue}, &{stats}));"));
        for (name, value) in gives.iter().filter(|(name, _)| COUNTS.contains(&name.as_str())) {
            self.line(shown::number(name, value, &format!("{stats}.{name}"))?);
        }
        Ok(())
    }

    pub(super) fn on_job(
        &mut self,
        step: &Step,
        job: &str,
        verb: &str,
        mut with: Arguments,
    ) -> Result<Given> {
        let call = match verb {
            "ack" if with.has("result") => {
                let result = with.text("result")?;
                format!("ringmain_delivery_ack_with({job}, {}, {})", literal(&result), result.len())
            }
            "ack" | "defer" => format!("ringmain_delivery_{verb}({job})"),
            "fail" => {
                let reason = with.text("reason")?;
                let (text, bytes) = (literal(&reason), reason.len());
                if with.has("class") {
                    let class = with.text("class")?;
                    let (name, name_bytes) = (literal(&class), class.len());
                    format!("ringmain_delivery_fail_as({job}, {name}, {name_bytes}, {text}, {bytes})")
                } else {
                    let delay = match with.has("delay_ms") {
                        true => with.number("delay_ms")?.to_string(),
                        false => "RINGMAIN_DELAY_POLICY".to_owned(),
                    };
                    format!("ringmain_delivery_fail({job}, {text}, {bytes}, {delay})")
                }
            }
            "release" => {
                let delay = if with.has("delay_ms") { with.number("delay_ms")? } else { 0 };
                format!("ringmain_delivery_release({job}, {delay})")
            }
            "reject" => {
                let reason = with.text("reason")?;
                format!("ringmain_delivery_reject({job}, {}, {})", literal(&reason), reason.len())
            }
            "extend" => format!("ringmain_delivery_extend({job}, {})", with.number("duration_ms")?),
            "rate_limited" => {
                format!("ringmain_delivery_rate_limited({job}, {})", with.number("retry_after_ms")?)
            }
            "is_cancelled" => {
                with.end()?;
                return self.counts(step, "int32_t", &format!("ringmain_delivery_is_cancelled({job}"));
            }
            _ => return unknown("job", verb),
        };
        self.answers(step, &call);
        with.end().map(|()| Given::default())
    }
}
