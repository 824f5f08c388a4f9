//! The Rust suites. All build the whole workspace with the same features, so that they share what they build.

use super::count::{Counts, cargo_test};
use super::log::Log;
use crate::shell::{cargo, program};
use anyhow::Result;
use std::process::Command;

/// The simulated disk, the planted bugs that the tests must catch, and what is off by default.
pub const FEATURES: [&str; 2] = ["--features", "ringmain/simulation,ringmain/seeded-bugs,ringmain/cron"];

/// Is everything formatted? The models and the fuzz targets are workspaces of their own; that of the models cargo does not
/// read before `./x loom` has put there what it depends on.
pub fn fmt() -> [Command; 3] {
    let (mut workspace, mut targets, mut models) = (cargo(), cargo(), program("rustfmt"));
    workspace.args(["fmt", "--all", "--check"]);
    targets.args(["fmt", "--check", "--manifest-path", "fuzz/Cargo.toml"]);
    models.args(["--check", "--edition", "2024", "loom-tests/build.rs", "loom-tests/src/main.rs"]);
    [workspace, models, targets]
}

/// Is every lint satisfied, in every target?
pub fn clippy() -> Command {
    let mut command = cargo();
    command
        .args(["clippy", "--workspace", "--all-targets"])
        .args(FEATURES)
        .args(["--", "--deny", "warnings"]);
    command
}

pub fn format_suite(log: &mut Log) -> Result<Counts> {
    let mut counts = Counts::default();
    for mut command in fmt() {
        counts = counts + Counts::one(log.run(&mut command)?.success());
    }
    Ok(counts)
}

pub fn clippy_suite(log: &mut Log) -> Result<Counts> {
    Ok(Counts::one(log.run(&mut clippy())?.success()))
}

/// Everything but the documentation's examples and the C surface, which are suites of their own.
pub fn rust_suite(log: &mut Log) -> Result<Counts> {
    let mut command = test();
    command.args(["--workspace", "--exclude", "ringmain-ffi", "--lib", "--bins", "--tests", "--examples"]);
    Ok(Counts::of(&log.run(&mut command)?, cargo_test))
}

pub fn doctest_suite(log: &mut Log) -> Result<Counts> {
    let mut command = test();
    command.args(["--workspace", "--doc"]);
    Ok(Counts::of(&log.run(&mut command)?, cargo_test))
}

/// `cargo test` with the features, through all test binaries even if one fails.
pub fn test() -> Command {
    let mut command = cargo();
    command.args(["test", "--no-fail-fast"]).args(FEATURES);
    command
}
