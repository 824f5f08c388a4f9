//! What is done for a stream in the background, on the hub's clock: what is too old or too much is given back, what a later
//! record of the same key has replaced is left out.
//!
//! **Promise.** Never in the way of an append: it tells the hub's thread that there is a new segment, no more. What may be
//! read does not wait for this (`log/retention.rs`): only space does, a second at most once its time has come.
//!
//! **Throttle.** Of compaction the hub's thread does a segment at a time, and pauses for as long as that took. On a manual clock,
//! where nothing happens by itself, it does all that is due.

use crate::error::{Error, Result};
use crate::journal::Journal;
use crate::log::{Compactor, Level, Limits, Log, Place, Rules, UNLIMITED};
use crate::message::duration_ns;
use crate::notice::Quiet;
use crate::stream::due::Due;
use crate::stream::growing::Growing;
use crate::stream::latest::KeyLimit;
use crate::stream::options::{Compaction, StreamOptions};
use crate::stream::producer::Sessions;
use crate::sync::{AtomicBool, AtomicU64, Ordering, lock};
use std::sync::{Arc, Mutex};

/// Time alone has nothing done more often.
const PAUSE_NS_MIN: u64 = 1_000_000_000;
/// What failed is tried again after this.
const PAUSE_NS_AFTER_ERROR: u64 = 60_000_000_000;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Upkeep {
    journal: Arc<Journal>,
    sessions: Arc<Sessions>,
    partitions: Growing<Partition>,
    /// Whether there is anything to do, ever.
    is_needed: AtomicBool,
    is_compacted: AtomicBool,
    is_until_read: AtomicBool,
    is_latest_only: AtomicBool,
    compaction: Mutex<Option<Compaction>>,
    is_closed: AtomicBool,
    due: Arc<Due>,
}

#[derive(Debug)]
struct Partition {
    number: u32,
    log: Arc<Log>,
    /// The segment that an append was in last.
    segment: AtomicU64,
    /// Its end when everything in it was found to be unreadable last.
    end: AtomicU64,
    compaction: Mutex<CompactionState>,
}

#[derive(Debug)]
struct CompactionState {
    compactor: Compactor,
    /// The segment that was open when last looked, and since when it has had records.
    open: Option<(u64, u64)>,
}

impl Partition {
    fn new(number: u32, log: Arc<Log>) -> Self {
        Self {
            number,
            compaction: Mutex::new(CompactionState { compactor: Compactor::new(log.clone()), open: None }),
            log,
            segment: AtomicU64::new(0),
            end: AtomicU64::new(u64::MAX),
        }
    }
}

impl Upkeep {
    pub(crate) fn new(logs: &Growing<Arc<Log>>, journal: Arc<Journal>, sessions: Arc<Sessions>) -> Self {
        let partition = |(number, log): (u32, &Arc<Log>)| Partition::new(number, log.clone());
        let partitions: Vec<_> = (0..).zip(logs.iter()).map(partition).collect();
        Self {
            journal,
            sessions,
            partitions: partitions.into(),
            is_needed: AtomicBool::new(false),
            is_compacted: AtomicBool::new(false),
            is_until_read: AtomicBool::new(false),
            is_latest_only: AtomicBool::new(false),
            compaction: Mutex::new(None),
            is_closed: AtomicBool::new(false),
            due: Arc::new(Due::new()),
        }
    }

    /// A partition more, for which nothing holds until the options are set again.
    pub(crate) fn add(&self, log: Arc<Log>) {
        self.partitions.push(Partition::new(self.partitions.len(), log));
    }

    /// From now on these hold.
    pub(crate) fn set_options(&self, options: &StreamOptions) {
        let limits = options.limits();
        self.partitions.iter().for_each(|partition| partition.log.set_limits(limits));
        *lock(&self.compaction) = options.compaction;
        let (is_compacted, is_limited) = (options.compaction.is_some(), limits != Limits::NONE);
        // ORDERING: Relaxed for all of them: flags by themselves.
        self.is_until_read.store(options.until_read, Ordering::Relaxed);
        let is_latest_only = options.compaction.is_some_and(|compaction| compaction.latest_only);
        self.is_latest_only.store(is_latest_only, Ordering::Relaxed);
        self.is_compacted.store(is_compacted, Ordering::Relaxed);
        self.is_needed.store(is_compacted || is_limited, Ordering::Relaxed);
        if is_compacted || is_limited {
            self.be_due_at(self.journal.now_ns());
        }
    }

