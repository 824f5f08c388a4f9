//! The scripts of `bindings/behaviour`, replayed in C: one program is made of all of them, compiled as a user would, and run.

mod arguments;
#[path = "../library/mod.rs"]
mod library;
mod program;
mod shown;
mod verbs;

use program::{Play, Program, program};
use ringmain_behaviour::{Script, Step, scripts};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What C cannot say, and nothing else.
const UNSAID: [&str; 2] =
    ["hub.stream with no partitions: 0 is as many as there are", "stream.producers: who opened one knows it"];

/// Each script on each kind of hub that it is for.
fn plays() -> Vec<Play> {
    let mut plays = Vec::new();
    for (file, scripts) in scripts() {
        for script in scripts {
            for (kind, is_durable) in [("memory", false), ("durable", true)] {
                if script.durable && !is_durable {
                    continue;
                }
                let name = format!("{file} ({kind}): {}", script.about);
                plays.push(Play { name, script: script.clone(), is_durable });
            }
        }
    }
    plays
}

/// Compiles a program and runs it; what it prints.
fn run(program: &Program) -> String {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("replay.c");
    std::fs::write(&source, &program.source).unwrap();
    let headers = format!("-I{}/tests/behaviour", env!("CARGO_MANIFEST_DIR"));
    let output =
        library::run(&source, "-std=c99", &[&headers, "-Wno-overlength-strings"], &[directory.path()]);
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.code().is_some(), "{}: {printed}", output.status);
    printed
}

#[test]
fn every_script_gives_in_c_what_it_says() {
    let plays = plays();
    assert!(plays.len() > 50, "only {} were found", plays.len());
    let program = program(&plays).unwrap();
    let unsaid: BTreeSet<&str> = program.unsaid.iter().map(String::as_str).collect();
    assert_eq!(unsaid, BTreeSet::from(UNSAID));
    let printed = run(&program);
    assert_eq!(printed, format!("{} passed, 0 failed\n", plays.len()));
}

#[test]
fn a_verb_or_a_member_that_is_not_known_is_seen() {
    let fault = |steps: Value| {
        let script: Script = serde_json::from_value(json!({ "about": "x", "steps": steps })).unwrap();
        let play = Play { name: "x".to_owned(), script, is_durable: false };
        program(&[play]).err().unwrap_or_default()
    };
    let queue = json!({"call": "hub.queue", "with": {"name": "jobs", "on_exhausted": "drop"}, "as": "jobs"});
    let after = |step: Value| fault(json!([queue, step]));
    assert_eq!(after(json!({"call": "jobs.pause"})), "");
    assert!(after(json!({"call": "jobs.dance"})).contains("\"dance\""));
    assert!(after(json!({"call": "jobs.pause", "with": {"loudly": true}})).contains("\"loudly\""));
    assert!(after(json!({"call": "jobs.send", "with": {"value": "a", "colour": 1}})).contains("\"colour\""));
    assert!(after(json!({"call": "jobs.receive", "gives": {"colour": 1}})).contains("\"colour\""));
    assert!(after(json!({"call": "jobs.receive", "gives": {"id": "a"}})).contains("is no number"));
    assert!(after(json!({"call": "others.receive"})).contains("others stands for nothing"));
    assert!(
        fault(json!([{"call": "hub.queue", "with": {"name": "a", "retry": {"x": 1}}}])).contains("\"x\"")
    );
    assert!(fault(json!([{"call": "hub.vanish"}])).contains("\"vanish\""));
}

/// The same value but for one leaf, for each leaf that it has.
fn changed(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => vec![json!({ "value": "something else" })],
        Value::Bool(is_so) => vec![(!is_so).into()],
        Value::Number(number) => vec![(number.as_u64().unwrap() + 1).into()],
        Value::String(_) => vec!["FULL".into()],
        Value::Array(each) => {
            let mut all: Vec<Value> = (0..each.len())
                .flat_map(|index| {
                    let elements = match &each[index] {
                        Value::Null => vec!["FULL".into()],
                        other => changed(other),
                    };
                    elements.into_iter().map(move |element| (index, element))
                })
                .map(|(index, element)| {
                    let mut each = each.clone();
                    each[index] = element;
                    each.into()
                })
                .collect();
            let longer = each.first().cloned().unwrap_or_else(|| json!({}));
            all.push([each.clone(), vec![longer]].concat().into());
            all
        }
        Value::Object(members) if members.is_empty() => vec![json!({ "h": "something else" })],
        Value::Object(members) => {
            let with = |name: &String, value| {
                let mut members: Map<String, Value> = members.clone();
                members.insert(name.clone(), value);
                members.into()
            };
            let each = members.iter().flat_map(|(name, value)| {
                let changes = match value {
                    Value::Null if name.ends_with("_ns") => vec![1.into()],
                    Value::Null => vec!["something else".into()],
                    other => changed(other),
                };
                changes.into_iter().map(move |change| with(name, change))
            });
            each.collect()
        }
    }
}

/// The same step with each other expectation that is wrong.
fn wrong(step: &Step) -> Vec<Step> {
    let mut all: Vec<Step> = step
        .gives
        .iter()
        .flat_map(changed)
        .map(|gives| Step { gives: Some(gives), ..step.clone() })
        .collect();
    let other = if step.error.as_deref() == Some("TIMEOUT") { "FULL" } else { "TIMEOUT" };
    all.push(Step { error: Some(other.to_owned()), ..step.clone() });
    if step.error.is_some() {
        all.push(Step { error: None, as_: None, ..step.clone() });
    }
    all
}

/// How many of the first steps C cannot say.
fn unsaid(script: &Script, count: usize) -> usize {
    let script = Script { steps: script.steps.iter().take(count).cloned().collect(), ..script.clone() };
    program(&[Play { name: String::new(), script, is_durable: false }]).unwrap().unsaid.len()
}

#[test]
fn each_expectation_that_is_changed_is_seen_to_fail_at_its_step() {
    let mut plays = Vec::new();
    for script in scripts().into_iter().flat_map(|(_, scripts)| scripts) {
        for (index, step) in script.steps.iter().enumerate() {
            for wrong in wrong(step) {
                let mut script = script.clone();
                script.steps.truncate(index);
                script.steps.push(wrong);
                // A step that C cannot say, or that calls nothing, cannot fail.
                let is_silent =
                    step.split().1 == "group" || unsaid(&script, index + 1) > unsaid(&script, index);
                if !is_silent {
                    let name = format!("[{}, step {index}]", plays.len());
                    let is_durable = script.durable;
                    plays.push(Play { name, script, is_durable });
                }
            }
        }
    }
    assert!(plays.len() > 300, "only {}", plays.len());
    let printed = run(&program(&plays).unwrap());
    for play in &plays {
        let index = play.script.steps.len() - 1;
        let told = format!("FAILED {}: step {index}, ", play.name);
        let about = (&play.script.about, play.script.steps.last());
        assert!(printed.contains(&told), "{told}: not so: {about:?}\n{printed}");
    }
}
