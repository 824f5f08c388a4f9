//! The row of a queue's consumers: where only one may be active, it is the one that has been there longest.

use std::collections::BTreeSet;

/// See the module's description.
#[derive(Debug, Default)]
pub(crate) struct Row {
    consumers: BTreeSet<u64>,
    next: u64,
}

impl Row {
    /// A number behind all others.
    pub(crate) fn join(&mut self) -> u64 {
        self.next += 1;
        self.consumers.insert(self.next);
        self.next
    }

    /// Leaves the row. True: it was the first, and the next one is now.
    pub(crate) fn leave(&mut self, consumer: u64) -> bool {
        let was_first = self.first() == Some(consumer);
        self.consumers.remove(&consumer);
        was_first
    }

    pub(crate) fn first(&self) -> Option<u64> {
        self.consumers.first().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_consumer_is_the_first_until_it_leaves() {
        let mut row = Row::default();
        let [one, two, three] = [(); 3].map(|()| row.join());
        assert!(!row.leave(two));
        assert_eq!(row.first(), Some(one));
        assert!(row.leave(one));
        assert_eq!(row.first(), Some(three));
        assert!(row.leave(three) && row.first().is_none());
    }
}
