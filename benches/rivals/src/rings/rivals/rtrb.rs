//! rtrb: an index ring for one sender and one receiver; batches are chunks of its slots, written and read in
//! place.

use crate::rings::peer::Peer;
use crate::rings::verbs::{flavour, one_each, put, put_batch, take, take_batch};
use rtrb::chunks::{ChunkError, ReadChunk};
use rtrb::{Consumer, Producer, RingBuffer};

flavour! {
    /// Its only flavour.
    Ring, Producer<M>, Consumer<M>, |shape| one_each(shape, RingBuffer::new(shape.capacity))
}
put!(Producer<M>, |sender, message| sender.push(message).is_ok());
take!(Consumer<M>, |receiver| receiver.pop().ok());
put_batch!(Producer<M>, |sender, numbers| {
    match sender.write_chunk_uninit((numbers.end - numbers.start) as usize) {
        Ok(chunk) => chunk.fill_from_iter(numbers.map(M::numbered)),
        Err(ChunkError::TooFewSlots(0)) => 0,
        Err(ChunkError::TooFewSlots(count)) => match sender.write_chunk_uninit(count) {
            Ok(chunk) => chunk.fill_from_iter(numbers.map(M::numbered)),
            Err(_) => 0,
        },
    }
});
take_batch!(Consumer<M>, |receiver, count_max, each| {
    match receiver.read_chunk(count_max) {
        Ok(chunk) => read(chunk, &mut each),
        Err(ChunkError::TooFewSlots(0)) => 0,
        Err(ChunkError::TooFewSlots(count)) => {
            receiver.read_chunk(count).map_or(0, |chunk| read(chunk, &mut each))
        }
    }
});

/// Reads a chunk in place.
#[inline(always)]
fn read<M>(chunk: ReadChunk<'_, M>, mut each: impl FnMut(&M)) -> usize {
    let (front, back) = chunk.as_slices();
    front.iter().for_each(&mut each);
    back.iter().for_each(&mut each);
    let count = chunk.len();
    chunk.commit_all();
    count
}

pub fn peers() -> Vec<Peer> {
    vec![Peer::spsc("rtrb").single::<Ring>().batch::<Ring>()]
}
