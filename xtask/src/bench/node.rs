//! `./x bench node`: the Node surface against what its users have now.

use anyhow::{Result, bail};
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the suite.
///
/// # Errors
///
/// It cannot be built or started.
pub fn bench(_arguments: &[OsString]) -> Result<ExitCode> {
    bail!("the suite node is being written")
}
