//! disruptor: a ring whose every reader sees everything, in place. Its pollers do not wait.

use super::slot::{Slot, capacity, fits};
use crate::harness::Role;
use crate::harness::threads::Idle;
use crate::stream::account::Account;
use crate::stream::cell::Level;
use crate::stream::peer::{Ability, Appender, Peer, Reader, Setup, Stream};
use anyhow::{Context, Result};
use disruptor::{BusySpin, EventPoller, Producer, SingleProducerBarrier, build_single_producer};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

type Poller<S> = EventPoller<S, SingleProducerBarrier>;

struct Ring<P, S> {
    producer: Mutex<Option<P>>,
    pollers: Mutex<Vec<Poller<S>>>,
}

fn open_of<S: Slot>(setup: Setup<'_>) -> Result<Box<dyn Stream>> {
    let builder = build_single_producer(capacity(setup.lead_max)?, S::empty, BusySpin);
    if setup.readers == 1 {
        let (poller, builder) = builder.new_event_poller();
        return Ok(ring(builder.build(), vec![poller]));
    }
    let (mut builder, mut pollers) = (builder.with_multi_consumer(), Vec::new());
    for _ in 0..setup.readers {
        let (poller, next) = builder.new_event_poller();
        pollers.push(poller);
        builder = next;
    }
    Ok(ring(builder.build(), pollers))
}

fn ring<P: Producer<S> + Send + 'static, S: Slot>(producer: P, pollers: Vec<Poller<S>>) -> Box<dyn Stream> {
    Box::new(Ring { producer: Mutex::new(Some(producer)), pollers: Mutex::new(pollers) })
}

struct Appending<P, S>(P, std::marker::PhantomData<S>);

impl<P: Producer<S>, S: Slot> Appender for Appending<P, S> {
    fn append(&mut self, record: &[u8]) -> Result<()> {
        let (time_ns, mut idle) = (S::now_ns(), Idle::default());
        while self.0.try_publish(|slot| slot.fill(record, time_ns)).is_err() {
            idle.step();
        }
        Ok(())
    }

    fn append_batch(&mut self, records: &[&[u8]]) -> Result<()> {
        let (time_ns, mut idle) = (S::now_ns(), Idle::default());
        let mut publish = || {
            self.0.try_batch_publish(records.len(), |slots| {
                slots.zip(records).for_each(|(slot, record)| slot.fill(record, time_ns));
            })
        };
        while publish().is_err() {
            idle.step();
        }
        Ok(())
    }
}

struct Reading<S>(Poller<S>);

impl<S: Slot> Reader for Reading<S> {
    fn read(&mut self, count_max: usize, _: Duration, account: &mut Account) -> Result<usize> {
        let Ok(mut some) = self.0.take(count_max as u64) else { return Ok(0) };
        Ok((&mut some).inspect(|slot| slot.enter(account)).count())
    }
}

impl<P: Producer<S> + Send, S: Slot> Stream for Ring<P, S> {
    fn appender(&self) -> Result<Box<dyn Appender + '_>> {
        let producer = self.producer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let producer = producer.context("it has one producer")?;
        Ok(Box::new(Appending(producer, std::marker::PhantomData)))
    }

    fn reader(&self) -> Result<Box<dyn Reader + '_>> {
        let poller = self.pollers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Ok(Box::new(Reading(poller.context("there are no more readers than it was opened for")?)))
    }
}

pub fn peer() -> Peer {
    const ABILITIES: &[Ability] = &[Ability::Follows, Ability::Keys];
    let open = |setup: Setup<'_>| fits!(setup, open_of);
    Peer { name: "disruptor SP", role: Role::Rival, levels: &[Level::Memory], abilities: ABILITIES, open }
}
