//! ringbuf: an index ring for one sender and one receiver; batches are read in place and then skipped.

use crate::rings::peer::Peer;
use crate::rings::verbs::{flavour, one_each, put, put_batch, take, take_batch};
use ringbuf::traits::{Consumer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

flavour! {
    /// On the heap, with cached indices.
    Heap, HeapProd<M>, HeapCons<M>, |shape| one_each(shape, HeapRb::new(shape.capacity).split())
}
put!(HeapProd<M>, |sender, message| sender.try_push(message).is_ok());
take!(HeapCons<M>, |receiver| receiver.try_pop());
put_batch!(HeapProd<M>, |sender, numbers| sender.push_iter(numbers.map(M::numbered)));
take_batch!(HeapCons<M>, |receiver, count_max, each| {
    let (front, back) = receiver.as_slices();
    let front = &front[..front.len().min(count_max)];
    let back = &back[..back.len().min(count_max - front.len())];
    let count = front.len() + back.len();
    front.iter().for_each(&mut each);
    back.iter().for_each(&mut each);
    receiver.skip(count)
});

pub fn peers() -> Vec<Peer> {
    vec![Peer::spsc("ringbuf").single::<Heap>().batch::<Heap>()]
}
