//! gil: an index ring for one and one with batches in place, stamped slots for the others, and shards of
//! index rings.
//!
//! The waiting calls of `spsc`, `mpsc` and `spmc` spin and yield for ever: a waiting thread burns its core,
//! so they are references; those of `spsc::parking` and `mpmc` sleep. A sharded ring keeps the order of each
//! sender's messages but none between senders: a reference too.

use crate::rings::peer::Peer;
use crate::rings::verbs::{
    Ends, Shape, flavour, many_each, many_to_one, one_each, one_to_many, put, put_batch, put_waiting, take,
    take_batch, take_waiting,
};
use gil::{mpmc, mpsc, spmc, spsc};
use std::mem::MaybeUninit;
use std::num::NonZeroUsize;
use std::ops::Range;

fn nonzero(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN)
}

/// How a sharded ring divides its capacity: a shard for each handle of the larger side, a power of two of
/// them.
fn shards(shape: Shape) -> (NonZeroUsize, NonZeroUsize) {
    let count = shape.producers.max(shape.consumers).next_power_of_two();
    (nonzero(count), nonzero(shape.capacity / count))
}

/// As many handles as wanted, which there are as long as there are shards for them.
fn handles<H>(first: H, count: usize, another: impl Fn(&H) -> Option<H>) -> Vec<H> {
    let others: Option<Vec<H>> = (1..count).map(|_| another(&first)).collect();
    let mut handles = others.expect("a shard for each handle");
    handles.push(first);
    handles
}

flavour! {
    /// One sender, one receiver.
    Spsc, spsc::Sender<M>, spsc::Receiver<M>, |shape| one_each(shape, spsc::channel(nonzero(shape.capacity)))
}
flavour! {
    /// The same, and it sleeps.
    Parking, spsc::parking::Sender<M>, spsc::parking::Receiver<M>, |shape| {
        one_each(shape, spsc::parking::channel(nonzero(shape.capacity)))
    }
}
flavour! {
    /// Many senders, one receiver.
    Mpsc, mpsc::Sender<M>, mpsc::Receiver<M>, |shape| {
        many_to_one(shape, mpsc::channel(nonzero(shape.capacity)))
    }
}
flavour! {
    /// One sender, many receivers.
    Spmc, spmc::Sender<M>, spmc::Receiver<M>, |shape| {
        one_to_many(shape, spmc::channel(nonzero(shape.capacity)))
    }
}
flavour! {
    /// Many of both.
    Mpmc, mpmc::Sender<M>, mpmc::Receiver<M>, |shape| many_each(shape, mpmc::channel(nonzero(shape.capacity)))
}
flavour! {
    /// Many senders with a shard each, one receiver.
    ShardedMpsc, mpsc::sharded::Sender<M>, mpsc::sharded::Receiver<M>, |shape| {
        let (count, capacity) = shards(shape);
        let (first, receiver) = mpsc::sharded::channel(count, capacity);
        let senders = handles(first, shape.producers, mpsc::sharded::Sender::clone);
        Ends { senders, receivers: vec![receiver] }
    }
}
flavour! {
    /// Many senders with a shard each, many receivers.
    ShardedMpmc, mpmc::sharded::Sender<M>, mpmc::sharded::Receiver<M>, |shape| {
        let (count, capacity) = shards(shape);
        let (sender, receiver) = mpmc::sharded::channel(count, capacity);
        Ends {
            senders: handles(sender, shape.producers, mpmc::sharded::Sender::try_clone),
            receivers: handles(receiver, shape.consumers, mpmc::sharded::Receiver::try_clone),
        }
    }
}

/// Writes messages into slots; how many.
fn write<M: crate::rings::message::Message>(slots: &mut [MaybeUninit<M>], numbers: Range<u64>) -> usize {
    slots.iter_mut().zip(numbers).map(|(slot, number)| slot.write(M::numbered(number))).count()
}

/// The verbs that all handles of a module have.
macro_rules! try_verbs {
    ($($module:path),*) => { $( const _: () = {
        use $module::{Receiver, Sender};
        put!(Sender<M>, |sender, message| sender.try_send(message).is_ok());
        take!(Receiver<M>, |receiver| receiver.try_recv());
    }; )* };
}

/// The verbs that those with batches have.
macro_rules! batch_verbs {
    ($($module:path),*) => { $( const _: () = {
        use $module::{Receiver, Sender};
        put_batch!(Sender<M>, |sender, numbers| {
            let count = write(sender.write_buffer(), numbers);
            // SAFETY: `write` has filled the first `count` slots of the buffer.
            unsafe { sender.commit(count) };
            count
        });
        take_batch!(Receiver<M>, |receiver, count_max, each| {
            let mut guard = receiver.read_guard();
            let count = guard.len().min(count_max);
            guard.as_slice()[..count].iter().for_each(&mut each);
            guard.advance(count);
            count
        });
    }; )* };
}

/// The verbs that wait.
macro_rules! waiting_verbs {
    ($($module:path),*) => { $( const _: () = {
        use $module::{Receiver, Sender};
        put_waiting!(Sender<M>, |sender, message| sender.send(message));
        take_waiting!(Receiver<M>, |receiver| Some(receiver.recv()));
    }; )* };
}

try_verbs!(
    gil::spsc,
    gil::spsc::parking,
    gil::mpsc,
    gil::spmc,
    gil::mpmc,
    gil::mpsc::sharded,
    gil::mpmc::sharded
);
batch_verbs!(gil::spsc, gil::spsc::parking, gil::mpsc::sharded, gil::mpmc::sharded);
waiting_verbs!(gil::spsc, gil::spsc::parking, gil::mpsc, gil::spmc, gil::mpmc);

pub fn peers() -> Vec<Peer> {
    vec![
        Peer::spsc("gil spsc").single::<Spsc>().batch::<Spsc>(),
        Peer::spsc("gil spsc parking").single::<Parking>().batch::<Parking>().blocking::<Parking>(),
        Peer::mpsc("gil mpsc").single::<Mpsc>(),
        Peer::spmc("gil spmc").single::<Spmc>(),
        Peer::mpmc("gil mpmc").single::<Mpmc>().blocking::<Mpmc>(),
        Peer::spsc("gil spsc (never sleeps)").blocking::<Spsc>().reference(),
        Peer::mpsc("gil mpsc (never sleeps)").blocking::<Mpsc>().reference(),
        Peer::spmc("gil spmc (never sleeps)").blocking::<Spmc>().reference(),
        Peer::mpsc("gil mpsc sharded (no order)").single::<ShardedMpsc>().batch::<ShardedMpsc>().reference(),
        Peer::mpmc("gil mpmc sharded (no order)").single::<ShardedMpmc>().batch::<ShardedMpmc>().reference(),
    ]
}
