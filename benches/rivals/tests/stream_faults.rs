//! The workloads tell a stream that is at fault: one that loses, doubles, alters or shortens a record, gives one before another of
//! its key, or fails.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn run(arguments: &[&str]) -> (Output, Value) {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("stream-{}", arguments.join("")));
    let program = env!("CARGO_BIN_EXE_seeded_stream");
    let output = Command::new(program).args(arguments).arg("--out").arg(&directory).output().unwrap();
    let name = if arguments.contains(&"--peer") { "seeded-stream-part.json" } else { "seeded-stream.json" };
    let report = std::fs::read(directory.join(name)).unwrap();
    (output, serde_json::from_slice(&report).unwrap())
}

fn rivals(cell: &Value) -> Vec<&str> {
    cell["rivals"].as_object().unwrap().keys().map(String::as_str).collect()
}

fn cell<'a>(report: &'a Value, name: &str) -> &'a Value {
    report.as_array().unwrap().iter().find(|cell| cell["cell"] == name).unwrap()
}

#[test]
fn faults_are_told_and_the_sound_are_measured() {
    let (output, report) = run(&["--quick", "--rounds", "1"]);
    assert!(!output.status.success(), "a run in which records were lost or doubled fails");
    let text = String::from_utf8(output.stdout).unwrap();
    let wrong = |what: &str| text.lines().any(|line| line.starts_with(&format!("WRONG  {what}: ")));
    for place in ["appending", "following", "partitioning", "grouping", "answering"] {
        for fault in ["losing", "doubling", "altering", "shortening", "failing"] {
            assert!(wrong(&format!("{place}: {fault}")), "{place}: {fault} in {text}");
        }
        assert!(!wrong(&format!("{place}: sound")) && !wrong(&format!("{place}: ours")), "{text}");
    }
    for place in ["appending", "following", "partitioning"] {
        assert!(wrong(&format!("{place}: overtaking")), "{place} in {text}");
    }
    assert!(wrong("compacting: losing") && wrong("compacting: failing"), "{text}");
    assert_eq!(
        rivals(cell(&report, "appending 0")),
        ["sound"],
        "what was done before a fault does not count"
    );
    let of_groups = rivals(cell(&report, "grouping 0"));
    assert_eq!(of_groups, ["overtaking", "sound"], "members of a group see no common order");
}

#[test]
fn the_sound_alone_are_a_success_and_leave_nothing() {
    let (output, report) = run(&["--quick", "--rounds", "1", "--peer", "sound"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    for cell in report.as_array().unwrap() {
        assert_eq!((rivals(cell), &cell["met"]), (vec!["sound"], &Value::Bool(true)), "{cell}");
    }

    let target = Path::new(env!("CARGO_BIN_EXE_seeded_stream")).ancestors().nth(2).unwrap();
    let scratch = target.join("bench/scratch");
    // Those of another test, which may run at the same time, are not finished.
    let left = std::fs::read_dir(scratch).unwrap().filter_map(Result::ok);
    let left = left.filter(|entry| !Path::new("/proc").join(entry.file_name()).exists()).count();
    assert_eq!(left, 0);
}
