//! The names of the cells, their shapes and depths, and what we want of each.

use crate::harness::Goal;
pub use crate::log::cell::{Level, OURS, Use};

/// A queue on SQLite.
pub const SQLITE: &str = "sqlite";
/// Another.
pub const HONKER: &str = "honker";
/// Who is to be beaten twenty times wherever there is a disk.
const ON_SQLITE: &[&str] = &[SQLITE, HONKER];

/// The levels that are measured: an ack that returned survives what the level says, as a send does.
pub const LEVELS: [Level; 3] = [Level::Memory, Level::Written, Level::Synced];

/// Who works on a queue, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Who.
    pub crew: Crew,
    /// How many messages a call takes.
    pub how: Use,
}

/// Threads on a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crew {
    /// One that sends and receives in turn.
    One,
    /// So many that send, and as many that receive.
    Pairs(usize),
}

/// Messages that wait before all of those that are sent in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// None.
    Empty,
    /// A million.
    Million,
    /// Ten millions, of which a quick run has no time to send.
    TenMillion,
}

/// Messages of a batch.
pub const BATCH: usize = 64;

/// All that is done with a queue of each level and depth: a line here is a cell of each.
pub const SHAPES: [Shape; 6] = [
    Shape { crew: Crew::One, how: Use::Single },
    Shape { crew: Crew::One, how: Use::Batch(BATCH) },
    Shape { crew: Crew::Pairs(2), how: Use::Single },
    Shape { crew: Crew::Pairs(2), how: Use::Batch(BATCH) },
    Shape { crew: Crew::Pairs(4), how: Use::Single },
    Shape { crew: Crew::Pairs(4), how: Use::Batch(BATCH) },
];

impl Shape {
    /// As in the names of cells.
    pub fn name(self) -> String {
        let crew = match self.crew {
            Crew::One => "x1".to_owned(),
            Crew::Pairs(count) => format!("{count}p{count}c"),
        };
        match self.how {
            Use::Single => format!("{crew} single"),
            Use::Batch(count) => format!("{crew} batch{count}"),
        }
    }

    /// In what it is told at a level: one thread in memory is a time, everything else a rate.
    pub fn unit(self, level: Level) -> Unit {
        match (self.crew, level) {
            (Crew::One, Level::Memory) => Unit::NsACycle,
            (Crew::Pairs(_), Level::Memory) => Unit::MillionsPerS,
            _ => Unit::ThousandsPerS,
        }
    }
}

/// In what cycles are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds each; less is better.
    NsACycle,
    /// Millions per second.
    MillionsPerS,
    /// Thousands per second.
    ThousandsPerS,
}

impl Unit {
    /// As in the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::NsACycle => "ns/cycle",
            Self::MillionsPerS => "M cycles/s",
            Self::ThousandsPerS => "k cycles/s",
        }
    }

    /// Whether more is better.
    pub fn higher_is_better(self) -> bool {
        self != Self::NsACycle
    }

    /// A rate, given per second, in this unit.
    pub fn of(self, per_s: f64) -> f64 {
        match self {
            Self::NsACycle => 1e9 / per_s,
            Self::MillionsPerS => per_s / 1e6,
            Self::ThousandsPerS => per_s / 1e3,
        }
    }
}

impl Depth {
    /// Those of a run.
    pub fn of(quick: bool) -> &'static [Self] {
        const ALL: [Depth; 3] = [Depth::Empty, Depth::Million, Depth::TenMillion];
        if quick { &ALL[..2] } else { &ALL }
    }

    /// Messages.
    pub fn count(self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Million => 1_000_000,
            Self::TenMillion => 10_000_000,
        }
    }

    /// As in the names of cells.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "0 waiting",
            Self::Million => "1 M waiting",
            Self::TenMillion => "10 M waiting",
        }
    }
}

/// The name of a cell of cycles.
pub fn name(shape: Shape, level: Level, depth: Depth) -> String {
    format!("{} {} {}", shape.name(), level.name(), depth.name())
}

/// The name of the cell that says how many times longer a cycle takes than with nothing waiting.
pub fn name_over_empty(shape: Shape, level: Level, depth: Depth) -> String {
    format!("{} over 0", name(shape, level, depth))
}

/// What we want of a cell.
pub fn goal(cell: &str) -> Goal {
    match cell {
        "x1 single memory 0 waiting" => Goal::Value(150.0),
        "x1 batch64 memory 0 waiting" => Goal::Value(40.0),
        "2p2c single memory 0 waiting" | "2p2c batch64 memory 0 waiting" => Goal::Value(5.0),
        "x1 batch64 synced 0 waiting" => Goal::ValueAndRatioTo(250.0, ON_SQLITE, 20.0),
        "4p4c batch64 synced 0 waiting" => Goal::ValueAndRatioTo(500.0, ON_SQLITE, 20.0),
        // Who takes ten times as long with ten times as much waiting is not the one to compare with.
        _ if cell.ends_with(" over 0") => Goal::Value(1.5),
        _ if cell.contains(" synced") || cell.contains(" written") => Goal::RatioTo(ON_SQLITE, 20.0),
        _ => Goal::Told,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_goal_belongs_to_a_cell() {
        let goals = |level, depth| SHAPES.map(|shape| goal(&name(shape, level, depth)));
        let [single, batch, pairs, pairs_batch, ..] = goals(Level::Memory, Depth::Empty);
        assert_eq!([single, batch], [Goal::Value(150.0), Goal::Value(40.0)]);
        assert_eq!([pairs, pairs_batch], [Goal::Value(5.0); 2]);
        let [single, batch, _, _, _, most] = goals(Level::Synced, Depth::Empty);
        assert_eq!(single, Goal::RatioTo(ON_SQLITE, 20.0));
        assert_eq!([batch, most], [250.0, 500.0].map(|value| Goal::ValueAndRatioTo(value, ON_SQLITE, 20.0)));
        assert_eq!(goals(Level::Written, Depth::TenMillion), [Goal::RatioTo(ON_SQLITE, 20.0); 6]);
        assert_eq!(
            goal(&name_over_empty(SHAPES[0], Level::Synced, Depth::Million)),
            Goal::Value(1.5),
            "flat, whatever the level"
        );
        assert_eq!(goal("delayed 1 M memory send"), Goal::Told);
    }
}
