//! Python: the virtual environment `.venv` with its pinned tools, and the package `ringmain` built into it.

use super::stamp::Stamp;
use super::{native_stamp, output_of};
use crate::paths;
use crate::shell::{Shell, program};
use anyhow::{Result, anyhow};
use std::path::PathBuf;
use std::process::Command;

/// Where the package is.
pub const PACKAGE: &str = "bindings/python";
/// How the package gets into the environment.
const INSTALL: [&str; 5] = ["-m", "maturin", "develop", "--release", "--manifest-path"];
const REQUIREMENTS: &str = "bindings/python/requirements-dev.txt";

/// A Python that is new enough, not yet an environment.
#[derive(Debug)]
pub struct Python {
    version: String,
}

impl Python {
    /// Looks for `python3`.
    ///
    /// # Errors
    ///
    /// It is missing, too old, or cannot make environments.
    pub fn find() -> Result<Self> {
        let version = output_of(&mut python3("import sys; print(sys.version)"))
            .map_err(|_| anyhow!("python3 is missing; on Debian: apt-get install python3 python3-venv"))?;
        output_of(&mut python3("import sys; sys.exit(sys.version_info < (3, 11))"))
            .map_err(|_| anyhow!("python3 is {version}, 3.11 or later is needed"))?;
        output_of(&mut python3("import ensurepip, venv"))
            .map_err(|_| anyhow!("python3 has no venv module; on Debian: apt-get install python3-venv"))?;
        Ok(Self { version })
    }

    /// Makes the environment with its tools, and installs the package, each unless it is up to date.
    ///
    /// # Errors
    ///
    /// A tool cannot be installed, or the package cannot be built.
    pub fn prepare(&self, shell: &Shell) -> Result<Environment> {
        let environment = self.tools(shell)?;
        self.install_package(&environment, shell)?;
        Ok(environment)
    }

    /// Makes the environment with its tools unless it is up to date, and leaves the package in it as it is.
    ///
    /// # Errors
    ///
    /// A tool cannot be installed.
    pub fn tools(&self, shell: &Shell) -> Result<Environment> {
        let environment = Environment { directory: paths::root().join(".venv") };
        self.make_environment(&environment, shell)?;
        Ok(environment)
    }

    fn make_environment(&self, environment: &Environment, shell: &Shell) -> Result<()> {
        let mut stamp = Stamp::new(environment.directory.join("tools.stamp"));
        stamp.text(&self.version);
        stamp.sources(&[REQUIREMENTS])?;
        if stamp.is_current() && environment.interpreter().exists() {
            return Ok(());
        }
        shell.say("making the Python environment .venv")?;
        shell.run(program("python3").args(["-m", "venv", "--clear"]).arg(&environment.directory))?;
        shell.run(environment.python().args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--requirement",
            REQUIREMENTS,
        ]))?;
        stamp.keep()
    }

    fn install_package(&self, environment: &Environment, shell: &Shell) -> Result<()> {
        if environment.package_stamp()?.is_current() {
            return Ok(());
        }
        shell.say("building the Python package")?;
        shell.run(
            environment
                .python()
                .args(INSTALL)
                .arg(format!("{PACKAGE}/Cargo.toml"))
                .env("CARGO_TARGET_DIR", paths::target()),
        )?;
        environment.package_stamp()?.keep()
    }
}

/// The virtual environment.
#[derive(Debug)]
pub struct Environment {
    directory: PathBuf,
}

impl Environment {
    /// Its interpreter, to be run in the repository.
    pub fn python(&self) -> Command {
        let mut command = program(self.interpreter());
        command.env("VIRTUAL_ENV", &self.directory).env_remove("PYTHONPATH").env_remove("PYTHONHOME");
        command
    }

    fn package_stamp(&self) -> Result<Stamp> {
        let mut stamp = native_stamp(self.directory.join("package.stamp"), PACKAGE)?;
        stamp.text(&INSTALL.join(" "));
        Ok(stamp)
    }

    fn interpreter(&self) -> PathBuf {
        self.directory.join("bin").join("python")
    }
}

fn python3(code: &str) -> Command {
    let mut command = program("python3");
    command.args(["-c", code]);
    command
}
