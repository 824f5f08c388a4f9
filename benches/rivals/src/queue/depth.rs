//! A queue in which so many messages wait, and an empty one beside it, for as long as an entrant's process lives.

use super::cell::{Crew, Depth, Level, SHAPES, Shape};
use super::cycles;
use super::peer::{Peer, Queue};
use super::tally::MESSAGE_BYTES;
use crate::harness::{Sample, Work};
use crate::log::record::Records;
use crate::log::scratch::Scratch;
use anyhow::Result;
use std::cell::RefCell;
use std::fmt;
use std::time::Instant;

/// How many times the time of a round each shape works: disks and their schedulers think in milliseconds.
const ROUNDS: u32 = 8;
/// Messages of one call while the queue is filled.
const FILL_BATCH: usize = 4096;

/// The queues of one entrant, made at the first round and used in all of them, as in a program that runs for long.
#[derive(Debug)]
pub struct Depths {
    peer: Peer,
    level: Level,
    depth: Depth,
    made: RefCell<Option<Made>>,
}

/// An open queue, and the directory that is removed after it is closed.
struct Made {
    empty: (Box<dyn Queue>, Scratch),
    deep: Option<(Box<dyn Queue>, Scratch)>,
}

impl fmt::Debug for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Made").finish_non_exhaustive()
    }
}

/// Whose cycles are compared with those of the empty queue: what a receive costs needs no second thread to be seen.
pub fn is_compared(shape: Shape) -> bool {
    shape.crew == Crew::One
}

impl Depths {
    /// Queues of that peer.
    pub fn new(peer: Peer, level: Level, depth: Depth) -> Self {
        Self { peer, level, depth, made: RefCell::new(None) }
    }

    /// The rate of each shape; then, if messages wait, how many times longer a cycle takes than in the empty queue, for
    /// each shape that is compared.
    ///
    /// # Errors
    /// A queue cannot be made, or is at fault.
    pub fn run(&self, work: Work) -> Result<Sample> {
        let mut made = self.made.borrow_mut();
        let Made { empty, deep } = match &mut *made {
            Some(made) => made,
            none => none.insert(self.make()?),
        };
        let time = work.round * ROUNDS;
        let (mut rates, mut times, begin) = (Vec::new(), Vec::new(), Instant::now());
        for shape in SHAPES {
            let unit = shape.unit(self.level);
            let cycles = |queue: &dyn Queue, is_empty| cycles::run(queue, shape, self.level, time, is_empty);
            let Some((deep, _)) = deep else {
                rates.push(unit.of(cycles(&*empty.0, true)?));
                continue;
            };
            let rate = cycles(&**deep, false)?;
            rates.push(unit.of(rate));
            if is_compared(shape) {
                times.push(cycles(&*empty.0, true)? / rate);
            }
        }
        rates.extend(times);
        Ok(Sample { elapsed: begin.elapsed(), values: rates })
    }

    fn make(&self) -> Result<Made> {
        let deep = match self.depth {
            Depth::Empty => None,
            depth => {
                let deep = self.open()?;
                fill(&*deep.0, depth.count())?;
                Some(deep)
            }
        };
        Ok(Made { empty: self.open()?, deep })
    }

    fn open(&self) -> Result<(Box<dyn Queue>, Scratch)> {
        let scratch = Scratch::new()?;
        Ok(((self.peer.open)(scratch.path(), self.level)?, scratch))
    }
}

/// Sends so many, in large batches.
fn fill(queue: &dyn Queue, count: u64) -> Result<()> {
    let mut sender = queue.sender()?;
    let mut records = Records::new(0, MESSAGE_BYTES, FILL_BATCH);
    while records.count() < count {
        let mut batch = Vec::with_capacity(FILL_BATCH);
        records.batch(&mut batch);
        sender.send_batch(&batch)?;
    }
    Ok(())
}
