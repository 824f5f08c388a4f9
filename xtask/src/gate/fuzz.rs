//! `./x fuzz`: everything that parses bytes from a disk, under libFuzzer and AddressSanitizer.
//!
//! Three kinds of run, each a process of its own: every target as the core is; the targets that checksums protect with the
//! twin that does not compare them, so that the fuzzer gets behind; and each planted bug, which must be found.

use super::Workspace;
use super::mutation::{self, Mutation};
use super::published;
use super::san::has_runtime;
use crate::table::{Table, grouped};
use crate::test::count::{Counts, cargo_test};
use crate::test::log::Log;
use crate::{paths, shell};
use anyhow::{Context, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// The workspace of the targets. They open whole queues and hubs, so that it is all of the core.
pub const TARGETS: Workspace = Workspace {
    folder: "fuzz",
    generated: "fuzz",
    sources: &[""],
    modules: &[
        "pub mod clock;",
        "pub(crate) mod durability;",
        "pub mod error;",
        "pub mod hub;",
        "pub(crate) mod journal;",
        "pub mod limits;",
        "pub(crate) mod log;",
        "pub mod message;",
        "pub mod name;",
        "pub(crate) mod notice;",
        "pub mod queue;",
        "pub mod ring;",
        "pub mod storage;",
        "pub mod stream;",
        "pub(crate) mod sync;",
    ],
    others: &[],
    other_modules: None,
};

/// Every target, and whether checksums protect what it parses.
const NAMES: [(&str, bool); 9] = [
    ("frame", true),
    ("segment_header", true),
    ("index", true),
    ("recovery", true),
    ("power_cut", false),
    ("journal", true),
    ("catalogue", true),
    ("settlement", false),
    ("offsets", false),
];

/// Longest time of one input: far above the slowest on a busy machine, so that more is a hang.
const INPUT_SECONDS_MAX: u32 = 25;
/// Largest single allocation: above the largest segment that a log opens by itself.
const ALLOCATION_MIB_MAX: u32 = 48;
const MEMORY_MIB_MAX: u32 = 1024;
/// Lines of what a crash said that are shown.
const CRASH_LINES: usize = 12;

/// What libFuzzer needs to be told of by the code: edges taken, and what was compared.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Options of `./x fuzz`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Seconds a target; a planted bug gets as many at most.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// Only the targets and planted bugs whose names contain one of these.
    #[arg(value_name = "PART")]
    parts: Vec<String>,
}

/// A built program.
#[derive(Debug)]
struct Program {
    path: PathBuf,
}

/// A target to be run.
#[derive(Debug)]
struct Run<'a> {
    program: &'a Program,
    target: &'static str,
    kind: Kind<'a>,
    /// The planted bugs that are awake, one a line.
    awake: String,
    seconds: u32,
}

#[derive(Debug, Clone, Copy)]
enum Kind<'a> {
    Plain,
    Twin,
    Bug(&'a Mutation),
}

/// What a run did.
#[derive(Debug, Default, Clone)]
struct Done {
    executions: u64,
    /// Edges taken.
    coverage: u64,
    /// Inputs that each take something the others do not.
    corpus: u64,
    crash: Option<Crash>,
    time: Duration,
}

#[derive(Debug, Default, Clone)]
struct Crash {
    /// The input, if libFuzzer has written it.
    input: Option<PathBuf>,
    words: String,
}

