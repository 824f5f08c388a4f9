//! Schedules of a model: random ones, and ones with few priority changes (PCT), which find what needs one thread to be
//! held back for long. Not depth first: a parked thread may wake for no reason, so that there is no end to it; and loom
//! is exhaustive where a model is small.

use crate::models::Model;
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};
use std::sync::Arc;

/// Schedules of each kind, unless `SCHEDULES` says otherwise.
const SCHEDULES: usize = 5_000;
/// Priority changes of a schedule.
const PCT_DEPTH: usize = 3;
/// Steps of one schedule; more is a loop that waits for nobody.
const STEPS_MAX: usize = 100_000;
/// The same schedules every time.
const SEED: u64 = 0x5EED;

/// Shuttle takes them all.
pub fn takes(_: &Model) -> bool {
    true
}

/// Runs its schedules.
pub fn explore(_: &Model, body: impl Fn() + Send + Sync + 'static) {
    let schedules = std::env::var("SCHEDULES").ok().and_then(|n| n.parse().ok()).unwrap_or(SCHEDULES);
    let mut config = Config::new();
    config.max_steps = MaxSteps::FailAfter(STEPS_MAX);
    config.silence_warnings = true;
    // The seed is the same, so that running the model again repeats it.
    config.failure_persistence = FailurePersistence::None;
    let body = Arc::new(body);
    let random = Arc::clone(&body);
    Runner::new(RandomScheduler::new_from_seed(SEED, schedules), config.clone()).run(move || random());
    Runner::new(PctScheduler::new_from_seed(SEED, PCT_DEPTH, schedules), config).run(move || body());
}
