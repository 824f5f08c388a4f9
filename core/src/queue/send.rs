//! Sending: check, append, wait for the hub's durability.

use crate::error::{Error, Result};
use crate::journal::Receipt;
use crate::log::{Appended, Draft, Kind, Level, Options, Place};
use crate::message::{Message, duration_ns, safest};
use crate::queue::admission::{Fate, Sent};
use crate::queue::dedup::DEDUP_KEY;
use crate::queue::rank::PRIORITY_DEFAULT;
use crate::queue::shared::Shared;
use crate::queue::state::{ORDERING_KEY, Status};
use crate::sync::{Ordering, lock};

/// A message with options, made ready to be appended: times that were relative to now, and the engine's own headers.
pub(crate) struct Prepared<'a> {
    pub(crate) message: &'a Message<'a>,
    pub(crate) due_ns: u64,
    options: Option<Options>,
    pub(crate) headers: Vec<(&'a str, &'a [u8])>,
}

impl Shared {
    pub(crate) fn send(&self, message: &Message<'_>) -> Result<u64> {
        if self.admits(std::slice::from_ref(message)) {
            return self.send_unique(message).map(|sent| sent.id);
        }
        self.send_all(std::slice::from_ref(message))
    }

    pub(crate) fn send_unique(&self, message: &Message<'_>) -> Result<Sent> {
        let level = message.durability.into();
        let (sent, _) = self.send_admitted(std::slice::from_ref(message), level, true)?;
        sent.first().copied().ok_or_else(|| Error::Internal { detail: "a message without an id".into() })
    }

