//! Ours. What takes part in the suite `queue`.

use crate::hub::hub;
use anyhow::Result;
use ringmain::{Delivery, Message, OnExhausted, Queue as Ours};
use ringmain_rivals::harness::Role;
use ringmain_rivals::queue::cell::{Level, OURS};
use ringmain_rivals::queue::peer::{Peer, Queue, Receiver, Sender};
use std::path::Path;
use std::time::Duration;

const NAME: &str = "queue";

struct Queued(Ours);

fn open(directory: &Path, level: Level) -> Result<Box<dyn Queue>> {
    let queue = hub(directory, level)?.queue(NAME).on_exhausted(OnExhausted::Keep).open()?;
    Ok(Box::new(Queued(queue)))
}

impl Sender for &Queued {
    fn send(&mut self, message: &[u8]) -> Result<()> {
        self.0.send(Message::new(message))?;
        Ok(())
    }

    fn send_batch(&mut self, messages: &[&[u8]]) -> Result<()> {
        let messages: Vec<Message<'_>> = messages.iter().copied().map(Message::new).collect();
        self.0.send_batch(&messages)?;
        Ok(())
    }

    fn send_keyed(&mut self, messages: &[(&[u8], u64)]) -> Result<()> {
        let keys: Vec<[u8; 8]> = messages.iter().map(|(_, key)| key.to_le_bytes()).collect();
        let keyed = messages.iter().zip(&keys);
        let messages: Vec<Message<'_>> =
            keyed.map(|((message, _), key)| Message::new(message).ordering_key(key)).collect();
        self.0.send_batch(&messages)?;
        Ok(())
    }

    fn send_delayed(&mut self, messages: &[(&[u8], Duration)]) -> Result<()> {
        let messages: Vec<Message<'_>> =
            messages.iter().map(|(message, delay)| Message::new(message).delay(*delay)).collect();
        self.0.send_batch(&messages)?;
        Ok(())
    }
}

impl Receiver for &Queued {
    fn work(&mut self, count_max: usize, wait: Duration, each: &mut dyn FnMut(&[u8])) -> Result<usize> {
        if count_max == 1 {
            let received = if wait.is_zero() { self.0.try_receive()? } else { self.0.receive(wait)? };
            let Some(delivery) = received else { return Ok(0) };
            each(delivery.value());
            delivery.ack()?;
            return Ok(1);
        }
        let deliveries = self.0.receive_batch(count_max, wait)?;
        deliveries.iter().for_each(|delivery| each(delivery.value()));
        let acks = self.0.ack_batch(&deliveries.iter().collect::<Vec<&Delivery>>());
        acks.into_iter().collect::<ringmain::Result<()>>()?;
        Ok(deliveries.len())
    }
}

impl Queue for Queued {
    fn sender(&self) -> Result<Box<dyn Sender + '_>> {
        Ok(Box::new(self))
    }

    fn receiver(&self) -> Result<Box<dyn Receiver + '_>> {
        Ok(Box::new(self))
    }
}

/// All of ours.
pub fn peer() -> Peer {
    let levels = &[Level::Memory, Level::Written, Level::Synced];
    Peer::new(OURS, levels, open).role(Role::Ours).delays(Duration::from_millis(1)).keys()
}
