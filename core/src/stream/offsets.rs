//! Committed offsets of a stream's groups: a log of its own, the last commit of a partition wins.
//!
//! **Promise.** What was done stays done, through reopening and through the log's being written anew; only a rewind or the deletion
//! of the group forgets it, and a power cut that took the records themselves. Nothing expires.
//!
//! What else a stream keeps for good lies here under keys with a slash, which no group's name has: the last record of a key counts,
//! an empty one removes it.
//!
//! **How.** What a frame says is in `commit_frame`. So that the log stays small, everything that holds is said again now and then, and
//! the segments before that are released. Each frame is true by itself: it does not matter if a crash leaves a part of them.

use crate::error::{Error, Result};
use crate::journal::{Journal, Receipt};
use crate::log::{Appended, Draft, Kind, Level, Log, Place, Reader};
use crate::stream::commit_frame::{Done, Said};
use crate::stream::due::Due;
use crate::stream::growing::Growing;
use crate::stream::progress::Progress;
use crate::sync::lock;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock};

/// Segments after which the log is written anew; more, if what holds takes more than a few.
const SEGMENT_COUNT_MAX: u64 = 4;

type Committed = BTreeMap<u32, Progress>;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Offsets {
    log: Arc<Log>,
    journal: Arc<Journal>,
    state: Mutex<State>,
    /// Whom a commit is of interest to.
    due: OnceLock<Arc<Due>>,
}

#[derive(Debug, Default)]
struct State {
    groups: BTreeMap<String, Committed>,
    kept: BTreeMap<String, Kept>,
    /// Where the last commit ends in the log.
    end: Place,
    /// The segment from which on the log is written anew.
    rewrite_at: u64,
}

impl State {
    fn apply(&mut self, group: &str, said: Said) {
        if matches!(said, Said::Deleted) {
            self.groups.remove(group);
            return;
        }
        let committed = self.groups.entry(group.to_owned()).or_default();
        match said {
            Said::Deleted => {}
            Said::Committed(next) => next.into_iter().for_each(|(partition, next)| {
                let progress = committed.entry(partition).or_default();
                if next < progress.next() { *progress = Progress::at(next) } else { progress.raise(next) }
            }),
            Said::Done(dones) => dones.into_iter().for_each(|done| {
                let progress = committed.entry(done.partition).or_default();
                progress.raise(done.next);
                done.islands.into_iter().for_each(|island| progress.mark(island));
            }),
            Said::Rewound(next) => {
                committed.extend(next.into_iter().map(|(partition, next)| (partition, Progress::at(next))));
            }
        }
    }

    fn progress(&self, group: &str, partition: u32) -> Option<&Progress> {
        self.groups.get(group)?.get(&partition)
    }
}

/// A record that is not of a group.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) value: Vec<u8>,
    /// Where it was read, or said first.
    pub(crate) place: Place,
}

fn keep(kept: &mut BTreeMap<String, Kept>, key: &str, value: &[u8], place: Place) {
    if value.is_empty() {
        kept.remove(key);
    } else {
        kept.insert(key.to_owned(), Kept { value: value.to_owned(), place });
    }
}

impl Offsets {
    /// Reads back what was committed.
    ///
    /// # Errors
    /// `Corrupt` for what no version of Ringmain wrote; `Io`.
    pub(crate) fn open(log: Arc<Log>, journal: Arc<Journal>) -> Result<Self> {
        let mut state = State { rewrite_at: log.start().0 + SEGMENT_COUNT_MAX, ..State::default() };
        let mut reader = Reader::earliest(log.clone());
        while reader.advance()? {
            let frame = reader.frame();
            let key = frame.key().and_then(|key| std::str::from_utf8(key).ok());
            if let (Kind::Data, Some(key)) = (frame.kind(), key.filter(|key| key.contains('/'))) {
                keep(&mut state.kept, key, frame.value(), reader.found_place());
                continue;
            }
            match Said::parse(&frame) {
                Ok(Some((group, said))) => state.apply(group, said),
                Ok(None) => {}
                Err(detail) => return Err(log.blame(reader.found_place(), detail)),
            }
        }
        Ok(Self { log, journal, state: Mutex::new(state), due: OnceLock::new() })
    }

