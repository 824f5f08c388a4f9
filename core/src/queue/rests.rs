//! Rests that handlers asked for, for as long as the log has to tell of them.
//!
//! **Promise.** A rest survives reopening the hub until it is over, however many segments go meanwhile: before the one goes in which
//! it was told last, it is told again (`release.rs`). Of several for one key, or the queue, the longest counts.
//!
//! **Where next.** `limits.rs` has receives wait for them.

use crate::log::Place;
use std::collections::{BTreeMap, BTreeSet};

/// See the module's description. A key of `None` is the queue.
#[derive(Debug, Default)]
pub(crate) struct Rests {
    by_key: BTreeMap<Option<Vec<u8>>, (u64, Place)>,
    by_time: BTreeSet<(u64, Option<Vec<u8>>)>,
}

impl Rests {
    /// Remembers a rest as it is told before `end`.
    pub(crate) fn note(&mut self, key: Option<&[u8]>, until_ns: u64, end: Place) {
        let key = key.map(<[u8]>::to_vec);
        match self.by_key.get_mut(&key) {
            // A shorter one says nothing of the longer, which stays where it was told.
            Some((known_ns, _)) if until_ns < *known_ns => return,
            Some(known) => {
                self.by_time.remove(&(known.0, key.clone()));
                *known = (until_ns, end);
            }
            None => drop(self.by_key.insert(key.clone(), (until_ns, end))),
        }
        self.by_time.insert((until_ns, key));
    }

    /// Forgets those that are over.
    pub(crate) fn forget_over(&mut self, now_ns: u64) {
        while let Some((until_ns, key)) = self.by_time.pop_first() {
            if until_ns > now_ns {
                self.by_time.insert((until_ns, key));
                return;
            }
            self.by_key.remove(&key);
        }
    }

    /// Those told last in the segments before `end`: the key and until when.
    pub(crate) fn told_before(&self, end: u64) -> impl Iterator<Item = (&Option<Vec<u8>>, u64)> {
        let told = self.by_key.iter().filter(move |(_, (_, place))| place.segment() < end);
        told.map(|(key, (until_ns, _))| (key, *until_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_rest_counts_and_stays_where_it_was_told() {
        let mut rests = Rests::default();
        rests.note(Some(b"a"), 50, Place::new(1, 0));
        rests.note(Some(b"a"), 40, Place::new(2, 0));
        rests.note(None, 30, Place::new(2, 0));
        let told =
            |rests: &Rests, end| Vec::from_iter(rests.told_before(end).map(|(key, ns)| (key.clone(), ns)));
        assert_eq!(told(&rests, 2), [(Some(b"a".to_vec()), 50)]);
        assert_eq!(told(&rests, 3).len(), 2);
        rests.note(Some(b"a"), 50, Place::new(4, 0));
        assert_eq!(told(&rests, 3), [(None, 30)], "told again");
    }

    #[test]
    fn a_rest_that_is_over_is_forgotten() {
        let mut rests = Rests::default();
        rests.note(Some(b"a"), 50, Place::new(1, 0));
        rests.note(None, 60, Place::new(1, 0));
        rests.forget_over(49);
        assert_eq!(rests.told_before(9).count(), 2);
        rests.forget_over(50);
        assert_eq!(rests.told_before(9).count(), 1);
        assert_eq!((rests.by_key.len(), rests.by_time.len()), (1, 1));
    }
}
