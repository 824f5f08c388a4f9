//! The way of plain messages: no lock, and nothing allocated for a message.
//!
//! **Picture.** Messages without options stand in the log in the order in which they are to be delivered. Consumers share one
//! [`Cursor`]; whoever moves it past a run of up to 64 messages by a compare-and-swap has them, and holds the lease on all of
//! them in one entry of [`Runs`]: a bit for each. An ack clears bits. Whatever else happens to a message (it fails, is handed
//! back, its lease runs out) takes its bit away and puts it into the queue's index, which is under a lock.
//!
//! **Protocols**, each modelled in `loom-tests/src/models/queue.rs`: `P13 cursor`, `P14 run`, `P15 seat`.

mod cursor;
mod runs;
mod seats;

pub(crate) use cursor::{Bytes, Cursor};
pub(crate) use runs::{Counted, Hold, Home, Keep, RUN_COUNT_MAX, Runs, Spare};
pub(crate) use seats::Seats;
