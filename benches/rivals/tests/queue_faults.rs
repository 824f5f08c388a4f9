//! The workloads tell a queue that is at fault: one that loses, doubles, replaces or shortens a message, delivers it before
//! its time or before another of its key, or fails.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn run(arguments: &[&str]) -> (Output, Value) {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("queue-{}", arguments.join("")));
    let program = env!("CARGO_BIN_EXE_seeded_queue");
    let output = Command::new(program).args(arguments).arg("--out").arg(&directory).output().unwrap();
    let name = if arguments.contains(&"--peer") { "seeded-queue-part.json" } else { "seeded-queue.json" };
    let report = std::fs::read(directory.join(name)).unwrap();
    (output, serde_json::from_slice(&report).unwrap())
}

fn rivals(cell: &Value) -> Vec<&str> {
    cell["rivals"].as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn faults_are_told_and_the_sound_are_measured() {
    let (output, report) = run(&["--quick", "--rounds", "1"]);
    assert!(!output.status.success(), "a run in which messages were lost or doubled fails");
    let text = String::from_utf8(output.stdout).unwrap();
    let wrong = |what: &str| text.lines().any(|line| line.starts_with(&format!("WRONG  {what}: ")));
    for where_ in ["alone", "together", "delaying", "keying"] {
        for fault in ["losing", "doubling", "replacing", "shortening", "failing"] {
            assert!(wrong(&format!("{where_}: {fault}")), "{where_}: {fault} in {text}");
        }
        assert!(!wrong(&format!("{where_}: sound")) && !wrong(&format!("{where_}: ours")), "{text}");
    }
    assert!(wrong("delaying: hurrying") && wrong("keying: overtaking"), "{text}");
    assert_eq!(
        rivals(&report[1]),
        ["hurrying", "overtaking", "sound"],
        "what is only early or out of order is no fault of what is neither delayed nor ordered"
    );
    assert_eq!(rivals(&report[2]), ["overtaking", "sound"], "what was done before a fault does not count");
    assert_eq!(rivals(&report[4]), ["hurrying", "sound"], "what was done before a fault does not count");
}

#[test]
fn the_sound_alone_are_a_success_and_reach_a_goal_of_two_parts() {
    let (output, report) = run(&["--quick", "--rounds", "1", "--peer", "sound"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    for cell in report.as_array().unwrap() {
        assert_eq!(rivals(cell), ["sound"]);
        assert_eq!((&cell["met"], &cell["goal"]), (&Value::Bool(true), &Value::from(1.0)), "{cell}");
        assert_eq!(cell["goal_is"], "value and ratio of 0.00x to sound");
    }
    assert!(text.contains(">= 1, and ") && text.contains("of >= 0.00x to sound"), "{text}");
}
