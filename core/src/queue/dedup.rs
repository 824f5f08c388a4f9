//! Which keys were sent: a message whose key is still remembered is a duplicate.
//!
//! **Promise.** A key is forgotten when its time is over or its message has come to the point that the mode names, never to
//! make room: what does not fit is refused. Finding, adding and forgetting one costs the logarithm of how many there are.
//!
//! **Where they are on disk.** A key is told by its message's own frame, so that both are there or neither. When the segment of
//! that frame is about to be released, the key is told again in an event at the end of the log (`release.rs`): each entry
//! knows where it was told last.
//!
//! **Where next.** `admission.rs` asks; `recovery.rs` fills it again.

use crate::error::{Error, Result};
use crate::limits::{DEDUP_ENTRIES_DEFAULT, DEDUP_ENTRIES_MAX, DEDUP_WINDOW_SECONDS_MAX};
use crate::log::Place;
use crate::message::duration_ns;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// Header: the deduplication key.
pub const DEDUP_KEY: &str = "rm-dedup-key";

/// What a queue does with messages that have a [`dedup_key`](crate::Message::dedup_key).
///
/// ```
/// use ringmain::{Dedup, DedupMode, Hub, Message, OnConflict, OnExhausted};
/// use std::time::Duration;
/// // The last one within two seconds counts.
/// let debounce = Dedup { mode: DedupMode::UntilStarted, on_conflict: OnConflict::Extend, ..Dedup::default() };
/// let hub = Hub::memory();
/// let reindex = hub.queue("reindex").dedup(debounce).on_exhausted(OnExhausted::Drop).open()?;
/// let message = || Message::new(b"go").dedup_key("page 7").delay(Duration::from_secs(2));
/// let first = reindex.send_unique(message())?;
/// let second = reindex.send_unique(message())?;
/// assert!(second.is_duplicate && second.id == first.id);
/// # Ok::<(), ringmain::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dedup {
    /// How long a key is remembered, 1 s to 30 days; `UntilDone` and `UntilStarted` do not look at it. Default 10 min.
    pub window: Duration,
    /// From when to when a key is remembered. Default `Fixed`.
    pub mode: DedupMode,
    /// What a duplicate does. Default `Ignore`.
    pub on_conflict: OnConflict,
    /// A duplicate with another value than the first message's is an error. Default false: values are not compared.
    pub verify_payload: bool,
    /// Most keys that are remembered at a time, 1 to 100 million; a message with one more gets
    /// [`Full`](crate::Error::Full). Each takes about 200 bytes of memory and its own length. Default one million.
    pub entries_max: u64,
}

impl Default for Dedup {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(600),
            mode: DedupMode::Fixed,
            on_conflict: OnConflict::Ignore,
            verify_payload: false,
            entries_max: DEDUP_ENTRIES_DEFAULT,
        }
    }
}

/// From when to when a key is remembered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DedupMode {
    /// For the window, from the first message on, whatever becomes of it.
    #[default]
    Fixed,
    /// For the window, from the last message or duplicate on.
    Sliding,
    /// Until the message has left the queue: acked, dead, dropped or cancelled.
    UntilDone,
    /// Until the message was first received: one more may wait while it is worked on.
    UntilStarted,
}

/// What a duplicate does to the first message, as long as that one waits. One that was received stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    /// Nothing.
    #[default]
    Ignore,
    /// It takes its place, with its own value, delay and everything else, and an id of its own.
    Replace,
    /// It puts the first one off to when it would itself be due: debouncing. Never to an earlier time.
    Extend,
    /// It is refused with [`Duplicate`](crate::Error::Duplicate).
    Error,
}

impl Dedup {
    pub(crate) fn check(&self) -> Result<()> {
        let (least, most) = (Duration::from_secs(1), Duration::from_secs(DEDUP_WINDOW_SECONDS_MAX));
        if self.window < least || self.window > most {
            let detail = format!("{:?} is not allowed; 1 s to 30 days are", self.window);
            return Err(Error::invalid("dedup window", detail));
        }
        if !(1..=DEDUP_ENTRIES_MAX).contains(&self.entries_max) {
            let detail = format!("{} is not allowed; 1 to {DEDUP_ENTRIES_MAX} are", self.entries_max);
            return Err(Error::invalid("dedup entries_max", detail));
        }
        Ok(())
    }

