//! The program: lists the models, or runs those that are named.
//!
//! `loom-tests list` prints the names; `loom-tests run NAME...` runs those, each to a line of name, executions
//! and milliseconds. A model that fails panics, as does one that was barely explored: a scheduler
//! that sees one interleaving is blind.

#[cfg(ringmain_loom)]
mod loom;
#[cfg(ringmain_shuttle)]
mod shuttle;

#[cfg(ringmain_loom)]
use self::loom as scheduler;
#[cfg(ringmain_shuttle)]
use self::shuttle as scheduler;

use crate::models::{MODELS, Model};
use crate::sync::barrier::expedited;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Fewer executions than this is blindness.
const EXECUTIONS_MIN: u64 = 2;

/// See the module's description.
pub fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let models: Vec<&Model> =
        MODELS.iter().copied().flatten().filter(|model| scheduler::takes(model)).collect();
    match arguments.split_first() {
        Some((verb, [])) if verb == "list" => models.iter().for_each(|model| println!("{}", model.name)),
        Some((verb, names)) if verb == "run" => {
            for name in names {
                let Some(model) = models.iter().find(|model| model.name == name) else {
                    eprintln!("there is no model {name:?}; `list` names those there are");
                    return ExitCode::from(2);
                };
                run(model);
            }
        }
        _ => {
            eprintln!("usage: loom-tests list | loom-tests run NAME...");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn run(model: &Model) {
    // Said before, so that whoever finds this process dead knows where it died.
    eprintln!("model {}", model.name);
    // Readers of a broadcast ring join by the same pair of barriers by which others sleep; who does not lead sleeps.
    let with_barriers = ["park_wake", "broadcast::", "journal::lead"];
    let has_barriers = with_barriers.iter().any(|part| model.name.contains(part));
    let barrier = if has_barriers { expedited::OFFERED } else { expedited::NOBODY_SLEEPS };
    expedited::MODEL.store(barrier, Ordering::Relaxed);
    let started = Instant::now();
    let count = std::sync::Arc::new(AtomicU64::new(0));
    let counted = count.clone();
    let body = model.body;
    scheduler::explore(model, move || {
        counted.fetch_add(1, Ordering::Relaxed);
        body();
    });
    (model.after)();
    let executions = count.load(Ordering::Relaxed);
    assert!(executions >= EXECUTIONS_MIN, "{} was explored in {executions} executions: blind", model.name);
    println!("{}\t{executions}\t{}", model.name, started.elapsed().as_millis());
}
