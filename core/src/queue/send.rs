//! Sending: check, append, wait for the hub's durability.

use crate::error::{Error, Result};
use crate::journal::Receipt;
use crate::log::{Appended, Draft, Kind, Level, Place};
use crate::message::{Message, safest};
use crate::queue::shared::{Shared, waiting};
use crate::queue::state;
use crate::sync::lock;

impl Shared {
    pub(crate) fn send(&self, message: &Message<'_>) -> Result<u64> {
        self.check_open()?;
        self.journal.check_space()?;
        let now_ns = self.journal.now_ns();
        check(message, now_ns)?;
        let draft = draft(message, now_ns);
        Ok(self.send_drafts(&[draft], message.durability.into())?.sequence)
    }

    pub(crate) fn send_batch(&self, messages: &[Message<'_>]) -> Result<Vec<u64>> {
        if messages.is_empty() {
            self.check_open()?;
            return Ok(Vec::new());
        }
        let drafts = self.drafts(messages)?;
        let first = self.send_drafts(&drafts, safest(messages).into())?.sequence;
        Ok((first..first + messages.len() as u64).collect())
    }

    pub(crate) fn submit(&self, messages: &[Message<'_>]) -> Result<Receipt<u64>> {
        let drafts = self.drafts(messages)?;
        let appended = self.log.append(&drafts)?;
        let level = safest(messages).into();
        // Those would be delivered when their time comes, durable or not.
        if drafts.iter().any(|draft| draft.due_ns != 0) {
            self.journal.commit_at(&self.log, appended.end, level)?;
        }
        self.index(&drafts, appended);
        Ok(Receipt::new(&self.journal, level, vec![(self.log.clone(), appended.end)], appended.sequence))
    }

    /// Drafts of messages that may all be sent now.
    fn drafts<'a>(&self, messages: &'a [Message<'_>]) -> Result<Vec<Draft<'a>>> {
        self.check_open()?;
        self.journal.check_space()?;
        let now_ns = self.journal.now_ns();
        messages.iter().try_for_each(|message| check(message, now_ns))?;
        Ok(messages.iter().map(|message| draft(message, now_ns)).collect())
    }

    /// Appends drafts of messages, and returns once they have reached this level or the hub's.
    fn send_drafts(&self, drafts: &[Draft<'_>], level: Level) -> Result<Appended> {
        let appended = self.log.append(drafts)?;
        self.journal.commit_at(&self.log, appended.end, level)?;
        self.index(drafts, appended);
        Ok(appended)
    }

    /// Counts what was sent, and puts what must wait into the index.
    pub(crate) fn index(&self, drafts: &[Draft<'_>], appended: Appended) {
        let mut state = lock(&self.state);
        state.totals.sent += drafts.len() as u64;
        let mut granule = appended.start.granule();
        for (id, draft) in (appended.sequence..).zip(drafts) {
            if draft.due_ns != 0 {
                let place = Place::new(appended.start.segment(), granule);
                if id >= state.cursor.next_sequence() {
                    state.ahead.insert(id);
                }
                state.insert(id, state::Message::new(place, waiting(draft.due_ns)));
                self.wake_for(draft.due_ns);
            }
            granule += draft.granules();
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
        due_ns: message.due_ns(now_ns),
        is_tombstone: false,
        headers: &message.headers,
        value: message.value,
    }
}