    pub(crate) fn send_batch(&self, messages: &[Message<'_>]) -> Result<Vec<u64>> {
        if messages.is_empty() {
            self.check_open()?;
            return Ok(Vec::new());
        }
        if self.admits(messages) {
            let sent = self.send_admitted(messages, safest(messages).into(), true)?.0;
            return Ok(sent.iter().map(|sent| sent.id).collect());
        }
        let first = self.send_all(messages)?;
        Ok((first..first + messages.len() as u64).collect())
    }

    /// Returns the first id once all of them have reached the level asked for, or the hub's.
    fn send_all(&self, messages: &[Message<'_>]) -> Result<u64> {
        let level = safest(messages).into();
        let appended = self.append_all(messages, level)?;
        self.journal.commit_at(&self.log, appended.end, level)?;
        Ok(appended.sequence)
    }

    pub(crate) fn submit(&self, message: &Message<'_>) -> Result<Receipt<u64>> {
        let messages = std::slice::from_ref(message);
        if self.admits(messages) {
            return self.submit_admitted(messages, |sent| sent.first().map_or(0, |sent| sent.id));
        }
        self.submit_all(messages, |first| first)
    }

    pub(crate) fn submit_batch(&self, messages: &[Message<'_>]) -> Result<Receipt<Vec<Sent>>> {
        if self.admits(messages) && !messages.is_empty() {
            return self.submit_admitted(messages, |sent| sent);
        }
        let sent = |id| Sent { id, is_duplicate: false };
        self.submit_all(messages, |first| (first..first + messages.len() as u64).map(sent).collect())
    }

    /// `told`: what the receipt tells, of the first id.
    fn submit_all<T>(&self, messages: &[Message<'_>], told: impl FnOnce(u64) -> T) -> Result<Receipt<T>> {
        let level = safest(messages).into();
        let appended = self.append_all(messages, level)?;
        let logs = vec![(self.log.clone(), appended.end)];
        Ok(Receipt::new(&self.journal, level, logs, told(appended.sequence)))
    }

    /// Whether it has a capacity.
    pub(crate) fn is_bounded(&self) -> bool {
        // ORDERING: Relaxed: a queue's limit altered meanwhile counts for this message, or for the next.
        self.is_bounded.load(Ordering::Relaxed)
    }

    /// Whether they take the way of `admission.rs`.
    fn admits(&self, messages: &[Message<'_>]) -> bool {
        self.is_bounded() || messages.iter().any(|message| message.task.dedup_key.is_some())
    }

    fn submit_admitted<T>(
        &self,
        messages: &[Message<'_>],
        told: impl FnOnce(Vec<Sent>) -> T,
    ) -> Result<Receipt<T>> {
        let level = safest(messages).into();
        let (sent, end) = self.send_admitted(messages, level, false)?;
        Ok(Receipt::new(&self.journal, level, vec![(self.log.clone(), end)], told(sent)))
    }

    /// Sends them as one batch once there is room, without keeping a thread waiting for it or for the disk.
    pub(crate) async fn send_async(&self, messages: &[Message<'_>]) -> Result<Vec<Sent>> {
        if messages.is_empty() {
            self.check_open()?;
            return Ok(Vec::new());
        }
        let level = safest(messages).into();
        if self.admits(messages) {
            let (sent, end) = self.send_admitted_async(messages, level).await?;
            return Receipt::new(&self.journal, level, vec![(self.log.clone(), end)], sent).await;
        }
        self.submit_batch(messages)?.await
    }

    /// Appends messages that may all be sent now. What is not plain has reached the level, or the hub's, when this returns: it is
    /// delivered from the index, which does not ask.
    #[inline]
    fn append_all(&self, messages: &[Message<'_>], level: Level) -> Result<Appended> {
        let now_ns = self.check_sendable(messages)?;
        // ORDERING: Relaxed: a queue's limit altered meanwhile counts for this message, or for the next.
        let ttl_ns = self.ttl_ns.load(Ordering::Relaxed);
        if ttl_ns != u64::MAX || messages.iter().any(|message| message.task.is_any) {
            return self.append_prepared(messages, level, now_ns, ttl_ns);
        }
        self.log.append_each(messages.iter().map(|message| draft(message, now_ns)))
    }

    fn append_prepared(
        &self,
        messages: &[Message<'_>],
        level: Level,
        now_ns: u64,
        ttl_ns: u64,
    ) -> Result<Appended> {
        let prepared: Vec<_> =
            messages.iter().map(|message| prepare(message, now_ns, ttl_ns, false)).collect();
        let drafts: Vec<_> = prepared.iter().map(|prepared| prepared.draft(now_ns)).collect();
        let appended = self.log.append(&drafts)?;
        if drafts.iter().any(Draft::is_indexed) {
            self.journal.commit_at(&self.log, appended.end, level)?;
        }
        self.index(&drafts, appended);
        Ok(appended)
    }

    /// Refuses messages that may not be sent now; returns the time.
    pub(crate) fn check_sendable(&self, messages: &[Message<'_>]) -> Result<u64> {
        self.check_open()?;
        self.journal.check_space()?;
        let now_ns = self.journal.now_ns();
        messages.iter().try_for_each(|message| check(message, now_ns))?;
        Ok(now_ns)
    }

    /// Puts what is not plain into the index.
    pub(crate) fn index(&self, drafts: &[Draft<'_>], appended: Appended) {
        if !drafts.iter().any(Draft::is_indexed) {
            return;
        }
        let mut state = lock(&self.state);
        let mut granule = appended.start.granule();
        let mut gone = Vec::new();
        for (id, draft) in (appended.sequence..).zip(drafts) {
            if draft.is_indexed() {
                match state.pending.remove(&id) {
                    Some(Fate::Gone) => {
                        if let Some(room) = &mut state.room {
                            room.removed(id, PRIORITY_DEFAULT, draft.bytes() as u64, Status::Ready);
                        }
                        gone.push(id);
                    }
                    fate => {
                        state.insert_sent(id, Place::new(appended.start.segment(), granule), draft);
                        if fate.is_none()
                            && let Some(room) = &mut state.room
                        {
                            room.enter_late(id, draft.bytes() as u64);
                        }
                        match fate {
                            Some(Fate::Due(due_ns)) if due_ns > draft.due_ns => {
                                state.set_status(id, Status::Scheduled { due_ns });
                            }
                            _ => self.wake_for(draft.due_ns),
                        }
                    }
                }
            }
            granule += draft.granules();
        }
        if let Some(next_ns) = state.next_deadline_ns() {
            self.journal.alarm().arm(next_ns);
        }
        drop(state);
        if !gone.is_empty() {
            self.settled(&gone);
        }
    }
}

fn check(message: &Message<'_>, now_ns: u64) -> Result<()> {
    if message.is_tombstone {
        return Err(Error::invalid("tombstone", "a queue has none; append it to a stream instead"));
    }
    message.check(now_ns)
}

fn draft<'a>(message: &'a Message<'_>, now_ns: u64) -> Draft<'a> {
    Draft {
        kind: Kind::Data,
        time_ns: now_ns,
        key: message.key,
        event_time_ns: message.event_time_ns,
        due_ns: 0,
        options: None,
        is_tombstone: false,
        headers: &message.headers,
        value: message.value,
    }
}

/// `is_keyed_indexed`: a message with a deduplication key goes into the index.
pub(crate) fn prepare<'a>(
    message: &'a Message<'a>,
    now_ns: u64,
    ttl_ns_max: u64,
    is_keyed_indexed: bool,
) -> Prepared<'a> {
    let task = &message.task;
    let ttl_ns = task.ttl.map_or(u64::MAX, duration_ns).min(ttl_ns_max);
    let (start_by_ns, complete_by_ns) = task.deadlines_ns(now_ns);
    let options = Options {
        priority: task.priority.filter(|priority| *priority != PRIORITY_DEFAULT).map(u64::from),
        expires_ns: (ttl_ns != u64::MAX).then(|| now_ns.saturating_add(ttl_ns)),
        start_by_ns,
        complete_by_ns,
        failures_max: task.max_failures.map(u64::from),
        ..Options::default()
    };
    let mut headers = message.headers.clone();
    headers.extend(task.ordering_key.map(|key| (ORDERING_KEY, key)));
    headers.extend(task.dedup_key.map(|key| (DEDUP_KEY, key)));
    let is_indexed = options != Options::default()
        || task.ordering_key.is_some()
        || task.dedup_key.is_some() && is_keyed_indexed;
    Prepared { message, due_ns: message.due_ns(now_ns), options: is_indexed.then_some(options), headers }
}

impl Prepared<'_> {
    /// Whether it goes into the index.
    pub(crate) fn is_indexed(&self) -> bool {
        self.due_ns != 0 || self.options.is_some()
    }

    /// The message whose place it takes.
    pub(crate) fn replaces(&self) -> Option<u64> {
        self.options.and_then(|options| options.replaces)
    }

    /// It takes the place of another message.
    pub(crate) fn replace(&mut self, id: u64) {
        self.options.get_or_insert_default().replaces = Some(id);
    }

    pub(crate) fn draft(&self, now_ns: u64) -> Draft<'_> {
        let Self { due_ns, headers, .. } = self;
        Draft { due_ns: *due_ns, options: self.options.as_ref(), headers, ..draft(self.message, now_ns) }
    }
}
