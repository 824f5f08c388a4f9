//! Throwing letters away.

use crate::error::Result;
use crate::queue::dead_letters::Letters;
use crate::queue::dead_letters::scan::Scan;
use crate::queue::shared::Shared;

impl Shared {
    pub(crate) fn discard(&self, letters: &Letters) -> Result<u64> {
        let mut scan = Scan::new(self, letters)?;
        let mut count = 0;
        loop {
            let step = scan.next_step()?;
            if step.is_empty() {
                return Ok(count);
            }
            self.check_open()?;
            let (mut state, _) = self.state_now();
            let taken: Result<_> = self.hold_cursor(&mut state, |state| {
                let waiting = step.iter().filter(|found| found.counts_if_waiting(self, state).is_some());
                let ids: Vec<u64> = waiting.map(|found| found.id).collect();
                let end = self.take_out_locked(state, &ids)?;
                state.totals.purged += ids.len() as u64;
                Ok((end, ids))
            });
            self.unlock(state);
            let (end, ids) = taken?;
            self.journal.commit(&self.log, end)?;
            self.settled(&ids);
            count += ids.len() as u64;
        }
    }
}
