//! `./x bench c`: the C surface against what its users have now.
//!
//! Rounds of a C program (benches/rivals/c/suite.c) and of a Rust one that makes the same calls (core/examples/call_cost.rs) run in turn;
//! of each cell the median is taken. `ck_ring` and `rte_ring` take part where their headers are installed.

use crate::paths;
use crate::shell::{Shell, cargo, program};
use crate::table::Table;
use anyhow::{Context, Result, bail};
use clap::Parser;
use serde::Serialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const OURS: &str = "ringmain C";
const RUST: &str = "ringmain Rust";
/// Those who do less: no leases, no acks, no limit in bytes; one sender and one receiver.
const REFERENCES: [&str; 3] = [RUST, "ck_ring", "rte_ring"];
const OVER_RUST: &str = "call over Rust";

#[derive(Parser)]
#[command(name = "./x bench c", disable_version_flag = true)]
struct Arguments {
    /// Fewer and shorter rounds. Ratios are rough.
    #[arg(long)]
    quick: bool,
    /// How many rounds each program does.
    #[arg(long)]
    rounds: Option<usize>,
    /// Only cells whose name has all these words.
    #[arg(long, value_name = "WORDS", default_value = "")]
    cell: String,
    /// Only rivals whose name has this in it, and ours.
    #[arg(long, value_name = "WORD", default_value = "")]
    peer: String,
    /// Name what would be measured, and measure nothing.
    #[arg(long)]
    list: bool,
}

/// Name, unit, whether more is better, and the goal: a value, or a ratio to the best rival.
struct Metric(&'static str, &'static str, bool, Goal);

#[derive(Clone, Copy)]
enum Goal {
    Value(f64),
    Ratio(f64),
    Told,
}

const METRICS: [Metric; 6] = [
    Metric("call empty", "ns", false, Goal::Told),
    Metric(OVER_RUST, "ns", false, Goal::Value(10.0)),
    Metric("cycle 100 B single", "ns", false, Goal::Told),
    Metric("cycle 100 B batch64", "ns", false, Goal::Ratio(1.0)),
    Metric("1p1c 100 B single", "M msgs/s", true, Goal::Ratio(1.0)),
    Metric("1p1c 100 B batch64", "M msgs/s", true, Goal::Ratio(1.0)),
];

#[derive(Clone, Copy, Serialize)]
struct Spread {
    median: f64,
    min: f64,
    max: f64,
}

#[derive(Serialize)]
struct Cell {
    cell: &'static str,
    unit: &'static str,
    higher_is_better: bool,
    ours: Option<Spread>,
    rivals: BTreeMap<String, Spread>,
    references: BTreeMap<String, Spread>,
    best: Option<String>,
    ratio: Option<f64>,
    goal: Option<f64>,
    goal_is: Option<&'static str>,
    met: Option<bool>,
}

/// The rounds of each entrant in each cell.
type Rounds = BTreeMap<(String, String), Vec<f64>>;

/// Runs the suite.
///
/// # Errors
///
/// It cannot be built or started, or a message was lost, doubled or altered.
pub fn bench(arguments: &[OsString]) -> Result<ExitCode> {
    let name = OsString::from("./x bench c");
    let arguments = Arguments::try_parse_from(std::iter::once(&name).chain(arguments))?;
    let wanted = |metric: &&Metric| arguments.cell.split_whitespace().all(|word| metric.0.contains(word));
    let metrics: Vec<&Metric> = METRICS.iter().filter(wanted).collect();
    if arguments.list {
        metrics.iter().for_each(|metric| show!("{}", metric.0));
        return Ok(ExitCode::SUCCESS);
    }
    let (suite, rust) = build()?;
    let (rounds, messages) = if arguments.quick { (3, 20_000) } else { (9, 400_000) };
    let rounds = arguments.rounds.unwrap_or(rounds);
    let mut measured = Rounds::new();
    for turn in 0..rounds {
        for index in 0..2 {
            let mut command = Command::new(if (turn + index) % 2 == 0 { &suite } else { &rust });
            run(command.arg(messages.to_string()).arg(turn.to_string()), &mut measured)?;
        }
    }
    let cells: Vec<Cell> = metrics.iter().map(|metric| metric.judge(&measured, &arguments.peer)).collect();
    tell(&cells);
    let out = paths::target().join("bench");
    std::fs::create_dir_all(&out).with_context(|| format!("cannot make {}", paths::shown(&out)))?;
    let path = out.join("c.json");
    std::fs::write(&path, serde_json::to_string_pretty(&cells)?)
        .with_context(|| format!("cannot write {}", paths::shown(&path)))?;
    show!("written to {}", paths::shown(&path));
    Ok(ExitCode::SUCCESS)
}

