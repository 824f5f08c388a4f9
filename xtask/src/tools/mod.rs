//! The Python and Node environments: found, made from pinned versions, and kept until what they are made of changes.

pub mod node;
pub mod python;
pub mod stamp;

use anyhow::{Result, bail};
use std::process::{Command, Stdio};

/// What a program prints, trimmed; an error if it is missing or fails.
pub fn output_of(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output()?;
    if !output.status.success() {
        bail!("{}: {}", crate::shell::name(command), output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
