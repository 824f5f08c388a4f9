//! rtrb: an index ring for one sender and one receiver; batches are chunks of its slots, written and read in place.

use crate::rings::peer::Peer;
use crate::rings::verbs::{flavour, one_each, put, put_batch, take, take_batch};
use rtrb::chunks::ChunkError;
use rtrb::{Consumer, Producer, RingBuffer};

flavour!(
    /// Its only flavour.
    Ring, Producer<M>, Consumer<M>, |shape| one_each(shape, RingBuffer::new(shape.capacity)));
put!(Producer<M>, |sender, message| sender.push(message).is_ok());
take!(Consumer<M>, |receiver| receiver.pop().ok());
put_batch!(Producer<M>, |sender, numbers| {
    let wanted = (numbers.end - numbers.start) as usize;
    let count = match sender.write_chunk_uninit(wanted) {
        Ok(_) => wanted,
        Err(ChunkError::TooFewSlots(count)) => count,
    };
    // Asking twice costs nothing: the second time all is known.
    match sender.write_chunk_uninit(count) {
        Ok(chunk) if count > 0 => chunk.fill_from_iter(numbers.map(M::numbered)),
        _ => 0,
    }
});
take_batch!(Consumer<M>, |receiver, count_max, each| {
    let count = match receiver.read_chunk(count_max) {
        Ok(_) => count_max,
        Err(ChunkError::TooFewSlots(count)) => count,
    };
    match receiver.read_chunk(count) {
        Ok(chunk) if count > 0 => {
            let (front, back) = chunk.as_slices();
            front.iter().chain(back).for_each(&mut each);
            chunk.commit_all();
            count
        }
        _ => 0,
    }
});

pub fn peers() -> Vec<Peer> {
    vec![Peer::spsc("rtrb").single::<Ring>().batch::<Ring>()]
}
