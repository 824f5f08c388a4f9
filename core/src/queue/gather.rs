//! Receiving several messages at a time: until there are enough of them, or the time is over.
//!
//! **Promise.** What has come is held for whoever gathers it, and its lease runs from when it is handed over; if the process dies
//! before that, it counts for nothing. Each message wakes who waits for it: nobody polls.
//!
//! **Not promised.** That of two that gather at the same time one gets all: each holds what it has got.

use crate::error::{Error, Result};
use crate::message::duration_ns;
use crate::queue::delivery::Delivery;
use crate::queue::receive::{Ask, Start};
use crate::queue::shared::Shared;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How much a [`receive_with`](crate::Queue::receive_with) takes at a time, and how long it waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receive {
    /// Messages that are waited for, 1 to `count_max`. Default 1.
    pub count_min: usize,
    /// Most messages, 1 to 65,536. Default 500.
    pub count_max: usize,
    /// Most bytes of values, at least 1: when the next message does not fit, nothing more is waited for. A message that is longer is
    /// delivered alone. Default 1 MiB.
    pub bytes_max: usize,
    /// How long to wait for `count_min` messages; then there are fewer, or none. Default 500 ms.
    pub wait: Duration,
}

impl Default for Receive {
    fn default() -> Self {
        Self { count_min: 1, count_max: 500, bytes_max: 1 << 20, wait: Duration::from_millis(500) }
    }
}

impl Receive {
    fn ask(&self) -> Result<Ask> {
        let Self { count_min, count_max, bytes_max, wait } = *self;
        let ask = Ask { bytes_max, handed_over_ns: duration_ns(wait), ..Ask::new(count_max, Start::Later) };
        ask.check()?;
        if count_min == 0 || count_min > count_max {
            let detail = format!("{count_min} is not allowed; 1 to count_max, which is {count_max}, are");
            return Err(Error::invalid("count_min", detail));
        }
        if bytes_max == 0 {
            return Err(Error::invalid("bytes_max", "0 is not allowed; at least 1 is"));
        }
        Ok(ask)
    }
}

impl Shared {
    /// `goes_on` is asked each time that `pause` has passed; if it says no, what has come is handed back.
    pub(crate) fn gather(
        self: &Arc<Self>,
        receive: &Receive,
        pause: Duration,
        mut goes_on: impl FnMut() -> bool,
    ) -> Result<Vec<Delivery>> {
        let ask = receive.ask()?;
        let deadline = Instant::now().checked_add(receive.wait);
        let mut taken = Vec::new();
        loop {
            let left = deadline.map_or(Duration::MAX, |deadline| deadline.duration_since(Instant::now()));
            let attempt = || match self.take_more(&ask, &mut taken) {
                Ok(is_full) => (is_full || taken.len() >= receive.count_min).then_some(Ok(())),
                Err(error) => Some(Err(error)),
            };
            match self.log.data().wait_for(left.min(pause), attempt) {
                // On an error what has come is handed back.
                Some(gathered) => break gathered?,
                None if left <= pause => break,
                None if !goes_on() => return Ok(Vec::new()),
                None => {}
            }
        }
        self.hand_over(&taken)?;
        // One that was taken from us meanwhile is left out.
        let mut started = Vec::with_capacity(taken.len());
        for delivery in taken {
            match delivery.start(false) {
                Ok(()) => started.push(delivery),
                Err(Error::LeaseLost { .. }) => delivery.forget(),
                Err(error) => return Err(error),
            }
        }
        Ok(started)
    }
}
