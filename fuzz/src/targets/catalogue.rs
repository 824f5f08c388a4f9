//! The catalogue of a hub: refused, or everything that it names is opened or refused in its turn, and used.
//!
//! Input: the file.

use crate::clock::{Clock, ManualClock};
use crate::disk;
use crate::error::{Error, ErrorCode, Result};
use crate::hub::Hub;
use crate::message::Message;
use crate::queue::OnExhausted;
use crate::storage::sim::SimDisk;
use crate::stream::Start;
use std::path::Path;
use std::sync::Arc;

/// Queues and streams that are opened: each costs the simulated disk a directory.
const OPENED_COUNT_MAX: usize = 8;

pub(super) fn run(bytes: &[u8]) {
    let disk = SimDisk::new();
    disk::make_directory(&disk, Path::new("/hub"));
    disk::put(&disk, Path::new("/hub/catalogue"), 0, &[(0, bytes)]);
    for _ in 0..2 {
        let hub = match open(&disk) {
            Ok(hub) => hub,
            Err(error) => return disk::assert_blames_the_files(&error),
        };
        for name in hub.queues().expect("an open hub").iter().take(OPENED_COUNT_MAX) {
            may_be_refused(hub.queue(name).open().and_then(|queue| {
                queue.send(Message::new(b"x"))?;
                queue.try_receive()?.map_or(Ok(()), |delivery| delivery.fail("no"))
            }));
        }
        for name in hub.streams().expect("an open hub").iter().take(OPENED_COUNT_MAX) {
            may_be_refused(hub.stream(name).open().and_then(|stream| {
                stream.append(Message::new(b"x").key("k"))?;
                stream.reader(Start::Earliest)?.take(9).try_for_each(|record| record.map(drop))
            }));
        }
        may_be_refused(hub.queue("new").on_exhausted(OnExhausted::Drop).open().map(drop));
        may_be_refused(hub.stream("new").open().map(drop));
    }
}

fn open(disk: &SimDisk) -> Result<Hub> {
    Hub::builder().storage(Arc::new(disk.clone())).clock(Clock::Manual(ManualClock::new())).open("/hub")
}

/// An option may be out of its range; nothing may be our own fault.
fn may_be_refused(done: Result<()>) {
    if let Err(error) = done {
        let codes = [ErrorCode::Internal, ErrorCode::Io, ErrorCode::Poisoned, ErrorCode::Closed];
        assert!(!codes.contains(&Error::code(&error)), "{error:?}");
    }
}
