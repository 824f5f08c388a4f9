//! The pipeline's totals against the count of the input file.

use super::report::Reports;
use crate::expect::{Carrier, Expected};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

/// A task without an arrival delay fails this often before it is dead.
const FAILURES_MAX: u64 = 3;

/// Compares every total of the reports. Returns how many were compared, and a line for each that differs.
pub fn compare(reports: &Reports, expected: &Expected) -> (usize, Vec<String>) {
    let mut comparison = Comparison::default();
    let rust = &reports.rust;
    comparison.equal("rust", "rows", rust.rows, expected.rows);
    comparison.equal("rust", "records", rust.records, expected.records);
    comparison.equal("rust", "skipped", rust.skipped, expected.skipped);

    if let Some((first, second)) = &reports.python {
        comparison.equal("python", "records", first.records, expected.records);
        comparison.equal("python", "departures", first.departures, expected.departures());
        comparison.equal("python", "cancellations", first.cancellations, expected.cancellations());
        comparison.equal("python", "tasks", first.tasks, expected.tasks);
        comparison.carriers(&first.carriers, &expected.carriers);
        comparison.equal("python again", "records", second.records, 0);
        comparison.equal("python again", "tasks", second.tasks, 0);
    }

    let Expected { tasks, dead, .. } = *expected;
    if let Some(node) = &reports.node {
        comparison.equal("node", "tasks", node.tasks, tasks);
        comparison.equal("node", "acked", node.acked, tasks - dead);
        comparison.equal("node", "failed", node.failed, FAILURES_MAX * dead);
        comparison.equal("node", "dead", node.dead, dead);
        comparison.equal("node", "redelivered", node.redelivered, (FAILURES_MAX - 1) * dead);
    }

    // Without Node nobody fails a task.
    let c = &reports.c;
    let dead = if reports.node.is_some() { dead } else { 0 };
    comparison.equal("c", "records", c.records, expected.records);
    comparison.equal("c", "dead", c.dead, dead);
    comparison.equal("c", "failures of the dead", c.dead_failures, FAILURES_MAX * dead);
    for carrier in names(&c.carriers, &expected.carriers) {
        let flights =
            expected.carriers.get(carrier).map(|carrier| carrier.departures + carrier.cancellations);
        let found = c.carriers.get(carrier).copied();
        comparison.equal("c", &format!("records of {carrier}"), found.unwrap_or(0), flights.unwrap_or(0));
    }
    (comparison.compared, comparison.differences)
}

#[derive(Default)]
struct Comparison {
    compared: usize,
    differences: Vec<String>,
}

impl Comparison {
    fn equal(&mut self, step: &str, what: &str, found: u64, expected: u64) {
        self.note(step, what, found == expected, &found, &expected);
    }

    fn note(&mut self, step: &str, what: &str, same: bool, found: &dyn Display, expected: &dyn Display) {
        self.compared += 1;
        if !same {
            self.differences.push(format!("{step}: {what}: {found}, expected {expected}"));
        }
    }

    fn carriers(&mut self, found: &BTreeMap<String, Carrier>, expected: &BTreeMap<String, Carrier>) {
        let none = Carrier::default();
        for name in names(found, expected) {
            let (found, expected) = (found.get(name).unwrap_or(&none), expected.get(name).unwrap_or(&none));
            self.equal("python", &format!("departures of {name}"), found.departures, expected.departures);
            self.equal(
                "python",
                &format!("cancellations of {name}"),
                found.cancellations,
                expected.cancellations,
            );
            let (found, expected) = (found.delay_minutes_sum, expected.delay_minutes_sum);
            // Fractions are summed in another order there; whole minutes must be exact.
            let same = (found - expected).abs() <= 1e-9 * expected.abs();
            self.note("python", &format!("minutes of delay of {name}"), same, &found, &expected);
        }
    }
}

