//! tokio's broadcast, used without a runtime. It has no calls for several records at once, and overwrites what a slow reader
//! has not had: here none is that slow, as the workload holds the producer back.

use super::slot::{Slot, capacity, fits};
use crate::harness::Role;
use crate::stream::account::Account;
use crate::stream::cell::Level;
use crate::stream::peer::{Ability, Appender, Peer, Reader, Setup, Stream};
use anyhow::{Context as _, Result, anyhow, bail};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::broadcast::{self, Receiver, Sender};

struct Broadcast<S> {
    sender: Sender<S>,
    receivers: Mutex<Vec<Receiver<S>>>,
}

fn open_of<S: Slot>(setup: Setup<'_>) -> Result<Box<dyn Stream>> {
    let (sender, first) = broadcast::channel(capacity(setup.lead_max)?);
    let mut receivers = vec![first];
    receivers.resize_with(setup.readers, || sender.subscribe());
    Ok(Box::new(Broadcast::<S> { sender, receivers: Mutex::new(receivers) }))
}

impl<S: Slot> Appender for &Broadcast<S> {
    fn append(&mut self, record: &[u8]) -> Result<()> {
        self.append_batch(&[record])
    }

    fn append_batch(&mut self, records: &[&[u8]]) -> Result<()> {
        let time_ns = S::now_ns();
        for record in records {
            let mut slot = S::empty();
            slot.fill(record, time_ns);
            self.sender.send(slot).map_err(|_| anyhow!("nobody reads"))?;
        }
        Ok(())
    }
}

/// Wakes a thread.
struct Waking(Thread);

impl Wake for Waking {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

struct Reading<S>(Receiver<S>);

impl<S: Slot> Reading<S> {
    /// The next record, sleeping for it until then at most.
    fn wait(&mut self, wait: Duration) -> Result<Option<S>> {
        let (waker, end) = (Waker::from(Arc::new(Waking(thread::current()))), Instant::now() + wait);
        let mut next = pin!(self.0.recv());
        loop {
            if let Poll::Ready(slot) = next.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Ok(Some(slot?));
            }
            match end.checked_duration_since(Instant::now()) {
                Some(left) if !left.is_zero() => thread::park_timeout(left),
                _ => return Ok(None),
            }
        }
    }
}

impl<S: Slot> Reader for Reading<S> {
    fn read(&mut self, count_max: usize, wait: Duration, account: &mut Account) -> Result<usize> {
        for count in 0..count_max {
            match self.0.try_recv() {
                Ok(slot) => slot.enter(account),
                Err(TryRecvError::Empty) if count == 0 && !wait.is_zero() => {
                    return Ok(self.wait(wait)?.map_or(0, |slot| {
                        slot.enter(account);
                        1
                    }));
                }
                Err(TryRecvError::Empty) => return Ok(count),
                Err(error) => bail!("{error}"),
            }
        }
        Ok(count_max)
    }
}

impl<S: Slot> Stream for Broadcast<S> {
    fn appender(&self) -> Result<Box<dyn Appender + '_>> {
        Ok(Box::new(self))
    }

    fn reader(&self) -> Result<Box<dyn Reader + '_>> {
        let receiver = self.receivers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Ok(Box::new(Reading(receiver.context("there are no more readers than it was opened for")?)))
    }
}

pub fn peer() -> Peer {
    const ABILITIES: &[Ability] = &[Ability::Follows, Ability::Keys, Ability::Parks];
    let open = |setup: Setup<'_>| fits!(setup, open_of);
    let name = "tokio broadcast (one by one)";
    Peer { name, role: Role::Rival, levels: &[Level::Memory], abilities: ABILITIES, open }
}
