//! The harness tells a ring that is at fault: one that loses, doubles or replaces a message, hangs, or dies.

use serde_json::Value;
use std::process::{Command, Output};

fn run(directory: &std::path::Path, arguments: &[&str]) -> (Output, Value) {
    let program = env!("CARGO_BIN_EXE_seeded");
    let output = Command::new(program).args(arguments).arg("--out").arg(directory).output().unwrap();
    let name = if arguments.contains(&"--peer") { "seeded-part.json" } else { "seeded.json" };
    let report = std::fs::read(directory.join(name)).unwrap();
    (output, serde_json::from_slice(&report).unwrap())
}

#[test]
fn faults_are_told_and_the_sound_are_measured() {
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults");
    let (output, report) = run(&directory, &["--quick"]);
    assert!(!output.status.success(), "a run in which messages were lost or doubled fails");

    let text = String::from_utf8(output.stdout).unwrap();
    let wrong = |name: &str| text.lines().any(|line| line.starts_with(&format!("WRONG  faults: {name}: ")));
    assert!(wrong("losing") && wrong("doubling") && wrong("replacing"), "{text}");
    assert!(!wrong("sound") && !wrong("ours"), "{text}");

    let cell = &report[0];
    let cut_off: Vec<&str> = cell["cut_off"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(cut_off, ["dying", "sticking"]);
    let rivals: Vec<&str> = cell["rivals"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(rivals, ["sound"], "what the others did before their fault does not count");
    assert_eq!(cell["best"], "sound");
    assert!(cell["ours"]["median"].as_f64().unwrap() > 0.0 && cell["ratio"].as_f64().unwrap() > 0.0);
}

#[test]
fn the_sound_alone_are_a_success() {
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("sound");
    let (output, report) = run(&directory, &["--quick", "--peer", "sound"]);
    assert!(output.status.success());
    assert_eq!(report[0]["rivals"].as_object().unwrap().len(), 1);
}
