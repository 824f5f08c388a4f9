//! What can still be read of a journal that cannot be opened.

use super::batch::Range;
use super::file::JournalFile;
use super::replay::Replay;
use super::seeded_bug::Planted;
use crate::error::{Error, Result};
use crate::storage::Storage;
use std::path::Path;

/// Hands every piece that can be read and may not be home to `restore`, whatever is missing between them: a piece lies where
/// it belongs, whether those before it are there or not. Returns what an opening says of the journal, if it refuses it.
///
/// # Errors
/// `Io`, `Unsupported`, what `restore` brings.
pub(crate) fn salvage(
    storage: &dyn Storage,
    directory: &Path,
    hub_id: u64,
    restore: impl FnOnce(&mut dyn Iterator<Item = &Range<'_>>) -> Result<()>,
) -> Result<Option<Error>> {
    let mut refused = None;
    let mut contents = [None, None];
    for (index, content) in contents.iter_mut().enumerate() {
        match JournalFile::open(storage, directory, hub_id, index) {
            Ok(found) => *content = found.map(|(_, content)| content),
            Err(error @ Error::Corrupt { .. }) => {
                let read = JournalFile::read(storage, &JournalFile::path(directory, index))?;
                *content = read.map(|(_, content)| content);
                refused.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    let replay = Replay::gather(contents.each_ref().map(Option::as_deref), hub_id, Planted::default());
    if let Err(error) = replay.check(directory) {
        refused.get_or_insert(error);
    }
    restore(&mut replay.all_ranges())?;
    Ok(refused)
}