fn names<'a, A, B>(a: &'a BTreeMap<String, A>, b: &'a BTreeMap<String, B>) -> BTreeSet<&'a String> {
    a.keys().chain(b.keys()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::report::parse;

    const RUST: &str = r#"{"step":"rust","rows":12,"records":10,"skipped":2,"seconds":1}"#;
    const PYTHON: &str = r#"{"step":"python","records":10,"departures":9,"cancellations":1,"tasks":5,"seconds":1,
        "carriers":{"UA":{"departures":9,"cancellations":1,"delay_minutes_sum":300}}}"#;
    const NODE: &str =
        r#"{"step":"node","tasks":5,"acked":3,"failed":6,"dead":2,"redelivered":4,"seconds":1}"#;
    const C: &str =
        r#"{"step":"c","records":10,"dead":2,"dead_failures":6,"carriers":{"UA":10},"seconds":1}"#;

    fn expected() -> Expected {
        let ua = Carrier { departures: 9, cancellations: 1, delay_minutes_sum: 300.0 };
        let carriers = BTreeMap::from([("UA".to_owned(), ua)]);
        Expected { rows: 12, records: 10, skipped: 2, tasks: 5, dead: 2, carriers }
    }

    fn one_line(text: &str) -> String {
        text.replace('\n', " ")
    }

    fn reports(python: &str, node: &str, c: &str) -> Reports {
        let second = r#"{"step":"python","records":0,"departures":0,"cancellations":0,"tasks":0,"carriers":{},
            "seconds":1}"#;
        let python = (parse(&one_line(python)).unwrap(), parse(&one_line(second)).unwrap());
        Reports {
            rust: parse(RUST).unwrap(),
            python: Some(python),
            node: Some(parse(node).unwrap()),
            c: parse(c).unwrap(),
        }
    }

    #[test]
    fn equal_totals_leave_nothing_to_say() {
        let (compared, differences) = compare(&reports(PYTHON, NODE, C), &expected());
        assert_eq!((compared, differences), (21, vec![]));
    }

    #[test]
    fn each_total_that_differs_is_named_with_what_was_expected() {
        for (python, node, c, said) in [
            (
                PYTHON.replace(":300", ":299"),
                NODE.into(),
                C.into(),
                "python: minutes of delay of UA: 299, expected 300",
            ),
            (
                PYTHON.replace("\"tasks\":5", "\"tasks\":6"),
                NODE.into(),
                C.into(),
                "python: tasks: 6, expected 5",
            ),
            (PYTHON.into(), NODE.replace(":3", ":2"), C.into(), "node: acked: 2, expected 3"),
            (PYTHON.into(), NODE.replace(":4", ":5"), C.into(), "node: redelivered: 5, expected 4"),
            (PYTHON.into(), NODE.into(), C.replace("UA\":10", "UA\":9"), "c: records of UA: 9, expected 10"),
            (PYTHON.into(), NODE.into(), C.replace(":6", ":5"), "c: failures of the dead: 5, expected 6"),
        ] {
            let (_, differences) = compare(&reports(&python, &node, &c), &expected());
            assert_eq!(differences, [said]);
        }
    }

    #[test]
    fn no_number_of_a_report_can_be_wrong_unseen() {
        let good = [PYTHON, NODE, C].map(one_line);
        let mut changed_count = 0;
        for report in 0..good.len() {
            for (at, _) in good[report].match_indices(|c: char| c.is_ascii_digit()) {
                let number_starts = good[report].as_bytes()[at - 1] == b':';
                if !number_starts || good[report][..at].ends_with("\"seconds\":") {
                    continue;
                }
                let mut changed = good.clone();
                changed[report].insert(at, '7');
                let [python, node, c] = &changed;
                let (_, differences) = compare(&reports(python, node, c), &expected());
                assert_eq!(differences.len(), 1, "{changed:?}");
                changed_count += 1;
            }
        }
        assert_eq!(changed_count, 16);
    }

    #[test]
    fn a_carrier_that_is_missing_or_invented_is_a_difference() {
        let renamed = reports(&PYTHON.replace("UA", "XX"), NODE, &C.replace("UA", "XX"));
        let (_, differences) = compare(&renamed, &expected());
        assert!(differences.contains(&"c: records of UA: 0, expected 10".to_owned()), "{differences:?}");
        assert!(differences.contains(&"c: records of XX: 10, expected 0".to_owned()), "{differences:?}");
    }

    #[test]
    fn a_second_python_run_that_finds_anything_is_a_difference() {
        let mut reports = reports(PYTHON, NODE, C);
        reports.python = Some((parse(&one_line(PYTHON)).unwrap(), parse(&one_line(PYTHON)).unwrap()));
        let (_, differences) = compare(&reports, &expected());
        assert_eq!(differences[0], "python again: records: 10, expected 0");
    }

    #[test]
    fn a_language_left_out_is_not_compared_and_leaves_nothing_for_those_after_it() {
        let mut reports = reports(
            PYTHON,
            NODE,
            r#"{"step":"c","records":10,"dead":0,"dead_failures":0,
            "carriers":{"UA":10},"seconds":1}"#
                .replace('\n', "")
                .as_str(),
        );
        reports.node = None;
        assert_eq!(compare(&reports, &expected()).1, Vec::<String>::new());
        reports.python = None;
        assert_eq!(compare(&reports, &expected()).1, Vec::<String>::new());
    }
}
