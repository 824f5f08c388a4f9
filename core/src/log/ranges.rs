//! A set of numbers that mostly follow each other.

use std::collections::BTreeMap;
use std::ops::Range;

/// See the module's description: ranges by their starts, none of which touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ranges(BTreeMap<u64, u64>);

impl Ranges {
    pub(crate) fn insert(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let Range { mut start, mut end } = range;
        if let Some((before, until)) = self.0.range(..=start).next_back().map(|(s, e)| (*s, *e))
            && until >= start
        {
            start = before;
            end = end.max(until);
        }
        while let Some((next, until)) = self.0.range(start..=end).next_back().map(|(s, e)| (*s, *e)) {
            self.0.remove(&next);
            end = end.max(until);
        }
        self.0.insert(start, end);
    }

    /// How many ranges it has.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its ranges in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Range<u64>> {
        self.0.iter().map(|(start, end)| *start..*end)
    }

    /// Where the range ends that a number is in.
    pub(crate) fn end_of(&self, number: u64) -> Option<u64> {
        self.0.range(..=number).next_back().map(|(_, end)| *end).filter(|end| *end > number)
    }

    /// Takes out what is below a number.
    pub(crate) fn remove_below(&mut self, number: u64) {
        while let Some(first) = self.0.first_entry().filter(|first| *first.key() < number) {
            let end = first.remove();
            if end > number {
                self.0.insert(number, end);
            }
        }
    }

    /// What of a range is not in the set.
    pub(crate) fn gaps(&self, within: Range<u64>) -> Vec<Range<u64>> {
        let mut gaps = Vec::new();
        let mut at = within.start;
        for (start, end) in self.0.range(..within.end) {
            if *start > at {
                gaps.push(at..*start);
            }
            at = at.max(*end);
        }
        if at < within.end {
            gaps.push(at..within.end);
        }
        gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn it_holds_what_a_set_of_each_number_holds(
            ranges in proptest::collection::vec((0u64..60, 0u64..9), 0..20), start in 0u64..40, length in 0u64..40,
        ) {
            let (mut set, mut each) = (Ranges::default(), BTreeSet::new());
            for (start, length) in ranges {
                set.insert(start..start + length);
                each.extend(start..start + length);
            }
            let below = length / 2;
            set.remove_below(below);
            each.retain(|number| *number >= below);
            for number in 0..70 {
                prop_assert_eq!(set.end_of(number).is_some(), each.contains(&number));
                prop_assert!(set.end_of(number).is_none_or(|end| (number..end).all(|n| each.contains(&n)) && !each.contains(&end)));
            }
            prop_assert!(set.iter().flatten().eq(each.iter().copied()));
            let gaps: Vec<u64> = set.gaps(start..start + length).into_iter().flatten().collect();
            let expected: Vec<u64> = (start..start + length).filter(|number| !each.contains(number)).collect();
            prop_assert_eq!(gaps, expected);
            prop_assert!(set.0.iter().zip(set.0.iter().skip(1)).all(|((_, end), (next, _))| end < next), "none touch");
        }
    }
}
