//! Error classes: what a queue does with a failure by the name that the worker gave it, and how often each was said.

use crate::limits::CLASS_COUNT_MAX;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Under which classes beyond the limit are counted together.
const OTHERS: &str = "other";

/// What becomes of a message that failed with an error of some class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// It counts, and the message is tried again: what happens without a class.
    #[default]
    Retried,
    /// It is no use to try again: the message is exhausted at once. A queue that keeps its exhausted messages retries it.
    Permanent,
    /// It is not the message's fault: tried again after the retry delay, and not counted.
    Ignored,
}

/// How many failures there were of each class.
#[derive(Debug, Default)]
pub(crate) struct ClassCounts {
    counts: BTreeMap<String, u64>,
}

impl ClassCounts {
    /// Counts a failure; those without a class are not told apart.
    pub(crate) fn count(&mut self, class: &str) {
        if class.is_empty() {
            return;
        }
        let is_known = self.counts.contains_key(class) || self.counts.len() < CLASS_COUNT_MAX;
        let class = if is_known { class } else { OTHERS };
        match self.counts.get_mut(class) {
            Some(count) => *count += 1,
            None => drop(self.counts.insert(class.to_owned(), 1)),
        }
    }

    /// All of them, by name.
    pub(crate) fn to_vec(&self) -> Vec<(String, u64)> {
        self.counts.iter().map(|(class, count)| (class.clone(), *count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_beyond_the_limit_are_counted_together() {
        let mut counts = ClassCounts::default();
        for n in 0..2 * CLASS_COUNT_MAX {
            counts.count(&format!("class {n}"));
            counts.count("class 0");
            counts.count("");
        }
        let counts = counts.to_vec();
        assert_eq!(counts.len(), CLASS_COUNT_MAX + 1);
        assert_eq!(counts.iter().map(|(_, count)| count).sum::<u64>(), 4 * CLASS_COUNT_MAX as u64);
        let of = |name: &str| counts.iter().find(|(class, _)| class == name).map(|(_, count)| *count);
        assert_eq!(of("class 0"), Some(2 * CLASS_COUNT_MAX as u64 + 1));
        assert_eq!(of(OTHERS), Some(CLASS_COUNT_MAX as u64));
    }
}
