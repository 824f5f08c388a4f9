//! Append on a condition: only if the log ends with the sequence that the caller expects.
//!
//! **Promise.** Of all who expect the same end, one appends. Who does not is told where the log ends, and nothing was claimed.
//! Plain appends pay nothing for it, and never wait for it.
//!
//! **Protocol**, `P2 mark`: what `append.rs` gets from its blind fetch-add, an addition of nothing gives here: in range and under
//! the mark, the block keeps serving the segment, so that its base is known *before* something is claimed. From then on the claim
//! word only grows until the segment is crossed: a compare-and-swap that succeeds has found the very end that was compared.

use crate::error::{Error, Result};
use crate::log::append::{Appended, Claimed, Drafts, measure};
use crate::log::claim::{self, CLOSED, LIMIT, Place, ROTATING};
use crate::log::{BLOCKS, Level, Log};
use crate::sync::Ordering;
use crate::sync::pause::Pause;

impl Log {
    /// Appends frames as one atomic batch, as [`append_each`](Self::append_each), if the next sequence is `expected`. The next
    /// sequence, if it is another one: then nothing was appended.
    ///
    /// # Errors
    /// As [`append_each`](Self::append_each).
    pub(crate) fn append_at<'d>(
        &self,
        expected: u64,
        drafts: impl Drafts<'d>,
    ) -> Result<Result<Appended, u64>> {
        let (records, granules) = measure(drafts.clone())?;
        let claimed = self.claim_at(expected, records, granules)?;
        Ok(claimed.map(|claimed| self.fill(claimed, drafts, records, granules)))
    }

    /// About how much is on its way to the disk, in granules: appended and not durable yet. Without a lock; nothing in memory.
    pub(crate) fn queued_granules(&self) -> u64 {
        if self.home.is_none() {
            return 0;
        }
        let segment = self.current_segment();
        let block = &self.blocks[segment as usize % BLOCKS];
        // ORDERING: Relaxed for both: a hint, which may mix segments; a header lives as long as its log.
        let (_, position) = claim::split(block.claim.load(Ordering::Relaxed));
        let capacity = self.header(block.header.load(Ordering::Relaxed) as u32).capacity();
        let at = position.saturating_sub(LIMIT.saturating_sub(capacity)).min(capacity);
        Place::new(segment, at).0.saturating_sub(self.limit(Level::Durable).0)
    }

    fn claim_at(&self, expected: u64, records: u64, granules: u64) -> Result<Result<Claimed<'_>, u64>> {
        let pause = Pause::new();
        'segment: loop {
            // ORDERING: Acquire, P6 open: as in `append.rs`.
            let found = self.current.load(Ordering::Acquire);
            let segment = claim::current_segment(found);
            if found & CLOSED != 0 {
                self.poisoned()?;
                return Err(Error::Closed { what: "the log" });
            }
            if found & ROTATING != 0 {
                if !self.open_next(segment) {
                    pause.snooze();
                }
                continue;
            }
            let mark = self.marks.set(segment);
            let block = &self.blocks[segment as usize % BLOCKS];
            // ORDERING: AcqRel, P6 and P2: as the fetch-add of a claim; a load would tell of a segment that is gone, and its
            // word may come again in the next one.
            let mut word = block.claim.fetch_add(0, Ordering::AcqRel);
            if claim::split(word).1 > LIMIT {
                drop(mark);
                self.start_rotation(segment);
                continue;
            }
            // ORDERING: Relaxed: as in `append.rs`.
            let header = self.header(block.header.load(Ordering::Relaxed) as u32);
            let segment = header.number();
            loop {
                let (count, position) = claim::split(word);
                let sequence = header.base() + count;
                if sequence != expected {
                    return Ok(Err(sequence));
                }
                let fits = position + granules <= LIMIT;
                let next =
                    if fits { word + claim::increment(records, granules) } else { claim::crossed(word) };
                // ORDERING: AcqRel, P6: as the fetch-add above; Relaxed on failure, because what is found in range is of
                // the same segment, whose header was acquired.
                match block.claim.compare_exchange_weak(word, next, Ordering::AcqRel, Ordering::Relaxed) {
                    Ok(_) => {}
                    Err(now) if claim::split(now).1 <= LIMIT => {
                        word = now;
                        continue;
                    }
                    Err(_) => {
                        drop(mark);
                        self.start_rotation(segment);
                        continue 'segment;
                    }
                }
                let at = position - (LIMIT - header.capacity());
                if fits {
                    return Ok(Ok(Claimed { header, segment, at, sequence, _mark: mark }));
                }
                self.cross(header, segment, at, count, granules);
                drop(mark);
                self.start_rotation(segment);
                continue 'segment;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::log::{Draft, Kind, Log, Reader};
    use crate::sync::event_count::EventCount;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn draft(value: &[u8]) -> Draft<'_> {
        Draft::control(Kind::Data, 1, value)
    }

    fn append_at(log: &Log, expected: u64, value: &[u8]) -> Result<u64, u64> {
        let appended = log.append_at(expected, [draft(value)].into_iter()).unwrap();
        appended.map(|appended| appended.sequence)
    }

    #[test]
    fn it_appends_where_the_log_ends_and_nowhere_else() {
        let log = Log::memory(Arc::new(EventCount::new()));
        assert_eq!(append_at(&log, 1, b"early"), Err(0));
        assert_eq!(append_at(&log, 0, b"first"), Ok(0));
        assert_eq!(append_at(&log, 0, b"late"), Err(1));
        log.append(&[draft(b"second")]).unwrap();
        assert_eq!(append_at(&log, 1, b"late"), Err(2));
        assert_eq!(append_at(&log, 2, b"third"), Ok(2));
        log.seal_open();
        assert_eq!(append_at(&log, 3, b"in the next segment"), Ok(3));
    }

    /// Of different sizes, so that they cross the ends of segments in all ways.
    #[test]
    fn of_all_who_expect_the_same_end_one_wins_whoever_else_appends() {
        const THREADS: u64 = 4;
        const ROUNDS: u64 = 1_000;
        let log = Arc::new(Log::memory(Arc::new(EventCount::new())));
        let (won, plain) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let (log, won, plain) = (&log, &won, &plain);
                scope.spawn(move || {
                    let (mut end, mut wins) = (0, 0);
                    let value = vec![thread as u8; if thread == 0 { 500 } else { 60 }];
                    for round in 0..ROUNDS {
                        if thread == THREADS - 1 && round % 3 == 0 {
                            log.append(&[draft(&value)]).unwrap();
                            plain.fetch_add(1, Ordering::Relaxed);
                            continue;
                        }
                        match append_at(log, end, &value) {
                            Ok(sequence) => {
                                assert_eq!(sequence, end);
                                (end, wins) = (end + 1, wins + 1);
                            }
                            Err(actual) => {
                                assert_ne!(actual, end);
                                end = actual;
                            }
                        }
                    }
                    won.fetch_add(wins, Ordering::Relaxed);
                });
            }
        });
        let appended = won.into_inner() + plain.into_inner();
        assert_eq!(log.end_sequence(), appended, "each success is one record, and nothing else is");
        let (mut reader, mut count) = (Reader::earliest(log), 0);
        while reader.advance().unwrap() {
            assert_eq!((reader.kind(), reader.sequence()), (Kind::Data, count));
            count += 1;
        }
        assert_eq!(count, appended);
    }
}
