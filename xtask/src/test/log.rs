//! The log of one suite: everything its programs say, and what of it is shown at once.

use crate::paths;
use crate::shell::{self, Shell};
use anyhow::{Context, Result, ensure};
use std::fs::File;
use std::io::{BufRead, BufReader, Write, pipe};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A suite that says nothing worth showing is shown to be alive this often.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// The log of one suite.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
}

/// What a program did.
#[derive(Debug)]
pub struct Ran {
    status: ExitStatus,
    name: String,
    /// What it printed, standard output and error together.
    pub text: String,
}

impl Ran {
    /// Whether it ended in success.
    pub fn success(&self) -> bool {
        self.status.success()
    }

    /// # Errors
    ///
    /// It did not end in success.
    pub fn check(&self) -> Result<()> {
        ensure!(self.success(), "{}: {}", self.name, self.status);
        Ok(())
    }
}

impl Log {
    /// An empty log.
    ///
    /// # Errors
    ///
    /// The file cannot be made.
    pub fn create(path: PathBuf) -> Result<Self> {
        let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { path, file })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A shell whose programs speak to this log.
    ///
    /// # Errors
    ///
    /// The file cannot be shared.
    pub fn shell(&self) -> Result<Shell> {
        Ok(Shell::Logged(self.file.try_clone()?))
    }

    /// Runs a program to its end; a failure of the program is no error here.
    ///
    /// # Errors
    ///
    /// The program cannot be started, or the log cannot be written.
    pub fn run(&mut self, command: &mut Command) -> Result<Ran> {
        let name = shell::name(command);
        writeln!(self.file, "$ {name}")?;
        let (reader, writer) = pipe()?;
        command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        command.env("CARGO_TERM_COLOR", "never").env("NO_COLOR", "1").env_remove("FORCE_COLOR");
        let mut child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        // The command holds the writing ends; without them the reader ends with the child.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let text = self.follow(BufReader::new(reader))?;
        let status = child.wait()?;
        writeln!(self.file, "{status}\n")?;
        Ok(Ran { status, name, text })
    }

    fn follow(&mut self, mut reader: impl BufRead) -> Result<String> {
        let mut text = String::new();
        let mut line = Vec::new();
        let mut shown = Instant::now();
        while reader.read_until(b'\n', &mut line)? > 0 {
            self.file.write_all(&line)?;
            let words = String::from_utf8_lossy(&line).into_owned();
            if is_failure(&words) || shown.elapsed() > SIGN_OF_LIFE {
                show!("  {}", words.trim_end().chars().take(160).collect::<String>());
                shown = Instant::now();
            }
            text.push_str(&words);
            line.clear();
        }
        Ok(text)
    }

    /// Writes a line of its own; shows it too if it tells of a failure.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn say(&mut self, words: &str) -> Result<()> {
        if is_failure(words) {
            show!("  {words}");
        }
        writeln!(self.file, "{words}")?;
        Ok(())
    }

    /// The last lines, with the name of the file above them.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn tail(&self, count: usize) -> Result<String> {
        let text = String::from_utf8_lossy(&std::fs::read(&self.path)?).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        let last = lines[lines.len().saturating_sub(count)..].join("\n    ");
        Ok(format!("  the end of {}:\n    {last}", paths::shown(&self.path)))
    }
}

/// Whether a line of cargo, pytest or node's test runner tells of a test that failed, or of an error.
fn is_failure(line: &str) -> bool {
    let line = line.trim();
    (line.starts_with("test ") && line.ends_with("FAILED"))
        || line.starts_with("error")
        || line.starts_with("FAILED ")
        || line.starts_with("ERROR ")
        || line.starts_with("not ok ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_a_program_says_is_in_the_log_with_how_it_ended() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = Log::create(directory.path().join("log")).unwrap();
        let ran = log.run(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"])).unwrap();
        assert_eq!(ran.text, "out\nerr\n");
        assert!(!ran.success());
        assert!(ran.check().unwrap_err().to_string().contains('3'));
        let kept = std::fs::read_to_string(log.path()).unwrap();
        assert!(kept.contains("$ sh -c") && kept.contains("out\nerr\n") && kept.contains('3'), "{kept}");
        assert!(log.tail(2).unwrap().ends_with("exit status: 3\n    "));
    }

    #[test]
    fn failures_are_told_from_other_lines() {
        for line in
            ["test a::b ... FAILED", "error[E0308]: x", "not ok 3 - x", "    not ok 1 - y", "FAILED t.py::x"]
        {
            assert!(is_failure(line), "{line}");
        }
        for line in ["test a::b ... ok", "test result: ok. 3 passed", "ok 3 - x", "# fail 0", "1 passed"] {
            assert!(!is_failure(line), "{line}");
        }
    }
}
