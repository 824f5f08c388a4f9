//! `./x san`: the rings and the core's tests under ThreadSanitizer and AddressSanitizer, and the Python suite under the latter.
//!
//! Nothing is suppressed: what the standard library does that ThreadSanitizer does not understand, because the library
//! is not compiled for it, the stress test does without.

use super::mutation::{self, Mutation};
use super::program::{Build, Job, Program, Verdict, run_all};
use super::{MODELS, published, san_python};
use crate::table::grouped;
use crate::test::count::{Counts, cargo_test};
use crate::test::log::Log;
use crate::test::rust::FEATURES;
use crate::{paths, shell};
use anyhow::{Context, Result, bail, ensure};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Longest time of one flavour's stress test.
const LIMIT: Duration = Duration::from_secs(600);

/// Options of `./x san`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The tests of power cuts and failing disks too, which take long under a sanitizer.
    #[arg(long)]
    all: bool,
    /// Only the Python suite, under AddressSanitizer.
    #[arg(long)]
    python: bool,
}

/// A sanitizer and what it is given.
struct Sanitizer {
    /// As the compiler calls it.
    name: &'static str,
    /// Of its runtime library.
    runtime: &'static str,
    feature: &'static str,
    environment: &'static [(&'static str, &'static str)],
    /// The stress test in which it must report a planted bug.
    catches: fn(&Mutation) -> Option<&String>,
    /// What it says when it reports something.
    report: &'static str,
}

const SANITIZERS: [Sanitizer; 2] = [
    Sanitizer {
        name: "thread",
        runtime: "tsan",
        feature: "instrumented",
        // Threads are not joined: see `keep` of the stress test.
        environment: &[("KEEP", "1"), ("TSAN_OPTIONS", "halt_on_error=1:report_thread_leaks=0")],
        catches: |mutation| mutation.thread_sanitizer.as_ref(),
        report: "ThreadSanitizer: data race",
    },
    Sanitizer {
        name: "address",
        runtime: "asan",
        feature: "",
        environment: &[("ASAN_OPTIONS", "detect_leaks=1")],
        catches: |mutation| mutation.address_sanitizer.as_ref(),
        report: "AddressSanitizer",
    },
];

/// Runs the gate.
///
/// # Errors
///
/// Something could not be built.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let directory = paths::target().join("test-logs");
    std::fs::create_dir_all(&directory)
        .with_context(|| format!("cannot make {}", paths::shown(&directory)))?;
    let mut log = Log::create(directory.join("san.log"))?;
    show!("san: log in {}", paths::shown(log.path()));
    published::prepare()?;
    let mutations = mutation::read_table(&MODELS)?;
    mutation::prepare(&MODELS, &mutations)?;
    let mut counts = Counts::default();
    let mut summary = Vec::new();
    for sanitizer in SANITIZERS {
        if arguments.python {
            continue;
        }
        if !has_runtime(sanitizer.runtime)? {
            let words = "skipped: this compiler comes without its runtime library";
            summary.push(format!("{}: {words}", sanitizer.name));
            counts.skipped += 1;
            continue;
        }
        let (line, done) = sanitizer.stress(&mutations, &mut log)?;
        counts = counts + done;
        summary.push(line);
        if sanitizer.name == "address" {
            let (line, done) = sanitizer.core_tests(arguments.all, &mut log)?;
            counts = counts + done;
            summary.push(line);
        }
    }
    let (line, done) = san_python::suite(&mut log)?;
    counts = counts + done;
    summary.push(line);
    for line in summary {
        show!("{line}");
        log.say(&line)?;
    }
    show!("{} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skipped);
    Ok(if counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether the compiler has the runtime library of a sanitizer.
pub fn has_runtime(name: &str) -> Result<bool> {
    let output = shell::program("rustc").args(["--print", "target-libdir"]).output();
    let output = output.context("cannot start rustc")?;
    let directory = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let entries = std::fs::read_dir(&directory).with_context(|| format!("cannot list {directory}"))?;
    let mut names = entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()));
    Ok(names.any(|found| found.contains(&format!("rt.{name}"))))
}

