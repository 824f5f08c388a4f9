//! yaque: a queue in files, handed to the system and never synced. One sender and one receiver, each shared by a lock; what
//! is received is acked before the next is, so receivers take turns. Its place is saved at each ack, which it is not by
//! default: otherwise up to 250 acked messages would come again after the process was killed.

use super::bell::Bell;
use crate::queue::cell::Level;
use crate::queue::peer::{self, Peer, Queue};
use anyhow::{Result, anyhow};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use yaque::TryRecvError;
use yaque::queue::{Receiver, ReceiverBuilder, Sender};

struct Yaque {
    sender: Mutex<Sender>,
    receiver: Mutex<Receiver>,
    bell: Bell,
}

fn open(directory: &Path, _level: Level) -> Result<Box<dyn Queue>> {
    let path = directory.join("queue");
    let sender = Mutex::new(Sender::open(&path)?);
    let receiver = Mutex::new(ReceiverBuilder::new().save_every_nth(Some(1)).open(&path)?);
    Ok(Box::new(Yaque { sender, receiver, bell: Bell::default() }))
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl peer::Sender for &Yaque {
    fn send(&mut self, message: &[u8]) -> Result<()> {
        lock(&self.sender).try_send(message).map_err(|error| anyhow!("{error}"))?;
        self.bell.ring(1);
        Ok(())
    }

    fn send_batch(&mut self, messages: &[&[u8]]) -> Result<()> {
        lock(&self.sender).try_send_batch(messages).map_err(|error| anyhow!("{error}"))?;
        self.bell.ring(messages.len());
        Ok(())
    }
}

impl Yaque {
    fn take(&self, count_max: usize, each: &mut dyn FnMut(&[u8])) -> Result<usize> {
        let mut receiver = lock(&self.receiver);
        let taken = if count_max == 1 {
            receiver.try_recv().map(|message| {
                each(&message);
                message.commit().map(|()| 1)
            })
        } else {
            receiver.try_recv_batch_up_to(count_max).map(|messages| {
                messages.iter().for_each(|message| each(message));
                let count = messages.len();
                messages.commit().map(|()| count)
            })
        };
        match taken {
            Ok(count) => Ok(count?),
            Err(TryRecvError::QueueEmpty) => Ok(0),
            Err(TryRecvError::Io(error)) => Err(error.into()),
        }
    }
}

impl peer::Receiver for &Yaque {
    fn work(&mut self, count_max: usize, wait: Duration, each: &mut dyn FnMut(&[u8])) -> Result<usize> {
        self.bell.wait_for(wait, || self.take(count_max, each))
    }
}

impl Queue for Yaque {
    fn sender(&self) -> Result<Box<dyn peer::Sender + '_>> {
        Ok(Box::new(self))
    }

    fn receiver(&self) -> Result<Box<dyn peer::Receiver + '_>> {
        Ok(Box::new(self))
    }
}

pub fn peer() -> Peer {
    Peer::new("yaque", &[Level::Written], open)
}