    /// Takes back what was committed of records that are not there: it outlived them, if a power cut took what was not durable yet.
    /// Others will have their offsets. Before anything is appended to these logs, and durable when it returns.
    ///
    /// # Errors
    /// `Poisoned`.
    pub(crate) fn take_back(&self, logs: &Growing<Arc<Log>>) -> Result<()> {
        {
            let mut state = lock(&self.state);
            let lost: Vec<_> = state
                .groups
                .iter()
                .flat_map(|(group, committed)| {
                    let of = |(partition, progress): (&u32, &Progress)| {
                        let left = progress.up_to(logs.get(*partition)?.end_sequence())?;
                        Some((group.clone(), *partition, left))
                    };
                    committed.iter().filter_map(of)
                })
                .collect();
            if lost.is_empty() {
                return Ok(());
            }
            for (group, partition, left) in lost {
                self.say(&mut state, &group, Said::Rewound(vec![(partition, left.next())]))?;
                if left.gap_count() > 0 {
                    self.say(&mut state, &group, Said::Done(vec![left.done(partition)]))?;
                }
            }
        }
        self.make_durable()
    }

    /// The next offset to read, if one was committed.
    pub(crate) fn committed(&self, group: &str, partition: u32) -> Option<u64> {
        lock(&self.state).progress(group, partition).map(Progress::next)
    }

    /// What was committed of a partition, with what is done beyond the next offset to read.
    pub(crate) fn progress(&self, group: &str, partition: u32) -> Option<Progress> {
        lock(&self.state).progress(group, partition).cloned()
    }

    /// What of a range a group has not committed.
    pub(crate) fn open_ranges(&self, group: &str, partition: u32, within: Range<u64>) -> Vec<Range<u64>> {
        match lock(&self.state).progress(group, partition) {
            Some(progress) => progress.open(within),
            None => vec![within],
        }
    }

    /// The log that the commits are in.
    pub(crate) fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// Has every commit so far on disk, whatever the hub's level.
    ///
    /// # Errors
    /// `Poisoned`.
    pub(crate) fn make_durable(&self) -> Result<()> {
        self.journal.commit_to(&self.log, self.log.claimed(), Level::Durable)
    }

    /// From now on each commit has the upkeep look at what was read, soon.
    pub(crate) fn tell(&self, due: &Arc<Due>) {
        let _ = self.due.set(due.clone());
    }

    /// Shows how far every group has committed each partition, none without a group, and where the last of these commits ends.
    /// Nobody commits meanwhile.
    pub(crate) fn read_by_all(&self, partition_count: u32, show: impl FnOnce(Option<Vec<u64>>, Place)) {
        let state = lock(&self.state);
        let of = |partition: u32| {
            state.groups.values().map(|committed| committed.get(&partition).map_or(0, Progress::next)).min()
        };
        show((0..partition_count).map(of).collect(), state.end);
    }

    /// Names of the groups that ever committed.
    pub(crate) fn groups(&self) -> Vec<String> {
        lock(&self.state).groups.keys().cloned().collect()
    }

    /// Whether a group has committed in any partition.
    pub(crate) fn has_group(&self, group: &str) -> bool {
        lock(&self.state).groups.contains_key(group)
    }

    /// Appends a commit; it counts for readers at once, and is durable after [`wait`](Self::wait). A commit never goes
    /// back: what is not ahead of what is committed is left out, whoever came first.
    pub(crate) fn append(&self, group: &str, offsets: &[(u32, u64)]) -> Result<Place> {
        let mut state = lock(&self.state);
        let is_ahead = |(partition, next): &&(u32, u64)| {
            state.progress(group, *partition).map(Progress::next) < Some(*next)
        };
        let offsets: Vec<(u32, u64)> = offsets.iter().filter(is_ahead).copied().collect();
        if offsets.is_empty() {
            // Whoever said so before us may still be waiting for the disk, or in vain.
            return Ok(state.end);
        }
        self.say(&mut state, group, Said::Committed(offsets))
    }

    /// Stores where partitions begin that have no committed offset. `settle` has the last word on each: what every group has read is not
    /// released meanwhile, and from then on no more than this one has.
    pub(crate) fn append_first(
        &self,
        group: &str,
        first: &[(u32, u64)],
        settle: impl Fn(u32, u64) -> Result<u64>,
    ) -> Result<Place> {
        let mut state = lock(&self.state);
        let new = first.iter().filter(|(partition, _)| state.progress(group, *partition).is_none());
        let first: Vec<(u32, u64)> = new
            .map(|(partition, offset)| Ok((*partition, settle(*partition, *offset)?)))
            .collect::<Result<_>>()?;
        if first.is_empty() { Ok(state.end) } else { self.say(&mut state, group, Said::Committed(first)) }
    }

