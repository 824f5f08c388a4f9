//! Receiving: what is leased goes into the slab of leases, its bytes into the pool.
//!
//! What does not fit into the pool waits in the stash until JavaScript gives a block that is large enough: `fetch`.

use super::leases::Lease;
use super::room::{AT, BYTES, COUNT, GENERATION, MS, OpenQueue, Room, SLOT, STASH, TOKEN};
use super::{Call, leases::Place};
use crate::error::internal;
use crate::handle::Held;
use crate::{argument, codec};
use ringmain::{Delivery, Error, Result};
use std::sync::Arc;
use std::time::Duration;

impl Room {
    /// `receive()`: up to `COUNT` messages, waiting at most `MS` for the first. `COUNT` becomes how many; `BYTES` is 0 and `AT` behind the last, or
    /// `BYTES` is what `fetch` needs for those in `STASH`.
    pub(super) fn receive(&self, _: &Call) -> Result<()> {
        let (count, wait_ms) = (self.number(COUNT), self.double(MS));
        self.with_queue(|open| {
            if count == 1 && wait_ms == 0.0 {
                return match open.queue.try_receive()? {
                    Some(delivery) => self.hand_out_one(open, delivery),
                    None => self.hand_out_none(),
                };
            }
            let wait = argument::milliseconds("timeoutMs", wait_ms)?;
            let deliveries = open.queue.receive_batch(argument::count(count.into())?, wait)?;
            self.hand_out(open, deliveries)
        })
    }

    /// `poll()`: the same without waiting; if there are none, the port is called with `TOKEN` when there may be.
    pub(super) fn poll(&self, _: &Call) -> Result<()> {
        let (count, token) = (argument::count(self.number(COUNT).into())?, self.number(TOKEN));
        self.with_queue(|open| {
            let port = self.port()?;
            let taken =
                open.poller.poll_at(&port, token, |context| open.queue.poll_receive(context, count))?;
            self.hand_out(open, taken.unwrap_or_default())
        })
    }

    /// `fetch(block)`: what `STASH` has. What its block has no room for is handed back.
    pub(super) fn fetch(&self, call: &Call) -> Result<()> {
        let stashed = self.stash.borrow_mut().remove(&self.number(STASH));
        let [mut block] = call.arrays()?;
        let (hub, deliveries) = stashed.ok_or_else(|| internal("there is nothing to fetch"))?;
        let bytes = deliveries.iter().map(codec::delivery_bytes).sum::<usize>();
        if bytes > block.bytes().len() {
            return Err(Error::invalid("block", format!("{bytes} bytes are needed")));
        }
        self.write(hub, deliveries, block.bytes_mut());
        Ok(())
    }

    /// `receivePacked(values, offsets)`: up to `COUNT` values one after the other. `COUNT` becomes how many, `SLOT` and `GENERATION` their lease.
    pub(super) fn receive_packed(&self, call: &Call) -> Result<()> {
        let [mut values, mut offsets] = call.arrays()?;
        let count_max = argument::count(self.number(COUNT).into())?;
        if values.overlaps(&offsets) || offsets.bytes().len() / 4 <= count_max {
            return Err(Error::invalid(
                "offsets",
                "one more than messages is needed, in memory of their own",
            ));
        }
        self.with_queue(|open| {
            let deliveries = open.take_packed(count_max, values.bytes().len())?;
            let bytes = deliveries.iter().map(|delivery| delivery.value().len()).sum::<usize>();
            if bytes > values.bytes().len() {
                // Longer than all there is room for: dropped, it is handed back.
                let limit_bytes = values.bytes().len() as u64;
                return Err(Error::TooLarge { what: "value", bytes: bytes as u64, limit_bytes });
            }
            let mut at = 0;
            offsets.put(0, 0u32.to_ne_bytes())?;
            for (index, delivery) in deliveries.iter().enumerate() {
                let value = delivery.value();
                if let Some(place) = values.bytes_mut().get_mut(at..at + value.len()) {
                    place.copy_from_slice(value);
                }
                at += value.len();
                offsets.put(index + 1, (at as u32).to_ne_bytes())?;
            }
            self.set_number(COUNT, deliveries.len() as u32);
            if !deliveries.is_empty() {
                let lease = Lease::Many(Arc::new(Held::new(deliveries)));
                self.tell(self.leases.borrow_mut().hold(open.hub.number(), lease));
            }
            Ok(())
        })
    }

