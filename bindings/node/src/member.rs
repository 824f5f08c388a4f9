//! Members of consumer groups as JavaScript holds them.
//!
//! **Callbacks.** The core tells of partitions that come and go while it polls. That is noted here; `lib/stream/member.js` asks for it
//! after each verb and calls the program, on the event loop. A partition that is to go goes when what was polled of it is committed, which
//! the program may do then.

use crate::argument;
use crate::error::{Result, guard};
use crate::line::LineHandle;
use crate::reader::limit_ms;
use crate::reads::{Entry, Place};
use crate::registry::{SharedHub, lock};
use crate::start::{StartOptions, reset};
use crate::work::{Work, work};
use napi::bindgen_prelude::{AsyncTask, BufferSlice};
use napi_derive::napi;
use ringmain::{CommitMode, Error, Group, Member, Position, Processing, Stream};
use std::sync::{Arc, Mutex};

/// How a member joins; what is left out takes its default.
#[napi(object)]
pub struct JoinOptions {
    /// Where partitions begin that have no committed offset; none: only a group that has committed is joined.
    pub start: Option<StartOptions>,
    /// The member's name.
    pub member_name: Option<String>,
    /// For how long what it has is kept for its name.
    pub session_timeout_ms: Option<f64>,
    /// How long it may go without polling; infinite for ever.
    pub max_poll_interval_ms: Option<f64>,
    /// How long the owner of a partition that is to move may take.
    pub revoke_timeout_ms: Option<f64>,
    /// `fail`, `earliest` or `latest`.
    pub on_out_of_range: Option<String>,
    /// `manual`, `onPoll` or `atMostOnce`.
    pub commit_mode: Option<String>,
    /// Whether the program wants to be told of partitions that come and go.
    pub has_callbacks: bool,
}

/// Partitions that have come or go.
#[napi(object)]
pub struct Turn {
    /// `assign`, `revoke` or `lost`.
    pub what: String,
    /// Which.
    pub partitions: Vec<u32>,
}

type Turns = Arc<Mutex<Vec<Turn>>>;

impl JoinOptions {
    pub(crate) fn join(
        self,
        hub: Arc<SharedHub>,
        stream: &Stream,
        name: &str,
    ) -> ringmain::Result<MemberHandle> {
        let turns = Turns::default();
        let mode = self.commit_mode.as_deref().map_or(Ok(CommitMode::default()), commit_mode)?;
        let start = self.start;
        let mut group = stream.group(name);
        if let Some(name) = self.member_name {
            group = group.member_name(&name);
        }
        if let Some(ms) = self.session_timeout_ms {
            group = group.session_timeout(argument::milliseconds("sessionTimeoutMs", ms)?);
        }
        if let Some(ms) = self.max_poll_interval_ms {
            group = group.max_poll_interval(limit_ms("maxPollIntervalMs", ms)?);
        }
        if let Some(ms) = self.revoke_timeout_ms {
            group = group.revoke_timeout(argument::milliseconds("revokeTimeoutMs", ms)?);
        }
        if let Some(word) = self.on_out_of_range {
            group = group.on_out_of_range(reset(&word)?);
        }
        if self.has_callbacks {
            group = noting(group, &turns);
        }
        let member = match start {
            Some(start) => group.join_at(start.start()?)?,
            None => group.join_committed()?,
        };
        let place = Arc::new(Place::new(hub, member.commit_mode(mode)));
        Ok(MemberHandle { place, entry: Entry::default(), turns })
    }
}

/// Notes what the core tells.
fn noting(group: Group, turns: &Turns) -> Group {
    let note = |what: &'static str| {
        let turns = turns.clone();
        move |_: &mut Member, partitions: &[u32]| {
            lock(&turns).push(Turn { what: what.to_owned(), partitions: partitions.to_vec() });
            Ok(())
        }
    };
    group.on_assign(note("assign")).on_revoke(note("revoke")).on_lost(note("lost"))
}

fn commit_mode(word: &str) -> ringmain::Result<CommitMode> {
    match word {
        "manual" => Ok(CommitMode::Manual),
        "onPoll" => Ok(CommitMode::OnPoll),
        "atMostOnce" => Ok(CommitMode::AtMostOnce),
        _ => {
            let detail = format!("{word:?} is none of \"manual\", \"onPoll\", \"atMostOnce\"");
            Err(Error::invalid("commitMode", detail))
        }
    }
}

/// One member of a consumer group.
#[napi]
pub struct MemberHandle {
    place: Arc<Place<Member>>,
    entry: Entry,
    turns: Turns,
}

/// What became of many that were marked.
#[napi(object)]
pub struct Marked {
    /// Looked at.
    pub looked: u32,
    /// Of those, in partitions that somebody else has.
    pub lost: u32,
}

/// While it is there, a handler of the member's records is running.
#[napi]
pub struct ProcessingHandle(Mutex<Option<Processing>>);

#[napi]
impl ProcessingHandle {
    /// The handler has ended.
    #[napi]
    pub fn end(&self) {
        drop(lock(&self.0).take());
    }
}

#[napi]
impl MemberHandle {
    /// The number that the callbacks of this thread's room know it by.
    #[napi]
    pub fn number(&self) -> Result<u32> {
        guard(|| self.entry.number(self.place.clone()))
    }

    /// What did not fit.
    #[napi]
    pub fn take(&self, mut target: BufferSlice<'_>) -> Result<()> {
        guard(|| self.place.take(&mut target))
    }

