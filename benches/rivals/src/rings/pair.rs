//! What a send and a receive cost when nobody else is there: one thread, one message in the ring at a time.

use super::message::{Account, Message};
use super::verbs::{Flavour, Put, Shape, Take};
use crate::harness::{Sample, Work};
use anyhow::{Result, bail};
use std::hint::black_box;
use std::time::Instant;

const CAPACITY: usize = 1024;

/// Nanoseconds per pair.
pub fn uncontended<M: Message, F: Flavour<M, Sender: Put<M>, Receiver: Take<M>>>(
    work: Work,
) -> Result<Sample> {
    let mut ends = F::make(Shape { producers: 1, consumers: 1, capacity: CAPACITY });
    let (sender, receiver) = (&mut ends.senders[0], &mut ends.receivers[0]);
    let mut account = Account::default();
    // Once around, so that all of the memory is there.
    for number in 1..=CAPACITY as u64 {
        sender.put(M::numbered(number));
        receiver.take();
    }
    let begin = Instant::now();
    for number in 1..=work.amount {
        if !sender.put(black_box(M::numbered(number))) {
            bail!("no room in an empty ring");
        }
        let Some(message) = receiver.take() else { bail!("what was sent is not there") };
        account.enter(&message);
    }
    let elapsed = begin.elapsed();
    account.check::<M>(work.amount)?;
    Ok(Sample { elapsed, values: vec![elapsed.as_secs_f64() * 1e9 / work.amount as f64] })
}