impl Sanitizer {
    /// The stress test of each flavour, and with each planted bug.
    fn stress(&self, mutations: &[Mutation], log: &mut Log) -> Result<(String, Counts)> {
        let started = Instant::now();
        let build = |name: &str, features: &[&str], log: &mut Log| {
            Program::build(name, &Build { features, sanitizer: Some(self.name) }, log)
        };
        let program = build(self.name, &[self.feature], log)?;
        let mutated = build(&format!("{}-mutated", self.name), &[self.feature, "mutated"], log)?;
        let built = started.elapsed();
        let environment: Vec<_> =
            self.environment.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let flavours = program.models()?;
        ensure!(!flavours.is_empty(), "the stress test has no flavours");
        let mut jobs = Vec::new();
        for model in &flavours {
            let (model, environment) = (model.clone(), environment.clone());
            jobs.push(Job { program: &program, model, mutation: None, environment });
        }
        let mut bugs = 0;
        for mutation in mutations {
            let Some(model) = (self.catches)(mutation).cloned() else { continue };
            if !flavours.contains(&model) {
                bail!("{} is to be caught by {model}, of which there is no stress test", mutation.name);
            }
            bugs += 1;
            let environment = environment.clone();
            jobs.push(Job { program: &mutated, model, mutation: Some(&mutation.name), environment });
        }
        ensure!(bugs > 0, "{} has no planted bug to report", self.name);
        let mut counts = Counts::default();
        let mut messages = 0;
        let mut reports = 0;
        let mut told = Ok(());
        run_all(&jobs, LIMIT, |job, verdict| {
            let (passed, words) = match (job.mutation, verdict) {
                (None, Verdict::Passed { executions, time }) => {
                    messages += executions;
                    (true, format!("{} messages, {:.1} s", grouped(executions), time.as_secs_f64()))
                }
                (Some(_), Verdict::Failed(words)) if words.contains(self.report) => {
                    (true, format!("caught\n{words}"))
                }
                (Some(_), Verdict::Passed { executions, .. }) => {
                    (false, format!("FAILED: not caught in {} messages", grouped(executions)))
                }
                (Some(_), Verdict::Failed(words)) => {
                    (false, format!("FAILED otherwise than by a report\n{words}"))
                }
                (None, Verdict::Failed(words)) => {
                    reports += u64::from(words.contains("Sanitizer"));
                    (false, format!("FAILED\n{words}"))
                }
                (_, Verdict::TimedOut) => (false, format!("FAILED: not over after {} s", LIMIT.as_secs())),
                (_, Verdict::Broken(words)) => (false, format!("FAILED: {words}")),
            };
            counts = counts + Counts::one(passed);
            let words = format!("{} {}: {words}", self.name, job.name());
            if !passed {
                words.lines().take(12).for_each(|line| show!("  {line}"));
            }
            if told.is_ok() {
                told = log.say(&words);
            }
        });
        told?;
        let line = format!(
            "{}: {} flavours, {} messages, {reports} reports; {bugs} planted bugs; {} failures; {:.0} s and {:.0} s to build",
            self.name,
            flavours.len(),
            grouped(messages),
            counts.failed,
            (started.elapsed() - built).as_secs_f64(),
            built.as_secs_f64(),
        );
        Ok((line, counts))
    }

    /// The tests of the core.
    fn core_tests(&self, all: bool, log: &mut Log) -> Result<(String, Counts)> {
        let started = Instant::now();
        let (mut command, _) = Build { features: &[], sanitizer: Some(self.name) }.cargo("test")?;
        command.args(["--package", "ringmain", "--lib", "--tests", "--no-fail-fast"]);
        if all {
            command.args(FEATURES);
        }
        command.envs(self.environment.iter().copied());
        let ran = log.run(&mut command)?;
        let counts = Counts::of(&ran, cargo_test);
        let Counts { passed, failed, .. } = counts;
        let seconds = started.elapsed().as_secs_f64();
        let line = format!(
            "{}: {passed} tests of the core passed, {failed} failed; {seconds:.0} s with building",
            self.name
        );
        Ok((line, counts))
    }
}