    /// As [`append`](Self::append), with what is done beyond the next offsets to read.
    pub(crate) fn append_done(&self, group: &str, dones: &[Done]) -> Result<Place> {
        let (plain, dones): (Vec<&Done>, Vec<_>) = dones.iter().partition(|done| done.islands.is_empty());
        let plain: Vec<(u32, u64)> = plain.into_iter().map(|done| (done.partition, done.next)).collect();
        self.append(group, &plain)?;
        let mut state = lock(&self.state);
        let is_news = |done: &&Done| {
            let progress = state.progress(group, done.partition);
            progress.is_none_or(|known| {
                known.next() < done.next
                    || done.islands.iter().any(|island| !known.open(island.clone()).is_empty())
            })
        };
        let dones: Vec<Done> = dones.into_iter().filter(is_news).cloned().collect();
        // A frame for each: all of them may be too much for one.
        for done in dones {
            self.say(&mut state, group, Said::Done(vec![done]))?;
        }
        Ok(state.end)
    }

    /// Goes back, and forgets what was done beyond.
    pub(crate) fn rewind(&self, group: &str, partition: u32, offset: u64) -> Result<Place> {
        self.say(&mut lock(&self.state), group, Said::Rewound(vec![(partition, offset)]))
    }

    /// Forgets a group.
    pub(crate) fn delete(&self, group: &str) -> Result<Place> {
        self.say(&mut lock(&self.state), group, Said::Deleted)
    }

    fn say(&self, state: &mut State, group: &str, said: Said) -> Result<Place> {
        state.end = self.write(group, &said)?.end;
        state.apply(group, said);
        if let Some(due) = self.due.get() {
            due.soon(self.journal.now_ns(), self.journal.alarm());
        }
        Ok(state.end)
    }

    fn write(&self, group: &str, said: &Said) -> Result<Appended> {
        let (kind, value) = said.encode();
        self.log.append(&[draft(group, kind, &value, self.journal.now_ns())])
    }

    /// Returns once a commit has reached the hub's durability.
    pub(crate) fn wait(&self, end: Place) -> Result<()> {
        self.journal.commit(&self.log, end)?;
        self.rewrite_if_long(end)
    }

    /// Does not wait: the receipt does.
    pub(crate) fn receipt(&self, end: Place) -> Result<Receipt<()>> {
        self.rewrite_if_long(end)?;
        Ok(Receipt::new(&self.journal, Level::Committed, vec![(self.log.clone(), end)], ()))
    }

    /// What is kept under keys that begin so.
    pub(crate) fn kept(&self, prefix: &str) -> BTreeMap<String, Kept> {
        let state = lock(&self.state);
        let from = state.kept.range(prefix.to_owned()..);
        from.take_while(|(key, _)| key.starts_with(prefix)).map(|(k, v)| (k.clone(), v.clone())).collect()
    }

    /// What is wrong with a record that is kept.
    pub(crate) fn blame(&self, place: Place, detail: impl Into<String>) -> Error {
        self.log.blame(place, detail)
    }

    /// Keeps records, in order and as one batch; empty ones are removed. Durable when it returns, whatever the hub's level.
    ///
    /// # Errors
    /// `TooLarge` for more than a batch takes, `Closed`: nothing changed. `Poisoned`.
    pub(crate) fn keep(&self, records: &[(String, Vec<u8>)]) -> Result<()> {
        let end = {
            let mut state = lock(&self.state);
            let now_ns = self.journal.now_ns();
            let drafts: Vec<_> =
                records.iter().map(|(key, value)| draft(key, Kind::Data, value, now_ns)).collect();
            let receipt = self.log.append(&drafts)?;
            records.iter().for_each(|(key, value)| keep(&mut state.kept, key, value, receipt.start));
            state.end = receipt.end;
            receipt.end
        };
        self.journal.commit_to(&self.log, end, Level::Durable)?;
        self.wait(end)
    }

