//! What the threads of a worker share: the member that polls, a lane for each partition, and the place to wait.
//!
//! **Protocol.** There is no thread that polls: an idle one does, for all of them. Whenever a thread is idle and nothing can be
//! taken, the stream has our waker, or a thread is about to ask it; so whoever leaves with a job wakes one more, and whoever is woken
//! while another one polls has that one poll again: it may have been the waker of that poll. Who changes when
//! something is due wakes one more, too, and whoever goes to sleep does so until the next thing is due. Neither lock is held for
//! code of the user's, nor one while the other is taken.

use crate::clock::{Clock, Timed};
use crate::error::{Error, Result};
use crate::notice::{self, Notice, lock_quietly};
use crate::stream::Stream;
use crate::stream::liveness::Processing;
use crate::stream::member::Member;
use crate::stream::record::Record;
use crate::stream::worker::lane::{Job, Lane, Rules};
use crate::stream::worker::stats::StreamWorkerStats;
use crate::sync::event_count::EventCount;
use crate::sync::lock;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

/// Records of one partition that may wait; more, if a batch needs more.
const WAITING_COUNT_MAX: usize = 256;
/// So many records that are handled are committed together at most, and after so long, if nobody is idle before.
const COMMIT_COUNT: u64 = 1024;
const COMMIT_NS: u64 = 100_000_000;

pub(super) type Handler = Box<dyn Fn(&[Record]) -> Result<(), String> + Send + Sync>;
pub(super) type Sink = Box<dyn Fn(&Record, &str) -> Result<()> + Send + Sync>;

/// What becomes of a record that has failed too often.
pub(super) enum Exhausted {
    Stop,
    Skip,
    HandOver(Sink),
}

pub(super) struct Options {
    pub(super) rules: Rules,
    /// The first delay, and the longest.
    pub(super) retry_ns: (u64, u64),
    pub(super) max_failures: u32,
    pub(super) exhausted: Exhausted,
}

/// See the module's description.
pub(super) struct Crew {
    pub(super) stream: Stream,
    pub(super) handler: Handler,
    pub(super) options: Options,
    /// None when the worker has ended.
    member: Mutex<Option<Member>>,
    pub(super) state: Mutex<State>,
    idle: Arc<Idle>,
    /// Wakes one that is idle.
    waker: Waker,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) is_over: bool,
    /// What ended it, if it was not closed.
    pub(super) error: Option<Error>,
    pub(super) stats: StreamWorkerStats,
    lanes: BTreeMap<u32, Lane>,
    /// Records handled and not committed, and since when there are any.
    uncommitted: u64,
    uncommitted_since_ns: u64,
    is_polling: bool,
    /// Somebody would have polled meanwhile.
    is_asked: bool,
    threads: usize,
}

/// Where idle threads sleep.
#[derive(Debug)]
struct Idle(EventCount);

impl Wake for Idle {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

enum Turn {
    Run(Job),
    End,
}

impl Crew {
    pub(super) fn new(stream: Stream, member: Member, handler: Handler, options: Options) -> Self {
        // Threads go to sleep here as often as they are woken.
        let idle = Arc::new(Idle(EventCount::symmetric()));
        let waker = Waker::from(idle.clone());
        let (member, state) = (Mutex::new(Some(member)), Mutex::default());
        Self { stream, handler, options, member, state, idle, waker }
    }

    pub(super) fn clock(&self) -> &Clock {
        self.stream.shared.journal.clock()
    }

    /// Refuses a forked child, in which none of the threads is.
    pub(super) fn check_owner(&self) -> Result<()> {
        self.stream.shared.journal.check_owner()
    }

    /// The next job for the thread that asks. `None`: the worker ends.
    pub(super) fn wait_for_job(&self) -> Option<Job> {
        loop {
            let mut turn = self.next();
            if turn.is_none() {
                let due_ns = self.due_ns();
                self.idle.0.wait_until(self.instant(due_ns), || {
                    turn = self.next();
                    // Another thread may have changed when something is due.
                    turn.is_some() || self.due_ns() != due_ns
                });
            }
            match turn {
                Some(Turn::Run(job)) => return Some(job),
                Some(Turn::End) => return None,
                None => {}
            }
        }
    }

    /// When the next thing is due.
    fn due_ns(&self) -> u64 {
        lock(&self.state).due_ns(&self.options.rules)
    }

    /// That time on the system's clock. Who moves a manual one wakes all.
    fn instant(&self, due_ns: u64) -> Option<Instant> {
        let is_known = self.clock().is_system() && due_ns != u64::MAX;
        let wait = || Duration::from_nanos(due_ns.saturating_sub(self.clock().now_ns()));
        if is_known { Instant::now().checked_add(wait()) } else { None }
    }

    /// The next job; `None` if there is none yet.
    fn next(&self) -> Option<Turn> {
        let mut is_watched = false;
        let mut state = lock(&self.state);
        loop {
            if state.is_over {
                return Some(Turn::End);
            }
            let now_ns = self.clock().now_ns();
            if let Some(job) = state.take(&self.options.rules, now_ns) {
                drop(state);
                self.idle.0.notify_one();
                return Some(Turn::Run(job));
            }
            if is_watched || !state.begin_poll() {
                return None;
            }
            drop(state);
            (state, is_watched) = self.poll();
        }
    }

