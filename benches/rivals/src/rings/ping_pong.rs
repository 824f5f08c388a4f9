//! Round trips: a message goes out by one ring and comes back by another, with a thread on each of two cores.
//!
//! Reading the clock costs about half of the fastest round trip, and clocks tick in steps of up to 10 ns. So
//! the median is that of chains of [`CHAIN`] round trips, divided; the other quantiles are those of single
//! ones, less what the clock costs.

use super::message::Message;
use super::verbs::{Ends, Flavour, Put, PutWaiting, Shape, Take, TakeWaiting};
use crate::harness::threads::{Gate, Idle, pin};
use crate::harness::{Sample, Work};
use anyhow::{Context, Result, anyhow, ensure};
use hdrhistogram::Histogram;
use std::thread;
use std::time::Instant;

const SHAPE: Shape = Shape { producers: 1, consumers: 1, capacity: 1024 };
/// Longer round trips are entered as this one.
const NANOSECONDS_MAX: u64 = 10_000_000_000;
const DIGITS: u8 = 3;
/// Round trips before the first that counts.
const WARM_UP: u64 = 200;

/// Round trips between two readings of the clock, for the median.
const CHAIN: u64 = 16;

/// The quantiles that a sample has.
pub const QUANTILES: [&str; 3] = ["p50", "p99", "p99.9"];
/// With fewer round trips the last quantile means nothing.
pub const ROUND_TRIPS_MIN: u64 = 2_000;

/// With the verbs that try, over and over.
pub fn spinning<M: Message, F: Flavour<M, Sender: Put<M>, Receiver: Take<M>>>(work: Work) -> Result<Sample> {
    let put = |sender: &mut F::Sender, message| {
        let mut idle = Idle::default();
        while !sender.put(message) {
            idle.step();
        }
    };
    let take = |receiver: &mut F::Receiver| {
        let mut idle = Idle::default();
        loop {
            match receiver.take() {
                Some(message) => return Some(message),
                None => idle.step(),
            };
        }
    };
    round_trips::<M, F>(work.amount, put, take)
}

/// With the verbs that wait.
pub fn blocking<M: Message, F: Flavour<M, Sender: PutWaiting<M>, Receiver: TakeWaiting<M>>>(
    work: Work,
) -> Result<Sample> {
    let put = |sender: &mut F::Sender, message| sender.put_waiting(message);
    round_trips::<M, F>(work.amount, put, |receiver| receiver.take_waiting())
}

fn round_trips<M: Message, F: Flavour<M>>(
    count: u64,
    put: impl Fn(&mut F::Sender, M) + Copy + Send,
    take: impl Fn(&mut F::Receiver) -> Option<M> + Copy + Send,
) -> Result<Sample> {
    let (mut there, mut here) = two_rings::<M, F>();
    let gate = Gate::for_threads(2);
    let chains = count.div_ceil(2 * CHAIN);
    let total = WARM_UP + count + chains * CHAIN;
    thread::scope(|scope| {
        let gate = &gate;
        scope.spawn(move || {
            pin(1);
            gate.pass();
            for _ in 0..total {
                let Some(message) = take(&mut there.0) else { break };
                put(&mut there.1, message);
            }
        });
        let near = scope.spawn(move || {
            pin(0);
            let mut number = 0;
            let mut trip = |_| {
                number += 1;
                put(&mut here.0, M::numbered(number));
                let message = take(&mut here.1).context("the other side went away")?;
                ensure!(message.number() == number, "sent {number} and got {} back", message.number());
                anyhow::Ok(())
            };
            let clock = clock_cost();
            gate.pass();
            (0..WARM_UP).try_for_each(&mut trip)?;
            let begin = Instant::now();
            let single = timed(count, clock, &mut trip)?;
            let chained = timed(chains, clock, |_| (0..CHAIN).try_for_each(&mut trip))?;
            let values = vec![
                chained.value_at_quantile(0.5) as f64 / CHAIN as f64,
                single.value_at_quantile(0.99) as f64,
                single.value_at_quantile(0.999) as f64,
            ];
            anyhow::Ok(Sample { elapsed: begin.elapsed(), values })
        });
        near.join().map_err(|_| anyhow!("a thread panicked"))?
    })
}

/// Nanoseconds of each of `count` calls, less what the clock costs.
fn timed(count: u64, clock: u64, mut call: impl FnMut(u64) -> Result<()>) -> Result<Histogram<u64>> {
    let mut nanoseconds = Histogram::<u64>::new_with_bounds(1, NANOSECONDS_MAX, DIGITS)?;
    let mut before = Instant::now();
    for number in 0..count {
        call(number)?;
        let now = Instant::now();
        nanoseconds.saturating_record(((now - before).as_nanos() as u64).saturating_sub(clock));
        before = now;
    }
    Ok(nanoseconds)
}

/// Nanoseconds that lie between two readings of the clock with nothing in between: the mean of many.
fn clock_cost() -> u64 {
    const READINGS: u32 = 1_000;
    let begin = Instant::now();
    for _ in 1..READINGS {
        std::hint::black_box(Instant::now());
    }
    (begin.elapsed() / READINGS).as_nanos() as u64
}

/// What each of the two threads holds: the far one receives and sends back, the near one sends and receives.
type Far<M, F> = (<F as Flavour<M>>::Receiver, <F as Flavour<M>>::Sender);
type Near<M, F> = (<F as Flavour<M>>::Sender, <F as Flavour<M>>::Receiver);

fn two_rings<M: Message, F: Flavour<M>>() -> (Far<M, F>, Near<M, F>) {
    let one = |mut ends: Ends<F::Sender, F::Receiver>| (ends.senders.remove(0), ends.receivers.remove(0));
    let (out_sender, out_receiver) = one(F::make(SHAPE));
    let (back_sender, back_receiver) = one(F::make(SHAPE));
    ((out_receiver, back_sender), (out_sender, back_receiver))
}
