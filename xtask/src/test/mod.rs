//! `./x test`: every suite in every language, one after the other, whatever the others did.
//!
//! Each suite writes all it has to say to `target/test-logs/SUITE.log` and shows what fails as it goes. At the end
//! there is one line per suite, and the sum.

mod bindings;
pub mod count;
mod cross_language;
pub mod log;
mod readme;
pub mod rust;

use crate::gate::{fuzz, loom};
use crate::paths;
use anyhow::{Context, Result, bail};
use count::Counts;
use log::Log;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Lines of a failing suite's log that are shown.
const TAIL_LINES: usize = 60;

/// Options of `./x test`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only these suites; all without.
    #[arg(value_name = "SUITE")]
    suites: Vec<String>,
}

/// A set of tests that is run and counted as one.
struct Suite {
    name: &'static str,
    /// Runs it. An error is one more failure.
    run: fn(&mut Log) -> Result<Counts>,
}

const SUITES: [Suite; 11] = [
    Suite { name: "format", run: rust::format_suite },
    Suite { name: "clippy", run: rust::clippy_suite },
    Suite { name: "rust", run: rust::rust_suite },
    Suite { name: "doctests", run: rust::doctest_suite },
    Suite { name: "loom", run: loom::suite },
    Suite { name: "fuzz", run: fuzz::suite },
    Suite { name: "c", run: bindings::c_suite },
    Suite { name: "python", run: bindings::python_suite },
    Suite { name: "node", run: bindings::node_suite },
    Suite { name: "readme", run: readme::suite },
    Suite { name: "cross-language", run: cross_language::suite },
];

/// What became of a suite.
struct Outcome {
    name: &'static str,
    counts: Counts,
    time: Duration,
    /// What went wrong beyond the tests themselves.
    problem: Option<String>,
}

/// Runs the suites.
///
/// # Errors
///
/// A suite that does not exist was asked for, or no log can be written.
pub fn test(arguments: &Arguments) -> Result<ExitCode> {
    if let Some(unknown) =
        arguments.suites.iter().find(|asked| SUITES.iter().all(|suite| suite.name != **asked))
    {
        bail!("there is no suite {unknown:?}; there are: {}", SUITES.map(|suite| suite.name).join(", "));
    }
    let directory = paths::target().join("test-logs");
    std::fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let mut outcomes = Vec::new();
    for suite in &SUITES {
        if arguments.suites.is_empty() || arguments.suites.iter().any(|asked| asked == suite.name) {
            let mut log = Log::create(directory.join(format!("{}.log", suite.name)))?;
            show!("{}: log in {}", suite.name, paths::shown(log.path()));
            let outcome = suite.outcome(&mut log);
            show!("{outcome}");
            if outcome.counts.failed > 0 {
                show!("{}", log.tail(TAIL_LINES)?);
            }
            outcomes.push(outcome);
        }
    }
    show!();
    for outcome in &outcomes {
        show!("{outcome}");
    }
    let sum = outcomes.iter().fold(Counts::default(), |sum, outcome| sum + outcome.counts);
    show!("{} passed, {} failed", sum.passed, sum.failed);
    Ok(if sum.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Suite {
    fn outcome(&self, log: &mut Log) -> Outcome {
        let started = Instant::now();
        let (counts, problem) = match (self.run)(log) {
            Ok(counts) if counts.passed + counts.failed == 0 => {
                (Counts { failed: 1, ..counts }, Some("it ran no tests".to_owned()))
            }
            Ok(counts) => (counts, None),
            Err(error) => (Counts { failed: 1, ..Counts::default() }, Some(format!("{error:#}"))),
        };
        Outcome { name: self.name, counts, time: started.elapsed(), problem }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Counts { passed, failed, skipped } = self.counts;
        let (name, seconds) = (self.name, self.time.as_secs_f64());
        write!(f, "{name:<15}{passed:>6} passed {failed:>4} failed {skipped:>4} skipped {seconds:>8.1} s")?;
        match &self.problem {
            Some(problem) => write!(f, "  ({problem})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome_of(run: fn(&mut Log) -> Result<Counts>) -> Outcome {
        let directory = tempfile::tempdir().unwrap();
        Suite { name: "example", run }
            .outcome(&mut Log::create(directory.path().join("example.log")).unwrap())
    }

    #[test]
    fn a_suite_that_ran_nothing_or_broke_counts_as_failed() {
        let skipped_all = outcome_of(|_| Ok(Counts { skipped: 7, ..Counts::default() }));
        assert_eq!(skipped_all.counts, Counts { passed: 0, failed: 1, skipped: 7 });
        let broken = outcome_of(|_| bail!("no compiler"));
        assert_eq!(broken.counts.failed, 1);
        assert!(broken.to_string().contains("no compiler"));
        assert_eq!(outcome_of(|_| Ok(Counts { passed: 1, ..Counts::default() })).counts.failed, 0);
    }

    #[test]
    fn a_suite_that_does_not_exist_is_named_with_those_that_do() {
        let error = test(&Arguments { suites: vec!["cobol".to_owned()] }).unwrap_err().to_string();
        assert!(error.contains("cobol") && error.contains("doctests"), "{error}");
    }
}
