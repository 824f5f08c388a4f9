//! Every verb, called by its name: what it does, and that what it answers is all that the core tells.

use ringmain::{Error, ErrorCode, Hub, HubStats, Message, Queue, QueueStats, Start, Stream, StreamStats};
use ringmain_surface::{
    Noun, global_call, hub_call, open_hub, open_queue, open_stream, queue_call, snapshot_with, stream_call,
    verbs,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::Duration;

/// Calls verbs, and knows which were called.
#[derive(Default)]
struct Caller {
    called: BTreeSet<(&'static str, String)>,
}

impl Caller {
    fn note(&mut self, noun: &'static str, verb: &str, answer: Result<String, Error>) -> Value {
        self.called.insert((noun, verb.to_owned()));
        serde_json::from_str(&answer.unwrap_or_else(|error| panic!("{verb}: {error}"))).unwrap()
    }

    fn hub(&mut self, hub: &Hub, verb: &str, arguments: Value) -> Value {
        self.note("hub", verb, hub_call(hub, verb, &arguments.to_string()))
    }

    fn queue(&mut self, queue: &Queue, verb: &str, arguments: Value) -> Value {
        self.note("queue", verb, queue_call(queue, verb, &arguments.to_string()))
    }

    fn stream(&mut self, stream: &Stream, verb: &str, arguments: Value) -> Value {
        self.note("stream", verb, stream_call(stream, verb, &arguments.to_string()))
    }

    fn global(&mut self, verb: &str, arguments: Value) -> Value {
        self.note("global", verb, global_call(verb, &arguments.to_string()))
    }
}

fn clocked() -> Hub {
    open_hub(None, r#"{"manual_clock": true}"#).unwrap().hub
}

fn settle_one(queue: &Queue, settle: impl FnOnce(&ringmain::Delivery)) {
    settle(&queue.try_receive().unwrap().expect("one is ready"));
}

fn waiting_messages(caller: &mut Caller) {
    let hub = clocked();
    let jobs = open_queue(
        &hub,
        "jobs",
        r#"{"on_exhausted": "drop", "history": {"window_ms": 60000, "count_max": 9}}"#,
    );
    let jobs = jobs.unwrap();
    for value in ["one", "two", "three"] {
        jobs.send(Message::new(value)).unwrap();
    }
    assert_eq!(caller.queue(&jobs, "cancel", json!({ "id": 0 })), true);
    assert_eq!(caller.queue(&jobs, "cancel", json!({ "id": 0 })), false);
    let out = jobs.try_receive().unwrap().unwrap();
    assert_eq!(caller.queue(&jobs, "cancel_now", json!({ "id": out.id() })), true);
    assert!(out.ack().is_err());
    assert_eq!(caller.queue(&jobs, "reschedule", json!({ "id": 2, "delay_ms": 1000 })), true);
    let told = caller.queue(&jobs, "explain", json!({ "id": 2 }));
    let due_ns = told["causes"][0]["due_ns"].as_u64().unwrap();
    assert_eq!(
        (&told["causes"][0]["cause"], due_ns - told["time_ns"].as_u64().unwrap()),
        (&json!("scheduled"), 1_000_000_000)
    );
    let now_ns = caller.hub(&hub, "now", json!({}))["time_ns"].as_u64().unwrap();
    let at = json!({ "id": 2, "time_ns": now_ns.to_string() });
    assert_eq!(caller.queue(&jobs, "reschedule_at", at), true);
    caller.queue(&jobs, "pause", json!({}));
    assert_eq!(caller.hub(&hub, "queue_info", json!({ "name": "jobs" }))["is_paused"], true);
    assert_eq!(
        caller.queue(&jobs, "explain", json!({ "id": 2 }))["causes"],
        json!([{ "cause": "queue", "limit": "paused" }])
    );
    caller.queue(&jobs, "resume", json!({}));
    caller.hub(&hub, "advance", json!({ "by_ms": 5 }));
    settle_one(&jobs, |job| {
        hub_call(&hub, "advance", r#"{"by_ms": 5}"#).unwrap();
        job.ack_with(b"\xff42").unwrap();
    });
    let finished = caller.queue(&jobs, "finished", json!({ "id": 2 }));
    assert_eq!(
        (&finished["ending"], &finished["result_base64"], &finished["key_base64"]),
        (&json!("done"), &json!("/zQy"), &Value::Null)
    );
    assert_eq!(caller.queue(&jobs, "finished", json!({ "id": 9 })), Value::Null);
    let all = caller.queue(&jobs, "finished_from", json!({ "from_id": 1, "count_max": 10 }));
    assert_eq!(all.as_array().unwrap().len(), 2);
    assert_eq!(caller.queue(&jobs, "desired_workers", json!({ "drain_ms": 1000 })).as_u64(), Some(1));

    jobs.send(Message::new("a")).unwrap();
    jobs.send(Message::new("b")).unwrap();
    let _out = jobs.try_receive().unwrap().unwrap();
    assert_eq!(caller.queue(&jobs, "purge", json!({})), 1);
    assert_eq!(caller.queue(&jobs, "purge_all", json!({})), 1);
    let stats = caller.queue(&jobs, "stats", json!({}));
    assert_eq!(
        (&stats["sent_total"], &stats["purged_total"], &stats["ready"]),
        (&json!(5), &json!(2), &json!(0))
    );
}

fn keys_and_deadlines(caller: &mut Caller) {
    let hub = clocked();
    let orders = open_queue(&hub, "orders", r#"{"on_exhausted": "drop", "on_group_death": "halt"}"#).unwrap();
    let late = Message::new("open").ordering_key("7").start_within(Duration::from_secs(1));
    orders.send_batch(&[late, Message::new("close").ordering_key("7")]).unwrap();
    caller.hub(&hub, "advance", json!({ "by_ms": 1000 }));
    let missed = caller.queue(&orders, "breaches", json!({}));
    assert_eq!((&missed[0]["id"], &missed[0]["deadline"]), (&json!(0), &json!("start")));
    assert_eq!(caller.queue(&orders, "breaches", json!({})), json!([]));
    settle_one(&orders, |order| order.reject("unknown account").unwrap());
    let halted = caller.queue(&orders, "halted_groups", json!({}));
    assert_eq!((&halted[0]["key_base64"], &halted[0]["error"]), (&json!("Nw=="), &json!("unknown account")));
    let key = json!({ "ordering_key_base64": "Nw==" });
    assert_eq!(caller.queue(&orders, "resume_group", key.clone()), true);
    assert_eq!(caller.queue(&orders, "resume_group", key), false);
    caller.queue(&orders, "set_weight", json!({ "ordering_key_base64": "Nw==", "weight": 3 }));
}

fn dead_letters(caller: &mut Caller) {
    let (hub, scratch) = (clocked(), tempfile::tempdir().unwrap());
    let jobs = open_queue(&hub, "jobs", r#"{"dead_letter": "jobs.dead"}"#).unwrap();
    for value in ["one", "two", "three"] {
        jobs.send(Message::new(value).key("k").header("h", b"\x00")).unwrap();
        settle_one(&jobs, |job| job.reject(format!("no {value}")).unwrap());
    }
    let dead = open_queue(&hub, "jobs.dead", "").unwrap();
    let two = json!({ "error_contains": "two" });
    let found = caller.queue(&dead, "dead_letters_peek", json!({ "letters": two, "count_max": 10 }));
    assert_eq!((&found[0]["value_base64"], &found[0]["key_base64"]), (&json!("dHdv"), &json!("aw==")));
    let header = json!({ "name": "h", "value_base64": "AA==" });
    assert!(found[0]["headers"].as_array().unwrap().contains(&header));
    let path = scratch.path().join("letters.jsonl");
    assert_eq!(caller.queue(&dead, "dead_letters_export", json!({ "path": path })), 3);
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 3);
    let again = queue_call(&dead, "dead_letters_export", &json!({ "path": path }).to_string());
    assert_eq!(again.unwrap_err().code(), ErrorCode::Io, "what is there is not overwritten");
    let how = json!({ "letters": two, "per_second": 10.0, "keep_failures": false, "to": null });
    assert_eq!(caller.queue(&dead, "dead_letters_redrive", how), 1);
    settle_one(&jobs, |job| assert_eq!(job.value(), b"two"));
    assert_eq!(caller.queue(&dead, "dead_letters_discard", json!({ "letters": { "ids": [0] } })), 1);
    assert_eq!(caller.queue(&dead, "dead_letters_discard", json!({})), 1);
}

fn streams(caller: &mut Caller) {
    let hub = clocked();
    let flights = open_stream(&hub, "flights", r#"{"partitions": 2, "compaction": {}}"#).unwrap();
    for event_ns in [10, 30, 20] {
        flights.append(Message::new("EWR").key("N1").event_time(event_ns)).unwrap();
        caller.hub(&hub, "advance", json!({ "by_ms": 1 }));
    }
    let partition = flights.reader(Start::Earliest).unwrap().next().unwrap().unwrap().partition();
    let at = json!({ "partition": partition, "time_ns": 1_000_000_001 });
    assert_eq!(caller.stream(&flights, "offset_at_time", at), 1);
    let at = json!({ "partition": partition, "time_ns": "30" });
    assert_eq!(caller.stream(&flights, "scan_event_time", at), 1);
    let mut member = flights.group("billing").join().unwrap();
    assert_eq!(member.poll(2, Duration::ZERO).unwrap().len(), 2);
    member.commit().unwrap();
    assert_eq!(caller.stream(&flights, "groups", json!({})), json!(["billing"]));
    let committed = caller.stream(&flights, "group_committed", json!({ "name": "billing" }));
    assert_eq!(committed[partition as usize], 2);
    assert_eq!(caller.stream(&flights, "group_lag", json!({ "name": "billing" })), 1);
    let stats = caller.stream(&flights, "stats", json!({}));
    assert_eq!(stats["partitions"][partition as usize]["end"], 3);
    assert_eq!(
        (&stats["groups"][0]["members"], &stats["groups"][0]["lag"][partition as usize]["records"]),
        (&json!(1), &json!(1))
    );
    drop(member);
    caller.stream(&flights, "delete_group", json!({ "name": "billing" }));
    assert_eq!(caller.stream(&flights, "groups", json!({})), json!([]));
    flights.producer("import").unwrap();
    assert_eq!(caller.stream(&flights, "producers", json!({})), json!(["import"]));
    caller.stream(&flights, "delete_producer", json!({ "name": "import" }));
    assert_eq!(caller.stream(&flights, "producers", json!({})), json!([]));
    caller.stream(&flights, "compact", json!({}));
    assert_eq!(flights.reader(Start::Earliest).unwrap().count(), 1, "only the last of a key is left");
}

fn schedules(caller: &mut Caller) {
    let hub = clocked();
    let reports = open_queue(&hub, "reports", r#"{"on_exhausted": "drop"}"#).unwrap();
    let asked = json!({
        "name": "hourly",
        "cron": "0 * * * *",
        "time_zone": "Europe/Berlin",
        "missed": { "all": { "max": 3 } },
        "queue": "reports",
        "message": {
            "value_base64": "YWxs", "key_base64": "aw==", "headers": [{ "name": "h", "value_base64": "dg==" }], "priority": 7,
            "delay_ms": 0, "ttl_ms": 60_000, "ordering_key_base64": "bw==",
        },
    });
    let opened = caller.hub(&hub, "schedule_open", asked);
    assert_eq!(
        (&opened["missed"], &opened["queue"], &opened["failure"]),
        (&json!({ "all": { "max": 3 } }), &json!("reports"), &Value::Null)
    );
    caller.hub(&hub, "advance", json!({ "by_ms": 3_600_000 }));
    settle_one(&reports, |report| {
        assert_eq!(
            (report.value(), report.key(), report.header("h")),
            (&b"all"[..], Some(&b"k"[..]), Some(&b"v"[..]))
        );
        report.ack().unwrap();
    });
    caller.hub(&hub, "schedule_pause", json!({ "name": "hourly" }));
    assert_eq!(caller.hub(&hub, "schedule_info", json!({ "name": "hourly" }))["next_slot_ns"], Value::Null);
    caller.hub(&hub, "schedule_resume", json!({ "name": "hourly" }));
    let skip = caller.hub(&hub, "schedule_open", json!({ "name": "hourly", "missed": "skip" }));
    assert_eq!((&skip["missed"], &skip["cron"]), (&json!("skip"), &json!("0 * * * *")), "the rest stays");
    assert_eq!(caller.hub(&hub, "schedules", json!({})).as_array().unwrap().len(), 1);
    caller.hub(&hub, "schedule_delete", json!({ "name": "hourly" }));
    for verb in ["schedule_info", "schedule_pause", "schedule_resume", "schedule_delete"] {
        let error = hub_call(&hub, verb, r#"{"name": "hourly"}"#).unwrap_err();
        assert_eq!(error.code(), ErrorCode::NotFound, "{verb}");
    }
    let nowhere =
        json!({ "name": "x", "cron": "@daily", "queue": "nowhere", "message": { "value_base64": "" } });
    assert_eq!(
        hub_call(&hub, "schedule_open", &nowhere.to_string()).unwrap_err().code(),
        ErrorCode::NotFound
    );
}

fn directories(caller: &mut Caller) {
    let scratch = tempfile::tempdir().unwrap();
    let path = |name: &str| scratch.path().join(name).to_str().unwrap().to_owned();
    let hub = open_hub(Some(&path("data")), "").unwrap().hub;
    let jobs = open_queue(&hub, "jobs", r#"{"on_exhausted": "drop"}"#).unwrap();
    open_stream(&hub, "flights", "").unwrap();
    jobs.send(Message::new("one")).unwrap();
    jobs.send(Message::new("two")).unwrap();
    caller.hub(&hub, "flush", json!({}));
    assert_eq!(caller.hub(&hub, "queues", json!({})), json!(["jobs"]));
    assert_eq!(caller.hub(&hub, "streams", json!({})), json!(["flights"]));
    let stats = caller.hub(&hub, "stats", json!({}));
    assert_eq!((&stats["queues"][0]["name"], &stats["queues"][0]["ready"]), (&json!("jobs"), &json!(2)));
    let text = caller.hub(&hub, "prometheus", json!({}));
    assert!(text.as_str().unwrap().contains("queue_messages_ready{queue=\"jobs\"} 2"));
    let copied = caller.hub(&hub, "snapshot", json!({ "into": path("backup") }));
    assert_eq!((&copied["queues"], &copied["streams"]), (&json!(1), &json!(1)));
    let mut last = None;
    let told = snapshot_with(&hub, &path("watched"), |progress| {
        last = Some((progress.copied_bytes, progress.total_bytes));
        ControlFlow::Continue(())
    });
    assert!(told.unwrap().unwrap().contains("\"queues\":1"));
    assert!(last.is_some_and(|(copied, total)| copied <= total && total > 0));
    assert_eq!(snapshot_with(&hub, &path("stopped"), |_| ControlFlow::Break(())).unwrap(), None);
    assert_eq!(caller.hub(&hub, "stream_info", json!({ "name": "flights" }))["partitions"], 1);
    caller.hub(&hub, "delete_stream", json!({ "name": "flights" }));
    caller.hub(&hub, "delete_queue", json!({ "name": "jobs" }));
    assert_eq!(caller.hub(&hub, "queues", json!({})), json!([]));

    let open = global_call("verify", &json!({ "directory": path("data") }).to_string());
    assert_eq!(open.unwrap_err().code(), ErrorCode::Locked);
    let report = caller.global("verify", json!({ "directory": path("backup") }));
    assert_eq!(
        (&report["is_sound"], &report["records"], &report["refused"]),
        (&json!(true), &json!(2), &Value::Null)
    );
    caller.global("restore", json!({ "snapshot": path("backup"), "into": path("restored") }));
    assert_eq!(open_hub(Some(&path("restored")), "").unwrap().hub.queues().unwrap(), ["jobs"]);
    damage(&scratch.path().join("backup"));
    let report = caller.global("verify", json!({ "directory": path("backup") }));
    let found = &report["damage"][0];
    assert_eq!((&report["is_sound"], &found["loss"]), (&json!(false), &json!("records")), "{report}");
    assert!(report["text"].as_str().unwrap().contains(found["text"].as_str().unwrap()));
    let report = caller.global("salvage", json!({ "directory": path("backup"), "into": path("mended") }));
    assert_eq!(report["damage"].as_array().unwrap().len(), 1);
    assert!(open_hub(Some(&path("mended")), "").is_ok());
}

/// Alters the one message in the hub of a directory.
fn damage(directory: &std::path::Path) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            damage(&path);
            continue;
        }
        let mut bytes = std::fs::read(&path).unwrap();
        if let Some(at) = bytes.windows(3).position(|three| three == b"one") {
            bytes[at] ^= 1;
            std::fs::write(&path, bytes).unwrap();
        }
    }
}

#[test]
fn every_verb_does_what_the_table_says() {
    let mut caller = Caller::default();
    waiting_messages(&mut caller);
    keys_and_deadlines(&mut caller);
    dead_letters(&mut caller);
    streams(&mut caller);
    schedules(&mut caller);
    directories(&mut caller);
    let noun = |noun| match noun {
        Noun::Global => "global",
        Noun::Hub => "hub",
        Noun::Queue => "queue",
        Noun::Stream => "stream",
    };
    let known: BTreeSet<_> = verbs().iter().map(|verb| (noun(verb.noun), verb.name.to_owned())).collect();
    assert_eq!(caller.called, known);
    assert!(verbs().iter().all(|verb| !verb.doc.trim().is_empty()));
}

#[test]
fn an_export_that_fails_leaves_no_file_in_the_way_of_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("letters.jsonl");
    let export = json!({ "path": path }).to_string();
    let hub = clocked();
    let dead = open_queue(&hub, "dead", r#"{"on_exhausted": "keep"}"#).unwrap();
    hub.close(Duration::from_secs(20)).unwrap();
    let refused = queue_call(&dead, "dead_letters_export", &export).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Closed);
    assert!(!path.exists());
    // One that was there before is not the export's to remove.
    std::fs::write(&path, "kept").unwrap();
    assert_eq!(queue_call(&dead, "dead_letters_export", &export).unwrap_err().code(), ErrorCode::Io);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "kept");
}

#[test]
fn a_verb_or_an_argument_that_is_not_there_is_named() {
    let hub = clocked();
    let jobs = open_queue(&hub, "jobs", r#"{"on_exhausted": "drop"}"#).unwrap();
    for (result, code, named) in [
        (queue_call(&jobs, "cancle", "{}"), ErrorCode::NotFound, "cancle"),
        (
            queue_call(&jobs, "cancel", "{}"),
            ErrorCode::InvalidArgument,
            "arguments of cancel: missing field `id`",
        ),
        (
            queue_call(&jobs, "cancel", r#"{"id": 1, "now": true}"#),
            ErrorCode::InvalidArgument,
            "unknown field `now`",
        ),
        (
            queue_call(&jobs, "cancel", r#"{"id": -1}"#),
            ErrorCode::InvalidArgument,
            "arguments of cancel: id: ",
        ),
        (
            queue_call(&jobs, "resume_group", r#"{"ordering_key_base64": "7"}"#),
            ErrorCode::InvalidArgument,
            "ordering_key_base64: not base64",
        ),
        (
            queue_call(&jobs, "set_weight", r#"{"ordering_key_base64": "Nw==", "weight": 101}"#),
            ErrorCode::InvalidArgument,
            "weight: 101",
        ),
        (queue_call(&jobs, "pause", r#"{"for": 5}"#), ErrorCode::InvalidArgument, "unknown field `for`"),
        (hub_call(&hub, "queue_info", r#"{"name": "other"}"#), ErrorCode::NotFound, "other"),
        (global_call("verify", r#"{"directory": 5}"#), ErrorCode::InvalidArgument, "directory: invalid type"),
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(named), "{error}");
    }
    hub.close(Duration::from_secs(9)).unwrap();
    assert_eq!(queue_call(&jobs, "stats", "").unwrap_err().code(), ErrorCode::Closed);
}

/// Names of the fields of a value, not of those within.
fn fields(value: &impl std::fmt::Debug) -> BTreeSet<String> {
    let text = format!("{value:#?}");
    let outer = text.lines().filter(|line| line.starts_with("    ") && !line.starts_with("     "));
    outer.filter_map(|line| Some(line.trim().split_once(':')?.0.to_owned())).collect()
}

#[test]
fn every_count_of_the_core_is_told() {
    let hub = clocked();
    let jobs = open_queue(&hub, "jobs", r#"{"on_exhausted": "drop"}"#).unwrap();
    let flights = open_stream(&hub, "flights", "").unwrap();
    flights.group("billing").join().unwrap();
    let told = |text: String| -> Value { serde_json::from_str(&text).unwrap() };
    let of_stream = flights.stats().unwrap();
    let stream = told(stream_call(&flights, "stats", "").unwrap());
    for (told, fields) in [
        (told(queue_call(&jobs, "stats", "").unwrap()), fields(&QueueStats::default())),
        (told(hub_call(&hub, "stats", "").unwrap()), fields(&HubStats::default())),
        (
            told(hub_call(&hub, "queue_info", r#"{"name": "jobs"}"#).unwrap()),
            fields(&hub.queue_info("jobs").unwrap()),
        ),
        (
            told(hub_call(&hub, "stream_info", r#"{"name": "flights"}"#).unwrap()),
            fields(&hub.stream_info("flights").unwrap()),
        ),
        (stream["partitions"][0].clone(), fields(&of_stream.partitions[0])),
        (stream["groups"][0].clone(), fields(&of_stream.groups[0])),
        (stream, fields(&StreamStats::default())),
    ] {
        assert!(!fields.is_empty());
        for field in fields {
            let is_told = told.get(&field).is_some() || told.get(format!("{field}_ms")).is_some();
            assert!(is_told, "{field} is not in {told}");
        }
    }
}