    /// Ends compaction, waiting for the segment that is under way: afterwards the directory may be somebody else's.
    pub(crate) fn close(&self) {
        // ORDERING: Release: pairs with `check_open`, which is called under the lock that is taken here next.
        self.is_closed.store(true, Ordering::Release);
        self.partitions.iter().for_each(|partition| drop(lock(&partition.compaction)));
    }

    fn check_open(&self) -> Result<()> {
        // ORDERING: Acquire: pairs with `close`.
        if self.is_closed.load(Ordering::Acquire) {
            return Err(Error::Closed { what: "the hub of this stream" });
        }
        Ok(())
    }

    /// Whether every record needs a key.
    pub(crate) fn is_compacted(&self) -> bool {
        // ORDERING: Relaxed: as in `set_options`.
        self.is_compacted.load(Ordering::Relaxed)
    }

    /// Has it looked soon at what is to be given back or compacted: something that stood in the way is gone.
    pub(crate) fn look_again(&self) {
        // ORDERING: Relaxed: as in `set_options`.
        if self.is_needed.load(Ordering::Relaxed) {
            self.be_due_at(self.journal.now_ns());
        }
    }

    /// When there will be something to do.
    pub(crate) fn due(&self) -> &Arc<Due> {
        &self.due
    }

    /// Whether readers are to see of each key the last record only.
    pub(crate) fn is_latest_only(&self) -> bool {
        // ORDERING: Relaxed: as in `set_options`.
        self.is_latest_only.load(Ordering::Relaxed)
    }

    /// How many keys there may be, if they count.
    pub(crate) fn key_limit(&self) -> Option<KeyLimit> {
        let compaction = (*lock(&self.compaction))?;
        Some(KeyLimit {
            keys_max: compaction.keys_max.into(),
            tombstone_grace_ns: duration_ns(compaction.tombstone_grace),
            now_ns: self.journal.now_ns(),
        })
    }

    fn be_due_at(&self, at_ns: u64) {
        self.due.be_at(at_ns, self.journal.alarm());
    }

    /// An append ended at `end`: a new segment may be one too many, and the one before may be compacted.
    pub(crate) fn notice(&self, partition: u32, end: Place) {
        // ORDERING: Relaxed: as in `set_options`.
        if !self.is_needed.load(Ordering::Relaxed) {
            return;
        }
        let Some(partition) = self.partitions.get(partition) else { return };
        // ORDERING: Relaxed: a hint; whoever else appends there says the same.
        if partition.segment.load(Ordering::Relaxed) != end.segment() {
            partition.segment.store(end.segment(), Ordering::Relaxed);
            let now_ns = self.journal.now_ns();
            if !partition.log.is_durable() && !self.is_compacted() {
                // At once, and warm: the hub's thread may have to wait for a processor for as long as it takes to fill many
                // segments, whose memory the system would have to make page by page meanwhile.
                let _ = self.give_back(partition, now_ns);
            } else {
                self.be_due_at(now_ns);
            }
        }
    }

    /// Does what is due, after `prepare`.
    pub(crate) fn tick(&self, now_ns: u64, prepare: impl FnOnce()) {
        if !self.due.take(now_ns, self.journal.alarm()) {
            return;
        }
        prepare();
        // A partition's lock is held while the journal commits.
        let _quiet = Quiet::new();
        let compaction = *lock(&self.compaction);
        for partition in self.partitions.iter() {
            let Partition { number, log, compaction: state, .. } = partition;
            // A log that failed says so to its users; a file that could not be removed is tried again in the next round.
            let _ = self.give_back(partition, now_ns);
            if log.expires_ns() != UNLIMITED {
                self.be_due_at(log.expires_ns().max(now_ns.saturating_add(PAUSE_NS_MIN)));
            }
            // Somebody who compacts on demand does what there is to do, and has us look again.
            if let (Some(compaction), Ok(mut state)) = (compaction, state.try_lock()) {
                self.compact_in_background(*number, log, &compaction, &mut state, now_ns);
            }
        }
    }

