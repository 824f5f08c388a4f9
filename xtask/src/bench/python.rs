//! `./x bench python`: the Python surface against what its users have now.
//!
//! An environment of its own has the rivals, pinned, and the package as users get it: a wheel that maturin built.

use crate::paths;
use crate::shell::{Shell, program};
use crate::tools::native_stamp;
use crate::tools::python::{PACKAGE, Python};
use crate::tools::stamp::Stamp;
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const SUITE: &str = "benches/rivals/python";
const REQUIREMENTS: &str = "benches/rivals/python/requirements.txt";

/// Runs the suite.
///
/// # Errors
///
/// It cannot be built or started.
pub fn bench(arguments: &[OsString]) -> Result<ExitCode> {
    Python::find()?;
    let home = paths::target().join("bench-python");
    let interpreter = home.join("bin").join("python");
    make_environment(&home, &interpreter)?;
    install_package(&home, &interpreter)?;
    let mut command = python(&interpreter);
    command
        .arg(paths::root().join(SUITE).join("suite.py"))
        .arg("--out")
        .arg(paths::target().join("bench"))
        .args(arguments)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let status = command.status().with_context(|| format!("cannot start {}", interpreter.display()))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn make_environment(home: &Path, interpreter: &Path) -> Result<()> {
    let mut stamp = Stamp::new(home.join("tools.stamp"));
    stamp.sources(&[REQUIREMENTS])?;
    if stamp.is_current() && interpreter.exists() {
        return Ok(());
    }
    let shell = Shell::Open;
    shell.say("installing what the Python package is compared with")?;
    shell.run(program("python3").args(["-m", "venv", "--clear"]).arg(home))?;
    shell.run(python(interpreter).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--requirement",
        REQUIREMENTS,
    ]))?;
    stamp.keep()
}

fn install_package(home: &Path, interpreter: &Path) -> Result<()> {
    let stamp = native_stamp(home.join("package.stamp"), PACKAGE)?;
    if stamp.is_current() {
        return Ok(());
    }
    let shell = Shell::Open;
    let wheels = home.join("wheels");
    if wheels.exists() {
        std::fs::remove_dir_all(&wheels).with_context(|| format!("cannot clear {}", wheels.display()))?;
    }
    shell.say("building the Python package")?;
    shell.run(
        python(interpreter)
            .args(["-m", "maturin", "build", "--release", "--manifest-path", "bindings/python/Cargo.toml"])
            .arg("--interpreter")
            .arg(interpreter)
            .arg("--out")
            .arg(&wheels)
            .env("CARGO_TARGET_DIR", paths::target()),
    )?;
    let install = ["-m", "pip", "install", "--quiet", "--force-reinstall", "--no-deps"];
    shell.run(python(interpreter).args(install).arg(only_file(&wheels)?))?;
    stamp.keep()
}

fn only_file(directory: &Path) -> Result<PathBuf> {
    let found = std::fs::read_dir(directory)
        .with_context(|| format!("cannot read {}", directory.display()))?
        .collect::<std::io::Result<Vec<_>>>()?;
    match found.as_slice() {
        [one] => Ok(one.path()),
        _ => bail!("{} holds {} files, it should hold the one wheel", directory.display(), found.len()),
    }
}

fn python(interpreter: &Path) -> Command {
    let mut command = program(interpreter);
    command.env_remove("PYTHONPATH").env_remove("PYTHONHOME");
    command
}
