//! The one line of JSON with which each step of the pipeline reports.

use crate::expect::Carrier;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// The reports of one run. A language that was left out has none.
#[derive(Debug)]
pub struct Reports {
    /// Rows became records.
    pub rust: RustReport,
    /// Records were counted and tasks sent, twice.
    pub python: Option<(PythonReport, PythonReport)>,
    /// Tasks were handled.
    pub node: Option<NodeReport>,
    /// The stream and the dead letters were read.
    pub c: CReport,
}

/// A report, and the step that makes it.
pub trait Report: DeserializeOwned {
    /// The step's name in the report.
    const STEP: &'static str;
}

macro_rules! report {
    ($(#[$doc:meta])* $name:ident, $step:literal { $($field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Deserialize)]
        pub struct $name { $(#[allow(missing_docs)] pub $field: $type,)* }

        impl Report for $name {
            const STEP: &'static str = $step;
        }
    };
}

report! {
    /// Step 1: rows to records.
    RustReport, "rust" { rows: u64, records: u64, skipped: u64, seconds: f64, }
}
report! {
    /// Step 2: records to totals and tasks.
    PythonReport, "python" {
        records: u64, departures: u64, cancellations: u64, tasks: u64, carriers: BTreeMap<String, Carrier>,
        seconds: f64,
    }
}
report! {
    /// Step 3: tasks handled.
    NodeReport, "node" { tasks: u64, acked: u64, failed: u64, dead: u64, redelivered: u64, seconds: f64, }
}
report! {
    /// Step 4: the stream and the dead letters, read again.
    CReport, "c" { records: u64, dead: u64, dead_failures: u64, carriers: BTreeMap<String, u64>, seconds: f64, }
}

/// Reads what a step printed.
///
/// # Errors
///
/// It is not one line of JSON, or the report of another step.
pub fn parse<R: Report>(printed: &str) -> Result<R> {
    let mut lines = printed.lines().filter(|line| !line.trim().is_empty());
    let line = lines.next().context("it printed no report")?;
    ensure!(lines.next().is_none(), "it printed more than one line: {printed:?}");
    let value: serde_json::Value =
        serde_json::from_str(line).with_context(|| format!("its report is not JSON: {line:?}"))?;
    ensure!(value["step"] == R::STEP, "its report is not of step {:?}: {line}", R::STEP);
    serde_json::from_value(value).with_context(|| format!("its report is incomplete: {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_exactly_one_line_of_json_of_the_right_step() {
        let good = r#"{"step":"rust","rows":3,"records":2,"skipped":1,"seconds":0.5}"#;
        assert_eq!(parse::<RustReport>(&format!("{good}\n")).unwrap().records, 2);
        for bad in ["", "{}", "rows: 3", &good.replace("rust", "c"), &format!("{good}\n{good}"), &good[..20]]
        {
            assert!(parse::<RustReport>(bad).is_err(), "{bad:?}");
        }
        assert!(parse::<RustReport>(&good.replace("records", "other")).is_err());
    }
}