    fn hand_out_none(&self) -> Result<()> {
        self.set_number(COUNT, 0);
        Ok(())
    }

    #[inline]
    fn hand_out_one(&self, open: &OpenQueue, delivery: Delivery) -> Result<()> {
        let (bytes, pool) = (codec::delivery_bytes(&delivery), self.pool());
        if bytes > pool.len() {
            return self.hand_out(open, vec![delivery]);
        }
        let mut leases = self.leases.borrow_mut();
        // Written first: then the delivery moves into its slot.
        codec::write_delivery(pool, &delivery, bytes);
        let place = leases.hold(open.hub.number(), Lease::One(Held::new(delivery)));
        codec::write_place(pool, place.slot, place.generation);
        self.tell(place);
        self.set_number(COUNT, 1);
        self.set_number(BYTES, 0);
        self.set_number(AT, self.number(AT) + bytes as u32);
        Ok(())
    }

    /// Writes deliveries to the pool if they fit there.
    pub(super) fn hand_out(&self, open: &OpenQueue, deliveries: Vec<Delivery>) -> Result<()> {
        let bytes = deliveries.iter().map(codec::delivery_bytes).sum::<usize>();
        self.set_number(COUNT, deliveries.len() as u32);
        let pool = self.pool();
        if bytes > pool.len() {
            self.set_number(BYTES, bytes as u32);
            self.set_number(STASH, self.stash(open.hub.number(), deliveries).stash);
            return Ok(());
        }
        self.write(open.hub.number(), deliveries, pool);
        self.set_number(BYTES, 0);
        self.set_number(AT, self.number(AT) + bytes as u32);
        Ok(())
    }

    /// Writes deliveries one after the other, and takes them in.
    fn write(&self, hub: u64, deliveries: Vec<Delivery>, mut block: &mut [u8]) {
        let mut leases = self.leases.borrow_mut();
        for delivery in deliveries {
            let bytes = codec::delivery_bytes(&delivery);
            let Some((message, rest)) = block.split_at_mut_checked(bytes) else { return };
            codec::write_delivery(message, &delivery, bytes);
            let place = leases.hold(hub, Lease::One(Held::new(delivery)));
            codec::write_place(message, place.slot, place.generation);
            block = rest;
        }
    }

    fn tell(&self, place: Place) {
        self.set_number(SLOT, place.slot);
        self.set_number(GENERATION, place.generation);
    }
}

impl OpenQueue {
    /// Up to `count_max` messages whose values take at most so many bytes; one that is longer alone.
    fn take_packed(&self, count_max: usize, bytes_max: usize) -> Result<Vec<Delivery>> {
        let longest = self.value_bytes_max.get();
        // WHY: a receive that looks at the bytes takes several times as long as one that counts. So this counts as many as are sure to fit, going by the
        // longest so far. What turns out not to fit is handed back.
        let fit = bytes_max.checked_div(longest).unwrap_or(0).min(count_max);
        let mut taken = if fit == 0 {
            let wait = Duration::ZERO;
            self.queue.receive_with(ringmain::Receive {
                count_min: 1,
                count_max,
                bytes_max: bytes_max.max(1),
                wait,
            })?
        } else {
            self.queue.receive_batch(fit, Duration::ZERO)?
        };
        let (mut bytes, mut kept) = (0, 0);
        for delivery in &taken {
            let length = delivery.value().len();
            self.value_bytes_max.set(self.value_bytes_max.get().max(length).max(1));
            bytes += length;
            if bytes <= bytes_max || kept == 0 {
                kept += 1;
            }
        }
        taken.truncate(kept);
        Ok(taken)
    }
}
