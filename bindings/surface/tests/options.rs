//! What may be said when something is opened: stored, told again, taken away, and refused by name.

use ringmain::{Error, ErrorCode, Message};
use ringmain_surface::{hub_call, letters, open_hub, open_queue, open_stream};
use serde_json::{Value, json};

fn memory() -> ringmain::Hub {
    open_hub(None, "").unwrap().hub
}

fn told(hub: &ringmain::Hub, verb: &str, name: &str) -> Value {
    let text = hub_call(hub, verb, &json!({ "name": name }).to_string()).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> (ErrorCode, String) {
    let error = result.unwrap_err();
    (error.code(), error.to_string())
}

/// None of them as by default.
fn of_a_queue() -> Value {
    json!({
        "lease_ms": 1500,
        "lease_total_max_ms": 90_000.5,
        "max_failures": 7,
        "dead_letter": "jobs.dead",
        "on_exhausted": "dead_letter",
        "retry": { "base_ms": 0.25, "factor": 1.5, "cap_ms": 60_000, "jitter": "none" },
        "ttl_ms": 86_400_000,
        "on_breach": { "escalate_to": "late" },
        "error_classes": [{ "name": "Quota", "rule": "ignored" }, { "name": "Unknown", "rule": "permanent" }],
        "dedup": {
            "window_ms": 2000, "mode": "sliding", "on_conflict": "extend", "verify_payload": true, "entries_max": 99
        },
        "capacity": { "messages": 10, "bytes": 4096, "overflow": "block", "block_ms": 70 },
        "history": { "window_ms": 3_600_000, "count_max": 5 },
        "concurrency_max": 8,
        "concurrency_max_per_key": 2,
        "rate": { "per_second": 10.5, "burst": 20 },
        "rate_per_key": { "per_second": 0.5, "burst": 1 },
        "single_active_consumer": true,
        "age_step_ms": 250,
        "group_parallelism": 3,
        "on_group_death": "halt",
    })
}

fn of_a_stream() -> Value {
    json!({
        "partitions": 3,
        "age_max_ms": 5000,
        "bytes_max": 1_000_000,
        "count_max": 1000,
        "compaction": {
            "lag_min_ms": 1,
            "tombstone_grace_ms": 2,
            "dirty_percent_min": 3,
            "seal_after_ms": 4000,
            "latest_only": false,
            "keys_max": 500,
        },
        "until_read": false,
        "slow_readers": { "timeout_ms": 20, "then": "lag" },
    })
}

#[test]
fn every_option_of_a_queue_is_stored_and_told_as_it_was_given() {
    let (hub, mut asked) = (memory(), of_a_queue());
    open_queue(&hub, "jobs", &asked.to_string()).unwrap();
    asked["is_paused"] = json!(false);
    assert_eq!(told(&hub, "queue_info", "jobs"), asked);
}

#[test]
fn every_option_of_a_stream_is_stored_and_told_as_it_was_given() {
    let (hub, asked) = (memory(), of_a_stream());
    open_stream(&hub, "flights", &asked.to_string()).unwrap();
    assert_eq!(told(&hub, "stream_info", "flights"), asked);
    open_stream(&hub, "orders", r#"{"until_read": true, "age_max_ms": 1}"#).unwrap();
    assert_eq!(told(&hub, "stream_info", "orders")["until_read"], true);
    open_stream(&hub, "gates", r#"{"compaction": {"latest_only": true}}"#).unwrap();
    assert_eq!(told(&hub, "stream_info", "gates")["compaction"]["latest_only"], true);
}

#[test]
fn what_is_not_given_stays_as_it_was() {
    let hub = memory();
    open_queue(&hub, "jobs", &of_a_queue().to_string()).unwrap();
    open_queue(&hub, "jobs", "").unwrap();
    open_queue(&hub, "jobs", r#"{"max_failures": 9}"#).unwrap();
    let mut expected = of_a_queue();
    expected["max_failures"] = json!(9);
    expected["is_paused"] = json!(false);
    assert_eq!(told(&hub, "queue_info", "jobs"), expected);
    open_stream(&hub, "flights", &of_a_stream().to_string()).unwrap();
    open_stream(&hub, "flights", "{}").unwrap();
    assert_eq!(told(&hub, "stream_info", "flights"), of_a_stream());
}

#[test]
fn null_takes_away_what_can_be_taken_away_and_is_refused_for_the_rest() {
    let hub = memory();
    open_queue(&hub, "jobs", &of_a_queue().to_string()).unwrap();
    let none = r#"{"retry": null, "on_breach": null, "dedup": null, "capacity": null, "history": null,
        "error_classes": [{"name": "Quota", "rule": "retried"}]}"#;
    open_queue(&hub, "jobs", none).unwrap();
    let jobs = told(&hub, "queue_info", "jobs");
    assert_eq!(jobs["retry"], json!({ "base_ms": 1000, "factor": 2.0, "cap_ms": 600_000, "jitter": "full" }));
    assert_eq!((&jobs["on_breach"], &jobs["history"]), (&json!("none"), &Value::Null));
    assert_eq!((&jobs["capacity"]["messages"], &jobs["capacity"]["bytes"]), (&Value::Null, &Value::Null));
    assert_eq!(jobs["dedup"]["window_ms"], 600_000);
    assert_eq!(jobs["error_classes"], json!([{ "name": "Unknown", "rule": "permanent" }]));
    let (code, text) = refusal(open_queue(&hub, "jobs", r#"{"ttl_ms": null}"#));
    assert_eq!(code, ErrorCode::InvalidArgument);
    assert!(text.contains("ttl_ms") && text.contains("null"), "{text}");

    open_stream(&hub, "flights", &of_a_stream().to_string()).unwrap();
    let none = r#"{"age_max_ms": null, "bytes_max": null, "count_max": null, "compaction": null, "slow_readers": null}"#;
    open_stream(&hub, "flights", none).unwrap();
    let flights = told(&hub, "stream_info", "flights");
    for option in ["age_max_ms", "bytes_max", "count_max", "compaction", "slow_readers"] {
        assert_eq!(flights[option], Value::Null, "{option}");
    }
}

#[test]
fn a_queue_that_blocks_for_ever_says_so() {
    let hub = memory();
    let forever = r#"{"on_exhausted": "drop", "capacity": {"messages": 1, "block_ms": null}}"#;
    open_queue(&hub, "jobs", forever).unwrap();
    assert_eq!(told(&hub, "queue_info", "jobs")["capacity"]["block_ms"], Value::Null);
    for overflow in ["reject", "drop_oldest", "drop_newest", "drop_lowest_priority", "dead_letter_oldest"] {
        let options = json!({ "capacity": { "messages": 1, "overflow": overflow } });
        open_queue(&hub, "jobs", &options.to_string()).unwrap();
        assert_eq!(told(&hub, "queue_info", "jobs")["capacity"]["overflow"], overflow);
    }
    let spill = r#"{"capacity": {"bytes": 1000000, "overflow": "spill"}}"#;
    open_queue(&hub, "jobs", spill).unwrap();
    assert_eq!(told(&hub, "queue_info", "jobs")["capacity"]["overflow"], "spill");
}

#[test]
fn an_option_that_is_unknown_of_the_wrong_type_or_out_of_its_range_is_named() {
    let hub = memory();
    for (options, named) in [
        (r#"{"leese_ms": 5}"#, "unknown field `leese_ms`, expected one of `lease_ms`"),
        (r#"{"lease_ms": "5"}"#, "lease_ms: invalid type: string \"5\", expected a number of milliseconds"),
        (r#"{"lease_ms": -5}"#, "lease_ms"),
        (r#"{"retry": {"base_ms": true}}"#, "retry.base_ms: invalid type: boolean"),
        (
            r#"{"error_classes": [{"name": "x", "rule": "no"}]}"#,
            "error_classes[0].rule: unknown variant `no`",
        ),
        (r#"{"capacity": {"overflow": "reject", "block_ms": 5}}"#, "block_ms"),
        (r#"{"on_exhausted": "dead_letter"}"#, "dead_letter"),
        (r#"{"on_exhausted": "drop", "dead_letter": "x"}"#, "on_exhausted"),
        (r#"{"on_exhausted": "drop"} 5"#, "trailing"),
        (r#"[1500]"#, "options of the queue: an object is needed"),
        (r#"{"on_exhausted": "drop", "lease_ms": 0}"#, "lease"),
        (r#"{"on_exhausted": "drop", "group_parallelism": 1001}"#, "group_parallelism: 1001 is not allowed"),
    ] {
        let (code, text) = refusal(open_queue(&hub, "jobs", options));
        assert_eq!(code, ErrorCode::InvalidArgument, "{options}");
        assert!(text.contains(named), "{options}: {text}");
    }
    assert_eq!(refusal(open_queue(&hub, "jobs", "")).0, ErrorCode::OptionMissing);
    let (_, text) = refusal(open_stream(&hub, "s", r#"{"slow_readers": {"timeout_ms": 5}}"#));
    assert!(text.contains("slow_readers") && text.contains("then"), "{text}");
    let (_, text) = refusal(open_stream(&hub, "s", r#"{"partitions": 1025}"#));
    assert!(text.contains("partitions: 1025 is not allowed"), "{text}");
    let (code, _) = refusal(open_queue(&hub, "jobs", &" ".repeat(5 << 20)));
    assert_eq!(code, ErrorCode::TooLarge);
    assert!(hub.queues().unwrap().is_empty(), "nothing was made meanwhile");
}

#[test]
fn a_hub_takes_every_option_and_names_the_one_that_it_does_not_know() {
    let scratch = tempfile::tempdir().unwrap();
    let options = json!({
        "durability": "written",
        "relaxed_max_ms": 20,
        "journal_bytes_max": 1 << 20,
        "streaming_bytes_min": 1 << 16,
        "disk_reserve_bytes": 12_345,
        "allow_world_writable": true,
        "scratch_directory": scratch.path(),
        "manual_clock": true,
    });
    let path = scratch.path().join("data");
    let opened = open_hub(path.to_str(), &options.to_string()).unwrap();
    assert_eq!(opened.hub.stats().unwrap().disk_reserve_bytes, 12_345);
    assert!(opened.clock.is_some());
    assert!(open_hub(None, "").unwrap().clock.is_none());
    let (_, text) = refusal(open_hub(None, r#"{"durability": "very"}"#));
    assert!(text.contains("durability: unknown variant `very`, expected one of `relaxed`"), "{text}");
    let (_, text) = refusal(open_hub(None, r#"{"fsync": true}"#));
    assert!(text.contains("unknown field `fsync`"), "{text}");
}

#[test]
fn a_clock_that_is_moved_by_hand_moves_the_hub() {
    let opened = open_hub(None, r#"{"manual_clock": true}"#).unwrap();
    let jobs = open_queue(&opened.hub, "jobs", r#"{"on_exhausted": "drop"}"#).unwrap();
    jobs.send(Message::new(b"later").delay(std::time::Duration::from_millis(1))).unwrap();
    assert!(jobs.try_receive().unwrap().is_none());
    hub_call(&opened.hub, "advance", r#"{"by_ms": 0.5}"#).unwrap();
    assert!(jobs.try_receive().unwrap().is_none());
    opened.clock.unwrap().advance(std::time::Duration::from_micros(500));
    assert!(jobs.try_receive().unwrap().is_some());
    let (_, text) = refusal(hub_call(&memory(), "advance", r#"{"by_ms": 1}"#));
    assert!(text.contains("manual_clock"), "{text}");
}

#[test]
fn letters_are_described_by_all_that_tells_them_apart() {
    let all = json!({
        "ids": [3, 1], "from_id": 2, "reason": "failed", "class": "Quota", "error_contains": "no host", "queue": "jobs",
        "died_from_ns": "1767225600000000001", "died_before_ns": 1_767_225_600_000_000_002_u64,
    });
    let text = format!("{:?}", letters(&all.to_string()).unwrap());
    for part in [
        "[1, 3]",
        "from_id: 2",
        "failed",
        "Quota",
        "no host",
        "jobs",
        "1767225600000000001..1767225600000000002",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let (_, text) = refusal(letters(r#"{"id": 5}"#));
    assert!(text.contains("unknown field `id`"), "{text}");
}
