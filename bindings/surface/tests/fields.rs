//! What is told is what its name says: every two values differ.

use ringmain::{ErrorCode, Hub, Message, Start};
use ringmain_surface::{hub_call, open_hub, open_queue, open_stream, queue_call, stream_call};
use serde_json::{Value, json};
use std::time::Duration;

const SECOND_NS: u64 = 1_000_000_000;

fn clocked() -> Hub {
    open_hub(None, r#"{"manual_clock": true}"#).unwrap().hub
}

fn told(answer: ringmain::Result<String>) -> Value {
    serde_json::from_str(&answer.unwrap()).unwrap()
}

fn advance(hub: &Hub, seconds: u64) {
    told(hub_call(hub, "advance", &json!({ "by_ms": seconds * 1000 }).to_string()));
}

#[test]
fn what_became_of_a_message_has_its_own_times_and_counts() {
    let hub = clocked();
    let options = r#"{"on_exhausted": "drop", "history": {"window_ms": 60000, "count_max": 9}, "retry": {"base_ms": 0}}"#;
    let jobs = open_queue(&hub, "jobs", options).unwrap();
    let sent_ns = hub.clock().now_ns();
    let id = jobs.send(Message::new("x").key("k")).unwrap();
    jobs.try_receive().unwrap().unwrap().release().unwrap();
    jobs.try_receive().unwrap().unwrap().fail_after("no", Duration::ZERO).unwrap();
    advance(&hub, 5);
    jobs.try_receive().unwrap().unwrap().ack_with(b"done").unwrap();
    assert_eq!(
        told(queue_call(&jobs, "finished", &json!({ "id": id }).to_string())),
        json!({
            "id": id, "key_base64": "aw==", "ending": "done", "sent_ns": sent_ns, "finished_ns": sent_ns + 5 * SECOND_NS,
            "attempts": 3, "failures": 1, "result_base64": "ZG9uZQ==",
        })
    );
}

#[test]
fn what_a_message_is_behind_of_is_told_apart_from_how_many() {
    let hub = clocked();
    let jobs = open_queue(&hub, "jobs", r#"{"on_exhausted": "drop"}"#).unwrap();
    (0..5).for_each(|_| jobs.try_receive().map(drop).and(jobs.send(Message::new("x")).map(drop)).unwrap());
    jobs.try_receive().unwrap().unwrap().ack().unwrap();
    let explained = told(queue_call(&jobs, "explain", r#"{"id": 4}"#));
    assert_eq!(explained["causes"][0], json!({ "cause": "behind", "count": 3, "next": 1 }));
    assert_eq!((&explained["id"], &explained["queue"]), (&json!(4), &json!("jobs")));
}

#[test]
fn members_that_have_nothing_are_told_apart_from_those_that_are_away() {
    let hub = clocked();
    let flights = open_stream(&hub, "flights", "").unwrap();
    flights.append(Message::new("x")).unwrap();
    let members: Vec<_> =
        (0..3).map(|_| flights.group("billing").join_at(Start::Earliest).unwrap()).collect();
    advance(&hub, 1);
    let group = &told(stream_call(&flights, "stats", ""))["groups"][0];
    assert_eq!(group["lag"], json!([{ "records": 1, "age_ms": 1000 }]));
    assert_eq!(
        [&group["members"], &group["idle_members"], &group["away_members"], &group["revoking_partitions"]],
        [3, 2, 0, 0]
    );
    drop(members);
}

#[test]
fn a_schedule_sends_all_that_its_message_says_and_tells_its_slots_apart() {
    let hub = clocked();
    let reports = open_queue(&hub, "reports", r#"{"on_exhausted": "drop"}"#).unwrap();
    let schedule = json!({
        "name": "hourly", "cron": "0 * * * *", "queue": "reports",
        "message": { "value_base64": "YWxs", "priority": 7, "ttl_ms": 60_000, "delay_ms": 1000, "ordering_key_base64": "bw==" },
    });
    told(hub_call(&hub, "schedule_open", &schedule.to_string()));
    reports.send(Message::new("usual")).unwrap();
    advance(&hub, 3600);
    let info = told(hub_call(&hub, "schedule_info", r#"{"name": "hourly"}"#));
    let slot_ns = |name: &str| info[name].as_u64().unwrap();
    assert_eq!(slot_ns("next_slot_ns") - slot_ns("last_slot_ns"), 3600 * SECOND_NS);
    // It fired when the hour was full; its delay may not be over.
    advance(&hub, 1);
    let first = reports.try_receive().unwrap().unwrap();
    assert_eq!(first.value(), b"all", "its priority is above that of what came before");
    first.release().unwrap();
    advance(&hub, 61);
    let only = reports.try_receive().unwrap().unwrap();
    assert_eq!(only.value(), b"usual", "its time to live is over");
    assert!(reports.try_receive().unwrap().is_none());
}

#[test]
fn an_endless_name_of_a_verb_is_not_repeated_in_full() {
    let error = hub_call(&clocked(), &"x".repeat(100_000), "").unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotFound);
    assert!(error.to_string().len() < 1000);
}
