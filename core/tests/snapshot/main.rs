//! What a user of snapshots relies on. That a power cut hurts none is in `crash/snapshot.rs`.
#![cfg(feature = "simulation")]

mod meanwhile;
mod under_load;
mod verbs;

use ringmain::storage::sim::SimDisk;
use ringmain::{Clock, Hub, HubBuilder, ManualClock, Message, OnExhausted, Queue, Start, Stream};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

const NOW: Duration = Duration::ZERO;
const GO_ON: ControlFlow<()> = ControlFlow::Continue(());

fn on(disk: &SimDisk, clock: &ManualClock) -> HubBuilder {
    Hub::builder().storage(Arc::new(disk.clone())).clock(Clock::Manual(clock.clone()))
}

fn queue(hub: &Hub, name: &str) -> Queue {
    hub.queue(name).on_exhausted(OnExhausted::Keep).open().unwrap()
}

fn send(queue: &Queue, value: &str) -> u64 {
    queue.send(Message::new(value)).unwrap()
}

fn append(stream: &Stream, value: &str) -> u64 {
    stream.append(Message::new(value)).unwrap().offset
}

/// Ids of everything that waits.
fn waiting(queue: &Queue) -> Vec<u64> {
    queue.peek(0, 65_536).unwrap().iter().map(|message| message.id()).collect()
}

/// Offsets of everything that can be read of the first partition.
fn held(stream: &Stream) -> Vec<u64> {
    let reader = stream.partition_reader(0, Start::Earliest).unwrap();
    reader.map(|record| record.unwrap().offset()).collect()
}
