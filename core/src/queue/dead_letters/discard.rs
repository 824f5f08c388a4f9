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
            count += self.purge_step(|state| {
                let waiting = step.iter().filter(|found| found.counts_if_waiting(self, state).is_some());
                Ok(waiting.map(|found| found.id).collect())
            })?;
        }
    }
}
