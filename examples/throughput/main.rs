//! A short look at this machine: messages per second through queues and streams, in memory and durable.
//!
//! Sixteen cells, each with its share of the time given, in one thread, with messages of 100 bytes. It shows what to
//! expect, nothing more: no comparison, no spread, no idle machine.

use anyhow::{Context, Result};
use clap::Parser;
use ringmain::{Hub, Message, OnExhausted, Queue, Start, Stream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const VALUE: [u8; 100] = [b'x'; 100];
/// The size of a batch.
const BATCH: usize = 64;
/// Messages that go in before as many come out, which bounds how many are held.
const ROUND: usize = 8 * BATCH;
/// Most messages of one cell, which bounds the memory of streams: they keep everything.
const CELL_MESSAGES_MAX: usize = 2_000_000;

/// Print messages per second of queues and streams, in memory and durable, one by one and in batches.
#[derive(Parser)]
struct Arguments {
    /// Directory for the durable hubs; it must not exist, and is removed at the end.
    directory: PathBuf,
    /// Time for all cells together.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
}

/// Messages per second in, and out.
struct Rates {
    into: f64,
    out: f64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match measure(&arguments.directory, arguments.seconds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("throughput: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(directory: &Path, seconds: f64) -> Result<()> {
    std::fs::create_dir_all(directory.parent().unwrap_or(directory))
        .and_then(|()| std::fs::create_dir(directory))
        .with_context(|| format!("cannot make {}", directory.display()))?;
    // Eight runs of two cells each.
    let run_time =
        Duration::try_from_secs_f64(seconds / 8.0).context("--seconds must be a positive number")?;
    println!("messages of {} bytes, one thread, messages/s:", VALUE.len());
    println!("{:<28}{:>14}{:>14}", "", "one by one", format!("batches of {BATCH}"));
    for durable in [false, true] {
        let mode = if durable { "durable (synced)" } else { "in memory" };
        let open = |name: &str| {
            if durable { Hub::open(directory.join(name)) } else { Ok(Hub::memory()) }
        };
        let queues = [1, BATCH].map(|batch| queue_rates(&open(&format!("queue-{batch}"))?, batch, run_time));
        print_rates(mode, ["queue send", "queue receive and ack"], queues)?;
        let streams =
            [1, BATCH].map(|batch| stream_rates(&open(&format!("stream-{batch}"))?, batch, run_time));
        print_rates(mode, ["stream append", "stream read"], streams)?;
    }
    std::fs::remove_dir_all(directory).with_context(|| format!("cannot remove {}", directory.display()))
}

fn print_rates(mode: &str, verbs: [&str; 2], rates: [Result<Rates>; 2]) -> Result<()> {
    let [single, batched] = rates;
    let (single, batched) = (single?, batched?);
    for (verb, one, many) in [(verbs[0], single.into, batched.into), (verbs[1], single.out, batched.out)] {
        println!("{verb:<22}{mode:>17}{one:>14.0}{many:>14.0}");
    }
    Ok(())
}

fn queue_rates(hub: &Hub, batch: usize, run_time: Duration) -> Result<Rates> {
    let queue = hub.queue("throughput").on_exhausted(OnExhausted::Drop).open()?;
    let rates =
        alternate(run_time, |count| send(&queue, batch, count), |count| receive(&queue, batch, count))?;
    hub.close(Duration::from_secs(10))?;
    Ok(rates)
}

fn send(queue: &Queue, batch: usize, count: usize) -> Result<usize> {
    if batch == 1 {
        queue.send(Message::new(&VALUE))?;
        return Ok(1);
    }
    let messages = vec![Message::new(&VALUE); batch.min(count)];
    Ok(queue.send_batch(&messages)?.len())
}

fn receive(queue: &Queue, batch: usize, count: usize) -> Result<usize> {
    if batch == 1 {
        let delivery = queue.try_receive()?.context("a message that was sent is not there")?;
        delivery.ack()?;
        return Ok(1);
    }
    let deliveries = queue.receive_batch(batch.min(count), Duration::ZERO)?;
    for settled in queue.ack_batch(&deliveries.iter().collect::<Vec<_>>()) {
        settled?;
    }
    Ok(deliveries.len())
}

fn stream_rates(hub: &Hub, batch: usize, run_time: Duration) -> Result<Rates> {
    let stream = hub.stream("throughput").open()?;
    let mut reader = stream.reader(Start::Earliest)?;
    let rates = alternate(
        run_time,
        |count| append(&stream, batch, count),
        |count| Ok(reader.poll(batch.min(count), Duration::ZERO)?.len()),
    )?;
    hub.close(Duration::from_secs(10))?;
    Ok(rates)
}

fn append(stream: &Stream, batch: usize, count: usize) -> Result<usize> {
    if batch == 1 {
        stream.append(Message::new(&VALUE))?;
        return Ok(1);
    }
    let messages = vec![Message::new(&VALUE); batch.min(count)];
    Ok(stream.append_batch(&messages)?.len())
}

/// Lets a round of messages in and out again, until the time is over. Each way is timed by itself. Each call is told
/// how many messages the round still has, and says how many it took.
fn alternate(
    run_time: Duration,
    mut into: impl FnMut(usize) -> Result<usize>,
    mut out: impl FnMut(usize) -> Result<usize>,
) -> Result<Rates> {
    let started = Instant::now();
    let (mut into_time, mut out_time) = (Duration::ZERO, Duration::ZERO);
    let mut count = 0;
    while started.elapsed() < run_time && count < CELL_MESSAGES_MAX {
        // On a slow disk one round would outlast the run: it then ends early.
        let round = pass(ROUND, run_time / 2, &mut into_time, &mut into)?;
        pass(round, Duration::MAX, &mut out_time, &mut out)?;
        count += round;
    }
    let rate = |time: Duration| count as f64 / time.as_secs_f64();
    Ok(Rates { into: rate(into_time), out: rate(out_time) })
}

/// Calls `verb` until it has taken `count` messages, or for `time_max` if that is shorter; adds the time it took to
/// `time`. Returns how many messages it took.
fn pass(
    count: usize,
    time_max: Duration,
    time: &mut Duration,
    mut verb: impl FnMut(usize) -> Result<usize>,
) -> Result<usize> {
    /// Calls between two looks at the clock, which would cost as much as a call in memory.
    const CALLS_PER_LOOK: usize = 16;
    let started = Instant::now();
    let mut taken = 0;
    while taken < count {
        for _ in 0..CALLS_PER_LOOK {
            if taken == count {
                break;
            }
            let got = verb(count - taken)?;
            anyhow::ensure!(got > 0, "{} of {count} messages are not there", count - taken);
            taken += got;
        }
        if started.elapsed() >= time_max {
            break;
        }
    }
    *time += started.elapsed();
    Ok(taken)
}