/// Both programs.
fn build() -> Result<(PathBuf, PathBuf)> {
    let shell = Shell::Open;
    shell.run(cargo().args(["build", "--release", "--package", "ringmain-ffi"]))?;
    shell.run(cargo().args(["build", "--release", "--package", "ringmain", "--example", "call_cost"]))?;
    let release = paths::target().join("release");
    let suite = paths::target().join("bench").join("c-suite");
    std::fs::create_dir_all(paths::target().join("bench"))?;
    let mut compile = program("cc");
    compile.args(["-O2", "-I", "ffi/include", "-o"]).arg(&suite).arg("benches/rivals/c/suite.c");
    for (entrant, header, package, define) in
        [("ck_ring", "ck_ring.h", "ck", "-DWITH_CK"), ("rte_ring", "rte_ring.h", "libdpdk", "-DWITH_RTE")]
    {
        match flags(header, package)? {
            Some(flags) => drop(compile.arg(define).args(flags)),
            None => show!("absent: {entrant}: {header} is not installed"),
        }
    }
    compile.arg(release.join("libringmain.a")).args(["-lpthread", "-ldl", "-lm"]);
    shell.run(&mut compile)?;
    Ok((suite, release.join("examples").join("call_cost")))
}

/// What a program needs that includes this header; `None` if it does not compile.
fn flags(header: &str, package: &str) -> Result<Option<Vec<String>>> {
    let asked = Command::new("pkg-config").args(["--cflags", "--libs", package]).output();
    let asked = asked.ok().filter(|output| output.status.success());
    let flags: Vec<String> = asked.map_or_else(Vec::new, |output| {
        String::from_utf8_lossy(&output.stdout).split_whitespace().map(str::to_owned).collect()
    });
    let probe = paths::target().join("bench").join("probe.c");
    std::fs::write(&probe, format!("#include <{header}>\nint main(void) {{ return 0; }}\n"))?;
    let compiled = program("cc").arg("-fsyntax-only").args(&flags).arg(&probe).output()?;
    Ok(compiled.status.success().then_some(flags))
}

