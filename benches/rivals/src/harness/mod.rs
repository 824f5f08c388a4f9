//! Measures entrants against each other and says who won.
//!
//! **Promise.** The entrants of one experiment run in turn, round by round, each round starting with another
//! one, so that whatever disturbs the machine disturbs them all. A result is the median of the rounds with
//! its range. An entrant that hangs or crashes is cut off and shown as such; one that loses or doubles a
//! message fails the run.
//!
//! **How.** Each entrant runs in a process of its own, which sleeps while others are measured. So it can be
//! killed whatever its threads do, and no rival's memory or threads are in the way of another.
//!
//! **Where next.** `experiment.rs` is what a suite hands over, `worker.rs` the process of an entrant,
//! `contest.rs` the rounds, `report.rs` the verdict, `table.rs` and `plot.rs` what is shown.

mod command;
mod contest;
mod experiment;
mod memory;
mod plot;
mod report;
mod statistics;
mod table;
pub mod threads;
mod worker;

pub use command::{Suite, main};
pub use experiment::{Effort, Entrant, Experiment, Goal, Metric, Role, Sample, Work};
pub use memory::{Allocator, allocated_by};
pub use statistics::Spread;
