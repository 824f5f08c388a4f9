//! Sends that wait for room or for the disk without keeping a thread: futures of the core, polled by the event loop.
//!
//! **Promise.** Any number of them share one sync. **Protocol.** The waker of a flight calls the port with its token; JavaScript then
//! calls `land`, which polls it again, until it has landed.

use super::room::{COUNT, FLIGHT, Room, TOKEN, put};
use super::send::put_ids;
use super::{Block, Call};
use crate::codec;
use crate::handle::Held;
use crate::wake::Poller;
use ringmain::{Error, Result};
use std::future::Future;
use std::pin::Pin;

/// Something that was begun and has not ended.
pub(crate) struct Flight {
    sending: Held<Sending>,
    poller: Poller,
}

type Sending = Pin<Box<dyn Future<Output = Result<Vec<u64>>>>>;

impl Room {
    /// `sendSoon(packed, ids)`: packed messages as one batch. Has it landed at once, then `COUNT` is 1; else `FLIGHT` is its number, and the port
    /// is called with `TOKEN`.
    pub(super) fn send_soon(&self, call: &Call) -> Result<()> {
        let [packed, mut ids] = call.arrays()?;
        let packed = packed.bytes().to_vec();
        let queue = self.with_queue(|open| Ok((*open.queue).clone()))?;
        let sending = async move { queue.send_batch_async(&codec::unpack(&packed)?).await };
        let flight = Flight { sending: Held::new(Box::pin(sending)), poller: Poller::default() };
        if let Some(flight) = self.fly(flight, &mut ids)? {
            self.set_number(FLIGHT, put(&mut self.flights.borrow_mut(), flight));
        }
        Ok(())
    }

    /// `land(ids)`: polls the flight in `FLIGHT`. `COUNT` becomes 1 if it has landed, and is gone.
    pub(super) fn land(&self, call: &Call) -> Result<()> {
        let [mut ids] = call.arrays()?;
        let number = self.number(FLIGHT);
        let flight = self.flights.borrow_mut().get_mut(number as usize).and_then(Option::take);
        let flight = flight.ok_or_else(|| missing(number))?;
        let left = self.fly(flight, &mut ids)?;
        if let Some(place) = self.flights.borrow_mut().get_mut(number as usize) {
            *place = left;
        }
        Ok(())
    }

    /// Polls a flight; none is left of one that has landed.
    fn fly(&self, mut flight: Flight, ids: &mut Block) -> Result<Option<Flight>> {
        let Flight { sending, poller } = &mut flight;
        let landed =
            poller.poll_at(&self.port()?, self.number(TOKEN), |context| sending.as_mut().poll(context))?;
        self.set_number(COUNT, landed.is_some().into());
        match landed {
            Some(sent) => {
                put_ids(ids, &sent)?;
                Ok(None)
            }
            None => Ok(Some(flight)),
        }
    }
}

fn missing(number: u32) -> Error {
    Error::InvalidHandle { expected: "flight", handle: number.into() }
}
