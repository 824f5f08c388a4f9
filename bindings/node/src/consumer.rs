//! A consumer as JavaScript holds it.

use crate::argument;
use crate::error::{Result, guard};
use crate::gather::Gathered;
use crate::handle::Held;
use crate::hot::{self, Place};
use crate::registry::SharedHub;
use crate::wake::{Poller, WakePort};
use napi_derive::napi;
use ringmain::{Consumer, Delivery, Error};
use std::cell::RefCell;
use std::sync::Arc;

/// One place in the row of a queue's consumers.
#[napi]
pub struct ConsumerHandle {
    hub: Arc<SharedHub>,
    /// None once it is closed.
    consumer: RefCell<Option<Held<Consumer>>>,
    poller: Poller,
}

#[napi]
impl ConsumerHandle {
    pub(crate) fn new(hub: Arc<SharedHub>, consumer: Consumer) -> Self {
        Self { hub, consumer: RefCell::new(Some(Held::new(consumer))), poller: Poller::default() }
    }

    /// The next job, for `fetch` of the room; if there is none, the port is called with the token when there may be.
    #[napi]
    pub fn poll(&self, port: &WakePort, token: u32) -> Result<Option<Gathered>> {
        guard(|| {
            let taken = self
                .with(|consumer| self.poller.poll(port, token, |context| consumer.poll_receive(context)))?;
            taken.map(|delivery| self.stash(Some(delivery))).transpose()
        })
    }

    /// Acks the job at a place and all that were handed out before it.
    #[napi]
    pub fn ack_up_to(&self, slot: u32, generation: u32) -> Result<()> {
        guard(|| {
            let room = hot::room()?;
            let leases = room.leases.borrow();
            let delivery = leases.delivery(Place { slot, generation })?;
            self.with(|consumer| consumer.ack_up_to(delivery))
        })
    }

    /// Receives a job that was set aside.
    #[napi]
    pub fn receive_deferred(&self, id: f64) -> Result<Gathered> {
        guard(|| {
            let id = argument::offset("id", id)?;
            self.stash(self.with(|consumer| consumer.receive_deferred(id))?)
        })
    }

    /// Leaves the row; what it took and did not hand out is released.
    #[napi]
    pub fn close(&self) -> Result<()> {
        guard(|| {
            let left = self.consumer.borrow_mut().take();
            drop(left);
            Ok(())
        })
    }

    fn with<T>(&self, verb: impl FnOnce(&mut Consumer) -> ringmain::Result<T>) -> ringmain::Result<T> {
        self.hub.check()?;
        match &mut *self.consumer.borrow_mut() {
            Some(consumer) => verb(consumer),
            None => Err(Error::Closed { what: "consumer" }),
        }
    }

    fn stash(&self, delivery: Option<Delivery>) -> ringmain::Result<Gathered> {
        Ok(hot::room()?.stash(self.hub.number(), delivery.into_iter().collect()))
    }
}
