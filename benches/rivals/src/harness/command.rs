//! The command line of a suite.

use super::contest::{self, Pace};
use super::experiment::{Experiment, Role};
use super::report::{self, Cell};
use super::worker::{self, Post};
use super::{plot, table};
use anyhow::{Context, Result, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[derive(Parser)]
#[command(about = "Measures Ringmain against its rivals", disable_version_flag = true)]
struct Arguments {
    /// Fewer and shorter rounds: under three minutes in all. Ratios are rough.
    #[arg(long)]
    quick: bool,
    /// Only cells whose name has all these words. Give it again for more.
    #[arg(long, value_name = "WORDS")]
    cell: Vec<String>,
    /// Only rivals whose name has this in it, and ours. Give it again for more.
    #[arg(long, value_name = "WORD")]
    peer: Vec<String>,
    /// How many rounds each entrant does.
    #[arg(long)]
    rounds: Option<usize>,
    /// How long a round is meant to take, in milliseconds.
    #[arg(long)]
    round_ms: Option<u64>,
    /// Name what would be measured, and measure nothing.
    #[arg(long)]
    list: bool,
    /// Where the results go; `target/bench` in the repository unless told otherwise.
    #[arg(long, value_name = "DIRECTORY")]
    out: Option<PathBuf>,
    #[arg(long, hide = true, requires = "entrant")]
    experiment: Option<String>,
    #[arg(long, hide = true, requires = "experiment")]
    entrant: Option<String>,
}

const ROUND_MS: u64 = 30;
const ROUND_MS_QUICK: u64 = 7;
const ROUNDS: usize = 9;
const ROUNDS_QUICK: usize = 3;

/// What the harness has to know of a suite besides its experiments.
#[derive(Clone, Copy, Debug)]
pub struct Suite {
    /// Names it on the command line, and its results.
    pub name: &'static str,
    /// An entrant that takes this much longer than a round is meant to take hangs, or is of no use.
    pub limit: Duration,
    /// The same for a quick run.
    pub limit_quick: Duration,
    /// Called before anything is measured, in the process of the suite alone.
    pub begin: fn() -> Result<()>,
    /// Takes out what this machine has no room for, and says what, who else is absent, and why: a line each.
    pub absent: fn(&mut Vec<Experiment>) -> Vec<String>,
}

impl Suite {
    /// A suite whose entrants have nothing to prepare.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            limit: Duration::from_secs(5),
            limit_quick: Duration::from_millis(1500),
            begin: || Ok(()),
            absent: |_| Vec::new(),
        }
    }
}

/// Runs a suite as the command line says. `experiments` is told whether it is to be quick.
pub fn main(suite: Suite, experiments: impl FnOnce(bool) -> Vec<Experiment>) -> ExitCode {
    let arguments = Arguments::parse();
    match run(suite, experiments(arguments.quick), &arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{}: {error:#}", suite.name);
            ExitCode::FAILURE
        }
    }
}

impl Arguments {
    fn pace(&self, suite: Suite) -> Pace {
        let (rounds, round_ms, limit) = match self.quick {
            true => (ROUNDS_QUICK, ROUND_MS_QUICK, suite.limit_quick),
            false => (ROUNDS, ROUND_MS, suite.limit),
        };
        let round = Duration::from_millis(self.round_ms.unwrap_or(round_ms).max(1));
        Pace {
            rounds: self.rounds.unwrap_or(rounds).max(1),
            round,
            limit: limit + 20 * round,
            quick: self.quick,
        }
    }

    fn is_part(&self) -> bool {
        !self.cell.is_empty() || !self.peer.is_empty()
    }

    fn wants_experiment(&self, experiment: &Experiment) -> bool {
        let has_all = |words: &String, name: &str| words.split_whitespace().all(|word| name.contains(word));
        self.cell.is_empty()
            || self.cell.iter().any(|words| {
                has_all(words, &experiment.name)
                    || experiment.metrics.iter().any(|metric| has_all(words, &metric.cell))
            })
    }

    fn wants_entrant(&self, name: &str, role: Role) -> bool {
        self.peer.is_empty()
            || matches!(role, Role::Ours | Role::Variant)
            || self.peer.iter().any(|word| name.contains(word.as_str()))
    }
}

