//! The programs of `loom-tests`: building them, and running many of their models at once, each in a process of its
//! own, because a model that fails may take its process with it.

use super::{MODELS, published};
use crate::test::log::Log;
use crate::{paths, shell};
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How the program says that it does not know the model.
const UNKNOWN_MODEL: i32 = 2;

/// A built program.
#[derive(Debug)]
pub struct Program {
    path: PathBuf,
}

/// A model to be run.
#[derive(Debug)]
pub struct Job<'a> {
    pub program: &'a Program,
    pub model: String,
    /// The planted bug that is awake.
    pub mutation: Option<&'a str>,
    /// Further environment.
    pub environment: Vec<(&'static str, String)>,
}

/// How it ended.
#[derive(Debug)]
pub enum Verdict {
    Passed {
        executions: u64,
        time: Duration,
    },
    /// With what it said last.
    Failed(String),
    TimedOut,
    /// It could not be run at all.
    Broken(String),
}

/// How a program is compiled.
#[derive(Debug, Default)]
pub struct Build<'a> {
    pub features: &'a [&'a str],
    /// A sanitizer, for which all crates are compiled.
    pub sanitizer: Option<&'a str>,
}

impl Build<'_> {
    /// A cargo command that compiles like this, into a directory of its own.
    ///
    /// # Errors
    ///
    /// The compiler does not say for what machine it compiles.
    pub fn cargo(&self, verb: &str) -> Result<(Command, PathBuf)> {
        let mut command = shell::cargo();
        let mut directory = paths::target().join("loom").join(self.sanitizer.unwrap_or("build"));
        command.env("CARGO_TARGET_DIR", &directory).arg(verb);
        if let Some(sanitizer) = self.sanitizer {
            // Sanitizers are there in every compiler, but not all of what they need is stable.
            command.env("RUSTC_BOOTSTRAP", "1").env_remove("CARGO_ENCODED_RUSTFLAGS");
            let flags = format!("-Zsanitizer={sanitizer} -Cunsafe-allow-abi-mismatch=sanitizer");
            command.env("RUSTFLAGS", flags);
            // With a target named, build scripts and macros are compiled without.
            let host = published::host()?;
            command.args(["--target", &host]);
            directory.push(host);
        }
        Ok((command, directory))
    }
}

impl Program {
    /// Builds the program.
    ///
    /// # Errors
    ///
    /// It does not compile.
    pub fn build(name: &str, build: &Build<'_>, log: &mut Log) -> Result<Self> {
        let (mut command, directory) = build.cargo("build")?;
        command.args(["--release", "--locked", "--manifest-path"]);
        command.arg(MODELS.manifest());
        command.args(["--features", &build.features.join(",")]);
        log.run(&mut command)?.check()?;
        // Features share one name: the next build would take its place.
        let path = MODELS.generated().join("bin").join(name);
        std::fs::create_dir_all(MODELS.generated().join("bin"))?;
        let built =
            directory.join("release").join(format!("{}{}", MODELS.folder, std::env::consts::EXE_SUFFIX));
        std::fs::copy(&built, &path).with_context(|| format!("cannot copy {}", paths::shown(&built)))?;
        Ok(Self { path })
    }

    /// The names of its models.
    ///
    /// # Errors
    ///
    /// It cannot be run.
    pub fn models(&self) -> Result<Vec<String>> {
        let output = Command::new(&self.path).arg("list").output().context("cannot list the models")?;
        Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
    }
}

/// Runs jobs, as many at a time as there are cores, and tells of each when it has ended, in whatever order.
pub fn run_all(jobs: &[Job<'_>], limit: Duration, mut tell: impl FnMut(&Job<'_>, Verdict)) {
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get());
    let next = AtomicUsize::new(0);
    let (done, results) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..cores.min(jobs.len()) {
            let (done, next) = (done.clone(), &next);
            scope.spawn(move || {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if done.send((job, job.run(limit))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
        for (job, verdict) in results {
            tell(job, verdict);
        }
    });
}

impl Job<'_> {
    /// What it is called in the log.
    pub fn name(&self) -> String {
        match self.mutation {
            Some(mutation) => format!("{} with {mutation}", self.model),
            None => self.model.clone(),
        }
    }

    fn run(&self, limit: Duration) -> Verdict {
        let mut command = Command::new(&self.program.path);
        command.args(["run", &self.model]).envs(self.environment.iter().map(|(name, value)| (name, value)));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LOOM_") {
                command.env_remove(name);
            }
        }
        command.env("MUTATION", self.mutation.unwrap_or_default()).env("RUST_BACKTRACE", "0");
        match run(&mut command, limit) {
            Ok(Some(ran)) if ran.code == Some(0) => {
                let count = |line: &str| line.split('\t').nth(1)?.parse::<u64>().ok();
                let executions = ran.stdout.lines().filter_map(count).sum();
                Verdict::Passed { executions, time: ran.time }
            }
            Ok(Some(ran)) if ran.code == Some(UNKNOWN_MODEL) => Verdict::Broken(ran.stderr),
            Ok(Some(ran)) => Verdict::Failed(last_words(&ran.stderr)),
            Ok(None) => Verdict::TimedOut,
            Err(error) => Verdict::Broken(format!("{error:#}")),
        }
    }
}

/// The panics, without the noise around them.
fn last_words(stderr: &str) -> String {
    let lines = stderr.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("note:"));
    lines.take(40).collect::<Vec<_>>().join("\n")
}

/// What a process did.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub time: Duration,
}

/// Runs a process to its end; nothing if it took longer than it may, and was ended.
///
/// # Errors
///
/// It cannot be started.
pub fn run(command: &mut Command, limit: Duration) -> Result<Option<Ran>> {
    let started = Instant::now();
    let name = shell::name(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    let stdout = child.stdout.take().map(|pipe| thread::spawn(|| std::io::read_to_string(pipe)));
    let stderr = child.stderr.take().map(|pipe| thread::spawn(|| std::io::read_to_string(pipe)));
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if started.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            break None;
        }
        thread::sleep(Duration::from_millis(5));
    };
    let text = |reader: Option<thread::JoinHandle<std::io::Result<String>>>| {
        reader.and_then(|thread| thread.join().ok()).and_then(Result::ok).unwrap_or_default()
    };
    let (stdout, stderr) = (text(stdout), text(stderr));
    Ok(status.map(|status| Ran { code: status.code(), stdout, stderr, time: started.elapsed() }))
}
