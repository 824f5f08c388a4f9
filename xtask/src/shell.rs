//! Running other programs, and what is said when one fails.

use crate::paths;
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io;
use std::process::{Command, Stdio};

/// Where the words of the programs go. Standard output is left to results.
#[derive(Debug)]
pub enum Shell {
    /// To the caller's standard error.
    Open,
    /// To a log file.
    Logged(File),
}

impl Shell {
    /// Runs a program to its end, in the repository unless the command says otherwise.
    ///
    /// # Errors
    ///
    /// The program cannot be started, or does not end in success; its name is in the error.
    pub fn run(&self, command: &mut Command) -> Result<()> {
        let name = name(command);
        command.stdin(Stdio::null());
        match self {
            Self::Open => command.stdout(io::stderr()),
            Self::Logged(log) => command.stdout(log.try_clone()?).stderr(log.try_clone()?),
        };
        let status = command.status().with_context(|| format!("cannot start {name}"))?;
        if !status.success() {
            bail!("{name}: {status}");
        }
        Ok(())
    }

    /// Says what is being done, where the programs' words go.
    ///
    /// # Errors
    ///
    /// The log cannot be written.
    pub fn say(&self, words: &str) -> Result<()> {
        match self {
            Self::Open => eprintln!("x: {words}"),
            Self::Logged(log) => io::Write::write_all(&mut &*log, format!("{words}\n").as_bytes())?,
        }
        Ok(())
    }
}

/// A program, to be run in the repository.
pub fn program(name: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(paths::root());
    command
}

/// The cargo that runs this program, building into the same directory.
pub fn cargo() -> Command {
    let mut command = program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.env("CARGO_TARGET_DIR", paths::target());
    command
}

/// A command as a person would type it, without its directory.
pub fn name(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let mut words = vec![program.file_name().unwrap_or(command.get_program()).to_string_lossy()];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy()));
    words.join(" ")
}
