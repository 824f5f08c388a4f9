//! The workloads tell a log that is at fault: one that loses, doubles or alters a record, or fails.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn run(arguments: &[&str]) -> (Output, Value) {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("log-{}", arguments.join("")));
    let program = env!("CARGO_BIN_EXE_seeded_log");
    let output = Command::new(program).args(arguments).arg("--out").arg(&directory).output().unwrap();
    let name = if arguments.contains(&"--peer") { "seeded-log-part.json" } else { "seeded-log.json" };
    let report = std::fs::read(directory.join(name)).unwrap();
    (output, serde_json::from_slice(&report).unwrap())
}

fn rivals(cell: &Value) -> Vec<&str> {
    cell["rivals"].as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn faults_are_told_and_the_sound_are_measured() {
    let (output, report) = run(&["--quick"]);
    assert!(!output.status.success(), "a run in which records were lost or doubled fails");
    let text = String::from_utf8(output.stdout).unwrap();
    let wrong = |what: &str| text.lines().any(|line| line.starts_with(&format!("WRONG  {what}: ")));
    for fault in ["losing", "doubling", "failing"] {
        assert!(wrong(&format!("appending: {fault}")), "{fault} in {text}");
    }
    for fault in ["losing", "doubling", "altering", "failing"] {
        assert!(wrong(&format!("reading: {fault}")), "{fault} in {text}");
    }
    assert!(!text.contains("WRONG  appending: sound") && !text.contains("WRONG  reading: sound"), "{text}");
    assert_eq!(rivals(&report[1]), ["sound"], "what the others did before their fault does not count");
}

#[test]
fn the_sound_alone_are_a_success_and_leave_nothing() {
    let (output, report) = run(&["--quick", "--peer", "sound"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!((rivals(&report[0]), rivals(&report[1])), (vec!["sound"], vec!["sound"]));
    assert!(report[0]["ratio"].as_f64().unwrap() > 0.0);

    let target = Path::new(env!("CARGO_BIN_EXE_seeded_log")).ancestors().nth(2).unwrap();
    let scratch = target.join("bench/scratch");
    // Those of another test, which may run at the same time, are not finished.
    let left = std::fs::read_dir(scratch).unwrap().filter_map(Result::ok);
    let left = left.filter(|entry| !Path::new("/proc").join(entry.file_name()).exists()).count();
    assert_eq!(left, 0);
}