    fn rewrite_if_long(&self, end: Place) -> Result<()> {
        let first = {
            let mut state = lock(&self.state);
            // As long as nothing can be released, writing it anew comes to nothing.
            if end.segment() < state.rewrite_at || self.log.keeps_files() {
                return Ok(());
            }
            let first = self.write_all(&state)?.unwrap_or(state.end);
            // WHY: what holds may take several segments: it is not to be written again and again.
            let span = self.log.claimed().segment() - first.segment();
            state.rewrite_at = first.segment() + SEGMENT_COUNT_MAX.max(2 * span);
            first
        };
        // Durable whatever the hub's level: the commits that it replaces are removed for good.
        self.journal.commit_to(&self.log, self.log.claimed(), Level::Durable)?;
        self.log.release_before(first.segment())
    }

    /// Says everything once more. Returns where that begins; `None`: there is nothing.
    fn write_all(&self, state: &State) -> Result<Option<Place>> {
        let mut first = None;
        for (key, kept) in &state.kept {
            let written = self.log.append(&[draft(key, Kind::Data, &kept.value, self.journal.now_ns())])?;
            first = first.or(Some(written.start));
        }
        for (group, committed) in &state.groups {
            let next = committed.iter().map(|(partition, progress)| (*partition, progress.next())).collect();
            let with_islands = committed.iter().filter(|(_, progress)| progress.gap_count() > 0);
            let islands =
                with_islands.map(|(partition, progress)| Said::Done(vec![progress.done(*partition)]));
            for said in std::iter::once(Said::Committed(next)).chain(islands) {
                let written = self.write(group, &said)?;
                first = first.or(Some(written.start));
            }
        }
        Ok(first)
    }
}