/// One round of a program.
fn run(command: &mut Command, measured: &mut Rounds) -> Result<()> {
    let name = Path::new(command.get_program()).display().to_string();
    let output = command.output().with_context(|| format!("cannot start {name}"))?;
    if !output.status.success() {
        bail!("{name}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    for line in String::from_utf8(output.stdout)?.lines() {
        let [cell, entrant, value] = line.split('\t').collect::<Vec<_>>()[..] else {
            bail!("{name} says {line:?}, not a cell, an entrant and a value");
        };
        let value = value.parse().with_context(|| format!("{name} says {line:?}"))?;
        measured.entry((cell.to_owned(), entrant.to_owned())).or_default().push(value);
    }
    Ok(())
}

impl Metric {
    fn judge(&self, measured: &Rounds, peer: &str) -> Cell {
        let &Self(cell, unit, higher_is_better, goal) = self;
        let of = |entrant: &str| {
            measured.get(&(cell.to_owned(), entrant.to_owned())).and_then(|rounds| spread(rounds))
        };
        let ours = if cell == OVER_RUST { over_rust(measured) } else { of(OURS) };
        let others = measured.keys().filter(|(name, entrant)| name == cell && entrant != OURS);
        let (mut rivals, mut references) = (BTreeMap::new(), BTreeMap::new());
        for (_, entrant) in others.filter(|(_, entrant)| entrant.contains(peer)) {
            let side = if REFERENCES.contains(&entrant.as_str()) { &mut references } else { &mut rivals };
            side.extend(of(entrant).map(|spread| (entrant.clone(), spread)));
        }
        let better = |one: f64, other: f64| if higher_is_better { one / other } else { other / one };
        let best =
            rivals.iter().max_by(|(_, one), (_, other)| better(one.median, other.median).total_cmp(&1.0));
        let best = best.map(|(name, spread)| (name.clone(), *spread));
        let ratio = ours.zip(best.as_ref()).map(|(ours, (_, best))| better(ours.median, best.median));
        let (goal, goal_is, met) = match goal {
            Goal::Value(goal) => {
                let reached =
                    |ours: Spread| if higher_is_better { ours.median >= goal } else { ours.median <= goal };
                (Some(goal), Some("value"), ours.map(reached))
            }
            Goal::Ratio(goal) => (Some(goal), Some("ratio"), ratio.map(|ratio| ratio >= goal)),
            Goal::Told => (None, None, None),
        };
        let best = best.map(|(name, _)| name);
        Cell { cell, unit, higher_is_better, ours, rivals, references, best, ratio, goal, goal_is, met }
    }
}

/// Round by round, what an empty checked call in C takes longer than in Rust.
fn over_rust(measured: &Rounds) -> Option<Spread> {
    let rounds = |entrant: &str| measured.get(&("call empty".to_owned(), entrant.to_owned()));
    let over: Vec<f64> = rounds(OURS)?.iter().zip(rounds(RUST)?).map(|(c, rust)| c - rust).collect();
    spread(&over)
}

fn spread(rounds: &[f64]) -> Option<Spread> {
    let mut sorted = rounds.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (min, max) = (*sorted.first()?, *sorted.last()?);
    let (below, above) = (sorted.get((sorted.len() - 1) / 2)?, sorted.get(sorted.len() / 2)?);
    Some(Spread { median: (below + above) / 2.0, min, max })
}

fn tell(cells: &[Cell]) {
    let mut table = Table::new(&["cell", "unit", "ours", "best rival", "median", "ratio", "goal", ""]);
    let number = |number: f64| format!("{number:.2}");
    for cell in cells {
        let best = cell.best.as_ref().and_then(|best| cell.rivals.get(best));
        let goal = cell.goal.map(|goal| match cell.goal_is {
            Some("ratio") => format!(">= {goal:.2}x"),
            _ => format!("{} {goal}", if cell.higher_is_better { ">=" } else { "<=" }),
        });
        let met = cell.met.map(|met| if met { "ok" } else { "MISSED" }.to_owned());
        let columns = [
            Some(cell.unit.to_owned()),
            cell.ours.map(|ours| number(ours.median)),
            cell.best.clone(),
            best.map(|best| number(best.median)),
            cell.ratio.map(|ratio| format!("{ratio:.2}x")),
            goal,
            met,
        ];
        table.row(cell.cell, &columns);
        for (name, spread) in &cell.references {
            let columns = [
                Some(cell.unit.to_owned()),
                None,
                Some("(reference)".to_owned()),
                Some(number(spread.median)),
            ];
            table.row(&format!("  {name}"), &columns);
        }
    }
    show!("{table}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(metric: &Metric, rounds: &[(&str, &str, &[f64])]) -> Cell {
        let rounds = rounds
            .iter()
            .map(|(cell, entrant, values)| (((*cell).into(), (*entrant).into()), values.to_vec()));
        metric.judge(&rounds.collect(), "")
    }

    #[test]
    fn a_ratio_above_one_is_better_whichever_way_the_unit_runs() {
        for (is_higher, ratio) in [(true, 2.0), (false, 0.5)] {
            let metric = Metric("x", "u", is_higher, Goal::Ratio(1.0));
            let cell =
                judged(&metric, &[("x", OURS, &[4.0]), ("x", "mutex", &[2.0]), ("x", "ck_ring", &[9.0])]);
            assert_eq!(
                (cell.ratio, cell.met, cell.best.as_deref()),
                (Some(ratio), Some(is_higher), Some("mutex"))
            );
            assert!(cell.references.contains_key("ck_ring"));
        }
    }

    #[test]
    fn what_a_call_takes_over_rust_is_told_round_by_round() {
        let rounds: [(&str, &str, &[f64]); 2] =
            [("call empty", OURS, &[12.0, 30.0, 13.0]), ("call empty", RUST, &[2.0, 19.0, 2.0])];
        let cell = judged(&METRICS[1], &rounds);
        assert_eq!((cell.ours.map(|ours| ours.median), cell.met), (Some(11.0), Some(false)));
    }
}
