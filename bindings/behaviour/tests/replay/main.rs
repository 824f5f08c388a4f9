//! The scripts, replayed in Rust.

mod call;
mod show;

use call::{Thing, Things};
use ringmain::{Clock, Hub, ManualClock};
use ringmain_behaviour::{Script, difference, scripts};
use serde_json::Value;
use std::collections::HashMap;
use std::time::Duration;

/// Plays a script on one kind of hub; the first step that does not give what it must, in words.
fn replay(script: &Script, is_durable: bool) -> Result<(), String> {
    let directory = is_durable.then(|| tempfile::tempdir().unwrap());
    let clock = ManualClock::new();
    let open = || {
        let builder = Hub::builder().clock(Clock::Manual(clock.clone()));
        match &directory {
            Some(directory) => builder.open(directory.path()).unwrap(),
            None => builder.memory().unwrap(),
        }
    };
    let mut things: Things = HashMap::new();
    things.insert("hub".to_owned(), Thing::Hub(open()));
    things.insert("clock".to_owned(), Thing::Clock(clock.clone()));
    // Languages differ in when they drop what nobody names: nothing is dropped before the end.
    let mut kept = Vec::new();
    for step in &script.steps {
        if step.call == "hub.reopen" {
            let Some(Thing::Hub(hub)) = things.remove("hub") else { unreachable!() };
            things.clear();
            kept.clear();
            hub.close(Duration::from_secs(10)).unwrap();
            things.insert("hub".to_owned(), Thing::Hub(open()));
            things.insert("clock".to_owned(), Thing::Clock(clock.clone()));
            continue;
        }
        let told = |what: String| format!("{step:?}: {what}");
        match call::call(&mut things, step) {
            Ok(_) if step.error.is_some() => return Err(told("it did not fail".to_owned())),
            Ok((shown, given)) => {
                if let Some(difference) = step.gives.as_ref().and_then(|gives| difference(gives, &shown)) {
                    return Err(told(difference));
                }
                let mut given = given.into_iter();
                for (name, thing) in step.names().into_iter().zip(given.by_ref()) {
                    kept.extend(things.insert(name.to_owned(), thing));
                }
                kept.extend(given);
            }
            Err(error) if step.error.as_deref() == Some(error.code().name()) => {}
            Err(error) => return Err(told(format!("{} {error}", error.code().name()))),
        }
    }
    Ok(())
}

#[test]
fn every_script_gives_in_rust_what_it_says() {
    let mut count = 0;
    let mut failed = Vec::new();
    for (file, scripts) in scripts() {
        for script in scripts {
            for is_durable in [false, true] {
                if script.durable && !is_durable {
                    continue;
                }
                count += 1;
                if let Err(difference) = replay(&script, is_durable) {
                    let kind = if is_durable { "durable" } else { "memory" };
                    failed.push(format!("{file} ({kind}): {}\n    {difference}", script.about));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{} of {count} failed:\n{}", failed.len(), failed.join("\n"));
    assert!(count > 50, "only {count} were found");
}

#[test]
fn a_step_that_gives_something_else_is_seen() {
    let whole = scripts().into_iter().flat_map(|(_, scripts)| scripts);
    let mut seen = 0;
    for script in whole {
        for (index, step) in script.steps.iter().enumerate() {
            let mut changed = script.clone();
            changed.steps[index].gives = match &step.gives {
                Some(Value::Number(_)) => Some("something else".into()),
                Some(Value::Null) => Some(1.into()),
                _ => continue,
            };
            seen += 1;
            assert!(replay(&changed, true).is_err(), "{}, step {index}", script.about);
        }
    }
    assert!(seen > 10);
}
