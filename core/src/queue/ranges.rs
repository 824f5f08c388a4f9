//! A set of numbers that mostly follow each other.

use std::collections::BTreeMap;
use std::ops::Range;

/// See the module's description: ranges by their starts, none of which touch.
#[derive(Debug, Default)]
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
            let gaps: Vec<u64> = set.gaps(start..start + length).into_iter().flatten().collect();
            let expected: Vec<u64> = (start..start + length).filter(|number| !each.contains(number)).collect();
            prop_assert_eq!(gaps, expected);
            prop_assert!(set.0.iter().zip(set.0.iter().skip(1)).all(|((_, end), (next, _))| end < next), "none touch");
        }
    }
}
