//! Sending: check, append, wait for the hub's durability.

use crate::error::Result;
use crate::log::{Draft, Kind, Place, Receipt};
use crate::message::Message;
use crate::queue::shared::{Shared, waiting};
use crate::queue::state;
use crate::sync::lock;

impl Shared {
    pub(crate) fn send(&self, message: &Message<'_>) -> Result<u64> {
        self.check_open()?;
        let now_ns = self.journal.now_ns();
        message.check(now_ns)?;
        let draft = draft(message, now_ns);
        Ok(self.send_drafts(&[draft])?.sequence)
    }

    pub(crate) fn send_batch(&self, messages: &[Message<'_>]) -> Result<Vec<u64>> {
        self.check_open()?;
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let now_ns = self.journal.now_ns();
        messages.iter().try_for_each(|message| message.check(now_ns))?;
        let drafts: Vec<_> = messages.iter().map(|message| draft(message, now_ns)).collect();
        let first = self.send_drafts(&drafts)?.sequence;
        Ok((first..first + messages.len() as u64).collect())
    }

    /// Appends drafts of messages, and returns once they have reached the hub's durability.
    pub(crate) fn send_drafts(&self, drafts: &[Draft<'_>]) -> Result<Receipt> {
        let receipt = self.log.append(drafts)?;
        self.journal.commit(&self.log, receipt.end)?;
        self.index(drafts, receipt);
        Ok(receipt)
    }

    /// Counts what was sent, and puts what must wait into the index.
    pub(crate) fn index(&self, drafts: &[Draft<'_>], receipt: Receipt) {
        let mut state = lock(&self.state);
        state.totals.sent += drafts.len() as u64;
        let mut granule = receipt.start.granule();
        for (id, draft) in (receipt.sequence..).zip(drafts) {
            if draft.due_ns != 0 {
                let place = Place::new(receipt.start.segment(), granule);
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

fn draft<'a>(message: &'a Message<'_>, now_ns: u64) -> Draft<'a> {
    Draft {
        kind: Kind::Data,
        time_ns: now_ns,
        key: message.key,
        event_time_ns: message.event_time_ns,
        due_ns: message.due_ns(now_ns),
        headers: &message.headers,
        value: message.value,
    }
}
