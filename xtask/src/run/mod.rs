//! `./x run`: the flights pipeline, one program per language on one hub, and a short look at throughput.
//!
//! The languages run one after the other; what one leaves in the hub's directory the next one finds. Every total is
//! then compared with a count of the input file that nothing of Ringmain took part in.

mod report;
mod verify;

use crate::expect::{self, Expected};
use crate::shell::{self, Shell, cargo, program};
use crate::table::{Table, grouped};
use crate::tools::{node::Node, python::Python};
use crate::{c, paths, picture};
use anyhow::{Context, Result, bail, ensure};
use report::{CReport, NodeReport, PythonReport, Reports, RustReport};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// Options of `./x run`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A file of departures with the columns of the data that comes with the repository, plain or gzipped.
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Missing Python or Node is an error. Without it, the steps that need them are left out.
    #[arg(long)]
    strict: bool,
    /// Directory for the hub; must be empty or not exist. Default: target/flights/hub, emptied first.
    #[arg(long, value_name = "DIR")]
    hub: Option<PathBuf>,
}

/// The file that comes with the repository.
pub fn default_input() -> PathBuf {
    paths::root().join("examples/data/flights-2013-01.csv.gz")
}

/// Runs everything.
///
/// # Errors
///
/// The input cannot be read, something cannot be built, or a step fails.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let input = arguments.input.as_deref().map_or_else(default_input, paths::from_caller);
    let expected = expect::count(&input)?;
    let python = available(Python::find(), "Python", arguments.strict)?;
    let node = available(Node::find(), "Node", arguments.strict)?.filter(|_| {
        // The Python step makes the queue and sends the tasks.
        if python.is_none() {
            eprintln!("x: the Node step is left out: without the Python step it has no tasks");
        }
        python.is_some()
    });
    let work = paths::target().join("flights");
    std::fs::create_dir_all(&work).with_context(|| format!("cannot make {}", work.display()))?;
    let hub = match &arguments.hub {
        Some(hub) => given_hub(&paths::from_caller(hub))?,
        None => emptied(&work.join("hub"))?,
    };

    let shell = Shell::Open;
    shell.say("building the Rust programs and the C library")?;
    shell.run(cargo().args(["build", "--release", "--package", "flights", "--package", "ringmain-ffi"]))?;
    let c_program = work.join("flights-c");
    c::compile("examples/flights/c/main.c", &c_program, &shell)?;
    let python = python.map(|python| python.prepare(&shell)).transpose()?;
    if let Some(node) = &node {
        node.prepare(&shell)?;
    }

    shell.say(&format!("the flights pipeline on the hub {}", paths::shown(&hub)))?;
    let release = paths::target().join("release");
    let rust = step::<RustReport>(program(release.join("flights")).arg(&hub).arg("--input").arg(&input))?;
    let python = match &python {
        Some(python) => {
            let once =
                || step::<PythonReport>(python.python().arg("examples/flights/python/main.py").arg(&hub));
            Some((once()?, once()?))
        }
        None => None,
    };
    let node = match &node {
        Some(node) => Some(step::<NodeReport>(node.node().arg("examples/flights/node/main.mjs").arg(&hub))?),
        None => None,
    };
    let c = step::<CReport>(program(&c_program).arg(&hub))?;
    let reports = Reports { rust, python, node, c };

    show!("\n{}", totals(&reports));
    if let Some((python, _)) = &reports.python {
        let path = work.join("carriers.svg");
        let name = input.file_name().unwrap_or_default().to_string_lossy();
        picture::write(&path, &format!("{name}, {} flights", grouped(python.records)), &python.carriers)?;
        show!("mean departure delay and cancellations by carrier: {}", paths::shown(&path));
    }
    if !agree(&reports, &expected, &input) {
        return Ok(ExitCode::FAILURE);
    }
    show!();
    throughput(&release.join("throughput"), &emptied(&work.join("throughput"))?)?;
    Ok(ExitCode::SUCCESS)
}

/// A tool, or `None` with a word about it; an error if it must be there.
fn available<T>(found: Result<T>, language: &str, strict: bool) -> Result<Option<T>> {
    match found {
        Ok(tool) => Ok(Some(tool)),
        Err(error) if strict => Err(error.context(format!("{language} is needed because of --strict"))),
        Err(error) => {
            eprintln!("x: the {language} step is left out: {error:#}");
            Ok(None)
        }
    }
}

