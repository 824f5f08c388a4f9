//! A keeper of leases as JavaScript holds it: what its handlers are busy with is no matter of the event loop.

use crate::argument;
use crate::error::{Result, guard};
use crate::handle::Held;
use crate::hot::{self, Place};
use napi::bindgen_prelude::Uint32Array;
use napi_derive::napi;
use ringmain::{Error, Keeper};
use std::cell::RefCell;

/// Prolongs the leases of jobs natively.
#[napi]
pub struct KeeperHandle {
    /// None once it is closed.
    keeper: RefCell<Option<Held<Keeper>>>,
}

#[napi]
impl KeeperHandle {
    pub(crate) fn new(keeper: Keeper) -> Self {
        Self { keeper: RefCell::new(Some(Held::new(keeper))) }
    }

    /// Prolongs the leases of jobs (slot and generation of each) until they are settled, for at most `total_ms` altogether.
    #[napi]
    pub fn hold(&self, places: Uint32Array, total_ms: Option<f64>) -> Result<()> {
        guard(|| {
            let total = total_ms.map(|ms| argument::milliseconds("leaseTotalMaxMs", ms)).transpose()?;
            let room = hot::room()?;
            let mut leases = room.leases.borrow_mut();
            let shared = places.chunks_exact(2).filter_map(|place| match place {
                [slot, generation] => leases.share(Place { slot: *slot, generation: *generation }).ok(),
                _ => None,
            });
            let shared: Vec<_> = shared.collect();
            self.with(|keeper| keeper.hold_batch(&shared, total))
        })
    }

    /// Prolongs nothing any more from when nobody beat for so long.
    #[napi]
    pub fn stall_after(&self, ms: f64) -> Result<()> {
        guard(|| {
            let time = argument::milliseconds("stallMs", ms)?;
            self.with(|keeper| keeper.stall_after(time))
        })
    }

    /// The event loop is alive.
    #[napi]
    pub fn beat(&self) -> Result<()> {
        guard(|| self.with(Keeper::beat))
    }

    /// Ids of the jobs whose leases were found lost since this was asked last.
    #[napi]
    pub fn take_lost(&self) -> Result<Vec<f64>> {
        guard(|| Ok(self.with(Keeper::take_lost)?.into_iter().map(|id| id as f64).collect()))
    }

    /// Ends its thread; nothing is prolonged any more.
    #[napi]
    pub fn close(&self) -> Result<()> {
        guard(|| {
            let ended = self.keeper.borrow_mut().take();
            drop(ended);
            Ok(())
        })
    }

    fn with<T>(&self, verb: impl FnOnce(&Keeper) -> T) -> ringmain::Result<T> {
        match &*self.keeper.borrow() {
            Some(keeper) => Ok(verb(keeper)),
            None => Err(Error::Closed { what: "keeper" }),
        }
    }
}
