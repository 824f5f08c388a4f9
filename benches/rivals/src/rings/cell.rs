//! The names of the cells, the payloads and capacities, and what we want of each.

use crate::harness::Goal;

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// A number.
    Word,
    /// 64 bytes.
    Line,
}

/// How a ring is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// One message a call.
    Single,
    /// Up to 64 a call.
    Batch,
    /// Waiting calls.
    Blocking,
}

/// How many threads on each side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topology {
    /// Sending.
    pub producers: usize,
    /// Receiving.
    pub consumers: usize,
}

impl Payload {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Word, Self::Line];

    /// As in the names of cells.
    pub fn name(self) -> &'static str {
        match self {
            Self::Word => "u64",
            Self::Line => "64B",
        }
    }
}

impl Use {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Single, Self::Batch, Self::Blocking];

    /// As in the names of cells.
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Batch => "batch",
            Self::Blocking => "blocking",
        }
    }
}

impl Topology {
    /// One thread on each side.
    pub const ONE_ONE: Self = Self::new(1, 1);
    /// Two threads on each side.
    pub const TWO_TWO: Self = Self::new(2, 2);

    /// So many threads.
    pub const fn new(producers: usize, consumers: usize) -> Self {
        Self { producers, consumers }
    }

    /// As in the names of cells.
    pub fn name(self) -> String {
        format!("{}p{}c", self.producers, self.consumers)
    }
}

/// Room in the rings.
pub const CAPACITIES: [usize; 2] = [1024, 65536];

/// No cell may be below this.
const FLOOR: f64 = 0.9;

/// What is wanted where it is more than not to be far behind: words of a cell's name, and the ratio. The
/// first row whose words are all in the name counts.
const RATIOS: &[(&[&str], f64)] = &[
    (&["1p1c", "unbounded"], FLOOR),
    (&["2p2c", "unbounded"], FLOOR),
    (&["1p1c", "blocking"], 1.5),
    (&["1p1c", "batch"], 1.0),
    (&["2p1c", "single"], 1.2),
    (&["2p2c", "single"], 1.2),
    (&["4p4c", "single"], 1.2),
    (&["1p2c", "batch"], 2.0),
    (&["2p2c", "batch"], 2.0),
    (&["4p4c", "batch"], 2.0),
    (&["fan-out", "batch"], 1.2),
    (&["ping-pong", "spinning", "p50"], 1.1),
    (&["ping-pong", "blocking", "p50"], 1.5),
    (&["uncontended"], 1.0),
];

/// What we want of a cell.
pub fn goal(cell: &str) -> Goal {
    if cell.starts_with("idle ") {
        return Goal::Value(0.0);
    }
    if cell.starts_with("memory ") {
        return Goal::Told;
    }
    let has = |word: &&str| cell.split(' ').any(|part| part == *word);
    let row = RATIOS.iter().find(|(words, _)| words.iter().all(has));
    Goal::Ratio(row.map_or(FLOOR, |(_, ratio)| *ratio))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_found_by_the_words_of_a_name() {
        assert_eq!(goal("1p1c u64 1024 blocking"), Goal::Ratio(1.5));
        assert_eq!(goal("1p1c u64 1024 single"), Goal::Ratio(0.9));
        assert_eq!(goal("4p4c 64B 65536 batch"), Goal::Ratio(2.0));
        assert_eq!(goal("unbounded 1p1c u64 blocking"), Goal::Ratio(0.9));
        assert_eq!(goal("ping-pong spinning u64 p50"), Goal::Ratio(1.1));
        assert_eq!(goal("idle blocked receiver"), Goal::Value(0.0));
        assert_eq!(goal("memory spsc u64"), Goal::Told);
    }
}