/// Runs the gate.
///
/// # Errors
///
/// Something could not be built or run.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let directory = paths::target().join("test-logs");
    std::fs::create_dir_all(&directory)
        .with_context(|| format!("cannot make {}", paths::shown(&directory)))?;
    let mut log = Log::create(directory.join("fuzz.log"))?;
    show!("fuzz: log in {}", paths::shown(log.path()));
    let mutations = mutation::read_table(&TARGETS)?;
    mutation::prepare(&TARGETS, &mutations)?;
    let started = Instant::now();
    let address = has_runtime("asan")?;
    let plain = Program::build("plain", &[], address, &mut log)?;
    let mutated = Program::build("mutated", &["mutated"], address, &mut log)?;
    show!(
        "fuzz: built in {:.0} s, {}",
        started.elapsed().as_secs_f64(),
        if address { "with AddressSanitizer" } else { "without AddressSanitizer, which this compiler lacks" }
    );
    let asked = |name: &str| {
        arguments.parts.is_empty() || arguments.parts.iter().any(|part| name.contains(part.as_str()))
    };
    let runs = runs(&plain, &mutated, &mutations, arguments.seconds, asked);
    ensure!(!runs.is_empty(), "no target and no planted bug has {:?} in its name", arguments.parts);
    let failed = report(&runs, &run_all(&runs)?, &mut log)?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The corpus as a suite of `./x test`: every input once, without sanitizers, as the core is and with the twin.
///
/// # Errors
///
/// The table of planted bugs does not fit the sources.
pub fn suite(log: &mut Log) -> Result<Counts> {
    let mutations = mutation::read_table(&TARGETS)?;
    mutation::prepare(&TARGETS, &mutations)?;
    let mut counts = Counts::default();
    for twin in [None, Some(twin(&mutations))] {
        let mut command = shell::cargo();
        command.env("CARGO_TARGET_DIR", paths::target().join("fuzz/build"));
        command.args(["test", "--locked", "--no-fail-fast", "--manifest-path"]).arg(TARGETS.manifest());
        if let Some(awake) = twin {
            let targets = NAMES.iter().filter(|(_, has_checksums)| *has_checksums).map(|(target, _)| target);
            command.args(["--features", "mutated", "--", "--exact"]).args(targets).env("MUTATION", awake);
        }
        counts = counts + Counts::of(&log.run(&mut command)?, cargo_test);
    }
    Ok(counts)
}

fn runs<'a>(
    plain: &'a Program,
    mutated: &'a Program,
    mutations: &'a [Mutation],
    seconds: u32,
    asked: impl Fn(&str) -> bool,
) -> Vec<Run<'a>> {
    let mut runs = Vec::new();
    for (target, _) in NAMES.into_iter().filter(|(target, _)| asked(target)) {
        runs.push(Run { program: plain, target, kind: Kind::Plain, awake: String::new(), seconds });
    }
    for (target, _) in NAMES.into_iter().filter(|(target, has_checksums)| *has_checksums && asked(target)) {
        runs.push(Run { program: mutated, target, kind: Kind::Twin, awake: twin(mutations), seconds });
    }
    for (target, _) in NAMES {
        for bug in mutations.iter().filter(|bug| asked(target) || asked(&bug.name)) {
            let (alone, with_twin) = (bug.name.clone(), format!("{}\n{}", bug.name, twin(mutations)));
            for (catches, awake) in [(&bug.fuzz, alone), (&bug.fuzz_twin, with_twin)] {
                if catches.as_deref() == Some(target) {
                    runs.push(Run { program: mutated, target, kind: Kind::Bug(bug), awake, seconds });
                }
            }
        }
    }
    runs
}

/// The planted bugs that are the twin which skips checksums.
fn twin(mutations: &[Mutation]) -> String {
    let names = mutations.iter().filter(|mutation| mutation.twin).map(|mutation| mutation.name.as_str());
    names.collect::<Vec<_>>().join("\n")
}

