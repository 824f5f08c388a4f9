//! Schedules of a model: depth first while it is small, then random, then few priority changes (PCT), which find
//! what needs one thread to be held back for long.

use crate::models::{Model, Size};
use shuttle::scheduler::{DfsScheduler, PctScheduler, RandomScheduler};
use shuttle::{Config, MaxSteps, Runner};
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
pub fn explore(model: &Model, body: impl Fn() + Send + Sync + 'static) {
    let schedules = std::env::var("SCHEDULES").ok().and_then(|n| n.parse().ok()).unwrap_or(SCHEDULES);
    let mut config = Config::new();
    config.max_steps = MaxSteps::FailAfter(STEPS_MAX);
    config.silence_warnings = true;
    let body = Arc::new(body);
    if !matches!(model.size, Size::Large) {
        let body = Arc::clone(&body);
        Runner::new(DfsScheduler::new(Some(schedules), false), config.clone()).run(move || body());
    }
    let random = Arc::clone(&body);
    Runner::new(RandomScheduler::new_from_seed(SEED, schedules), config.clone()).run(move || random());
    Runner::new(PctScheduler::new_from_seed(SEED, PCT_DEPTH, schedules), config).run(move || body());
}
