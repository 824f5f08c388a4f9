//! `./x check`: format, lints, and generated files.

use crate::shell::{Shell, cargo};
use crate::test::rust;
use anyhow::Result;
use std::process::{Command, ExitCode};

pub fn check() -> Result<ExitCode> {
    let [workspace, models, targets] = rust::fmt();
    let mut checks: [(&str, Command); 5] = [
        ("format", workspace),
        ("format of the models", models),
        ("format of the fuzz targets", targets),
        ("lints", rust::clippy()),
        ("generated files", generated_files()),
    ];
    let mut failed = 0;
    for (name, command) in &mut checks {
        eprintln!("x: {name}");
        if let Err(error) = Shell::Open.run(command) {
            eprintln!("x: {name}: {error:#}");
            failed += 1;
        }
    }
    show!("{} passed, {failed} failed", checks.len() - failed);
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The C header against what cbindgen makes of the sources now.
fn generated_files() -> Command {
    let mut command = cargo();
    command.args(["test", "--quiet", "--package", "ringmain-ffi", "--test", "header"]);
    command
}