/// Tells what was done. Returns how many runs did not end as they must.
fn report(runs: &[Run<'_>], done: &[Done], log: &mut Log) -> Result<usize> {
    let mut table = Table::new(&["target", "executions", "a second", "coverage", "corpus", "crashes"]);
    let mut caught = Vec::new();
    let mut failed = 0;
    for (run, done) in runs.iter().zip(done) {
        let name = run.name();
        let must_crash = matches!(run.kind, Kind::Bug(_));
        if must_crash != done.crash.is_some() {
            failed += 1;
            let words = match &done.crash {
                Some(crash) => crash.told(run.target),
                None => format!("not found in {} executions", grouped(done.executions)),
            };
            show!("  {name}: FAILED: {words}");
        }
        if let Some(crash) = &done.crash {
            log.say(&format!("{name}: {}", crash.words))?;
        }
        if must_crash {
            let seconds = done.time.as_secs_f64();
            caught.push(format!("{name}: {} executions, {seconds:.1} s", grouped(done.executions)));
            continue;
        }
        let a_second = done.executions as f64 / done.time.as_secs_f64().max(0.001);
        let crashes = u64::from(done.crash.is_some());
        let numbers = [done.executions, a_second as u64, done.coverage, done.corpus, crashes];
        table.row(&name, &numbers.map(|number| Some(grouped(number))));
    }
    let bugs = runs.iter().filter(|run| matches!(run.kind, Kind::Bug(_))).count();
    let executions = done.iter().map(|done| done.executions).sum();
    let sum = format!(
        "fuzz: {} runs, {} executions; {bugs} planted bugs; {failed} failures",
        runs.len(),
        grouped(executions)
    );
    for line in [table.to_string(), caught.join("\n"), sum] {
        show!("{line}");
        log.say(&line)?;
    }
    Ok(failed)
}

impl Program {
    fn build(name: &str, features: &[&str], address: bool, log: &mut Log) -> Result<Self> {
        let directory = paths::target().join("fuzz/instrumented");
        let host = published::host()?;
        let sanitizer =
            if address { " -Zsanitizer=address -Cunsafe-allow-abi-mismatch=sanitizer" } else { "" };
        let mut command = shell::cargo();
        // Sanitizers are there in every compiler, but not all of what they need is stable.
        command.env("RUSTC_BOOTSTRAP", "1").env_remove("CARGO_ENCODED_RUSTFLAGS");
        command.env("CARGO_TARGET_DIR", &directory).env("RUSTFLAGS", format!("{COVERAGE}{sanitizer}"));
        command.args(["build", "--release", "--locked", "--bin", "fuzz", "--target", &host]);
        command.arg("--features").arg([&["libfuzzer"], features].concat().join(","));
        command.arg("--manifest-path").arg(TARGETS.manifest());
        log.run(&mut command)?.check()?;
        // Features share one name: the next build would take its place.
        let path = directory.join(name);
        let built =
            directory.join(host).join("release").join(format!("fuzz{}", std::env::consts::EXE_SUFFIX));
        std::fs::copy(&built, &path).with_context(|| format!("cannot copy {}", paths::shown(&built)))?;
        Ok(Self { path })
    }
}

impl Crash {
    fn told(&self, target: &str) -> String {
        let again = match &self.input {
            Some(input) => {
                let folder = format!("{}/corpus/{target}/", TARGETS.folder);
                format!("the input is {}; keep it in {folder} once it is mended", paths::shown(input))
            }
            None => "there is no input".to_owned(),
        };
        format!("{again}\n{}", self.words)
    }
}

impl Run<'_> {
    fn name(&self) -> String {
        match self.kind {
            Kind::Plain => self.target.to_owned(),
            Kind::Twin => format!("{} without checksums", self.target),
            Kind::Bug(mutation) => format!("{} with {}", self.target, mutation.name),
        }
    }

    fn time(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }

    /// Where inputs are that were found before. A planted bug is found anew each time.
    fn found(&self) -> Result<PathBuf> {
        let name = self.name().replace(' ', "_");
        let folder = paths::target().join("fuzz/found").join(name);
        if matches!(self.kind, Kind::Bug(_)) && folder.exists() {
            std::fs::remove_dir_all(&folder)
                .with_context(|| format!("cannot remove {}", paths::shown(&folder)))?;
        }
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", paths::shown(&folder)))?;
        Ok(folder)
    }

    /// Runs it to its end, telling how far it is.
    fn run(&self, mut tell: impl FnMut(&Done)) -> Result<Done> {
        let seeds = paths::root().join(TARGETS.folder).join("corpus").join(self.target);
        let found = self.found()?;
        let crashes = found.with_extension("crashes");
        std::fs::create_dir_all(&crashes)
            .with_context(|| format!("cannot make {}", paths::shown(&crashes)))?;
        let mut command = Command::new(&self.program.path);
        command.env("TARGET", self.target).env("MUTATION", &self.awake).env("RUST_BACKTRACE", "0");
        command.env("ASAN_OPTIONS", "quarantine_size_mb=16:detect_leaks=1");
        command.arg(format!("-max_total_time={}", self.seconds));
        command.arg(format!("-timeout={INPUT_SECONDS_MAX}"));
        command.arg(format!("-malloc_limit_mb={ALLOCATION_MIB_MAX}"));
        command.arg(format!("-rss_limit_mb={MEMORY_MIB_MAX}"));
        command.arg(format!("-artifact_prefix={}/", crashes.display()));
        command.args(["-print_final_stats=1", "-print_pcs=0"]).arg(&found).arg(&seeds);
        let started = Instant::now();
        let name = self.name();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let mut done = Done::default();
        let mut words = Vec::new();
        if let Some(stderr) = child.stderr.take() {
            for line in BufReader::new(stderr).split(b'\n') {
                let line = String::from_utf8_lossy(&line?).into_owned();
                done.time = started.elapsed();
                if !done.read(&line, &crashes) {
                    words.push(line);
                }
                tell(&done);
            }
        }
        let status = child.wait()?;
        done.time = started.elapsed();
        if !status.success() {
            let input = done.crash.take().and_then(|crash| crash.input);
            ensure!(done.executions > 0, "{name} ends at once with {status}:\n{}", words.join("\n"));
            done.crash = Some(Crash { input, words: last_words(&words) });
        }
        Ok(done)
    }
}

