//! The disk reserve: below it nothing is published, and everything that drains goes on.

use crate::house::{GROUP, House, Plan};
use ringmain::storage::sim::SimDisk;
use ringmain::{ErrorCode, ManualClock, Message, Result};
use std::sync::Arc;
use std::time::Duration;

/// What is kept of a disk of 1 TiB, of which a twentieth would be more.
const RESERVE_BYTES: u64 = 1 << 30;

#[test]
fn below_the_reserve_publishing_is_refused_and_everything_else_goes_on() -> Result<()> {
    let (disk, clock) = (SimDisk::new(), ManualClock::new());
    let house = House::open(Plan::SYNCED, Arc::new(disk.clone()), &clock)?;
    for _ in 0..6 {
        house.jobs.send(Message::new(b"a task"))?;
        house.events.append(Message::new(b"a record"))?;
    }
    disk.set_free_bytes(RESERVE_BYTES - 1);
    // It is noticed within a mebibyte or a tenth of a second, by whoever commits then.
    clock.advance(Duration::from_millis(200));
    let held = house.jobs.receive_batch(5, Duration::ZERO)?;
    held[0].ack()?;
    let full = |result: Result<()>| result.is_err_and(|error| error.code() == ErrorCode::DiskFull);
    assert!(full(house.jobs.send(Message::new(b"no room")).map(drop)));
    assert!(full(house.jobs.send_batch(&[Message::new(b"no room")]).map(drop)));
    assert!(full(house.events.append(Message::new(b"no room")).map(drop)));
    assert!(full(house.events.append_batch(&[Message::new(b"no room")]).map(drop)));

    held[1].fail("no luck")?;
    held[2].release()?;
    held[3].reject("a dead letter is written nevertheless")?;
    assert_eq!(house.dead.try_receive()?.map(|letter| letter.ack().is_ok()), Some(true));
    let mut member = house.events.group(GROUP).join()?;
    assert!(!member.poll(9, Duration::ZERO)?.is_empty());
    member.commit()?;
    drop(member);
    house.hub.close(Duration::from_secs(60))?;

    let house = House::open(Plan::SYNCED, Arc::new(disk.clone()), &clock)?;
    assert!(full(house.jobs.send(Message::new(b"no room")).map(drop)), "it is known from the beginning");
    disk.set_free_bytes(2 * RESERVE_BYTES);
    house.jobs.send(Message::new(b"there is room again"))?;
    Ok(())
}