fn run(suite: Suite, mut experiments: Vec<Experiment>, arguments: &Arguments) -> Result<ExitCode> {
    let pace = arguments.pace(suite);
    if let (Some(experiment), Some(entrant)) = (&arguments.experiment, &arguments.entrant) {
        let post = Post { experiment, entrant, round: pace.round, quick: pace.quick };
        worker::work(&experiments, &post)?;
        return Ok(ExitCode::SUCCESS);
    }
    experiments.retain(|experiment| arguments.wants_experiment(experiment));
    for experiment in &mut experiments {
        experiment.entrants.retain(|entrant| arguments.wants_entrant(&entrant.name, entrant.role));
    }
    ensure!(!experiments.is_empty(), "no cell has all the words of --cell {:?}; see --list", arguments.cell);
    if arguments.list {
        list(&experiments);
        return Ok(ExitCode::SUCCESS);
    }
    (suite.begin)()?;
    let absent = (suite.absent)(&mut experiments);

    println!("{}", machine());
    absent.iter().for_each(|line| println!("absent: {line}"));
    println!(
        "{} experiments, {} rounds of about {} ms, entrants in turn; medians, and ranges where there is room",
        experiments.len(),
        pace.rounds,
        pace.round.as_millis()
    );
    let begin = Instant::now();
    let (cells, wrong) = measure(&experiments, pace)?;
    print!("{}", table::cells(&cells));
    println!("measured for {:.0} s", begin.elapsed().as_secs_f64());

    let directory = arguments.out.clone().unwrap_or_else(default_directory);
    let name = if arguments.is_part() { format!("{}-part", suite.name) } else { suite.name.to_owned() };
    write(&directory, &name, &cells)?;
    for line in &wrong {
        println!("WRONG  {line}");
    }
    Ok(if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs everything; says who did something wrong, and what.
fn measure(experiments: &[Experiment], pace: Pace) -> Result<(Vec<Cell>, Vec<String>)> {
    let steps =
        experiments.iter().map(|experiment| experiment.entrants.len() * (pace.rounds + 1)).sum::<usize>();
    let progress = ProgressBar::new(steps as u64);
    progress.set_style(ProgressStyle::with_template("{bar:32} {percent:>3} %  {eta:>4}  {wide_msg}")?);
    let (mut cells, mut wrong) = (Vec::new(), Vec::new());
    for experiment in experiments {
        let results = contest::run(experiment, pace, &progress)?;
        cells.extend(report::cells(experiment, &results));
        wrong.extend(results.wrong.iter().map(|(name, what)| format!("{}: {name}: {what}", experiment.name)));
    }
    progress.finish_and_clear();
    Ok((cells, wrong))
}

fn write(directory: &Path, name: &str, cells: &[Cell]) -> Result<()> {
    std::fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let json = directory.join(format!("{name}.json"));
    std::fs::write(&json, serde_json::to_string_pretty(cells)? + "\n")
        .with_context(|| format!("cannot write {}", json.display()))?;
    let svg = directory.join(format!("{name}.svg"));
    std::fs::write(&svg, plot::ratios(name, cells)?)
        .with_context(|| format!("cannot write {}", svg.display()))?;
    println!("written: {name}.json and {name}.svg in {}", directory.display());
    Ok(())
}

/// Where the root workspace has its benchmark results.
fn default_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/bench")
}

fn list(experiments: &[Experiment]) {
    for experiment in experiments {
        let cells: Vec<&str> = experiment.metrics.iter().map(|metric| metric.cell.as_str()).collect();
        println!("{}", cells.join(", "));
        let names: BTreeSet<&str> = experiment.entrants.iter().map(|entrant| entrant.name.as_str()).collect();
        println!("    {}", names.into_iter().collect::<Vec<_>>().join(", "));
    }
}

/// What the numbers were measured on, as far as the system says.
fn machine() -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let information = read("/proc/cpuinfo");
    let model = information.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("");
    let model = model.trim_start_matches([' ', '\t', ':']);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = read("/proc/loadavg");
    let load = load.split_whitespace().next().unwrap_or("?");
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{cores} cores {model}, {} {}, load average {load}", std::env::consts::OS, kernel.trim())
}
