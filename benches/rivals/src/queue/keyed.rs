//! Messages of many ordering keys: of each key one at a time, in the order in which they were sent.

use super::cell::{BATCH, Level};
use super::peer::Peer;
use super::tally::{MESSAGE_BYTES, Tally};
use crate::harness::Sample;
use crate::log::record::{Records, identity};
use crate::log::scratch::Scratch;
use anyhow::{Result, ensure};
use std::time::{Duration, Instant};

/// Ordering keys.
pub const KEY_COUNT: u64 = 100_000;
/// Messages of a round: several of each key.
const COUNT: u64 = 5 * KEY_COUNT;
/// In a quick run.
const COUNT_QUICK: u64 = 2 * KEY_COUNT;
/// Who does not send that many within so long sends fewer.
const TIME: Duration = Duration::from_secs(20);
const TIME_QUICK: Duration = Duration::from_secs(1);

/// Thousands of messages per second sent, and received and acked, in batches, by one thread.
///
/// # Errors
/// A verb failed, or a message was lost, doubled or altered, or came before one of its key that was sent before.
pub fn run(peer: &Peer, level: Level, quick: bool) -> Result<Sample> {
    let (count, time) = if quick { (COUNT_QUICK, TIME_QUICK) } else { (COUNT, TIME) };
    let scratch = Scratch::new()?;
    let queue = (peer.open)(scratch.path(), level)?;
    let (mut sender, mut receiver) = (queue.sender()?, queue.receiver()?);
    let (mut records, mut came) = (Records::new(0, MESSAGE_BYTES, BATCH), Tally::default());

    let begin = Instant::now();
    while records.count() < count && begin.elapsed() < time {
        let first = records.count();
        let mut batch = Vec::with_capacity(BATCH);
        records.batch(&mut batch);
        let keyed: Vec<_> = batch.into_iter().zip((first..).map(key)).collect();
        sender.send_keyed(&keyed)?;
    }
    let sending = begin.elapsed();

    // Of each key the number that may come next is larger than this.
    let mut last = vec![None; KEY_COUNT as usize];
    let mut overtaken = 0u64;
    let begin = Instant::now();
    while came.count() < records.count() {
        let done = receiver.work(BATCH, Duration::ZERO, &mut |message| {
            let (_, number) = identity(message);
            let before = last[key(number) as usize].replace(number);
            overtaken += u64::from(before.is_some_and(|before| before >= number));
            came.enter(message);
        })?;
        ensure!(done > 0, "{} messages were sent, {} came", records.count(), came.count());
    }
    let receiving = begin.elapsed();
    came.check(&[records.count()])?;
    ensure!(overtaken == 0, "{overtaken} messages came before one of their key that was sent before");

    let rate = |time: Duration| records.count() as f64 / time.as_secs_f64() / 1e3;
    Ok(Sample { elapsed: sending + receiving, values: vec![rate(sending), rate(receiving)] })
}

/// As if at random, and all of them before one comes again: the factor has nothing in common with their number.
fn key(number: u64) -> u64 {
    number.wrapping_mul(7_919) % KEY_COUNT
}
