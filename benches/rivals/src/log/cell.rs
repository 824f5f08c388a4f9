//! The names of the cells, sizes and levels, and what we want of each.

use crate::harness::Goal;

/// What stands for us.
pub const OURS: &str = "ringmain";
/// The loop that no synced append can beat but by sharing syncs.
pub const PLAIN: &str = "plain pwrite";
/// The machine's own limit of durable streaming.
pub const DISK_LIMIT: &str = "disk limit (direct 256 KiB x 4)";
/// Whose scan is the measure for replay.
pub const LMDB: &str = "lmdb (heed)";

/// What an append waits for before it returns, from the weakest to the strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// There is no disk.
    Memory,
    /// Nothing: what is not written yet, a killed process loses.
    Relaxed,
    /// With the operating system: survives a killed process.
    Written,
    /// On the disk: survives a power loss.
    Synced,
}

/// How large a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// 100 bytes.
    Small,
    /// 1 KiB.
    Large,
}

/// How a log is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// One record a call.
    Single,
    /// So many a call.
    Batch(usize),
}

/// Who appends what.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// How large the records are.
    pub size: Size,
    /// Threads that append.
    pub producers: usize,
    /// How many records a call takes.
    pub how: Use,
}

impl Level {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Memory, Self::Relaxed, Self::Written, Self::Synced];

    /// As in the names of cells.
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Relaxed => "relaxed",
            Self::Written => "written",
            Self::Synced => "synced",
        }
    }

    /// In what its rates are told.
    pub fn unit(self) -> &'static str {
        if self == Self::Synced { "k records/s" } else { "M records/s" }
    }

    /// One of that unit, in records a second.
    pub fn scale(self) -> f64 {
        if self == Self::Synced { 1e3 } else { 1e6 }
    }
}

impl Size {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Small, Self::Large];

    /// Bytes.
    pub fn bytes(self) -> usize {
        match self {
            Self::Small => 100,
            Self::Large => 1024,
        }
    }

    /// As in the names of cells.
    pub fn name(self) -> &'static str {
        match self {
            Self::Small => "100 B",
            Self::Large => "1 KiB",
        }
    }
}

impl Use {
    /// Records a call.
    pub fn count(self) -> usize {
        match self {
            Self::Single => 1,
            Self::Batch(count) => count,
        }
    }
}

impl Shape {
    /// As in the names of cells.
    pub fn name(&self) -> String {
        let how = match self.how {
            Use::Single => "single".to_owned(),
            Use::Batch(100) => "batch".to_owned(),
            Use::Batch(count) => format!("batch{count}"),
        };
        format!("{} x{} {how}", self.size.name(), self.producers)
    }
}

/// In an experiment of relaxed appends: the metric of the rates at which they return.
const RELAXED: usize = 0;

/// What we want of a cell.
pub fn goal(cell: &str) -> Goal {
    match cell {
        "append 100 B x1 single memory" => Goal::Value(25.0),
        "append 100 B x1 batch64 memory" => Goal::Value(60.0),
        // Ours until everything is on the disk, against the best that does not even sync.
        "append 100 B x1 single streamed" => Goal::RatioToCell(RELAXED, 4.0),
        "append 100 B x1 batch streamed" => Goal::RatioToCell(RELAXED, 1.0),
        "append 1 KiB x1 single streamed" | "append 1 KiB x1 batch streamed" => {
            Goal::RatioTo(&[DISK_LIMIT], 0.7)
        }
        "append 100 B x1 single synced" | "append 1 KiB x1 single synced" => Goal::RatioTo(&[PLAIN], 0.95),
        "append 100 B x8 batch synced" | "append 1 KiB x8 batch synced" => Goal::Ratio(2.0),
        "replay 100 B" | "replay 1 KiB" => Goal::RatioTo(&[LMDB], 1.0),
        "disk 100 B" => Goal::Value(130.0),
        "tail 1to4 100 B" | "tail 1to4 1 KiB" => Goal::Ratio(5.0),
        "open large log" => Goal::Value(100.0),
        "open large over small" => Goal::Value(2.0),
        "commit of 64 records 64 logs over 1 synced" => Goal::Value(2.0),
        "64 producers 64 queues over 1 synced" => Goal::Value(0.8),
        "idle 1000 logs resident" => Goal::Value(100.0),
        "idle 1000 logs disk" => Goal::Value(200.0),
        "idle 1000 logs open" => Goal::Value(1000.0),
        _ => Goal::Told,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_goal_belongs_to_a_cell() {
        let shape = Shape { size: Size::Small, producers: 1, how: Use::Batch(64) };
        assert_eq!(goal(&format!("append {} memory", shape.name())), Goal::Value(60.0));
        let shape = Shape { size: Size::Large, producers: 8, how: Use::Batch(100) };
        let cell = format!("append {} {}", shape.name(), Level::Synced.name());
        assert_eq!(goal(&cell), Goal::Ratio(2.0));
        assert_eq!(goal("append 1 KiB x8 batch relaxed"), Goal::Told);
    }
}
