//! What every group has read: a stream that is kept [until read](crate::StreamBuilder::until_read) begins behind it.
//!
//! **Promise.** The start moves record by record, as soon as somebody looks. It never goes beyond what a group has committed: of all
//! groups the slowest counts, and without a group nothing has been read. Only durable commits count, so that no crash leaves a group with a
//! commit that lies before the start.
//!
//! **Why two looks.** Which commits are durable is known only of a place in their log. Where those of now are not durable yet, they are
//! noted with that place; a later look that finds it durable goes so far, or less far if a group has gone back meanwhile.

use crate::log::{Level, Log, Place};
use crate::stream::growing::Growing;
use crate::stream::offsets::Offsets;
use crate::sync::{AtomicBool, AtomicU64, Ordering, lock};
use std::sync::{Arc, Mutex};

/// How far each partition was read by all groups.
type Least = Vec<u64>;

/// See the module's description.
#[derive(Debug, Default)]
pub(crate) struct ReadByAll {
    is_asked: AtomicBool,
    /// The end of the log of commits when all of them were taken into account last.
    applied: AtomicU64,
    /// What was committed, and the place that must be durable for it to count.
    noted: Mutex<Option<(Least, Place)>>,
}

impl ReadByAll {
    pub(crate) fn set(&self, is_asked: bool) {
        // ORDERING: Relaxed: a flag by itself.
        self.is_asked.store(is_asked, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn is_asked(&self) -> bool {
        // ORDERING: Relaxed: as in `set`.
        self.is_asked.load(Ordering::Relaxed)
    }

    /// Moves the starts behind what every group has read, as far as that is durable.
    pub(crate) fn release(&self, offsets: &Offsets, logs: &Growing<Arc<Log>>) {
        if !self.is_asked() {
            return;
        }
        let claimed = offsets.log().claimed().0;
        // ORDERING: Acquire: pairs with the Release below; whoever finds nothing new finds the starts moved.
        if self.applied.load(Ordering::Acquire) == claimed {
            return;
        }
        let is_durable = |place: Place| offsets.log().reached(Level::Durable, place);
        let mut noted = lock(&self.noted);
        // Nobody commits meanwhile: a group that goes back, or comes in, is seen, or finds the start where it is then.
        offsets.read_by_all(logs.len(), |least, end| {
            let Some(least) = least else { return };
            if let Some((before, _)) = noted.take_if(|(_, place)| is_durable(*place)) {
                let both: Least = before.iter().zip(&least).map(|(before, now)| *before.min(now)).collect();
                move_starts(logs, &both);
            }
            if is_durable(end) {
                *noted = None;
                move_starts(logs, &least);
                // ORDERING: Release: see above.
                self.applied.store(claimed, Ordering::Release);
            } else if noted.is_none() {
                *noted = Some((least, end));
            }
        });
    }
}

fn move_starts(logs: &Growing<Arc<Log>>, least: &[u64]) {
    for (log, least) in logs.iter().zip(least) {
        // Not beyond the end: a commit may outlive the records that it covers, if they were not yet durable.
        log.move_start_to((*least).min(log.end_sequence()));
    }
}
