//! Scenarios in which several languages work on one hub directory, one after the other.

use super::count::Counts;
use super::log::Log;
use crate::paths;
use anyhow::{Result, ensure};

/// Where the programs are, one directory per scenario.
const SCENARIOS: &str = "tests/cross_language";

pub fn suite(_log: &mut Log) -> Result<Counts> {
    ensure!(paths::root().join(SCENARIOS).is_dir(), "{SCENARIOS} does not exist");
    Ok(Counts::default())
}