impl Done {
    /// Takes the numbers out of a line of libFuzzer: `#128 NEW cov: 97 ft: 130 corp: 9/1Kb ...`, or where it wrote the input
    /// of a crash. False: the line says something else.
    fn read(&mut self, line: &str, crashes: &Path) -> bool {
        if let Some(count) = line.strip_prefix('#').and_then(|rest| rest.split_whitespace().next()) {
            let after = |key: &str| {
                let value = line.split_once(key)?.1.trim_start();
                value.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok()
            };
            self.executions =
                count.trim_end_matches(':').parse().unwrap_or(self.executions).max(self.executions);
            self.coverage = after("cov:").unwrap_or(self.coverage);
            self.corpus = after("corp:").unwrap_or(self.corpus);
            return true;
        }
        if let Some((_, path)) = line.split_once("Test unit written to ") {
            let input = crashes.join(Path::new(path.trim()).file_name().unwrap_or_default());
            self.crash = Some(Crash { input: Some(input), words: String::new() });
            return true;
        }
        if let Some(count) = line.strip_prefix("stat::number_of_executed_units:") {
            self.executions = count.trim().parse().unwrap_or(self.executions);
            return true;
        }
        false
    }
}

/// What a crash said, without what libFuzzer says at its start and in every crash.
fn last_words(lines: &[String]) -> String {
    let first = lines.iter().position(|line| {
        line.contains("panicked at") || line.contains("ERROR: ") || line.contains("libFuzzer: ")
    });
    let said = lines[first.unwrap_or(0)..].iter().filter(|line| !line.trim().is_empty());
    said.take(CRASH_LINES).cloned().collect::<Vec<_>>().join("\n")
}

