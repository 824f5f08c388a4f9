//! Sends that wait for room or for the disk without keeping a thread: futures of the core, polled by the event loop.
//!
//! **Promise.** Any number of them share one sync. **Protocol.** The waker of a flight calls the port with its token; JavaScript then
//! calls `land`, which polls it again, until it has landed.

use super::room::{COUNT, FLIGHT, NUMBER, Room, TOKEN, VERB};
use super::send::put_ids;
use super::{Block, Call};
use crate::codec;
use crate::handle::Held;
use crate::wake::Poller;
use ringmain::{Error, Receipt, Result};
use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

/// Something that was begun and has not ended.
pub(crate) struct Flight {
    work: Held<Work>,
    poller: Poller,
}

enum Work {
    Send(Pin<Box<dyn Future<Output = Result<Vec<u64>>>>>),
    Receipt(Receipt<u64>),
}

impl Room {
    /// `sendSoon(packed, ids)`: packed messages as one batch. Has it landed at once, then `COUNT` is 1; else `FLIGHT` is its number, and the port
    /// is called with `TOKEN`.
    pub(super) fn send_soon(&self, call: &Call) -> Result<()> {
        let [packed, mut ids] = call.arrays()?;
        let packed = packed.bytes().to_vec();
        let queue = self.with_queue(|open| Ok((*open.queue).clone()))?;
        let sending = async move { queue.send_batch_async(&codec::unpack(&packed)?).await };
        self.take_off(Work::Send(Box::pin(sending)), &mut ids)
    }

    /// `submit(packed)`: sends a message and does not wait for the disk. `NUMBER` is its id, `FLIGHT` the number of its receipt.
    pub(super) fn submit(&self, call: &Call) -> Result<()> {
        let [packed] = call.arrays()?;
        let receipt = self.with_queue(|open| open.queue.submit(codec::unpack_one(packed.bytes())?))?;
        self.set_double(NUMBER, *receipt.value() as f64);
        self.keep(Flight { work: Held::new(Work::Receipt(receipt)), poller: Poller::default() });
        Ok(())
    }

    /// `look()`: `COUNT` becomes 1 if the receipt in `FLIGHT` has reached its durability.
    pub(super) fn look(&self, _: &Call) -> Result<()> {
        let flights = self.flights.borrow();
        let flight = flights.get(self.number(FLIGHT) as usize).and_then(Option::as_ref);
        let is_reached = match flight.map(|flight| &*flight.work) {
            Some(Work::Receipt(receipt)) => receipt.is_reached(),
            _ => return Err(missing(self.number(FLIGHT))),
        };
        self.set_number(COUNT, is_reached.into());
        Ok(())
    }

    /// `land(ids)`: polls the flight in `FLIGHT`. `COUNT` becomes 1 if it has landed, and is gone. `VERB` 1 gives it up.
    pub(super) fn land(&self, call: &Call) -> Result<()> {
        let [mut ids] = call.arrays()?;
        let number = self.number(FLIGHT);
        let flight = self.flights.borrow_mut().get_mut(number as usize).and_then(Option::take);
        let flight = flight.ok_or_else(|| missing(number))?;
        if self.number(VERB) == 1 {
            drop(flight);
            return Ok(());
        }
        let left = self.fly(flight, &mut ids)?;
        if let Some(place) = self.flights.borrow_mut().get_mut(number as usize) {
            *place = left;
        }
        Ok(())
    }

    fn take_off(&self, work: Work, ids: &mut Block) -> Result<()> {
        if let Some(flight) = self.fly(Flight { work: Held::new(work), poller: Poller::default() }, ids)? {
            self.keep(flight);
        }
        Ok(())
    }

    /// Polls a flight; none is left of one that has landed.
    fn fly(&self, mut flight: Flight, ids: &mut Block) -> Result<Option<Flight>> {
        let Flight { work, poller } = &mut flight;
        let landed = poller.poll_at(&self.port()?, self.number(TOKEN), |context| match &mut **work {
            Work::Send(sending) => sending.as_mut().poll(context),
            Work::Receipt(receipt) => match Pin::new(receipt).poll(context) {
                Poll::Ready(done) => Poll::Ready(done.map(|id| vec![id])),
                Poll::Pending => Poll::Pending,
            },
        })?;
        self.set_number(COUNT, landed.is_some().into());
        match landed {
            Some(sent) => {
                put_ids(ids, &sent)?;
                Ok(None)
            }
            None => Ok(Some(flight)),
        }
    }

    fn keep(&self, flight: Flight) {
        let mut flights = self.flights.borrow_mut();
        let free = flights.iter().position(Option::is_none).unwrap_or(flights.len());
        match flights.get_mut(free) {
            Some(place) => *place = Some(flight),
            None => flights.push(Some(flight)),
        }
        self.set_number(FLIGHT, free as u32);
    }
}

fn missing(number: u32) -> Error {
    Error::InvalidHandle { expected: "receipt", handle: number.into() }
}
