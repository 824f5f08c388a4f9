//! The verdict on each cell.

use super::contest::Results;
use super::experiment::{Experiment, Goal, Metric, Role};
use super::statistics::Spread;
use serde::Serialize;
use std::collections::BTreeMap;

/// How `goal_is` begins for a value and a ratio; the ratio follows.
pub const AND_RATIO: &str = "value and ratio of ";

/// One cell of the report, as it is written to the file.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    /// Names it, and is the same in every run.
    pub cell: String,
    /// Cells of one group are shown together.
    #[serde(skip)]
    pub group: String,
    /// Unit of all its numbers.
    pub unit: &'static str,
    /// Which way is better.
    pub higher_is_better: bool,
    /// Which of ours this is.
    pub ours_name: Option<String>,
    /// What is compared with the best rival.
    pub ours: Option<Spread>,
    /// Ours too, but not what is meant for this work.
    pub variants: BTreeMap<String, Spread>,
    /// Who does all that ours does.
    pub rivals: BTreeMap<String, Spread>,
    /// Who does less.
    pub references: BTreeMap<String, Spread>,
    /// Who did not get through, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub cut_off: BTreeMap<String, String>,
    /// The best of the rivals.
    pub best: Option<String>,
    /// Ours over the best; above 1 is better than it, whichever way the unit runs.
    pub ratio: Option<f64>,
    /// What is wanted, if anything: a ratio, or a value of ours.
    pub goal: Option<f64>,
    /// Which of the two, or that both are wanted; and to whom, if the ratio is not that to the best of the rivals here.
    pub goal_is: Option<String>,
    /// That ratio, then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goal_ratio: Option<f64>,
    /// Whether ours reaches it; nothing if there is nobody to compare with.
    pub met: Option<bool>,
}

/// The cells that an experiment gives.
pub fn cells(experiment: &Experiment, results: &Results) -> Vec<Cell> {
    experiment
        .metrics
        .iter()
        .enumerate()
        .map(|(index, metric)| cell(experiment, results, index, metric))
        .collect()
}

fn cell(experiment: &Experiment, results: &Results, index: usize, metric: &Metric) -> Cell {
    let of_role = |role: Role| -> BTreeMap<String, Spread> {
        let names =
            experiment.entrants.iter().filter(|entrant| entrant.role == role).map(|entrant| &entrant.name);
        names.filter_map(|name| Some((name.clone(), spread(results, name, index)?))).collect()
    };
    let rivals = of_role(Role::Rival);
    let ours = of_role(Role::Ours).into_iter().next();
    let best = best(&rivals, metric.higher_is_better);
    let ratio_to = |other: Option<Spread>| {
        let (_, ours) = ours.as_ref()?;
        Some(ratio(ours.median, other?.median, metric.higher_is_better))
    };
    let ratio = ratio_to(best.as_ref().map(|(_, spread)| *spread));
    let goal_ratio = match metric.goal {
        Goal::RatioTo(names, _) | Goal::ValueAndRatioTo(_, names, _) => {
            ratio_to(best_of(names, results, index, metric.higher_is_better))
        }
        Goal::RatioToCell(other, _) => ratio_to(best_in(experiment, results, other)),
        Goal::Ratio(_) | Goal::Value(_) | Goal::Told => None,
    };
    let reaches = |wanted: f64| {
        ours.as_ref().map(|(_, ours)| match metric.higher_is_better {
            true => ours.median >= wanted,
            false => ours.median <= wanted,
        })
    };
    let met = match metric.goal {
        Goal::Ratio(wanted) => ratio.map(|ratio| ratio >= wanted),
        Goal::RatioTo(_, wanted) | Goal::RatioToCell(_, wanted) => goal_ratio.map(|ratio| ratio >= wanted),
        Goal::Value(wanted) => reaches(wanted),
        // A value that is missed is missed, whether there is anybody to compare with or not.
        Goal::ValueAndRatioTo(value, _, wanted) => match (reaches(value), goal_ratio) {
            (Some(true), ratio) => ratio.map(|ratio| ratio >= wanted),
            (reached, _) => reached,
        },
        Goal::Told => None,
    };
    let (goal, goal_is) = match metric.goal {
        Goal::Ratio(goal) => (Some(goal), Some("ratio".to_owned())),
        Goal::RatioTo(names, goal) => (Some(goal), Some(format!("ratio to {}", names.join(" and ")))),
        Goal::RatioToCell(other, goal) => {
            let cell = experiment.metrics.get(other).map_or("?", |metric| &metric.cell);
            (Some(goal), Some(format!("ratio to the best rival in {cell}")))
        }
        Goal::Value(goal) => (Some(goal), Some("value".to_owned())),
        Goal::ValueAndRatioTo(goal, names, ratio) => {
            (Some(goal), Some(format!("{AND_RATIO}{ratio:.2}x to {}", names.join(" and "))))
        }
        Goal::Told => (None, None),
    };
    Cell {
        cell: metric.cell.clone(),
        group: experiment.group.clone(),
        unit: metric.unit,
        higher_is_better: metric.higher_is_better,
        ours_name: ours.as_ref().map(|(name, _)| name.clone()),
        ours: ours.map(|(_, spread)| spread),
        variants: of_role(Role::Variant),
        rivals,
        references: of_role(Role::Reference),
        cut_off: results.cut_off.clone(),
        best: best.map(|(name, _)| name),
        ratio,
        goal,
        goal_is,
        goal_ratio,
        met,
    }
}

