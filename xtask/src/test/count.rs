//! Counting what the test runners of four languages report.

use super::log::Ran;
use std::ops::Add;

/// Tests by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Ended well.
    pub passed: u64,
    /// Did not.
    pub failed: u64,
    /// Were not run.
    pub skipped: u64,
}

impl Add for Counts {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }
}

impl Counts {
    /// One check that passed or failed.
    pub fn one(passed: bool) -> Self {
        Self { passed: u64::from(passed), failed: u64::from(!passed), skipped: 0 }
    }

    /// The counts of a runner's output. A runner that failed without a failed test (it did not compile, it crashed)
    /// has one failure of its own.
    pub fn of(ran: &Ran, count: fn(&str) -> Self) -> Self {
        Self::counted(count(&ran.text), ran.success())
    }

    fn counted(mut counts: Self, success: bool) -> Self {
        if !success && counts.failed == 0 {
            counts.failed = 1;
        }
        counts
    }
}

/// `test result: ok. 5 passed; 0 failed; 1 ignored; ...`, one line per test binary of `cargo test`.
pub fn cargo_test(text: &str) -> Counts {
    let lines = text.lines().filter(|line| line.starts_with("test result:"));
    lines.map(|line| in_words(line, |word| word)).fold(Counts::default(), Add::add)
}

/// `== 2 failed, 5 passed, 1 skipped in 0.10s ==`, the last line of pytest.
pub fn pytest(text: &str) -> Counts {
    let summary =
        text.lines().rev().find(|line| line.contains(" in ") && line.contains(|c: char| c.is_ascii_digit()));
    in_words(summary.unwrap_or_default(), |word| match word {
        "error" | "errors" | "xpassed" => "failed",
        "xfailed" => "skipped",
        word => word,
    })
}

/// `# pass 5`, one line per kind at the end of the TAP output of `node --test`.
pub fn tap(text: &str) -> Counts {
    let kind = |kind: &str| {
        let counts = text
            .lines()
            .rev()
            .filter_map(|line| line.strip_prefix("# ")?.strip_prefix(kind)?.strip_prefix(' '));
        counts.filter_map(|count| count.trim().parse().ok()).next().unwrap_or(0)
    };
    Counts {
        passed: kind("pass"),
        failed: kind("fail") + kind("cancelled"),
        skipped: kind("skipped") + kind("todo"),
    }
}

/// Sums every `NUMBER KIND` in a line.
fn in_words(line: &str, kind: fn(&str) -> &str) -> Counts {
    let words: Vec<&str> =
        line.split(|c: char| c.is_whitespace() || ",;=.".contains(c)).filter(|w| !w.is_empty()).collect();
    let mut counts = Counts::default();
    for pair in words.windows(2) {
        let Ok(count) = pair[0].parse::<u64>() else { continue };
        match kind(pair[1]) {
            "passed" => counts.passed += count,
            "failed" => counts.failed += count,
            "ignored" | "skipped" => counts.skipped += count,
            _ => {}
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: u64, failed: u64, skipped: u64) -> Counts {
        Counts { passed, failed, skipped }
    }

    #[test]
    fn every_binary_of_cargo_test_counts() {
        let text = "running 2 tests\ntest a ... ok\n\
            test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.00s\n\n\
            test result: FAILED. 10 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s\n";
        assert_eq!(cargo_test(text), counts(12, 3, 1));
        assert_eq!(cargo_test("error: could not compile"), counts(0, 0, 0));
    }

    #[test]
    fn errors_of_pytest_are_failures() {
        assert_eq!(pytest("....\n4 passed in 0.10s\n"), counts(4, 0, 0));
        let text = "FAILED t.py::x - in 3 ways\n=== 1 failed, 5 passed, 2 skipped, 1 xfailed, 2 errors in 1.01s ===\n";
        assert_eq!(pytest(text), counts(5, 3, 3));
        assert_eq!(pytest("no tests ran in 0.01s"), counts(0, 0, 0));
    }

    #[test]
    fn the_summary_of_node_counts_and_not_what_tests_print() {
        let text = "# pass 99\nok 1 - a\n1..3\n# tests 7\n# suites 0\n# pass 3\n# fail 1\n# cancelled 1\n# skipped 1\n# todo 1\n";
        assert_eq!(tap(text), counts(3, 2, 2));
    }

    #[test]
    fn a_runner_that_breaks_before_its_tests_has_failed_once() {
        assert_eq!(Counts::counted(counts(0, 0, 0), false), counts(0, 1, 0));
        assert_eq!(Counts::counted(counts(3, 2, 0), false), counts(3, 2, 0));
        assert_eq!(Counts::counted(counts(3, 0, 0), true), counts(3, 0, 0));
    }
}
