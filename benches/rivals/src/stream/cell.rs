//! The names of the cells, what is done in them, and what we want of each.

use crate::harness::Goal;
pub use crate::log::cell::{Level, OURS, Size, Use};

/// What the disk gives when nothing but reading is done, around the page cache and through it: the better of the two is the
/// measure for catching up.
pub const DISK_READ: &str = "disk read (direct 1 MiB x 4)";
/// The other.
pub const PLAIN_READ: &str = "plain read (cold page cache)";

/// Records of a batch.
pub const BATCH: usize = 64;
/// Those of a large one.
pub const BATCH_LARGE: usize = 1024;

/// The levels at which records are appended and read.
pub const LEVELS: [Level; 3] = [Level::Memory, Level::Written, Level::Synced];
/// Those at which many read, or many partitions do: what a sync costs is in the others.
pub const LEVELS_UNSYNCED: [Level; 2] = [Level::Memory, Level::Written];
/// One record a call, and many.
pub const USES: [Use; 2] = [Use::Single, Use::Batch(BATCH)];
/// How many readers follow a producer, each of which reads everything.
pub const READERS: [usize; 4] = [1, 2, 4, 8];
/// How many partitions a stream has.
pub const PARTITIONS: [u32; 3] = [1, 4, 64];
/// How many members a group has.
pub const MEMBERS: [usize; 4] = [1, 2, 4, 8];

/// As in the names of cells.
pub fn use_name(how: Use) -> String {
    match how {
        Use::Single => "single".to_owned(),
        Use::Batch(count) => format!("batch{count}"),
    }
}

/// The cell of a verb, `append` or `read`.
pub fn verb(verb: &str, size: Size, how: Use, level: Level) -> String {
    format!("{verb} {} {} {}", size.name(), use_name(how), level.name())
}

/// The cell of so many readers that follow a producer.
pub fn readers(count: usize, size: Size, level: Level) -> String {
    format!("readers {count} {} {}", size.name(), level.name())
}

/// The cell that says how many times as much so many readers get as one of them does alone.
pub fn readers_over_one(count: usize, size: Size, level: Level) -> String {
    format!("readers {count} over 1 {} {}", size.name(), level.name())
}

/// The cell that says what part of what a producer appends when nobody reads it appends before one reader.
pub fn keeping_up(size: Size, level: Level) -> String {
    format!("readers 1 over append alone {} {}", size.name(), level.name())
}

/// The cell of small records from one thread to another, with keys and times.
pub fn end_to_end(batch: usize) -> String {
    format!("end to end 64 B keyed batch{batch} memory")
}

/// The cell of a verb with so many partitions.
pub fn partitions(verb: &str, count: u32, level: Level) -> String {
    format!("{verb} {count} partitions keyed {}", level.name())
}

/// The cell of a group.
pub fn group(members: usize, level: Level) -> String {
    format!("group of {members} {}", level.name())
}

/// What we want of a cell.
pub fn goal(cell: &str) -> Goal {
    let starts = |start: &str| cell.starts_with(start);
    match cell {
        "latency spinning p99" => Goal::Value(2.0),
        "latency parked p99" => Goal::Value(60.0),
        "catch-up" => Goal::RatioTo(&[DISK_READ, PLAIN_READ], 0.8),
        _ if starts("end to end ") => Goal::Value(81.0),
        _ if starts("readers 1 over append alone ") => Goal::Value(1.0),
        _ if starts("readers 4 over 1 ") || starts("readers 8 over 1 ") => Goal::Value(1.5),
        _ if starts("readers 2 over 1 ") => Goal::Told,
        _ if starts("readers 4 ") || starts("readers 8 ") => Goal::Ratio(2.0),
        _ => Goal::Told,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_goal_belongs_to_a_cell() {
        let (size, level) = (Size::Small, Level::Memory);
        let of_readers = READERS.map(|count| goal(&readers(count, size, level)));
        assert_eq!(of_readers, [Goal::Told, Goal::Told, Goal::Ratio(2.0), Goal::Ratio(2.0)]);
        let over_one = [2, 4, 8].map(|count| goal(&readers_over_one(count, size, level)));
        assert_eq!(over_one, [Goal::Told, Goal::Value(1.5), Goal::Value(1.5)]);
        assert_eq!(goal(&keeping_up(Size::Large, Level::Written)), Goal::Value(1.0));
        assert_eq!(goal(&end_to_end(BATCH)), Goal::Value(81.0));
        let told = [verb("append", size, USES[0], level), partitions("read", 4, level), group(8, level)];
        assert_eq!(told.map(|cell| goal(&cell)), [Goal::Told; 3]);
        assert_eq!(verb("read", Size::Large, USES[1], Level::Synced), "read 1 KiB batch64 synced");
    }
}
