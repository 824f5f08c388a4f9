//! Reading: what readers and members hand out goes into a block of JavaScript's, from `AT` on. [`crate::reads`] says what `NUMBER` becomes.

use super::Call;
use super::room::{AT, COUNT, MS, NUMBER, Room, TOKEN, VERB};
use crate::reads::Ask;
use ringmain::Result;

impl Room {
    /// `read(block)`: up to `COUNT` records of the source in `SOURCE`, waiting at most `MS` for the first.
    pub(super) fn read(&self, call: &Call) -> Result<()> {
        let [mut block] = call.arrays()?;
        let target = block.bytes_mut().get_mut(self.number(AT) as usize..).unwrap_or_default();
        let got = self.source()?.receive(target, self.number(COUNT).into(), self.double(MS))?;
        self.set_double(NUMBER, got);
        Ok(())
    }

    /// `pollSource(block)`: the same without waiting; if there are none, the port is called with `TOKEN` when there may be. At most `NUMBER`
    /// bytes, unless that is not a number; the first may have more if `VERB` is 1.
    pub(super) fn poll_source(&self, call: &Call) -> Result<()> {
        let [mut block] = call.arrays()?;
        let ask = Ask::new(self.number(COUNT).into(), self.double(NUMBER), self.number(VERB) == 1)?;
        let target = block.bytes_mut().get_mut(self.number(AT) as usize..).unwrap_or_default();
        let got = self.source()?.poll(target, ask, &self.port()?, self.number(TOKEN))?;
        self.set_double(NUMBER, got);
        Ok(())
    }
}
