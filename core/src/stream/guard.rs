//! What stands before an append where a stream's options say so: readers that it must not overtake, a number of keys that it must not
//! exceed. Other streams pay one look at a flag.

use crate::error::Result;
use crate::message::Message;
use crate::stream::gate::Reserved;
use crate::stream::latest::Coming;
use crate::stream::shared::Shared;
use std::collections::BTreeMap;

/// What was let in. Dropped before the records were [appended](Self::appended), they were not.
#[derive(Debug)]
pub(super) struct Guard {
    coming: Option<Coming>,
    _reserved: Option<Reserved>,
}

impl Guard {
    /// The records are in the log.
    pub(super) fn appended(self) {
        if let Some(coming) = self.coming {
            coming.appended();
        }
    }
}

impl Shared {
    /// Lets these records in, which will go to the partitions that `route` says of each by its place: all of them or none. None:
    /// nobody asks.
    ///
    /// # Errors
    /// `Full`; `Closed`, also while it waits; `Corrupt` or `Io` reading what is there.
    #[inline]
    pub(super) fn let_in(
        &self,
        messages: &[Message<'_>],
        route: impl Fn(usize) -> u32,
    ) -> Result<Option<Guard>> {
        if self.is_guarded() { self.let_in_slowly(messages, route).map(Some) } else { Ok(None) }
    }

    /// The same of records that readers have made room for: it waits for nobody.
    pub(super) fn let_keys_in(&self, messages: &[Message<'_>]) -> Result<Option<Guard>> {
        if self.is_guarded() { self.guard(messages, None).map(Some) } else { Ok(None) }
    }

    #[cold]
    fn let_in_slowly(&self, messages: &[Message<'_>], route: impl Fn(usize) -> u32) -> Result<Guard> {
        let reserved = if self.gate().is_on() {
            let mut counts = BTreeMap::new();
            for index in 0..messages.len() {
                *counts.entry(route(index)).or_default() += 1;
            }
            self.wait_for_readers(counts, || ())?
        } else {
            None
        };
        self.guard(messages, reserved)
    }

    fn guard(&self, messages: &[Message<'_>], reserved: Option<Reserved>) -> Result<Guard> {
        let coming = match self.upkeep().key_limit() {
            Some(limit) if self.upkeep().is_latest_only() => Some(self.latest().let_in(messages, limit)?),
            _ => None,
        };
        Ok(Guard { coming, _reserved: reserved })
    }
}