    /// What came and went since the last call.
    #[napi]
    pub fn turns(&self) -> Vec<Turn> {
        std::mem::take(&mut *lock(&self.turns))
    }

    /// Commits everything polled so far, blocking.
    #[napi]
    pub fn commit(&self) -> Result<()> {
        guard(|| self.place.with(Member::commit))
    }

    /// Commits everything polled so far; the line tells when that has reached its durability. Whether it has already.
    #[napi]
    pub fn submit_commit(&self, line: &LineHandle) -> Result<bool> {
        guard(|| Ok(line.accept(self.place.with(Member::submit_commit)?)))
    }

    /// Commits one partition, blocking: `offset` is the next to read.
    #[napi]
    pub fn commit_offset(&self, partition: f64, offset: f64) -> Result<()> {
        guard(|| commit_offset(&self.place, partition, offset))
    }

    /// Commits one partition: `offset` is the next to read.
    #[napi]
    pub fn commit_offset_async(&self, partition: f64, offset: f64) -> AsyncTask<Work<()>> {
        let place = self.place.clone();
        work(move || commit_offset(&place, partition, offset))
    }

    /// Marks one record as handled.
    #[napi]
    pub fn done(&self, partition: f64, offset: f64, from: f64) -> Result<()> {
        guard(|| {
            let (partition, offset) = (argument::partition(partition)?, argument::offset("offset", offset)?);
            let from = argument::offset("from", from)?;
            self.place.with(|member| member.done_at(Position { partition, offset }, from))
        })
    }

    /// Marks many, each by its partition, its offset and from where on; how many of them were looked at: the rest is for later, there
    /// are too many gaps. Those of partitions that are not this member's any more count as `lost`.
    #[napi]
    pub fn done_many(&self, numbers: &[f64]) -> Result<Marked> {
        guard(|| {
            let mut marked = Marked { looked: 0, lost: 0 };
            self.place.with(|member| {
                for &[partition, offset, from] in numbers.as_chunks().0 {
                    let (partition, offset) =
                        (argument::partition(partition)?, argument::offset("offset", offset)?);
                    let from = argument::offset("from", from)?;
                    match member.done_at(Position { partition, offset }, from) {
                        Ok(()) => {}
                        Err(Error::NotFound { .. }) => marked.lost += 1,
                        Err(Error::Full { .. }) => break,
                        Err(error) => return Err(error),
                    }
                    marked.looked += 1;
                }
                Ok(())
            })?;
            Ok(marked)
        })
    }

    /// Commits what was marked, blocking.
    #[napi]
    pub fn commit_done(&self) -> Result<()> {
        guard(|| self.place.with(Member::commit_done))
    }

    /// Commits what was marked.
    #[napi]
    pub fn commit_done_async(&self) -> AsyncTask<Work<()>> {
        let place = self.place.clone();
        work(move || place.with(Member::commit_done))
    }

    /// Takes a partition back to `offset`, blocking.
    #[napi]
    pub fn rewind(&self, partition: f64, offset: f64) -> Result<()> {
        guard(|| rewind(&self.place, partition, offset))
    }

    /// Takes a partition back to `offset`.
    #[napi]
    pub fn rewind_async(&self, partition: f64, offset: f64) -> AsyncTask<Work<()>> {
        let place = self.place.clone();
        work(move || rewind(&place, partition, offset))
    }

    /// Continues one owned partition at `offset`.
    #[napi]
    pub fn seek(&self, partition: f64, offset: f64) -> Result<()> {
        guard(|| self.place.seek(partition, offset))
    }

    /// Records that its group has not committed.
    #[napi]
    pub fn lag(&self) -> Result<f64> {
        guard(|| self.place.with(|member| member.lag().map(|lag| lag as f64)))
    }

    /// The partitions it reads now.
    #[napi]
    pub fn assignment(&self) -> Result<Vec<u32>> {
        guard(|| self.place.with(Member::assignment))
    }

    /// The partitions it was asked to let go of and still has.
    #[napi]
    pub fn revoking(&self) -> Result<Vec<u32>> {
        guard(|| self.place.with(|member| Ok(member.revoking())))
    }

    /// Lets go of a partition although not everything polled of it is committed.
    #[napi]
    pub fn confirm_revoke(&self, partition: f64) -> Result<()> {
        guard(|| {
            let partition = argument::partition(partition)?;
            self.place.with(|member| member.confirm_revoke(partition))
        })
    }

    /// Says that a handler of its records is running.
    #[napi]
    pub fn processing(&self) -> Result<ProcessingHandle> {
        guard(|| self.place.with(|member| Ok(ProcessingHandle(Mutex::new(Some(member.processing()))))))
    }

    /// Leaves the group.
    #[napi]
    pub fn leave(&self) -> Result<()> {
        guard(|| self.place.close()?.leave())
    }
}

fn commit_offset(place: &Place<Member>, partition: f64, offset: f64) -> ringmain::Result<()> {
    let (partition, offset) = (argument::partition(partition)?, argument::offset("offset", offset)?);
    place.with(|member| member.commit_offset(partition, offset))
}

fn rewind(place: &Place<Member>, partition: f64, offset: f64) -> ringmain::Result<()> {
    let (partition, offset) = (argument::partition(partition)?, argument::offset("offset", offset)?);
    place.with(|member| member.rewind(partition, offset))
}
