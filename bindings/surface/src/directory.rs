//! Verbs on directories of hubs that nobody has open.

use crate::value;
use crate::verb::{call, table};
use ringmain::{Damage, Hub, Loss, Report, Result};
use serde_json::{Value, json};

/// Does a verb that needs no hub: `verify`, `restore`, `salvage`. See [`verbs`](crate::verbs).
///
/// # Errors
/// `NotFound` if there is no such verb; `InvalidArgument` naming an argument that is missing, unknown or of the wrong type; those of
/// the verb.
pub fn global_call(verb: &str, arguments: &str) -> Result<String> {
    call(VERBS, &(), verb, arguments)
}

table! { Global on ();
    /// Reads all of a directory and changes nothing. Answers a report: counts of `records`, `segments` and `bytes`, `is_sound`, `damage` (a
    /// list), `refused` (the error for which it cannot be opened, or null), and `text`, the same in words.
    fn verify(_global, directory: String) {
        Hub::verify(directory).map(|found| report(&found))
    }

    /// Reads all of the snapshot in a directory, and copies it into the new directory `into` if nothing of it is damaged. Answers a report, as
    /// `verify` does.
    fn restore(_global, snapshot: String, into: String) {
        Hub::restore(snapshot, into).map(|found| report(&found))
    }

    /// Copies everything that can still be read of a damaged directory into the new directory `into`. Answers a report, as `verify` does.
    fn salvage(_global, directory: String, into: String) {
        Hub::salvage(directory, into).map(|found| report(&found))
    }
}

fn report(report: &Report) -> Value {
    json!({
        "records": report.records,
        "segments": report.segments,
        "bytes": report.bytes,
        "is_sound": report.is_sound(),
        "damage": report.damage.iter().map(damage).collect::<Vec<_>>(),
        "refused": report.refused.as_ref().map(value::error),
        "text": report.to_string(),
    })
}

fn damage(damage: &Damage) -> Value {
    let (loss, first, end) = match &damage.loss {
        Loss::Nothing => ("nothing", None, None),
        Loss::Notes => ("notes", None, None),
        Loss::Records(lost) => ("records", Some(lost.start), Some(lost.end)),
        Loss::RecordsFrom(first) => ("records", Some(*first), None),
        Loss::Latest => ("latest", None, None),
        Loss::Everything => ("everything", None, None),
        // One that the core has and this does not know yet; the text says it.
        _ => ("other", None, None),
    };
    json!({
        "of": damage.of,
        "path": damage.path.to_string_lossy(),
        "byte_position": damage.byte_position,
        "detail": damage.detail,
        "loss": loss,
        "lost_first": first,
        "lost_end": end,
        "text": damage.to_string(),
    })
}
