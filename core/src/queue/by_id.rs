//! Verbs on messages that wait, by their ids.

use crate::error::Result;
use crate::queue::settlement::Event;
use crate::queue::shared::Shared;
use crate::queue::state::Status;

impl Shared {
    /// Takes a waiting message out of the queue for good. False: it is not waiting.
    pub(crate) fn cancel(&self, id: u64) -> Result<bool> {
        self.check_open()?;
        let (mut state, _) = self.state_now();
        let cancelled = self.adopt_locked(&mut state, id).and_then(|_| {
            let status = state.messages.get(&id).map(|message| message.status);
            if !status.is_some_and(Status::is_waiting) {
                return Ok(None);
            }
            let end = self.append_event(&Event::Dropped { id })?;
            state.remove(id);
            state.totals.cancelled += 1;
            Ok(Some(end))
        });
        self.unlock(state);
        let Some(end) = cancelled? else { return Ok(false) };
        self.journal.commit(&self.log, end)?;
        self.settled(&[id]);
        Ok(true)
    }
}
