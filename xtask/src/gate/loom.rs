//! `./x loom`: the rings, the log and the journal under loom and shuttle.

use super::mutation::{self, Mutation};
use super::program::{Build, Job, Program, Verdict, run_all};
use super::{MODELS, published};
use crate::paths;
use crate::table::grouped;
use crate::test::count::Counts;
use crate::test::log::Log;
use anyhow::{Context, Result, bail, ensure};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Longest time of one model: far above the slowest on a busy machine.
const LIMIT: Duration = Duration::from_secs(300);
/// Shuttle's schedules of each kind per model.
const SCHEDULES: u32 = 5_000;
const SCHEDULES_QUICK: u32 = 300;

/// Options of `./x loom`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Fewer of shuttle's schedules. This is what `./x test` runs.
    #[arg(long)]
    quick: bool,
    /// Only the models and planted bugs whose names contain one of these.
    #[arg(value_name = "PART")]
    parts: Vec<String>,
}

/// What a scheduler is asked for.
struct Scheduler {
    name: &'static str,
    /// The models that must fail with a planted bug.
    catches: fn(&Mutation) -> &[String],
    schedules: Option<u32>,
}

/// What was done, for the summary.
#[derive(Debug, Default)]
struct Tally {
    models: u64,
    executions: u64,
    /// Bugs, and the models that had to catch them.
    bugs: u64,
    catches: u64,
    failures: u64,
}

/// Runs the gate.
///
/// # Errors
///
/// Something could not be built.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut log = Log::create(log_path()?)?;
    show!("loom: log in {}", paths::shown(log.path()));
    let failures = gate(arguments, &mut log)?.failed;
    Ok(if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The same as a suite of `./x test`.
///
/// # Errors
///
/// As for `run`.
pub fn suite(log: &mut Log) -> Result<Counts> {
    gate(&Arguments { quick: true, parts: Vec::new() }, log)
}

fn log_path() -> Result<std::path::PathBuf> {
    let directory = paths::target().join("test-logs");
    std::fs::create_dir_all(&directory)
        .with_context(|| format!("cannot make {}", paths::shown(&directory)))?;
    Ok(directory.join("loom.log"))
}

fn gate(arguments: &Arguments, log: &mut Log) -> Result<Counts> {
    published::prepare()?;
    let mutations = mutation::read_table(&MODELS)?;
    mutation::prepare(&MODELS, &mutations)?;
    let schedules = if arguments.quick { SCHEDULES_QUICK } else { SCHEDULES };
    let schedulers = [
        Scheduler { name: "loom", catches: |mutation| &mutation.loom, schedules: None },
        Scheduler { name: "shuttle", catches: |mutation| &mutation.shuttle, schedules: Some(schedules) },
    ];
    let mut counts = Counts::default();
    let mut summary = Vec::new();
    for scheduler in schedulers {
        let (line, tally) = scheduler.run(&arguments.parts, &mutations, log)?;
        counts = counts + Counts { passed: tally.models + tally.catches, failed: tally.failures, skipped: 0 };
        summary.push(line);
    }
    for line in summary {
        show!("{line}");
        log.say(&line)?;
    }
    ensure!(
        counts.passed + counts.failed > 0,
        "no model and no planted bug has {:?} in its name",
        arguments.parts
    );
    Ok(counts)
}

impl Scheduler {
    fn run(&self, parts: &[String], mutations: &[Mutation], log: &mut Log) -> Result<(String, Tally)> {
        let started = Instant::now();
        let program = Program::build(self.name, &Build { features: &[self.name], ..Build::default() }, log)?;
        let build = Build { features: &[self.name, "mutated"], ..Build::default() };
        let mutated = Program::build(&format!("{}-mutated", self.name), &build, log)?;
        let built = started.elapsed();
        let asked = |name: &str| parts.is_empty() || parts.iter().any(|part| name.contains(part.as_str()));
        let mut tally = Tally::default();

        let models = program.models()?;
        let jobs: Vec<Job<'_>> =
            models.iter().filter(|model| asked(model)).map(|model| self.job(&program, model, None)).collect();
        let mut told = Ok(());
        run_all(&jobs, LIMIT, |job, verdict| {
            let (failed, words) = match verdict {
                Verdict::Passed { executions, time } => {
                    tally.models += 1;
                    tally.executions += executions;
                    (false, format!("{} executions, {:.1} s", grouped(executions), time.as_secs_f64()))
                }
                Verdict::Failed(words) => (true, format!("FAILED\n{words}")),
                Verdict::TimedOut => (true, format!("FAILED: not over after {} s", LIMIT.as_secs())),
                Verdict::Broken(words) => (true, format!("FAILED: {words}")),
            };
            tally.failures += u64::from(failed);
            note(&mut told, log, failed, &format!("{} {}: {words}", self.name, job.name()));
        });

        let mut jobs = Vec::new();
        for mutation in mutations {
            let catches = (self.catches)(mutation);
            if let Some(unknown) = catches.iter().find(|model| !models.contains(model)) {
                bail!("{} is to be caught by {unknown}, which {} does not have", mutation.name, self.name);
            }
            let wanted = asked(&mutation.name);
            let catches = catches.iter().filter(|model| wanted || asked(model));
            let before = jobs.len();
            jobs.extend(catches.map(|model| self.job(&mutated, model, Some(&mutation.name))));
            tally.bugs += u64::from(jobs.len() > before);
        }
        run_all(&jobs, LIMIT, |job, verdict| {
            let (failed, words) = match verdict {
                Verdict::Failed(words) => (false, format!("caught\n{words}")),
                Verdict::Passed { executions, .. } => {
                    (true, format!("FAILED: not caught in {} executions", grouped(executions)))
                }
                Verdict::TimedOut => (true, format!("FAILED: not caught in {} s", LIMIT.as_secs())),
                Verdict::Broken(words) => (true, format!("FAILED: {words}")),
            };
            tally.catches += u64::from(!failed);
            tally.failures += u64::from(failed);
            note(&mut told, log, failed, &format!("{} {}: {words}", self.name, job.name()));
        });
        told?;
        let line = format!(
            "{}: {} models, {} executions; {} planted bugs, caught by {} models; {} failures; {:.0} s and {:.0} s to build",
            self.name,
            tally.models,
            grouped(tally.executions),
            tally.bugs,
            tally.catches,
            tally.failures,
            (started.elapsed() - built).as_secs_f64(),
            built.as_secs_f64(),
        );
        Ok((line, tally))
    }

    fn job<'a>(&self, program: &'a Program, model: &str, mutation: Option<&'a str>) -> Job<'a> {
        let schedules = self.schedules.map(|count| ("SCHEDULES", count.to_string()));
        Job { program, model: model.to_owned(), mutation, environment: schedules.into_iter().collect() }
    }
}

/// Writes to the log, and shows the first lines of what failed.
fn note(told: &mut Result<()>, log: &mut Log, failed: bool, words: &str) {
    if failed {
        words.lines().take(12).for_each(|line| show!("  {line}"));
    }
    if told.is_ok() {
        *told = log.say(words);
    }
}
