//! The README's twenty lines in Rust.

use ringmain::{Hub, Message};
use std::time::Duration;

fn main() -> ringmain::Result<()> {
    let hub = Hub::memory(); // or Hub::open("data")? to keep it on disk

    // A queue: each message goes to one worker, and comes back unless it is acked.
    let jobs = hub.queue("emails").max_failures(3).dead_letter("emails.dead").open()?;
    jobs.send(Message::new("welcome N14228"))?;
    while let Some(job) = jobs.receive(Duration::from_millis(10))? {
        println!("attempt {}: {}", job.attempts(), String::from_utf8_lossy(job.value()));
        job.ack()?; // or job.fail("why"): a retry, and the dead letters after three
    }

    // A stream: each record is kept, and read by whoever wants it from wherever they want.
    let flights = hub.stream("flights").partitions(4).open()?;
    flights.append(Message::new("departed").key("N14228"))?;
    let mut member = flights.group("billing").join()?;
    for record in member.poll(100, Duration::from_secs(1))? {
        println!("partition {} offset {}", record.partition(), record.offset());
    }
    member.commit()
}
