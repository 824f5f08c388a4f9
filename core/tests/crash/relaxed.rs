//! A hub that waits for nothing removes nothing that recovery needs: what it says is ahead of what is written.

use crate::house::{GROUP, House, Plan};
use ringmain::storage::sim::{SimDisk, Unsynced};
use ringmain::{Durability, ManualClock, Message, Result};
use std::sync::Arc;
use std::time::Duration;

const PLAN: Plan = Plan { durability: Durability::Relaxed, bug: None };

fn after_a_kill(disk: &SimDisk, clock: &ManualClock) -> Result<House> {
    let image = disk.image_with(disk.operation_count(), Unsynced::Kept);
    House::open(PLAN, Arc::new(image), clock)
}

#[test]
fn ids_go_on_when_everything_was_acked_before_it_was_written() -> Result<()> {
    let (disk, clock) = (SimDisk::new(), ManualClock::new());
    let house = House::open(PLAN, Arc::new(disk.clone()), &clock)?;
    let value = [7; 700];
    for _ in 0..15 {
        house.jobs.send(Message::new(&value))?;
    }
    clock.advance(Duration::from_millis(200));
    // Segments come and go in memory, and none of them is written.
    for _ in 0..200 {
        house.jobs.send(Message::new(&value))?;
    }
    for delivery in house.jobs.receive_batch(1000, Duration::ZERO)? {
        delivery.ack()?;
    }
    let id = after_a_kill(&disk, &clock)?.jobs.send(Message::new(&value))?;
    assert!(id >= 15, "id {id} was given before");
    Ok(())
}

#[test]
fn commits_of_a_group_survive_the_removal_of_older_ones() -> Result<()> {
    let (disk, clock) = (SimDisk::new(), ManualClock::new());
    let house = House::open(PLAN, Arc::new(disk.clone()), &clock)?;
    let mut member = house.events.group(GROUP).join()?;
    let mut partition = 0;
    for _ in 0..20 {
        let values = vec![Message::new(b"x").key("one partition"); 250];
        let positions = house.events.append_batch(&values)?;
        for position in positions {
            partition = position.partition;
            member.commit_offset(partition, position.offset + 1)?;
        }
    }
    clock.advance(Duration::from_millis(200));
    let committed = after_a_kill(&disk, &clock)?.events.group(GROUP).committed()?;
    assert_eq!(committed[partition as usize], Some(5000));
    Ok(())
}