/// A hub that the caller chose: what it held before would be counted, so it must hold nothing.
fn given_hub(directory: &Path) -> Result<PathBuf> {
    let shown = directory.display();
    match std::fs::read_dir(directory) {
        Ok(mut entries) => {
            ensure!(
                entries.next().is_none(),
                "--hub {shown} is not empty; what it holds would be counted again"
            );
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("cannot read {shown}")),
    }
    Ok(directory.to_owned())
}

fn emptied(directory: &Path) -> Result<PathBuf> {
    match std::fs::remove_dir_all(directory) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot empty {}", directory.display()))
        }
        _ => Ok(directory.to_owned()),
    }
}

/// Runs one program of the pipeline: its words go to standard error as they come, its report is the one line of
/// standard output.
fn step<R: report::Report>(command: &mut Command) -> Result<R> {
    let name = shell::name(command);
    command.stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = command.output().with_context(|| format!("cannot start {name}"))?;
    if !output.status.success() {
        bail!("step {}: {name}: {}", R::STEP, output.status);
    }
    report::parse(&String::from_utf8_lossy(&output.stdout))
        .with_context(|| format!("step {}: {name}", R::STEP))
}

fn totals(reports: &Reports) -> Table {
    let mut table = Table::new(&[
        "step",
        "rows",
        "records",
        "tasks",
        "acked",
        "dead",
        "redelivered",
        "seconds",
        "handled/s",
    ]);
    let count = |count: u64| Some(grouped(count));
    // What a step handles, each as often as it is handled.
    let speed = |handled: u64, seconds: f64| {
        [
            Some(format!("{seconds:.2}")),
            (handled > 0 && seconds > 0.0).then(|| grouped((handled as f64 / seconds) as u64)),
        ]
    };
    let RustReport { rows, records, seconds, .. } = reports.rust;
    let [took, rate] = speed(rows, seconds);
    table.row("rust", &[count(rows), count(records), None, None, None, None, took, rate]);
    if let Some((first, second)) = &reports.python {
        for (name, report) in [("python", first), ("python again", second)] {
            let [took, rate] = speed(report.records, report.seconds);
            let (records, tasks) = (count(report.records), count(report.tasks));
            table.row(name, &[None, records, tasks, None, None, None, took, rate]);
        }
    }
    if let Some(node) = &reports.node {
        let [took, rate] = speed(node.acked + node.failed, node.seconds);
        let (tasks, acked) = (count(node.tasks), count(node.acked));
        table.row("node", &[None, None, tasks, acked, count(node.dead), count(node.redelivered), took, rate]);
    }
    let [took, rate] = speed(reports.c.records, reports.c.seconds);
    table.row("c", &[None, count(reports.c.records), None, None, count(reports.c.dead), None, took, rate]);
    table
}

/// Says whether every total is the expected one, and each that is not.
fn agree(reports: &Reports, expected: &Expected, input: &Path) -> bool {
    let (compared, differences) = verify::compare(reports, expected);
    let file = input.file_name().unwrap_or_default().to_string_lossy();
    if differences.is_empty() {
        show!("{compared} totals agree with a count of {file} made without Ringmain");
        return true;
    }
    eprintln!(
        "x: {} of {compared} totals differ from a count of {file} made without Ringmain:",
        differences.len()
    );
    for difference in &differences {
        eprintln!("  {difference}");
    }
    false
}

/// Ten seconds of queues and streams.
fn throughput(measure: &Path, directory: &Path) -> Result<()> {
    let status = program(measure).arg(directory).stdin(Stdio::null()).status();
    let status = status.context("cannot start the throughput summary")?;
    ensure!(status.success(), "the throughput summary: {status}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_that_the_caller_chose_must_hold_nothing() {
        let directory = tempfile::tempdir().unwrap();
        assert!(given_hub(directory.path()).is_ok());
        assert!(given_hub(&directory.path().join("new")).is_ok());
        std::fs::write(directory.path().join("lock"), "").unwrap();
        assert!(given_hub(directory.path()).unwrap_err().to_string().contains("not empty"));
        assert!(given_hub(&directory.path().join("lock")).is_err());
    }

    #[test]
    fn a_missing_language_is_left_out_unless_the_run_is_strict() {
        assert!(
            available(Err::<(), _>(anyhow::anyhow!("node is missing")), "Node", false).unwrap().is_none()
        );
        let error = available(Err::<(), _>(anyhow::anyhow!("node is missing")), "Node", true).unwrap_err();
        assert_eq!(format!("{error:#}"), "Node is needed because of --strict: node is missing");
    }
}