    /// Commits what is handled, and takes what there is. True: the stream has our waker.
    fn poll(&self) -> (MutexGuard<'_, State>, bool) {
        self.commit();
        let count_max = self.options.rules.batch_max.max(WAITING_COUNT_MAX);
        let held: BTreeSet<u32> = {
            let state = lock(&self.state);
            let full = state.lanes.iter().filter(|(_, lane)| lane.waiting() >= count_max);
            full.map(|(partition, _)| *partition).collect()
        };
        let (polled, owned, goes_on) = match lock_quietly(&self.member).as_mut() {
            None => (Poll::Pending, Ok(Vec::new()), false),
            Some(member) => {
                member.hold(held);
                let polled = member.poll_records(&mut Context::from_waker(&self.waker), count_max);
                let told = if let Poll::Ready(Err(error)) = &polled { Some(error) } else { None };
                let goes_on = told.is_some_and(|error| member.reader.goes_on_after(error));
                (polled, member.assignment(), goes_on)
            }
        };
        let is_watched = polled.is_pending();
        let now_ns = self.clock().now_ns();
        let taken = match polled {
            Poll::Pending => Ok(Vec::new()),
            Poll::Ready(Err(_)) if goes_on => Ok(Vec::new()),
            Poll::Ready(records) => records,
        };
        let taken = taken.and_then(|records| Ok((records, owned?)));
        if let Err(error) = &taken {
            self.end(Some(error.clone()));
        }
        let mut state = lock(&self.state);
        state.stats.out_of_range_total += u64::from(goes_on);
        if let Ok((records, owned)) = taken {
            state.take_in(records, &owned, now_ns);
        }
        drop(state);
        self.let_go();
        let mut state = lock(&self.state);
        let is_watched = state.end_poll() && is_watched;
        (state, is_watched)
    }

    /// That a handler runs, for as long as the value lives.
    pub(super) fn processing(&self) -> Option<Processing> {
        lock_quietly(&self.member).as_ref().map(Member::processing)
    }

    /// Lets go of the partitions that the group asks back, as soon as nothing of them runs any more: what waited of them is given up.
    fn let_go(&self) {
        let busy: BTreeSet<u32> = {
            let state = lock(&self.state);
            let busy = state.lanes.iter().filter(|(_, lane)| lane.running() > 0);
            busy.map(|(partition, _)| *partition).collect()
        };
        let is_idle = |partition: &u32| !busy.contains(partition);
        let asked = lock_quietly(&self.member).as_ref().map_or(Vec::new(), Member::revoking);
        let idle: Vec<u32> = asked.into_iter().filter(is_idle).collect();
        if idle.is_empty() {
            return;
        }
        self.commit();
        if let Some(member) = lock_quietly(&self.member).as_mut() {
            for partition in idle {
                // One of which everything was handled has gone with the commit.
                let _ = member.confirm_revoke(partition);
            }
        }
    }

    /// Marks what was handled, and commits now and then.
    pub(super) fn done(&self, records: &[Record]) -> u64 {
        let mark = |member: &mut Member| {
            records.iter().try_fold(0, |count, record| match member.done(record) {
                Ok(()) => Ok(count + 1),
                // The partition is another member's, who handles it again.
                Err(Error::NotFound { .. }) => Ok(count),
                Err(error) => Err(error),
            })
        };
        let marked = lock_quietly(&self.member).as_mut().map_or(Ok(0), mark);
        let count = marked.unwrap_or_else(|error| {
            self.end(Some(error));
            0
        });
        let now_ns = self.clock().now_ns();
        let is_due = {
            let mut state = lock(&self.state);
            if state.uncommitted == 0 {
                state.uncommitted_since_ns = now_ns;
            }
            state.uncommitted += count;
            state.stats.lost_total += records.len() as u64 - count;
            state.uncommitted >= COMMIT_COUNT
                || now_ns.saturating_sub(state.uncommitted_since_ns) >= COMMIT_NS
        };
        if is_due {
            self.commit();
        }
        count
    }

    /// Commits what is handled.
    fn commit(&self) {
        if std::mem::take(&mut lock(&self.state).uncommitted) == 0 {
            return;
        }
        let committed = lock_quietly(&self.member).as_mut().map_or(Ok(()), Member::commit_done);
        match committed {
            // Of a fenced one the next owner handles it again.
            Ok(()) | Err(Error::Fenced { .. }) => {}
            Err(error) => self.end(Some(error)),
        }
    }

    /// A job that was taken has ended; if it is given back, it comes again at that time.
    pub(super) fn end_job(&self, partition: u32, again: Option<(Job, u64)>) {
        let mut state = lock(&self.state);
        if let Some(lane) = state.lanes.get_mut(&partition) {
            lane.end(again);
        }
        drop(state);
        self.idle.0.notify_one();
    }

