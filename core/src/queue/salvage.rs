//! Making a queue's log whole after damage: so that it opens, and every message that can still be read is delivered.
//!
//! What recovery relies on (`recovery.rs`) may be among what was lost: that leases are granted in order, and that a lease's
//! message is where it says. So at the end of the log it is said once more, of every message up to the last that is known
//! to have been leased or is lost: those that were lost are settled, and those whose lease is not told are leased and handed
//! back, which makes them ready. What was settled, and the note of it lost, is delivered again.

use crate::error::Result;
use crate::journal::Journal;
use crate::log::{Draft, INDEXED, Kind, Log, Place, Reader};
use crate::queue::settlement::Event;
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

/// Ids in one event.
const IDS_MAX: usize = 1000;

/// Appends to a salvaged log what its queue needs to open. `lost`: ids of messages that were lost.
///
/// # Errors
/// `Io`, `Poisoned`.
pub(crate) fn mend(log: &Arc<Log>, journal: &Journal, lost: &[Range<u64>]) -> Result<()> {
    let mut reader = Reader::earliest(log.clone());
    let mut plain: BTreeMap<u64, Place> = BTreeMap::new();
    let [mut leased, mut adopted, mut relocated]: [HashSet<u64>; 3] = Default::default();
    while reader.advance()? {
        let frame = reader.frame();
        match frame.kind() {
            Kind::Data if !frame.has(INDEXED) => drop(plain.insert(reader.sequence(), reader.found_place())),
            Kind::Control => match Event::decode(frame.value()) {
                Some(Event::Started(leases)) => leased.extend(leases.into_iter().map(|(id, _)| id)),
                Some(Event::Run { id, count, .. }) => leased.extend(id..id.saturating_add(count.into())),
                Some(Event::Adopted { id, .. }) => drop(adopted.insert(id)),
                Some(Event::Leaving { letters, .. }) => {
                    adopted.extend(letters.iter().map(|letter| letter.id))
                }
                Some(Event::Gone(ids)) => adopted.extend(ids),
                Some(Event::Relocated(message)) => drop(relocated.insert(message.id)),
                _ => {}
            },
            _ => {}
        }
    }
    let first = log.start().1;
    // One that was told again is not lost with its record.
    let is_lost = |id: &u64| *id >= first && !relocated.contains(id);
    let lost: Vec<u64> = lost.iter().cloned().flatten().filter(is_lost).collect();
    let last = leased.iter().chain(&lost).max().copied();
    let is_told = |id: &u64| [&leased, &adopted, &relocated].iter().any(|told| told.contains(id));
    let unknown: Vec<(u64, Place)> =
        plain.into_iter().filter(|(id, _)| Some(*id) <= last && !is_told(id)).collect();
    let mut end = Place::default();
    let mut append = |event: Event| -> Result<()> {
        let bytes = event.encode();
        end = log.append(&[Draft::control(Kind::Control, journal.now_ns(), &bytes)])?.end;
        Ok(())
    };
    for ids in lost.chunks(IDS_MAX) {
        append(Event::Started(ids.iter().map(|id| (*id, Place::default())).collect()))?;
        append(Event::Acked(ids.to_vec()))?;
    }
    for leases in unknown.chunks(IDS_MAX) {
        append(Event::Started(leases.to_vec()))?;
        leases.iter().try_for_each(|(id, _)| append(Event::Released { id: *id, due_ns: 0 }))?;
    }
    journal.commit(log, end)
}
