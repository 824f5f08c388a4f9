//! Which dead letters a verb takes, as data.

use crate::json::parse;
use crate::value::Nanoseconds;
use ringmain::{Error, Queue, Result};
use serde::Deserialize;
use std::fs::OpenOptions;
use std::io::BufWriter;

/// Some of the dead letters of a queue: those for which everything holds that is given.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Letters {
    ids: Option<Vec<u64>>,
    from_id: Option<u64>,
    reason: Option<String>,
    class: Option<String>,
    error_contains: Option<String>,
    queue: Option<String>,
    died_from_ns: Option<Nanoseconds>,
    died_before_ns: Option<Nanoseconds>,
}

/// The dead letters that a text describes: `ids` (a list), `from_id`, `reason`, `class`, `error_contains`, `queue` (the one that
/// they died in), `died_from_ns`, `died_before_ns`. What is absent or null does not matter; of nothing, all. See [`ringmain::Letters`].
///
/// # Errors
/// `InvalidArgument` naming what is unknown or of the wrong type.
pub fn letters(json: &str) -> Result<ringmain::Letters> {
    parse("letters", json).map(Letters::letters)
}

impl Letters {
    pub(crate) fn letters(self) -> ringmain::Letters {
        let mut letters = self.ids.map_or_else(ringmain::Letters::all, ringmain::Letters::ids);
        if let Some(id) = self.from_id {
            letters = letters.from_id(id);
        }
        if let Some(reason) = &self.reason {
            letters = letters.reason(reason);
        }
        if let Some(class) = &self.class {
            letters = letters.class(class);
        }
        if let Some(text) = &self.error_contains {
            letters = letters.error_contains(text);
        }
        if let Some(queue) = &self.queue {
            letters = letters.queue(queue);
        }
        if self.died_from_ns.is_some() || self.died_before_ns.is_some() {
            let from = self.died_from_ns.map_or(0, |time| time.0);
            letters = letters.died_between(from..self.died_before_ns.map_or(u64::MAX, |time| time.0));
        }
        letters
    }
}

/// Writes dead letters of a queue, unchanged, into a file that is not there yet, one JSON object a line. Returns how many. See
/// [`DeadLetters::export`](ringmain::DeadLetters::export).
///
/// # Errors
/// `Io`, also if the file is there; those of the export, after which there is no file.
pub fn export_letters(queue: &Queue, letters: &ringmain::Letters, path: &str) -> Result<u64> {
    let file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| Error::Io {
        operation: "create",
        path: path.into(),
        detail: error.to_string(),
        errno: error.raw_os_error().unwrap_or(0),
    })?;
    // It is flushed by the export, which tells what could not be written.
    queue.dead_letters().export(letters, &mut BufWriter::new(file)).inspect_err(|_| {
        // It would be in the way of the next try. If it cannot be removed, that is not what went wrong.
        let _ = std::fs::remove_file(path);
    })
}