    /// Starts nothing any more.
    pub(super) fn end(&self, error: Option<Error>) {
        let stopped = {
            let mut state = lock(&self.state);
            let stopped = error.filter(|_| !state.is_over);
            state.is_over = true;
            state.error = stopped.clone().or_else(|| state.error.take());
            stopped
        };
        self.idle.0.notify_all();
        // A hub that was closed says so itself.
        if let Some(error) = stopped.filter(|error| !matches!(error, Error::Closed { .. })) {
            let stream = self.stream.shared.name.clone();
            notice::now(|| Notice::StreamWorkerStopped { stream, error });
        }
    }

    pub(super) fn enter(&self) {
        lock(&self.state).threads += 1;
    }

    /// The last thread commits, and leaves the group.
    pub(super) fn leave(&self) {
        let is_last = {
            let mut state = lock(&self.state);
            state.threads -= 1;
            state.threads == 0
        };
        if is_last {
            self.commit();
            let member = lock_quietly(&self.member).take();
            // Outside the lock.
            drop(member);
        }
    }
}

impl Timed for Crew {
    fn tick(&self, _now_ns: u64) {
        self.idle.0.notify_all();
    }
}

impl State {
    /// False: somebody polls already, and will once more.
    fn begin_poll(&mut self) -> bool {
        self.is_asked |= self.is_polling;
        !std::mem::replace(&mut self.is_polling, true)
    }

    /// False: somebody else was woken meanwhile, and left it to us to look: our waker may be used up.
    fn end_poll(&mut self) -> bool {
        self.is_polling = false;
        !std::mem::take(&mut self.is_asked)
    }

    fn take(&mut self, rules: &Rules, now_ns: u64) -> Option<Job> {
        // The one with the fewest running: no partition waits for another one.
        let ready = self.lanes.values_mut().filter(|lane| lane.due_ns(rules) <= now_ns);
        ready.min_by_key(|lane| lane.running())?.take(rules, now_ns)
    }

    fn due_ns(&self, rules: &Rules) -> u64 {
        self.lanes.values().map(|lane| lane.due_ns(rules)).min().unwrap_or(u64::MAX)
    }

    /// What was polled, and the partitions that the member has since: what waits of others it lets go of, and takes in nothing. They
    /// are somebody else's, or will be.
    fn take_in(&mut self, records: Vec<Record>, owned: &[u32], now_ns: u64) {
        self.keep(owned);
        for record in records.into_iter().filter(|record| owned.contains(&record.partition())) {
            self.lanes.entry(record.partition()).or_default().push(record, now_ns);
        }
    }

    /// Lets go of what waits of other partitions.
    fn keep(&mut self, owned: &[u32]) {
        for (partition, lane) in &mut self.lanes {
            if !owned.contains(partition) {
                lane.clear();
            }
        }
        self.lanes.retain(|partition, lane| owned.contains(partition) || lane.running() > 0);
    }

    /// Counts, as of now.
    pub(super) fn counted(&self) -> StreamWorkerStats {
        StreamWorkerStats {
            waiting: self.lanes.values().map(|lane| lane.waiting() as u64).sum(),
            running: self.lanes.values().map(|lane| lane.running() as u64).sum(),
            ..self.stats.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::alarm::Alarm;
    use crate::journal::Journal;
    use crate::log::{Level, Log};
    use crate::message::Message;
    use crate::name::Name;
    use crate::stream::{Offsets, Shared, Start, StreamOptions};

    #[test]
    fn a_thread_that_is_woken_while_another_polls_has_that_one_poll_again() {
        let mut state = State::default();
        assert!(state.begin_poll());
        assert!(state.end_poll(), "nobody came: whatever comes wakes somebody");
        assert!(state.begin_poll());
        assert!(!state.begin_poll(), "one at a time");
        assert!(!state.end_poll(), "what woke the other one may be what the poll waits for");
        assert!(state.begin_poll() && state.end_poll(), "once");
    }

    #[test]
    fn what_was_polled_of_a_partition_that_went_meanwhile_is_left_to_its_next_owner() {
        let journal = Journal::new(Clock::System, Arc::new(Alarm::new()), Level::Committed, 0);
        let (journal, data) = (Arc::new(journal), Arc::<EventCount>::default());
        let logs = (0..2).map(|_| Arc::new(Log::memory(data.clone()))).collect();
        let offsets = Offsets::open(Arc::new(Log::memory(Arc::default())), journal.clone()).unwrap();
        let name = Name::new("flights").unwrap();
        let shared = Shared::new(name, logs, data, journal, offsets, &StreamOptions::default());
        let stream = Stream::new(shared, Arc::new(()));
        (0..2).for_each(|partition| _ = stream.append_to(partition, Message::new(b"x")).unwrap());
        let records = stream.reader(Start::Earliest).unwrap().map(Result::unwrap).collect();
        let mut state = State::default();
        state.take_in(records, &[1], 0);
        assert_eq!(state.counted().waiting, 1);
        assert_eq!(
            state.take(&Rules { parallel: 1, batch_max: 1, batch_ns_max: 0 }, 0).unwrap().records[0]
                .partition(),
            1
        );
    }
}
