//! How much memory a ring takes for each message that is in it.

use super::message::Message;
use super::verbs::{Flavour, Put, Shape};
use crate::harness::{Sample, Work, allocated_by};
use anyhow::{Result, ensure};
use std::time::Duration;

const SMALL: usize = 1024;
const LARGE: usize = 65536;

/// Bytes per message, from the difference between a large and a small ring, both full.
pub fn bytes<M: Message, F: Flavour<M, Sender: Put<M>>>(_work: Work) -> Result<Sample> {
    let difference = filled::<M, F>(LARGE)?.saturating_sub(filled::<M, F>(SMALL)?);
    let slots = (LARGE - SMALL) as f64;
    Ok(Sample { elapsed: Duration::ZERO, values: vec![difference as f64 / slots] })
}

fn filled<M: Message, F: Flavour<M, Sender: Put<M>>>(capacity: usize) -> Result<u64> {
    let ((ends, sent), bytes) = allocated_by(|| {
        let mut ends = F::make(Shape { producers: 1, consumers: 1, capacity });
        let sent = (1..=capacity as u64).filter(|number| ends.senders[0].put(M::numbered(*number))).count();
        (ends, sent)
    });
    drop(ends);
    ensure!(sent == capacity, "there was room for {sent} messages where {capacity} were asked for");
    Ok(bytes)
}
