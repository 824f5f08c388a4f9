//! Throughput: producers send numbered messages, consumers compete for them or each read them all.

use super::message::{Account, Message};
use super::mode::{Course, Mode};
use super::verbs::{Ends, Flavour, Shape};
use crate::harness::threads::{Gate, Stretch, elapsed, pin};
use crate::harness::{Sample, Work};
use anyhow::{Result, anyhow};
use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

/// Consumers compete: each message goes to one of them.
pub fn competing<M: Message, F: Flavour<M>, W: Mode<M, F>>(shape: Shape, work: Work) -> Result<Sample> {
    let total = work.amount.max(shape.producers as u64);
    let mut ends = F::make(shape);
    warm_up::<M, F, W>(&mut ends, shape.capacity, 1)?;
    let (accounts, elapsed) =
        run::<M, F, W>(shape, ends, total, &Course::competing(total, shape.producers, shape.consumers))?;
    Account::total(accounts).check::<M>(total)?;
    Ok(sample(total, elapsed))
}

/// Every consumer reads every message.
pub fn fan_out<M: Message, F: Flavour<M>, W: Mode<M, F>>(shape: Shape, work: Work) -> Result<Sample> {
    let total = work.amount.max(shape.producers as u64);
    let mut ends = F::make(shape);
    warm_up::<M, F, W>(&mut ends, shape.capacity, shape.consumers)?;
    let (accounts, elapsed) = run::<M, F, W>(shape, ends, total, &Course::fan_out(total, shape.producers))?;
    for account in accounts {
        account.check::<M>(total)?;
    }
    Ok(sample(total, elapsed))
}

/// Millions of messages sent per second.
fn sample(total: u64, elapsed: Duration) -> Sample {
    Sample { elapsed, values: vec![total as f64 / elapsed.as_secs_f64() / 1e6] }
}

fn run<M: Message, F: Flavour<M>, W: Mode<M, F>>(
    shape: Shape,
    ends: Ends<F::Sender, F::Receiver>,
    total: u64,
    course: &Course,
) -> Result<(Vec<Account>, Duration)> {
    let gate = Gate::for_threads(shape.producers + shape.consumers);
    // With more threads than two the kernel places them better than we would.
    let place = |core| {
        if shape.producers == 1 && shape.consumers == 1 {
            pin(core);
        }
    };
    thread::scope(|scope| {
        let consumers: Vec<_> = ends
            .receivers
            .into_iter()
            .map(|mut receiver| {
                let (gate, place) = (&gate, &place);
                scope.spawn(move || {
                    place(1);
                    let begin = gate.pass();
                    let account = W::consume(&mut receiver, course);
                    (account, Stretch { begin, end: Instant::now() })
                })
            })
            .collect();
        let producers: Vec<_> = ends
            .senders
            .into_iter()
            .enumerate()
            .map(|(index, mut sender)| {
                let (gate, place) = (&gate, &place);
                scope.spawn(move || {
                    place(0);
                    let begin = gate.pass();
                    W::produce(&mut sender, share(total, shape.producers, index));
                    W::finish(&mut sender, course);
                    Stretch { begin, end: Instant::now() }
                })
            })
            .collect();
        let (mut accounts, mut stretches) = (Vec::new(), Vec::new());
        for producer in producers {
            stretches.push(producer.join().map_err(|_| anyhow!("a sender panicked"))?);
        }
        for consumer in consumers {
            let (account, stretch) = consumer.join().map_err(|_| anyhow!("a receiver panicked"))?;
            accounts.push(account);
            stretches.push(stretch);
        }
        Ok((accounts, elapsed(&stretches)))
    })
}

/// The numbers that one of several producers sends; together 1 to `total`.
fn share(total: u64, producers: usize, index: usize) -> Range<u64> {
    let begin = |index: usize| 1 + total * index as u64 / producers as u64;
    begin(index)..begin(index + 1)
}

/// Sends and receives once around the ring by the first sender, so that all its memory is there; `readers` of
/// the receivers read each message. Never so much at once that a share of the capacity could not hold it.
fn warm_up<M: Message, F: Flavour<M>, W: Mode<M, F>>(
    ends: &mut Ends<F::Sender, F::Receiver>,
    capacity: usize,
    readers: usize,
) -> Result<()> {
    let shares = 2 * ends.senders.len().max(ends.receivers.len());
    let count = (capacity / shares).max(1) as u64;
    for _ in 0..=shares {
        W::produce(&mut ends.senders[0], 1..count + 1);
        for receiver in &mut ends.receivers[..readers] {
            W::consume(receiver, &Course::fan_out(count, 0)).check::<M>(count)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_make_up_the_whole() {
        for (total, producers) in [(10, 3), (1, 1), (8, 8), (1_000_003, 4)] {
            let numbers = (0..producers).flat_map(|index| share(total, producers, index));
            assert!(numbers.eq(1..=total), "{total} by {producers}");
        }
    }
}
