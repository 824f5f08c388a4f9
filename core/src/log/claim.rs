//! Layout of the packed words of the log: claim, current and place. Nobody else shifts bits.
//!
//! ```text
//! claim    63........32 31.........0   one per block; producers fetch_add
//!          record_count position        position in granules, end-aligned: LIMIT - capacity .. LIMIT
//! current  63........2  1        0      one per log
//!          segment      CLOSED   ROTATING
//! place    63.......27  26.......0      a position in the whole log; grows strictly
//!          segment      granule         in the segment's data area
//! ```
//!
//! A granule is 8 bytes. Positions are *end-aligned*, so that whether a claim is in range, crosses, or overshoots
//! is decided by the constant [`LIMIT`] alone, whatever segment a stale producer meets (the models find the
//! start-aligned variant broken at once).

/// Bytes of a granule: the alignment of every frame.
pub(crate) const GRANULE_BYTES: u64 = 8;
/// Where every segment ends, in granules: the largest segment is 512 MiB.
pub(crate) const LIMIT: u64 = 1 << 26;
/// The claim word of a block that serves no segment: above the limit, so every claim overshoots.
pub(crate) const UNOPENED: u64 = LIMIT + 1;
/// Claims above this many granules (64 KiB) use a compare-and-swap instead of a blind add, which bounds the
/// overshoot: 2 claims of at most this size per thread stay below the position's 32 bits for 258,000 threads.
pub(crate) const BLIND_GRANULES_MAX: u64 = 1 << 13;

/// `current`: somebody crossed the end of the segment; the next is to be opened.
pub(crate) const ROTATING: u64 = 1;
/// `current`: no more appends.
pub(crate) const CLOSED: u64 = 2;

const POSITION: u64 = u32::MAX as u64;
const PLACE_BITS: u32 = 27;

/// Largest number of a segment that a file may have: half of what fits a [`Place`].
pub(crate) const SEGMENT_NUMBER_MAX: u64 = 1 << (63 - PLACE_BITS);

/// What is added to a claim word.
pub(crate) fn increment(records: u64, granules: u64) -> u64 {
    records << 32 | granules
}

/// The claim word of a segment with `used` of its `capacity` granules taken by `records` records.
pub(crate) fn opened(capacity: u64, used: u64, records: u64) -> u64 {
    debug_assert!(used <= capacity && capacity <= LIMIT);
    records << 32 | (LIMIT - capacity + used)
}

/// A claim word made to cross, for large claims that do not fit.
pub(crate) fn crossed(word: u64) -> u64 {
    word & !POSITION | UNOPENED
}

/// Records claimed before, and the position found.
pub(crate) fn split(word: u64) -> (u64, u64) {
    (word >> 32, word & POSITION)
}

/// `current` of a segment with flags.
pub(crate) fn current(segment: u64, flags: u64) -> u64 {
    segment << 2 | flags
}

/// The segment of `current`.
pub(crate) fn current_segment(current: u64) -> u64 {
    current >> 2
}

/// A position in the whole log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Place(pub(crate) u64);

impl Place {
    /// Beyond everything.
    pub(crate) const END: Place = Place(u64::MAX);

    pub(crate) fn new(segment: u64, granule: u64) -> Self {
        debug_assert!(granule <= LIMIT);
        Self(segment << PLACE_BITS | granule)
    }

    pub(crate) fn segment(self) -> u64 {
        self.0 >> PLACE_BITS
    }

    pub(crate) fn granule(self) -> u64 {
        self.0 & ((1 << PLACE_BITS) - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overshoot_of_many_threads_stays_out_of_the_record_count() {
        let threads = 258_000u64;
        let worst = LIMIT + 1 + threads * 2 * BLIND_GRANULES_MAX;
        assert!(worst <= POSITION, "{worst}");
    }

    #[test]
    fn places_are_ordered_by_segment_then_granule() {
        assert!(Place::new(1, LIMIT) < Place::new(2, 0));
        assert!(Place::new(2, 5) < Place::new(2, 6));
        assert_eq!((Place::new(9, 7).segment(), Place::new(9, 7).granule()), (9, 7));
    }

    #[test]
    fn an_opened_word_ends_exactly_at_the_limit() {
        let (records, position) = split(opened(4, 1, 3) + increment(2, 3));
        assert_eq!((records, position), (5, LIMIT));
    }
}