/// What an entrant did in one metric, if it takes part in it.
fn spread(results: &Results, name: &str, index: usize) -> Option<Spread> {
    let values: Vec<f64> =
        results.values.get(name)?.get(index)?.iter().copied().filter(|value| value.is_finite()).collect();
    Spread::of(&values)
}

fn best(rivals: &BTreeMap<String, Spread>, higher_is_better: bool) -> Option<(String, Spread)> {
    let best = rivals.iter().max_by(|(_, one), (_, other)| {
        let order = one.median.total_cmp(&other.median);
        if higher_is_better { order } else { order.reverse() }
    });
    best.map(|(name, spread)| (name.clone(), *spread))
}

/// The best rival in a metric.
fn best_in(experiment: &Experiment, results: &Results, index: usize) -> Option<Spread> {
    let rivals = experiment.entrants.iter().filter(|entrant| entrant.role == Role::Rival);
    let names: Vec<&str> = rivals.map(|entrant| entrant.name.as_str()).collect();
    best_of(&names, results, index, experiment.metrics.get(index)?.higher_is_better)
}

/// The best of these entrants in a metric.
fn best_of(names: &[&str], results: &Results, index: usize, higher_is_better: bool) -> Option<Spread> {
    let them = names.iter().filter_map(|name| Some(((*name).to_owned(), spread(results, name, index)?)));
    Some(best(&them.collect(), higher_is_better)?.1)
}

