//! The verbs, as C has them.

mod of_queue;
mod of_stream;

use crate::arguments::{Arguments, Result, literal, queue_options, stream_options};
use crate::shown;
use ringmain_behaviour::Step;
use std::collections::HashMap;

/// What a name of a script stands for: the variable in C that holds its handle, and what else is needed.
#[derive(Debug, Clone)]
pub enum Thing {
    Queue(String),
    Job(String),
    Stream(String),
    Reader(String),
    Group { stream: String, name: String },
    Member(String),
    Producer(String),
    Table(String),
    Record { batch: String, index: usize },
}

/// What a call gives.
#[derive(Default)]
pub struct Given {
    /// What can be named.
    pub things: Vec<Thing>,
    /// What C cannot say, if this is such a step: nothing is called then.
    pub unsaid: Option<String>,
}

impl From<Thing> for Given {
    fn from(thing: Thing) -> Self {
        Self { things: vec![thing], unsaid: None }
    }
}

/// The steps so far, as lines of C.
#[derive(Default)]
pub struct Verbs {
    pub lines: Vec<String>,
    pub things: HashMap<String, Thing>,
    /// Whether the handle of the hub is closed.
    is_closed: bool,
    /// How many variables there are.
    variables: usize,
}

impl Verbs {
    pub fn line(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// A name that no variable has yet.
    fn fresh(&mut self) -> String {
        self.variables += 1;
        format!("v{}", self.variables)
    }

    /// A variable of a type, 0 at first.
    fn variable(&mut self, kind: &str) -> String {
        let name = self.fresh();
        self.line(format!("{kind} {name} = 0;"));
        name
    }

    /// Calls a function, which must answer as the step says.
    fn answers(&mut self, step: &Step, call: &str) {
        let expected = shown::error(step.error.as_deref());
        self.line(format!("ANSWERS({expected}, {call});"));
    }

    /// Has a handle closed at the end.
    fn keep(&mut self, close: &str, handle: &str) {
        self.line(format!("keep({close}, {handle});"));
    }

    /// Calls a function that stores a handle, which is closed at the end.
    fn opens(&mut self, step: &Step, kind: &str, close: &str, call: &str) -> String {
        let handle = self.variable(kind);
        self.answers(step, &format!("{call}, &{handle})"));
        self.keep(close, &handle);
        handle
    }

    /// Calls a function that stores a number, which must be what the step says.
    fn counts(&mut self, step: &Step, kind: &str, call: &str) -> Result<Given> {
        let number = self.variable(kind);
        self.answers(step, &format!("{call}, &{number})"));
        if let Some(gives) = expected(step) {
            self.line(shown::number("the answer", gives, &number)?);
        }
        Ok(Given::default())
    }

    /// Calls a function that stores JSON; what the step says of it, and the variable that points to it.
    fn json<'a>(&mut self, step: &'a Step, call: &str) -> Option<(&'a serde_json::Value, String)> {
        let text = self.opens(step, "ringmain_text", "ringmain_text_close", call);
        let gives = expected(step)?;
        let json = self.fresh();
        self.line(format!("const char *{json} = \"\";"));
        self.line(format!("OK(ringmain_text_get({text}, &{json}, NULL));"));
        Some((gives, json))
    }

    /// The same of a list of names, all of which the step says.
    fn lists(&mut self, step: &Step, call: &str) -> Given {
        if let Some((gives, json)) = self.json(step, call) {
            let list = gives.to_string();
            let bytes = list.len();
            self.line(format!("BYTES(\"the list\", {}, {bytes}, {json}, strlen({json}));", literal(&list)));
        }
        Given::default()
    }

    /// Does one step.
    pub fn call(&mut self, step: &Step) -> Result<Given> {
        let (name, verb) = step.split();
        let with = Arguments::new(&step.call, &step.with);
        match name {
            "clock" => self.on_clock(step, verb, with),
            "hub" => self.on_hub(step, verb, with),
            _ => match self.things.get(name).cloned() {
                Some(Thing::Queue(queue)) => self.on_queue(step, &queue, verb, with),
                Some(Thing::Job(job)) => self.on_job(step, &job, verb, with),
                Some(Thing::Stream(stream)) => self.on_stream(step, &stream, verb, with),
                Some(Thing::Reader(reader)) => self.on_reader(step, &reader, verb, with),
                Some(Thing::Group { stream, name }) => self.on_group(step, &stream, &name, verb, with),
                Some(Thing::Member(member)) => self.on_member(step, &member, verb, with),
                Some(Thing::Producer(producer)) => self.on_producer(step, &producer, verb, with),
                Some(Thing::Table(table)) => self.on_table(step, &table, verb, with),
                Some(thing) => unknown(thing.noun(), verb),
                None => Err(format!("{name} stands for nothing")),
            },
        }
    }

    fn on_clock(&mut self, step: &Step, verb: &str, mut with: Arguments) -> Result<Given> {
        if verb != "advance" {
            return unknown("clock", verb);
        }
        let ms = with.number("ms")?;
        self.answers(step, &format!("ringmain_hub_advance(hub, {ms})"));
        self.line(format!("advanced_ms += {ms};"));
        with.end().map(|()| Given::default())
    }

    fn on_hub(&mut self, step: &Step, verb: &str, mut with: Arguments) -> Result<Given> {
        // In C the handle is closed with its hub.
        let closed = Step { error: Some("INVALID_HANDLE".to_owned()), ..step.clone() };
        let is_said_of_closed = match step.error.as_deref() {
            None => verb == "close",
            Some(error) => error == "CLOSED",
        };
        let step = if self.is_closed && is_said_of_closed { &closed } else { step };
        match verb {
            "queue" => {
                let name = literal(&with.text("name")?);
                let options = self.fresh();
                self.line(format!("const ringmain_queue_options {options} = {};", queue_options(with)?));
                let call = format!("ringmain_queue_open(hub, {name}, &{options}");
                return Ok(
                    Thing::Queue(self.opens(step, "ringmain_queue", "ringmain_queue_close", &call)).into()
                );
            }
            "stream" if step.with.get("partitions").is_some_and(|count| count == 0) => {
                let why = "hub.stream with no partitions: 0 is as many as there are".to_owned();
                return Ok(Given { unsaid: Some(why), ..Given::default() });
            }
            "stream" => {
                let name = literal(&with.text("name")?);
                let options = self.fresh();
                self.line(format!("const ringmain_stream_options {options} = {};", stream_options(with)?));
                let call = format!("ringmain_stream_open(hub, {name}, &{options}");
                let stream = self.opens(step, "ringmain_stream", "ringmain_stream_close", &call);
                return Ok(Thing::Stream(stream).into());
            }
            "queues" | "streams" => _ = self.lists(step, &format!("ringmain_hub_{verb}(hub")),
            "delete_queue" | "delete_stream" => {
                let name = literal(&with.text("name")?);
                self.answers(step, &format!("ringmain_hub_{verb}(hub, {name})"));
            }
            "close" => {
                self.answers(step, "ringmain_hub_close(hub, 10000)");
                self.is_closed = true;
            }
            "reopen" => {
                self.line("close_all();");
                self.answers(step, "open_hub()");
                self.things.clear();
            }
            _ => return unknown("hub", verb),
        }
        with.end().map(|()| Given::default())
    }
}

/// What the step must give, if it must not fail.
fn expected(step: &Step) -> Option<&serde_json::Value> {
    step.gives.as_ref().filter(|_| step.error.is_none())
}

fn unknown(noun: &str, verb: &str) -> Result<Given> {
    Err(format!("the generator does not know the verb {verb:?} of a {noun}"))
}
