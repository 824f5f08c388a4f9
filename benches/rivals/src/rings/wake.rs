//! How long it takes to wake a receiver that sleeps: from the send to the return of its call.

use super::message::Message;
use super::verbs::{Flavour, PutWaiting, Shape, TakeWaiting};
use crate::harness::threads::pin;
use crate::harness::{Sample, Work};
use anyhow::{Context, Result, anyhow};
use hdrhistogram::Histogram;
use std::thread;
use std::time::{Duration, Instant};

const SHAPE: Shape = Shape { producers: 1, consumers: 1, capacity: 1024 };
/// After this long without a message every receiver that ever sleeps does.
const PAUSE: Duration = Duration::from_micros(500);
/// With fewer the last quantile means nothing.
const COUNT_MIN: u64 = 100;
/// Wake-ups before the first that counts.
const WARM_UP: u64 = 5;

/// The quantiles that a sample has, with their names.
pub const QUANTILES: [(&str, f64); 2] = [("p50", 0.5), ("p99", 0.99)];

/// Microseconds from send to receive.
pub fn latency<M: Message, F: Flavour<M, Sender: PutWaiting<M>, Receiver: TakeWaiting<M>>>(
    work: Work,
) -> Result<Sample> {
    let mut ends = F::make(SHAPE);
    let (mut sender, mut receiver) = (ends.senders.remove(0), ends.receivers.remove(0));
    let count = WARM_UP + COUNT_MIN.max((work.round.as_nanos() / PAUSE.as_nanos()) as u64);
    let origin = Instant::now();
    let now = move || origin.elapsed().as_nanos() as u64;
    thread::scope(|scope| {
        let sleeper = scope.spawn(move || {
            pin(1);
            let mut nanoseconds = Histogram::<u64>::new(3)?;
            for index in 0..count {
                let message = receiver.take_waiting().context("the sender went away")?;
                let taken = now().saturating_sub(message.number());
                if index >= WARM_UP {
                    nanoseconds.record(taken)?;
                }
            }
            let values =
                QUANTILES.iter().map(|(_, q)| nanoseconds.value_at_quantile(*q) as f64 / 1e3).collect();
            anyhow::Ok(values)
        });
        // A thread of its own, as threads that are started later inherit their core from the one that starts
        // them.
        scope.spawn(move || {
            pin(0);
            for _ in 0..count {
                thread::sleep(PAUSE);
                sender.put_waiting(M::numbered(now()));
            }
        });
        let values = sleeper.join().map_err(|_| anyhow!("a thread panicked"))??;
        Ok(Sample { elapsed: origin.elapsed(), values })
    })
}
