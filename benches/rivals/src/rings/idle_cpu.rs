//! What a receiver costs while there is nothing to receive: processor time of its thread, once it has settled
//! down.

use super::message::Message;
use super::verbs::{Flavour, PutWaiting, Shape, TakeWaiting};
use crate::harness::{Sample, Work};
use anyhow::{Context, Result, ensure};
use std::os::unix::thread::JoinHandleExt;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const SHAPE: Shape = Shape { producers: 1, consumers: 1, capacity: 1024 };
/// A receiver may spin this long before it must sleep.
const SETTLING: Duration = Duration::from_millis(30);
/// For how many times the time of a round it is watched.
const ROUNDS: u32 = 8;

/// Microseconds of processor time per second of waiting.
pub fn cost<M: Message, F: Flavour<M, Sender: PutWaiting<M>, Receiver: TakeWaiting<M>>>(
    work: Work,
) -> Result<Sample> {
    let mut ends = F::make(SHAPE);
    let (mut sender, mut receiver) = (ends.senders.remove(0), ends.receivers.remove(0));
    let sleeper = thread::spawn(move || receiver.take_waiting());
    thread::sleep(SETTLING);
    let (begin, used_before) = (Instant::now(), processor_time(&sleeper)?);
    thread::sleep(work.round * ROUNDS);
    let (elapsed, used) = (begin.elapsed(), processor_time(&sleeper)? - used_before);
    sender.put_waiting(M::numbered(1));
    ensure!(
        sleeper.join().ok().flatten().is_some(),
        "the receiver did not get the message that ended its wait"
    );
    Ok(Sample { elapsed, values: vec![used.as_secs_f64() * 1e6 / elapsed.as_secs_f64()] })
}

fn processor_time<T>(thread: &JoinHandle<T>) -> Result<Duration> {
    let mut clock = 0;
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the thread is alive, as it waits for a message that is sent later and has not been joined; both
    // calls write only to what is passed by reference.
    let failed = unsafe {
        libc::pthread_getcpuclockid(thread.as_pthread_t(), &mut clock) != 0
            || libc::clock_gettime(clock, &mut time) != 0
    };
    ensure!(!failed, "the system does not tell a thread's processor time");
    let seconds = u64::try_from(time.tv_sec).context("a negative processor time")?;
    Ok(Duration::new(seconds, u32::try_from(time.tv_nsec)?))
}
