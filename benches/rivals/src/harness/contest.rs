//! The rounds of an experiment.

use super::experiment::Experiment;
use super::worker::{Failure, Post, Worker};
use anyhow::Result;
use indicatif::ProgressBar;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long and how often.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Rounds of each entrant.
    pub rounds: usize,
    /// How long a round is meant to take.
    pub round: Duration,
    /// An entrant that takes longer for one is cut off.
    pub limit: Duration,
    /// Whether it is to be over soon, and rough.
    pub quick: bool,
}

/// What the rounds of one experiment gave.
#[derive(Debug, Default)]
pub struct Results {
    /// For each entrant that got through, for each metric, one value per round.
    pub values: BTreeMap<String, Vec<Vec<f64>>>,
    /// Who did not get through, and why.
    pub cut_off: BTreeMap<String, String>,
    /// Who did something wrong, and what.
    pub wrong: BTreeMap<String, String>,
}

/// Runs an experiment.
///
/// # Errors
/// The processes of the entrants cannot be started.
pub fn run(experiment: &Experiment, pace: Pace, progress: &ProgressBar) -> Result<Results> {
    let mut results = Results::default();
    let mut running = Vec::new();
    for entrant in &experiment.entrants {
        progress.set_message(format!("{}: {}", experiment.name, entrant.name));
        let post = Post {
            experiment: &experiment.name,
            entrant: &entrant.name,
            round: pace.round,
            quick: pace.quick,
        };
        let mut worker = Worker::start(&post)?;
        match worker.ready(pace.limit) {
            Ok(()) => running.push((entrant.name.clone(), Some(worker))),
            Err(failure) => results.fail(&entrant.name, failure),
        }
        progress.inc(1);
    }
    for round in 0..pace.rounds {
        for turn in 0..running.len() {
            let index = (turn + round) % running.len();
            let (name, worker) = &mut running[index];
            progress.set_message(format!("{}: {name}", experiment.name));
            let Some(alive) = worker else { continue };
            match alive.round(pace.limit) {
                Ok(values) => results.add(name, values),
                Err(failure) => {
                    *worker = None;
                    results.fail(name, failure);
                }
            }
            progress.inc(1);
        }
    }
    Ok(results)
}

impl Results {
    fn add(&mut self, name: &str, values: Vec<f64>) {
        let rounds = self.values.entry(name.to_owned()).or_insert_with(|| vec![Vec::new(); values.len()]);
        for (metric, value) in rounds.iter_mut().zip(values) {
            metric.push(value);
        }
    }

    /// What it did before does not count either.
    fn fail(&mut self, name: &str, failure: Failure) {
        self.values.remove(name);
        match failure {
            Failure::CutOff(why) => self.cut_off.insert(name.to_owned(), why),
            Failure::Wrong(what) => self.wrong.insert(name.to_owned(), what),
        };
    }
}