    /// Gives back what may not be read any more, and what is over the bytes.
    fn give_back(&self, partition: &Partition, now_ns: u64) -> Result<()> {
        let Partition { number, log, end: seen_end, .. } = partition;
        if !log.is_limited() {
            return Ok(());
        }
        log.move_start(now_ns);
        if log.is_open_segment_unreadable() {
            let end = log.end_sequence();
            // ORDERING: Relaxed: only the hub's thread looks at it.
            let is_quiet = seen_end.swap(end, Ordering::Relaxed) == end;
            // ORDERING: Relaxed: as in `set_options`.
            if is_quiet || !self.is_until_read.load(Ordering::Relaxed) {
                log.seal_open();
            } else {
                // Readers keep up with whoever writes: to end a segment each time would cost more than its space.
                self.due.soon(now_ns, self.journal.alarm());
            }
        }
        // In memory nobody comes back to them.
        if log.is_durable() && log.has_unwanted()? {
            self.sessions.cover(*number, log.current_segment())?;
        }
        if log.release_unreadable()? {
            return Ok(());
        }
        // The file to go holds the place of what is only in the journal.
        self.bring_home(log, now_ns)?;
        log.release_unreadable().map(drop)
    }

    /// Brings home what is only in the journal, so that the segments before the open one can be changed.
    fn bring_home(&self, log: &Arc<Log>, now_ns: u64) -> Result<()> {
        if log.is_open_segment_home() {
            return Ok(());
        }
        log.append_durable_mark_again(now_ns);
        self.journal.commit_to(log, log.claimed(), Level::Durable)?;
        log.bring_all_home()
    }

    fn compact_in_background(
        &self,
        partition: u32,
        log: &Arc<Log>,
        compaction: &Compaction,
        state: &mut CompactionState,
        now_ns: u64,
    ) {
        let CompactionState { compactor, open } = state;
        let seal_after_ns = duration_ns(compaction.seal_after);
        match (log.open_segment_with_records(), &open) {
            (Some(segment), Some((known, since_ns))) if segment == *known => {
                let seal_ns = since_ns.saturating_add(seal_after_ns);
                if seal_ns <= now_ns {
                    log.seal_open();
                    let _ = self.bring_home(log, now_ns);
                } else {
                    self.be_due_at(seal_ns);
                }
            }
            (Some(segment), _) => {
                *open = Some((segment, now_ns));
                self.be_due_at(now_ns.saturating_add(seal_after_ns));
            }
            (None, _) => *open = None,
        }
        let rules = compaction.rules();
        if !compactor.is_due(&rules, now_ns) {
            return self.be_due_at(compactor.due_ns());
        }
        loop {
            match self.step(partition, log, compactor, &rules, now_ns) {
                Ok(true) if self.journal.has_system_clock() => {
                    let took_ns = self.journal.now_ns().saturating_sub(now_ns);
                    return self.be_due_at(now_ns.saturating_add(2 * took_ns));
                }
                Ok(true) => {}
                Ok(false) => break,
                // Whoever reads or writes there is told. A full disk may have room later.
                Err(_) => return self.be_due_at(now_ns.saturating_add(PAUSE_NS_AFTER_ERROR)),
            }
        }
        let pause_ns = PAUSE_NS_MIN.max(rules.lag_ns_min);
        let again_ns = if compactor.is_due(&rules, now_ns) { 0 } else { compactor.due_ns() };
        self.be_due_at(again_ns.max(now_ns.saturating_add(pause_ns)));
    }

    /// A step of a pass. What producers told in what is written anew, has been told elsewhere by then.
    fn step(
        &self,
        partition: u32,
        log: &Log,
        compactor: &mut Compactor,
        rules: &Rules,
        now_ns: u64,
    ) -> Result<bool> {
        self.check_open()?;
        self.sessions.cover(partition, log.current_segment())?;
        compactor.step(rules, now_ns)
    }

    /// Compacts everything that may be.
    pub(crate) fn compact(&self) -> Result<()> {
        let Some(compaction) = *lock(&self.compaction) else { return Ok(()) };
        let (rules, now_ns) = (compaction.rules(), self.journal.now_ns());
        for Partition { number, log, compaction: state, .. } in self.partitions.iter() {
            if log.open_segment_with_records().is_some() {
                log.seal_open();
            }
            self.bring_home(log, now_ns)?;
            let compactor = &mut lock(state).compactor;
            let step = |compactor: &mut Compactor| self.step(*number, log, compactor, &rules, now_ns);
            // One that is under way has not seen what was sealed just now.
            while compactor.is_under_way() && step(compactor)? {}
            while step(compactor)? {}
        }
        // When a tombstone is due is known better than before.
        self.be_due_at(now_ns);
        Ok(())
    }
}
