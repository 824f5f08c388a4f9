//! Busy streams on a real disk: some records wait for the disk and most do not, and all are there in order when the hub is
//! opened again.

use ringmain::storage::{Blocking, Storage, best};
use ringmain::{Durability, Hub, Message, Start, Stream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const THREADS: u64 = 4;
const STREAMS: usize = 3;
const RECORDS: u64 = 1500;

fn open(directory: &Path, durability: Durability, storage: Arc<dyn Storage>) -> (Hub, Vec<Stream>) {
    // So small that the journal's files take turns all the time.
    let builder = Hub::builder().durability(durability).journal_bytes_max(256 << 10).storage(storage);
    let hub = builder.open(directory).unwrap();
    let streams = (0..STREAMS).map(|s| hub.stream(&format!("s{s}")).open().unwrap()).collect();
    (hub, streams)
}

/// Appends to all streams, waiting in every way there is. How many records each stream got.
fn work(hub: &Hub, streams: &[Stream], thread: u64) -> Vec<u64> {
    let mut counts = vec![0_u64; STREAMS];
    let mut dice = thread * 7919 + 1;
    for _ in 0..RECORDS {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let (stream, most) = ((dice % 3) as usize, if dice.is_multiple_of(50) { 100_000 } else { 1500 });
        let mut value = vec![thread as u8; 16 + (dice >> 8) as usize % most];
        value[..8].copy_from_slice(&thread.to_le_bytes());
        value[8..16].copy_from_slice(&counts[stream].to_le_bytes());
        counts[stream] += 1;
        let (message, stream) = (Message::new(&value), &streams[stream]);
        match dice % 97 {
            0 => drop(stream.append(message.durability(Durability::Synced)).unwrap()),
            1 => drop(stream.submit(message.durability(Durability::Synced)).unwrap().wait().unwrap()),
            2 => {
                let receipt = stream.submit(message.durability(Durability::Synced)).unwrap();
                while !receipt.wait_for(Duration::from_millis(50)).unwrap() {}
            }
            3 => {
                hub.flush().unwrap();
                stream.append(message).unwrap();
            }
            _ => drop(stream.append(message).unwrap()),
        }
    }
    counts
}

#[test]
fn what_was_streamed_and_what_was_waited_for_is_all_there_in_order() {
    let storages: [Arc<dyn Storage>; 2] = [best().0, Arc::new(Blocking)];
    for (storage, durability) in
        storages.iter().zip([Durability::Relaxed; 2]).chain([(&storages[0], Durability::Synced)])
    {
        let dir = tempfile::tempdir().unwrap();
        let directory = dir.path().join("hub");
        let (hub, streams) = open(&directory, durability, storage.clone());
        let counts: Vec<_> = std::thread::scope(|scope| {
            let working: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let (hub, streams) = (&hub, &streams);
                    scope.spawn(move || work(hub, streams, thread))
                })
                .collect();
            working.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        hub.close(Duration::from_secs(600)).unwrap();
        let (hub, streams) = open(&directory, durability, storage.clone());
        for (index, stream) in streams.iter().enumerate() {
            let mut seen = [0; THREADS as usize];
            for record in stream.reader(Start::Earliest).unwrap() {
                let record = record.unwrap();
                let word = |at: usize| u64::from_le_bytes(record.value()[at..at + 8].try_into().unwrap());
                let seen = &mut seen[word(0) as usize];
                assert_eq!(word(8), *seen, "stream {index}, {}", storage.name());
                *seen += 1;
            }
            assert!(seen.iter().zip(&counts).all(|(seen, counts)| *seen == counts[index]));
        }
        assert_eq!(hub.stats().unwrap().recovered_cut_bytes, 0, "it was closed");
    }
}