fn draft<'a>(key: &'a str, kind: Kind, value: &'a [u8], time_ns: u64) -> Draft<'a> {
    Draft { key: Some(key.as_bytes()), ..Draft::control(kind, time_ns, value) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, alarm::Alarm};
    use crate::message::Message;
    use crate::stream::{Shared, Stream, StreamOptions};
    use crate::sync::event_count::EventCount;

    #[test]
    fn the_log_of_commits_stays_small_and_the_last_commit_wins() {
        let alarm = Arc::new(Alarm::new());
        let journal = Arc::new(Journal::new(Clock::System, alarm, Level::Committed, 0));
        let log = Arc::new(Log::memory(Arc::new(EventCount::new())));
        let offsets = Offsets::open(log.clone(), journal.clone()).unwrap();
        let mut last = 0;
        for i in 0..50_000 {
            let end = offsets.append("billing", &[(0, i), (1, 2 * i)]).unwrap();
            offsets.wait(end).unwrap();
            last = end.segment();
            assert!(last - log.start().0 <= SEGMENT_COUNT_MAX, "released");
        }
        assert!(last > SEGMENT_COUNT_MAX, "there was something to release");
        offsets.append("audit", &[(0, 5)]).unwrap();
        assert_eq!(offsets.committed("audit", 0), Some(5));
        let again = Offsets::open(log, journal).unwrap();
        assert_eq!(again.committed("billing", 1), Some(2 * 49_999));
        assert_eq!(again.committed("audit", 0), Some(5));
        assert_eq!(again.committed("audit", 1), None);
        offsets.append("audit", &[(0, 3)]).unwrap();
        assert_eq!(offsets.committed("audit", 0), Some(5), "whoever comes late does not go back");
    }

    #[test]
    fn islands_and_deletions_survive_the_rewriting_of_the_log_and_a_rewind_forgets_what_is_beyond_it() {
        let journal = Arc::new(Journal::new(Clock::System, Arc::new(Alarm::new()), Level::Committed, 0));
        let log = Arc::new(Log::memory(Arc::new(EventCount::new())));
        let offsets = Offsets::open(log.clone(), journal.clone()).unwrap();
        let done = |partition, next, islands: &[(u64, u64)]| Done {
            partition,
            next,
            islands: islands.iter().map(|(start, end)| *start..*end).collect(),
        };
        offsets.append("billing", &[(0, 5), (1, 5)]).unwrap();
        offsets.append("old", &[(0, 5)]).unwrap();
        offsets.append_done("billing", &[done(0, 5, &[(7, 8), (20, 25)]), done(1, 6, &[(9, 10)])]).unwrap();
        offsets.append_done("billing", &[done(0, 5, &[(10, 12)])]).unwrap();
        offsets.rewind("billing", 1, 6).unwrap();
        offsets.delete("old").unwrap();
        let state = |offsets: &Offsets| {
            let islands = |p| offsets.progress("billing", p).unwrap().islands().iter().collect::<Vec<_>>();
            (offsets.groups(), islands(0), islands(1), offsets.committed("billing", 1))
        };
        let expected = (vec!["billing".to_owned()], vec![7..8, 10..12, 20..25], vec![], Some(6));
        assert_eq!(state(&offsets), expected);
        assert_eq!(state(&Offsets::open(log.clone(), journal.clone()).unwrap()), expected);
        let first = log.start().0;
        for i in 0.. {
            offsets.wait(offsets.append("billing", &[(2, i)]).unwrap()).unwrap();
            if log.start().0 > first {
                break;
            }
        }
        assert_eq!(state(&Offsets::open(log, journal).unwrap()), expected);
        offsets.append("billing", &[(0, 7)]).unwrap();
        assert_eq!(offsets.committed("billing", 0), Some(8), "what follows an island is done");
        assert_eq!(offsets.open_ranges("billing", 0, 0..30), [8..10, 12..20, 25..30]);
    }

    #[test]
    fn where_a_group_begins_is_settled_and_stored_while_nothing_is_released() {
        let journal = Arc::new(Journal::new(Clock::System, Arc::new(Alarm::new()), Level::Committed, 0));
        let log = Arc::new(Log::memory(Arc::new(EventCount::new())));
        let offsets = Offsets::open(log, journal).unwrap();
        offsets.append("late", &[(0, 9)]).unwrap();
        let settle = |_, offset: u64| {
            assert!(offsets.state.try_lock().is_err(), "whoever releases what all have read has to wait");
            Ok(offset.max(5))
        };
        offsets.append_first("late", &[(0, 3), (1, 3), (2, 7)], settle).unwrap();
        let committed = |partition| offsets.committed("late", partition);
        assert_eq!([0, 1, 2].map(committed), [Some(9), Some(5), Some(7)]);
        let gone = Error::OutOfRange { partition: 3, offset: 3, start: 5, end: 9 };
        assert!(offsets.append_first("late", &[(4, 7), (3, 3)], |_, _| Err(gone.clone())).is_err());
        assert_eq!([3, 4].map(committed), [None, None], "all or none");
    }

    #[test]
    fn what_was_committed_of_records_that_a_power_cut_took_is_not_committed_of_those_that_get_their_offsets()
    {
        let journal = Arc::new(Journal::new(Clock::System, Arc::new(Alarm::new()), Level::Committed, 0));
        let data = Arc::new(EventCount::new());
        let log = Arc::new(Log::memory(data.clone()));
        log.append(&[(); 6].map(|()| Draft::control(Kind::Data, 1, b"x"))).unwrap();
        let commits = Arc::new(Log::memory(Arc::new(EventCount::new())));
        let offsets = Offsets::open(commits.clone(), journal.clone()).unwrap();
        offsets.append("billing", &[(0, 9)]).unwrap();
        let islands = vec![4..8, 10..11];
        offsets.append_done("audit", &[Done { partition: 0, next: 2, islands }]).unwrap();
        offsets.append("mail", &[(0, 6)]).unwrap();
        let name = crate::name::Name::new("flights").unwrap();
        let options = StreamOptions::default();
        let shared = Shared::new(name, vec![log], data, journal.clone(), offsets, &options);
        shared.recover().unwrap();
        let stream = Stream::new(shared, Arc::new(()));
        for _ in 6..12 {
            stream.append(Message::new(b"y")).unwrap();
        }
        let open = |offsets: &Offsets, group| offsets.open_ranges(group, 0, 0..12);
        for offsets in [&*stream.shared.offsets, &Offsets::open(commits, journal).unwrap()] {
            assert_eq!(open(offsets, "billing"), std::slice::from_ref(&(6..12)));
            assert_eq!(open(offsets, "audit"), [2..4, 6..12]);
            assert_eq!(
                open(offsets, "mail"),
                std::slice::from_ref(&(6..12)),
                "what was not lost stays as it is"
            );
        }
        let records = stream.group("billing").join().unwrap().poll(100, std::time::Duration::ZERO).unwrap();
        assert!(records.iter().map(|record| record.offset()).eq(6..12));
    }
}
