//! One producer of an open stream: who may append in its name, and how far it has come.

use crate::error::{Error, Result};
use crate::log::{Level, Log, Place};
use crate::name::Name;
use crate::stream::producer::record::{Progress, Saved};
use crate::stream::record::Position;
use crate::sync::{MutexGuard, lock};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

/// Messages whose positions are known for duplicates of them, beside those of the last call.
const KNOWN_COUNT: usize = 1024;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Session {
    pub(super) name: Name,
    /// Tells it from others that had its name before.
    pub(super) number: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    /// Of the handle that may append; 0 once it is deleted.
    pub(super) epoch: u64,
    pub(super) progress: Progress,
    /// Where what is not durable yet ends, in each partition.
    pub(super) ends: BTreeMap<u32, (Arc<Log>, Place)>,
    pub(super) known: Known,
}

/// Where the last messages are: those up to the next sequence.
#[derive(Debug, Default)]
pub(super) struct Known(VecDeque<Option<Position>>);

impl Known {
    /// Of the message `before` sequences before the next one.
    pub(super) fn get(&self, before: u64) -> Option<Position> {
        let index = (self.0.len() as u64).checked_sub(before)?;
        self.0.get(index as usize).copied().flatten()
    }

    /// The next ones.
    pub(super) fn push(&mut self, positions: &[Option<Position>]) {
        self.0.extend(positions);
        let surplus = self.0.len().saturating_sub(KNOWN_COUNT.max(positions.len()));
        self.0.drain(..surplus);
    }
}

impl Session {
    pub(super) fn new(name: Name, saved: Saved) -> Self {
        let Saved { producer: number, epoch, progress } = saved;
        let state = State { epoch, progress, ends: BTreeMap::new(), known: Known::default() };
        Self { name, number, state: Mutex::new(state) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// What is to be saved of it, and what must be durable before that.
    pub(super) fn saved(&self) -> (Saved, Vec<(Arc<Log>, Place)>) {
        let mut state = self.state();
        state.forget_durable();
        let ends = state.ends.values().cloned().collect();
        (Saved { producer: self.number, epoch: state.epoch, progress: state.progress.clone() }, ends)
    }
}

impl State {
    pub(super) fn forget_durable(&mut self) {
        self.ends.retain(|_, (log, end)| !log.reached(Level::Durable, *end));
    }

    /// Refuses a handle that is no longer the producer's.
    pub(super) fn check(&self, stream: &Name, producer: &Name, epoch: u64) -> Result<()> {
        match self.epoch {
            0 => Err(Error::NotFound {
                noun: "producer",
                name: producer.to_string(),
                advice: "; it was deleted, open it anew to begin at sequence 0",
            }),
            current if current != epoch => Err(Error::ProducerFenced {
                stream: stream.clone(),
                producer: producer.clone(),
                epoch,
                current,
            }),
            _ => Ok(()),
        }
    }

    /// Up to which sequence calls were begun and not ended, and over how many partitions they were spread.
    pub(super) fn pending(&self) -> Option<(u64, u32)> {
        let until = self.progress.ahead.values().max()?;
        Some((*until, self.progress.partitions))
    }
}
