//! A count that outlives the loop that makes it, even if the loop panics.

/// Counts in a register, and puts the sum where it belongs when it is dropped.
///
/// WHY not count in place: what a loop stores for each message keeps the compiler from copying many messages at once.
pub(super) struct Count<'a> {
    place: &'a mut usize,
    pub(super) now: usize,
}

impl<'a> Count<'a> {
    pub(super) fn on(place: &'a mut usize) -> Self {
        let now = *place;
        Self { place, now }
    }
}

impl Drop for Count<'_> {
    fn drop(&mut self) {
        *self.place = self.now;
    }
}
