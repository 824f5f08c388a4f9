//! What else streams do, in Rust.

use ringmain::{Compaction, Hub, Message, Record};
use std::time::Duration;

fn main() -> ringmain::Result<()> {
    let hub = Hub::open("data")?;
    let flights = hub.stream("flights").partitions(4).age_max(Duration::from_secs(7 * 24 * 3600)).open()?;

    // A producer, known by its name: what is appended again, after a crash too, is not there twice.
    let import = flights.producer("import")?;
    for number in import.next_sequence()?..3 {
        import.append(number, &[Message::new(&format!("flight {number}")).key("N14228")])?;
    }

    // A worker: each partition in order, and committed. What keeps failing goes to a queue.
    let failed = hub.queue("failed").dead_letter("failed.dead").open()?;
    let handler = |record: &Record| std::str::from_utf8(record.value()).map(|text| println!("{text}"));
    let worker = flights.worker("billing", handler).max_failures(3).hand_over_to(&failed).start()?;
    while flights.group("billing").lag()? > 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
    worker.close(Duration::from_secs(10))?;

    // A table: the last record of each key.
    let gates = hub.stream("gates").compaction(Compaction::latest_only(10_000)).open()?;
    gates.append(Message::new("C71").key("UA1"))?;
    gates.append(Message::new("C75").key("UA1"))?;
    let gate = gates.table()?.get("UA1")?;
    println!("gate {:?}", gate.as_ref().map(|record| String::from_utf8_lossy(record.value())));

    // A copy of all that while it is in use. Hub::restore checks it, and copies it to where it is wanted.
    hub.snapshot("backup")?;
    hub.close(Duration::from_secs(10))
}
