//! A producer by name as JavaScript holds it.

use crate::argument;
use crate::codec;
use crate::error::{Result, guard};
use crate::handle::Held;
use crate::line::LineHandle;
use crate::registry::SharedHub;
use napi_derive::napi;
use ringmain::{Accepted, Producer};
use std::sync::Arc;

/// What became of the messages of one append.
#[napi(object)]
pub struct AcceptedMessages {
    /// Nothing was appended: it was there already.
    pub duplicate: bool,
    /// Where each message is: partition and offset one after the other; -1 where that is not known any more.
    pub positions: Vec<f64>,
    /// Whether it has reached its durability already: then nothing of it is in the line.
    pub is_reached: bool,
}

/// A producer whose retries append nothing twice.
#[napi]
pub struct ProducerHandle {
    hub: Arc<SharedHub>,
    producer: Held<Producer>,
}

#[napi]
impl ProducerHandle {
    pub(crate) fn new(hub: Arc<SharedHub>, producer: Producer) -> Self {
        Self { hub, producer: Held::new(producer) }
    }

    /// How often it was opened.
    #[napi]
    pub fn epoch(&self) -> f64 {
        self.producer.epoch() as f64
    }

    /// The sequence to go on with.
    #[napi]
    pub fn next_sequence(&self) -> Result<f64> {
        guard(|| Ok(self.open()?.next_sequence()? as f64))
    }

    /// Appends packed messages from this sequence on, blocking.
    #[napi]
    pub fn append(&self, sequence: f64, packed: &[u8]) -> Result<AcceptedMessages> {
        guard(|| {
            let sequence = argument::offset("sequence", sequence)?;
            let accepted = self.open()?.append(sequence, &codec::unpack(packed)?)?;
            Ok(accepted_messages(&accepted, true))
        })
    }

    /// Appends packed messages from this sequence on; the line tells when they have reached their durability.
    #[napi]
    pub fn submit(&self, sequence: f64, packed: &[u8], line: &LineHandle) -> Result<AcceptedMessages> {
        guard(|| {
            let sequence = argument::offset("sequence", sequence)?;
            let receipt = self.open()?.submit(sequence, &codec::unpack(packed)?)?;
            let accepted = accepted_messages(receipt.value(), false);
            Ok(AcceptedMessages { is_reached: line.accept(receipt), ..accepted })
        })
    }

    fn open(&self) -> ringmain::Result<&Producer> {
        self.hub.check()?;
        Ok(&self.producer)
    }
}

fn accepted_messages(accepted: &Accepted, is_reached: bool) -> AcceptedMessages {
    let numbers = accepted.positions.iter().flat_map(|position| {
        position.map_or([-1.0, -1.0], |position| [f64::from(position.partition), position.offset as f64])
    });
    AcceptedMessages { duplicate: accepted.duplicate, positions: numbers.collect(), is_reached }
}