    /// Whether time alone ends an entry.
    pub(crate) fn is_by_time(&self) -> bool {
        matches!(self.mode, DedupMode::Fixed | DedupMode::Sliding)
    }

    /// Whether messages with a key must be known by their ids while they wait.
    pub(crate) fn is_by_id(&self) -> bool {
        !self.is_by_time() || matches!(self.on_conflict, OnConflict::Replace | OnConflict::Extend)
    }

    /// Entries from before this time are over.
    pub(crate) fn over_before_ns(&self, now_ns: u64) -> u64 {
        if !self.is_by_time() {
            return 0;
        }
        now_ns.saturating_sub(duration_ns(self.window)).saturating_add(1)
    }
}

/// What is remembered of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Of the message.
    pub(crate) id: u64,
    /// From when its window counts.
    pub(crate) since_ns: u64,
    /// Of the value; 0 if it was not asked for.
    pub(crate) hash: u64,
}

/// See the module's description.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    by_key: HashMap<Arc<[u8]>, (Entry, Place)>,
    by_id: HashMap<u64, Arc<[u8]>>,
    by_time: BTreeSet<(u64, u64)>,
    /// By where they were told last.
    by_place: BTreeSet<(Place, u64)>,
}

impl Entries {
    pub(crate) fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.by_key.len()
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<Entry> {
        self.by_key.get(key).map(|(entry, _)| *entry)
    }

    /// Remembers a key as it is told at `place`, instead of what was known of it.
    pub(crate) fn put(&mut self, key: &[u8], entry: Entry, place: Place) {
        let key = match self.by_key.get(key) {
            Some((old, _)) => self.forget(old.id).unwrap_or_else(|| key.into()),
            None => key.into(),
        };
        // A file may tell two keys of one message; the last counts.
        self.forget(entry.id);
        self.by_id.insert(entry.id, key.clone());
        self.by_time.insert((entry.since_ns, entry.id));
        self.by_place.insert((place, entry.id));
        self.by_key.insert(key, (entry, place));
    }

    /// Forgets the key of a message, if it has one; returns it.
    pub(crate) fn forget(&mut self, id: u64) -> Option<Arc<[u8]>> {
        let key = self.by_id.remove(&id)?;
        if let Some((entry, place)) = self.by_key.remove(&key) {
            self.by_time.remove(&(entry.since_ns, id));
            self.by_place.remove(&(place, id));
        }
        Some(key)
    }

    /// Forgets what is from before that time.
    pub(crate) fn expire(&mut self, before_ns: u64) {
        while let Some((since_ns, id)) = self.by_time.first().copied()
            && since_ns < before_ns
        {
            self.forget(id);
        }
    }

    /// The messages whose keys these are.
    pub(crate) fn ids(&self) -> Vec<u64> {
        self.by_id.keys().copied().collect()
    }

    /// What was told last before `end`, oldest place first.
    pub(crate) fn told_before(&self, end: Place) -> impl Iterator<Item = (Place, &Arc<[u8]>, Entry)> {
        self.by_place.range(..(end, 0)).filter_map(|(place, id)| {
            let key = self.by_id.get(id)?;
            Some((*place, key, self.by_key.get(key)?.0))
        })
    }
}

