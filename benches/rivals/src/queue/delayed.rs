//! Messages that are sent long before they are due, and received once all of them are.

use super::cell::{BATCH, Level};
use super::peer::Peer;
use super::tally::{MESSAGE_BYTES, Tally};
use crate::harness::Sample;
use crate::log::record::Records;
use crate::log::scratch::Scratch;
use anyhow::{Result, ensure};
use std::thread;
use std::time::{Duration, Instant};

/// Messages of a round.
const COUNT: u64 = 1_000_000;
/// Delays are spread over this many milliseconds, from the first on.
const FIRST_MS: u64 = 200;
const SPREAD_MS: u64 = 200;
/// Who does not send that many within so long sends fewer.
const TIME: Duration = Duration::from_secs(10);
const TIME_QUICK: Duration = Duration::from_millis(300);

/// Thousands of messages per second sent, and received and acked, in batches, by one thread.
///
/// # Errors
/// A verb failed, or a message came early, was lost, doubled or altered.
pub fn run(peer: &Peer, level: Level, quick: bool) -> Result<Sample> {
    let time = if quick { TIME_QUICK } else { TIME };
    let scratch = Scratch::new()?;
    let queue = (peer.open)(scratch.path(), level)?;
    let (mut sender, mut receiver) = (queue.sender()?, queue.receiver()?);
    let (mut records, mut came) = (Records::new(0, MESSAGE_BYTES, BATCH), Tally::default());

    let begin = Instant::now();
    while records.count() < COUNT && begin.elapsed() < time {
        let first = records.count();
        let mut batch = Vec::with_capacity(BATCH);
        records.batch(&mut batch);
        let delayed: Vec<_> = batch.into_iter().zip((first..).map(delay)).collect();
        sender.send_delayed(&delayed)?;
        if first == 0 {
            let early = receiver.work(BATCH, Duration::ZERO, &mut |message| came.enter(message))?;
            let time = begin.elapsed();
            ensure!(
                early == 0 || time > Duration::from_millis(FIRST_MS),
                "{early} messages came {time:?} after they were sent"
            );
        }
    }
    let sending = begin.elapsed();

    thread::sleep(Duration::from_millis(FIRST_MS + SPREAD_MS) + peer.delays.unwrap_or_default());
    let early = came.count();
    let begin = Instant::now();
    while came.count() < records.count() {
        let done = receiver.work(BATCH, Duration::ZERO, &mut |message| came.enter(message))?;
        ensure!(done > 0, "{} messages were sent and are due, {} came", records.count(), came.count());
    }
    let receiving = begin.elapsed();
    came.check(&[records.count()])?;

    let rate = |count: u64, time: Duration| count as f64 / time.as_secs_f64() / 1e3;
    let values = vec![rate(records.count(), sending), rate(came.count() - early, receiving)];
    Ok(Sample { elapsed: sending + receiving, values })
}

/// As if at random, so that the order in which messages are due is another than that in which they were sent.
fn delay(number: u64) -> Duration {
    let random = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    Duration::from_millis(FIRST_MS + random % SPREAD_MS)
}
