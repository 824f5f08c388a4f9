//! The targets: functions of bytes that panic when something is promised and not kept.

mod catalogue;
mod frame;
mod index;
mod journal;
mod offsets;
mod power_cut;
mod recovery;
mod segment_header;
mod settlement;

/// Runs one input; panics when a promise is not kept.
pub type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 9] = [
    ("frame", frame::run),
    ("segment_header", segment_header::run),
    ("index", index::run),
    ("recovery", recovery::run),
    ("power_cut", power_cut::run),
    ("journal", journal::run),
    ("catalogue", catalogue::run),
    ("settlement", settlement::run),
    ("offsets", offsets::run),
];

pub(crate) use frame::SEED;
pub(crate) use journal::{HUB_ID, put_journal};
pub(crate) use recovery::put_file;
pub(crate) use settlement::{part, put_event, put_replacement};

/// All names.
pub fn names() -> Vec<&'static str> {
    TARGETS.iter().map(|(name, _)| *name).collect()
}

/// The target of that name.
pub fn find(name: &str) -> Option<Target> {
    TARGETS.iter().find(|(known, _)| *known == name).map(|(_, run)| *run)
}