/// A hash of a value that stays the same in all versions (FNV-1a, 64 bits), never 0.
pub(crate) fn value_hash(value: &[u8]) -> u64 {
    let fold = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    value.iter().fold(0xcbf2_9ce4_8422_2325, fold).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_hash_is_fnv1a_as_published() {
        assert_eq!(value_hash(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(value_hash(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(value_hash(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn an_entry_is_over_at_the_end_of_its_window_and_not_a_moment_earlier() {
        let dedup = Dedup { window: Duration::from_nanos(100), ..Dedup::default() };
        let mut entries = Entries::default();
        entries.put(b"k", Entry { id: 1, since_ns: 50, hash: 0 }, Place(1));
        entries.expire(dedup.over_before_ns(149));
        assert_eq!(entries.len(), 1);
        entries.expire(dedup.over_before_ns(150));
        assert!(entries.is_empty());
    }

    #[test]
    fn limits_of_the_options_are_in_the_errors() {
        let windows = [Duration::from_millis(999), Duration::from_secs(DEDUP_WINDOW_SECONDS_MAX + 1)];
        for window in windows {
            let error = Dedup { window, ..Dedup::default() }.check().unwrap_err().to_string();
            assert!(error.contains("1 s to 30 days"), "{error}");
        }
        for entries_max in [0, DEDUP_ENTRIES_MAX + 1] {
            assert!(Dedup { entries_max, ..Dedup::default() }.check().is_err());
        }
        assert!(Dedup::default().check().is_ok());
    }

    #[derive(Debug, Clone)]
    enum Step {
        Put { key: u8, id: u64, since_ns: u64, place: u64 },
        Forget(u64),
        Expire(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0u8..6, 0u64..8, 0u64..20, 0u64..10)
                .prop_map(|(key, id, since_ns, place)| Step::Put { key, id, since_ns, place }),
            1 => (0u64..8).prop_map(Step::Forget),
            1 => (0u64..22).prop_map(Step::Expire),
        ]
    }

    proptest! {
        /// Against a list of all that is remembered.
        #[test]
        fn entries_are_what_a_plain_list_of_them_would_be(steps in proptest::collection::vec(step(), 0..60)) {
            let mut entries = Entries::default();
            let mut list: Vec<(u8, Entry, u64)> = Vec::new();
            for step in steps {
                match step {
                    Step::Put { key, id, since_ns, place } => {
                        let entry = Entry { id, since_ns, hash: id ^ place };
                        entries.put(&[key], entry, Place(place));
                        list.retain(|(other, old, _)| *other != key && old.id != id);
                        list.push((key, entry, place));
                    }
                    Step::Forget(id) => {
                        let forgotten = entries.forget(id).map(|key| key[0]);
                        let index = list.iter().position(|(_, entry, _)| entry.id == id);
                        prop_assert_eq!(forgotten, index.map(|index| list.remove(index).0));
                    }
                    Step::Expire(before_ns) => {
                        entries.expire(before_ns);
                        list.retain(|(_, entry, _)| entry.since_ns >= before_ns);
                    }
                }
                prop_assert_eq!((entries.len(), entries.is_empty()), (list.len(), list.is_empty()));
                let (mut ids, mut wanted) = (entries.ids(), Vec::from_iter(list.iter().map(|(_, entry, _)| entry.id)));
                ids.sort_unstable();
                wanted.sort_unstable();
                prop_assert_eq!(ids, wanted);
                for key in 0..6 {
                    let found = list.iter().find(|(other, ..)| *other == key).map(|(_, entry, _)| *entry);
                    prop_assert_eq!(entries.get(&[key]), found);
                }
                for end in 0..11 {
                    let told: Vec<(u8, Entry)> =
                        entries.told_before(Place(end)).map(|(_, key, entry)| (key[0], entry)).collect();
                    let mut wanted: Vec<_> = list.iter().filter(|(.., place)| *place < end).collect();
                    wanted.sort_by_key(|(_, entry, place)| (*place, entry.id));
                    let wanted: Vec<_> = wanted.iter().map(|(key, entry, _)| (*key, *entry)).collect();
                    prop_assert_eq!(told, wanted);
                }
                // Nothing is left behind in what leads to them.
                prop_assert_eq!(entries.by_id.len(), list.len());
                prop_assert_eq!(entries.by_time.len(), list.len());
                prop_assert_eq!(entries.by_place.len(), list.len());
            }
        }
    }
}