/// All runs, as many at a time as there are cores, under one bar.
fn run_all(runs: &[Run<'_>]) -> Result<Vec<Done>> {
    let progress = Progress::new(runs)?;
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get());
    let next = AtomicUsize::new(0);
    let (sender, results) = mpsc::channel();
    let mut done = vec![Done::default(); runs.len()];
    thread::scope(|scope| {
        for _ in 0..cores.min(runs.len()) {
            let (sender, next, progress) = (sender.clone(), &next, &progress);
            scope.spawn(move || {
                // ORDERING: Relaxed: a ticket, which carries nothing.
                while let Some((index, run)) =
                    runs.iter().enumerate().nth(next.fetch_add(1, Ordering::Relaxed))
                {
                    let ended = run.run(|done| progress.show(index, run, done));
                    if let Ok(done) = &ended {
                        progress.end(index, run, done);
                    }
                    if sender.send((index, ended)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (index, ended) in results {
            done[index] = ended?;
        }
        anyhow::Ok(())
    })?;
    progress.bar.finish_and_clear();
    Ok(done)
}

/// The bar, and how much of each run's time is over.
struct Progress {
    bar: ProgressBar,
    over: Mutex<Vec<Duration>>,
}

impl Progress {
    fn new(runs: &[Run<'_>]) -> Result<Self> {
        let seconds = runs.iter().map(|run| u64::from(run.seconds)).sum();
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} s of fuzzing  {msg}")?;
        let bar = ProgressBar::new(seconds).with_style(style);
        Ok(Self { bar, over: Mutex::new(vec![Duration::ZERO; runs.len()]) })
    }

    fn advance(&self, index: usize, time: Duration) {
        let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        over[index] = time;
        self.bar.set_position(over.iter().sum::<Duration>().as_secs());
    }

    fn show(&self, index: usize, run: &Run<'_>, done: &Done) {
        self.advance(index, done.time.min(run.time()));
        self.bar.set_message(format!("{}: {done}", run.name()));
    }

    fn end(&self, index: usize, run: &Run<'_>, done: &Done) {
        // A bug that was found early has no more time to spend.
        self.advance(index, run.time());
        if self.bar.is_hidden() {
            show!("  {}: {done}", run.name());
        }
    }
}

impl std::fmt::Display for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { executions, coverage, corpus, .. } = self;
        write!(f, "{} executions, coverage {}, corpus {corpus}", grouped(*executions), grouped(*coverage))
    }
}

#[cfg(test)]
mod tests {
    use super::super::files_below;
    use super::*;

    #[test]
    fn the_numbers_of_libfuzzer_are_taken_from_its_lines() {
        let mut done = Done::default();
        let crashes = Path::new("crashes");
        assert!(done.read("#128\tNEW    cov: 97 ft: 130 corp: 9/1Kb lim: 4 exec/s: 0 rss: 40Mb", crashes));
        assert_eq!((done.executions, done.coverage, done.corpus), (128, 97, 9));
        assert!(done.read("stat::number_of_executed_units: 200", crashes));
        assert!(done.read("artifact_prefix='a/'; Test unit written to a/crash-0f", crashes));
        assert_eq!(
            (done.executions, done.crash.and_then(|crash| crash.input)),
            (200, Some("crashes/crash-0f".into()))
        );
        assert!(!Done::default().read("INFO: Seed: 4", crashes));
    }

    #[test]
    fn every_target_has_a_corpus_and_every_bug_a_target() {
        for (target, _) in NAMES {
            let folder = paths::root().join(TARGETS.folder).join("corpus").join(target);
            assert!(!files_below(&folder).unwrap().is_empty(), "{target}");
        }
        let mutations = mutation::read_table(&TARGETS).unwrap();
        let catches = mutations.iter().flat_map(|bug| [bug.fuzz.as_deref(), bug.fuzz_twin.as_deref()]);
        let targets: Vec<&str> = catches.flatten().collect();
        assert!(targets.len() >= 3 && mutations.iter().any(|mutation| mutation.twin));
        assert!(targets.iter().all(|target| NAMES.iter().any(|(known, _)| known == target)), "{targets:?}");
    }
}
