//! `./x bench`: builds the suite of a name with everything it is compared with, and runs it.

mod c;
mod node;
mod python;

use crate::paths;
use crate::shell::{cargo, name};
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::process::ExitCode;

/// Every suite: the first four are programs of the crate of rivals.
const SUITES: [&str; 7] = ["rings", "log", "queue", "stream", "c", "python", "node"];

#[derive(clap::Args)]
pub struct Arguments {
    /// Which suite: rings, log, queue, stream, c, python or node.
    suite: String,
    /// For the suite itself: `--quick`, `--cell WORDS`, `--peer WORD`, `--rounds N`, `--list`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    rest: Vec<OsString>,
}

/// Runs a suite; what it exits with is what this exits with.
pub fn bench(arguments: &Arguments) -> Result<ExitCode> {
    match known(&arguments.suite)? {
        "c" => c::bench(&arguments.rest),
        "python" => python::bench(&arguments.rest),
        "node" => node::bench(&arguments.rest),
        rust => bench_rust(rust, &arguments.rest),
    }
}

fn bench_rust(suite: &str, rest: &[OsString]) -> Result<ExitCode> {
    let mut command = cargo();
    command
        .args(["run", "--release", "--manifest-path", "benches/rivals/Cargo.toml"])
        .args(["--package", "ringmain-contest", "--bin", suite, "--", "--out"])
        .arg(paths::target().join("bench"))
        .args(rest);
    let status = command.status().with_context(|| format!("cannot start {}", name(&command)))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn known(suite: &str) -> Result<&'static str> {
    let found = SUITES.into_iter().find(|known| *known == suite);
    found.with_context(|| format!("there is no benchmark suite {suite:?}; there is: {}", SUITES.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_suite_is_answered_with_those_there_are() {
        assert_eq!(known("rings").unwrap(), "rings");
        assert_eq!(known("log").unwrap(), "log");
        assert_eq!(known("queue").unwrap(), "queue");
        assert_eq!(known("stream").unwrap(), "stream");
        let error = known("ring").unwrap_err().to_string();
        assert!(
            error.contains("\"ring\"")
                && error.contains("there is: rings, log, queue, stream, c, python, node"),
            "{error}"
        );
    }
}
