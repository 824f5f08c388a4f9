//! The deliveries that the JavaScript of one thread holds, by slot and generation.
//!
//! **Promise.** A delivery is dropped as soon as it is settled, when its job is garbage collected, when its hub handle is closed, and when
//! its thread ends; dropped unsettled, it is released. **Why numbers.** A native object per job would be freed by a finalizer, and Node runs
//! finalizers only between turns of the event loop: a worker thread that loops over `receiveSync` has no turns, and would keep every job
//! it ever had. **Why of one thread.** Nobody else settles by number, so that no lock is taken; a verb that runs on the pool takes
//! a reference along.

use crate::handle::Held;
use ringmain::{Delivery, Error, Result};
use std::sync::Arc;

/// What one slot holds.
pub(crate) enum Lease {
    /// One delivery.
    One(Held<Delivery>),
    /// One that a verb on another thread also has, or had.
    Shared(Held<Arc<Delivery>>),
    /// Those of one packed receive.
    Many(Arc<Held<Vec<Delivery>>>),
}

/// Which lease: numbers that JavaScript keeps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

#[derive(Default)]
pub(crate) struct Leases {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

struct Slot {
    generation: u32,
    /// The number of the hub handle that it was leased through.
    hub: u64,
    lease: Option<Lease>,
}

impl Leases {
    /// Takes in what was received.
    pub(crate) fn hold(&mut self, hub: u64, lease: Lease) -> Place {
        if let Some(slot) = self.free.pop()
            && let Some(found) = self.slots.get_mut(slot as usize)
        {
            (found.hub, found.lease) = (hub, Some(lease));
            return Place { slot, generation: found.generation };
        }
        // The core has at most `LEASE_COUNT_MAX` out, so that a slot has a number of 32 bits.
        let slot = self.slots.len() as u32;
        self.slots.push(Slot { generation: 0, hub, lease: Some(lease) });
        Place { slot, generation: 0 }
    }

    fn slot_mut(&mut self, place: Place) -> Result<&mut Slot> {
        let slot = self.slots.get_mut(place.slot as usize);
        slot.filter(|slot| slot.is_of(place)).ok_or_else(|| missing(place))
    }

    fn lease(&self, place: Place) -> Result<Option<&Lease>> {
        let slot = self.slots.get(place.slot as usize).filter(|slot| slot.is_of(place));
        slot.map(|slot| slot.lease.as_ref()).ok_or_else(|| missing(place))
    }

    /// One delivery, to say a verb of it at once.
    #[inline]
    pub(crate) fn delivery(&self, place: Place) -> Result<&Delivery> {
        match self.lease(place)? {
            Some(Lease::One(delivery)) => Ok(delivery),
            Some(Lease::Shared(delivery)) => Ok(delivery),
            _ => Err(Error::invalid("job", "this lease is of many messages")),
        }
    }

    /// One delivery, to say a verb of it on another thread.
    pub(crate) fn share(&mut self, place: Place) -> Result<Arc<Delivery>> {
        let slot = self.slot_mut(place)?;
        let shared = match slot.lease.take() {
            Some(Lease::One(delivery)) => Arc::new(delivery.into_inner()),
            Some(Lease::Shared(delivery)) => delivery.into_inner(),
            many => {
                slot.lease = many;
                return Err(Error::invalid("job", "this lease is of many messages"));
            }
        };
        slot.lease = Some(Lease::Shared(Held::new(shared.clone())));
        Ok(shared)
    }

    /// Those of a packed receive.
    pub(crate) fn many(&self, place: Place) -> Result<Arc<Held<Vec<Delivery>>>> {
        match self.lease(place)? {
            Some(Lease::Many(deliveries)) => Ok(deliveries.clone()),
            _ => Err(Error::invalid("jobs", "this lease is of one message")),
        }
    }

    /// Takes a lease out; who gets it drops it. None: it is gone already.
    #[inline]
    pub(crate) fn take(&mut self, place: Place) -> Option<Lease> {
        let slot = self.slot_mut(place).ok()?;
        let lease = slot.lease.take();
        // After four thousand million leases of one slot a number comes again: by then its first job is long gone.
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(place.slot);
        lease
    }

    /// Takes out everything that was leased through a hub handle.
    pub(crate) fn take_of(&mut self, hub: u64) -> Vec<Lease> {
        let places: Vec<Place> = (0u32..)
            .zip(&self.slots)
            .filter(|(_, slot)| slot.hub == hub && slot.lease.is_some())
            .map(|(number, slot)| Place { slot: number, generation: slot.generation })
            .collect();
        places.into_iter().filter_map(|place| self.take(place)).collect()
    }
}

impl Slot {
    fn is_of(&self, place: Place) -> bool {
        self.generation == place.generation && self.lease.is_some()
    }
}

fn missing(place: Place) -> Error {
    Error::InvalidHandle { expected: "job", handle: place.slot.into() }
}
