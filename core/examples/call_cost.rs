//! What the calls of the suite `./x bench c` cost without the C surface: prints a line for each cell, "CELL<TAB>ENTRANT<TAB>VALUE".
//! `call_cost COUNT`: how many messages a measurement has.

use ringmain::{Hub, Message, OnExhausted, Queue, Result};
use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

const BATCH: usize = 64;

fn main() -> Result<()> {
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(100_000);
    let hub = Hub::memory();
    let stream = hub.stream("empty").open()?;
    let empty = per_call(count * 10, || {
        black_box(black_box(&stream).partitions());
        Ok(())
    })?;
    tell("call empty", empty);
    let queue = hub.queue("bench").on_exhausted(OnExhausted::Drop).open()?;
    tell("cycle 100 B single", per_call(count, || single(&queue))?);
    tell("cycle 100 B batch64", per_call(count / BATCH, || batch(&queue))? / BATCH as f64);
    hub.close(Duration::from_secs(10))
}

fn tell(cell: &str, value: f64) {
    _ = writeln!(std::io::stdout(), "{cell}\tringmain Rust\t{value:.4}");
}

fn per_call(count: usize, mut call: impl FnMut() -> Result<()>) -> Result<f64> {
    let begun = Instant::now();
    for _ in 0..count {
        call()?;
    }
    Ok(begun.elapsed().as_nanos() as f64 / count as f64)
}

fn single(queue: &Queue) -> Result<()> {
    queue.send(Message::new(black_box(&[1; 100])))?;
    if let Some(delivery) = queue.receive(Duration::from_secs(1))? {
        black_box(delivery.value());
        delivery.ack()?;
    }
    Ok(())
}

fn batch(queue: &Queue) -> Result<()> {
    let values = black_box([[1; 100]; BATCH]);
    let messages = values.each_ref().map(Message::new);
    queue.send_batch(&messages)?;
    let taken = queue.receive_batch(BATCH, Duration::from_secs(1))?;
    taken.iter().for_each(|delivery| _ = black_box(delivery.value()));
    queue.ack_batch(&taken.iter().collect::<Vec<_>>()).into_iter().collect()
}