fn ratio(ours: f64, best: f64, higher_is_better: bool) -> f64 {
    let (above, below) = if higher_is_better { (ours, best) } else { (best, ours) };
    // Nothing against nothing is a tie; a thousand stands for any number of times.
    match (above == 0.0, below == 0.0) {
        (true, true) => 1.0,
        (false, true) => 1_000.0,
        _ => above / below,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{Effort, Entrant, Sample};
    use std::time::Duration;

    fn judged(higher_is_better: bool, goal: Goal, values: &[(&str, Role, f64)]) -> Cell {
        let entrant = |name: &str, role| {
            Entrant::new(name, role, |_| Ok(Sample { elapsed: Duration::ZERO, values: vec![] }))
        };
        let experiment = Experiment {
            name: "x".into(),
            group: "x".into(),
            metrics: vec![Metric { cell: "x".into(), unit: "u", higher_is_better, goal }],
            entrants: values.iter().map(|(name, role, _)| entrant(name, *role)).collect(),
            effort: Effort::Fixed,
        };
        let mut results = Results::default();
        for (name, _, value) in values {
            results.values.insert((*name).to_owned(), vec![vec![*value]]);
        }
        cells(&experiment, &results).remove(0)
    }

    #[test]
    fn above_one_is_better_whichever_way_the_unit_runs() {
        let values = [("we", Role::Ours, 20.0), ("they", Role::Rival, 10.0), ("others", Role::Rival, 16.0)];
        let higher = judged(true, Goal::Ratio(1.2), &values);
        assert_eq!(
            (higher.best.as_deref(), higher.ratio, higher.met),
            (Some("others"), Some(1.25), Some(true))
        );
        let lower = judged(false, Goal::Ratio(0.9), &values);
        assert_eq!((lower.best.as_deref(), lower.ratio, lower.met), (Some("they"), Some(0.5), Some(false)));
    }

    #[test]
    fn references_and_variants_are_never_the_best() {
        let values = [
            ("we", Role::Ours, 2.0),
            ("we too", Role::Variant, 9.0),
            ("they", Role::Rival, 1.0),
            ("unbounded", Role::Reference, 8.0),
        ];
        let cell = judged(true, Goal::Ratio(1.0), &values);
        assert_eq!((cell.best.as_deref(), cell.ratio), (Some("they"), Some(2.0)));
        assert_eq!((cell.variants.len(), cell.references.len()), (1, 1));
    }

    #[test]
    fn a_goal_may_be_set_by_one_entrant_or_by_another_cell() {
        let values = [("we", Role::Ours, 8.0), ("they", Role::Rival, 4.0), ("limit", Role::Reference, 10.0)];
        let share = judged(true, Goal::RatioTo(&["limit"], 0.7), &values);
        assert_eq!((share.ratio, share.goal_ratio, share.met), (Some(2.0), Some(0.8), Some(true)));
        assert_eq!(share.goal_is.as_deref(), Some("ratio to limit"));
        let cell = judged(true, Goal::RatioToCell(0, 3.0), &values);
        assert_eq!((cell.goal_ratio, cell.met), (Some(2.0), Some(false)));
        assert_eq!(judged(true, Goal::RatioTo(&["nobody"], 0.7), &values).met, None);
    }

    #[test]
    fn of_a_goal_with_two_parts_both_count() {
        let values = [("we", Role::Ours, 8.0), ("they", Role::Rival, 4.0), ("others", Role::Rival, 2.0)];
        let judged =
            |value, ratio| judged(true, Goal::ValueAndRatioTo(value, &["they", "others"], ratio), &values);
        assert_eq!((judged(8.0, 2.0).goal_ratio, judged(8.0, 2.0).met), (Some(2.0), Some(true)));
        assert_eq!((judged(9.0, 2.0).met, judged(8.0, 3.0).met), (Some(false), Some(false)));
        assert_eq!(judged(8.0, 2.0).goal_is.as_deref(), Some("value and ratio of 2.00x to they and others"));
    }

    #[test]
    fn who_has_no_number_in_a_cell_does_not_take_part_in_it() {
        let cell = judged(true, Goal::Told, &[("we", Role::Ours, 1.0), ("they", Role::Rival, f64::NAN)]);
        assert!(cell.rivals.is_empty() && cell.best.is_none());
    }

    #[test]
    fn nothing_is_as_good_as_nothing_and_better_than_something() {
        assert_eq!(ratio(0.0, 0.0, false), 1.0);
        assert!(ratio(0.0, 3.0, false) > 100.0);
        let idle = judged(false, Goal::Value(0.0), &[("we", Role::Ours, 0.0), ("they", Role::Rival, 5.0)]);
        assert_eq!(idle.met, Some(true));
        let busy = judged(false, Goal::Value(0.0), &[("we", Role::Ours, 1.0), ("they", Role::Rival, 5.0)]);
        assert_eq!(busy.met, Some(false));
    }

    #[test]
    fn without_a_rival_there_is_no_ratio() {
        let alone = judged(true, Goal::Ratio(1.0), &[("we", Role::Ours, 2.0)]);
        assert_eq!((alone.best, alone.ratio, alone.met), (None, None, None));
    }
}
