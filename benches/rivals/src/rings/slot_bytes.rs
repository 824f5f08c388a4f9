//! How much memory a ring takes for each message that there is room for.

use super::message::Message;
use super::verbs::{Flavour, Shape};
use crate::harness::{Sample, Work, allocated_by};
use anyhow::Result;
use std::time::Duration;

const SMALL: usize = 1024;
const LARGE: usize = 65536;

/// Bytes per slot, from the difference between a large and a small ring.
pub fn bytes<M: Message, F: Flavour<M>>(_work: Work) -> Result<Sample> {
    let of = |capacity| allocated_by(|| F::make(Shape { producers: 1, consumers: 1, capacity })).1;
    let slots = (LARGE - SMALL) as f64;
    Ok(Sample { elapsed: Duration::ZERO, values: vec![of(LARGE).saturating_sub(of(SMALL)) as f64 / slots] })
}
