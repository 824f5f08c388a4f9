//! What a suite hands to the harness.

use anyhow::Result;
use std::fmt;
use std::time::Duration;

/// Entrants that do the same work, and what is read from it.
#[derive(Debug)]
pub struct Experiment {
    /// Names it on the command line; no other experiment of the suite has the same.
    pub name: String,
    /// Experiments of one group are shown in one table.
    pub group: String,
    /// One per value of a sample. Each becomes a cell of the report.
    pub metrics: Vec<Metric>,
    /// Who takes part.
    pub entrants: Vec<Entrant>,
    /// How much is done in a round.
    pub effort: Effort,
}

/// One number that an experiment yields.
#[derive(Debug)]
pub struct Metric {
    /// Names the cell in the report.
    pub cell: String,
    /// Unit of the number.
    pub unit: &'static str,
    /// Which way is better.
    pub higher_is_better: bool,
    /// What we want of it.
    pub goal: Goal,
}

/// What we want of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// At least this ratio to the best rival; above 1 is better than it, whichever way the unit runs.
    Ratio(f64),
    /// At least this ratio to the best of these entrants, whatever their role.
    RatioTo(&'static [&'static str], f64),
    /// At least this ratio to the best rival in another cell of the experiment, by the index of its metric.
    RatioToCell(usize, f64),
    /// At least this good, whatever the rivals do.
    Value(f64),
    /// At least this good, and at least this ratio to the best of these entrants.
    ValueAndRatioTo(f64, &'static [&'static str], f64),
    /// Nothing: it is only told.
    Told,
}

/// How much work a round is.
#[derive(Clone, Copy, Debug)]
pub enum Effort {
    /// As much as fits into the time of a round, but at least `amount_min`.
    Scaled {
        /// Less would not give the numbers that are read from it.
        amount_min: u64,
        /// How many times as long as others a round takes.
        stretch: u32,
    },
    /// The entrant does what it does; the amount means nothing to it.
    Fixed,
}

/// A round's order.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// How many units of work, as [`Effort`] says.
    pub amount: u64,
    /// How long a round is meant to take.
    pub round: Duration,
}

/// What a round yields.
#[derive(Clone, Debug)]
pub struct Sample {
    /// How long the measured part took, from which the amount of the next round is reckoned.
    pub elapsed: Duration,
    /// One per metric of the experiment; not a number where the entrant has none.
    pub values: Vec<f64>,
}

/// As what an entrant takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// What is compared with the best rival.
    Ours,
    /// Ours too, but not what is meant for this work. Only shown.
    Variant,
    /// Does all that ours does.
    Rival,
    /// Does less than ours, or is a limit of the machine. Shown, never the best.
    Reference,
}

type Run = Box<dyn Fn(Work) -> Result<Sample>>;

/// Somebody who takes part.
pub struct Entrant {
    /// Names it in the tables.
    pub name: String,
    /// As what it takes part.
    pub role: Role,
    /// Does one round.
    pub run: Run,
}

impl Entrant {
    /// An entrant that does its rounds by `run`.
    pub fn new(name: impl Into<String>, role: Role, run: impl Fn(Work) -> Result<Sample> + 'static) -> Self {
        Self { name: name.into(), role, run: Box::new(run) }
    }
}

impl fmt::Debug for Entrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entrant").field("name", &self.name).field("role", &self.role).finish_non_exhaustive()
    }
}
