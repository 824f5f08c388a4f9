//! disruptor: a ring whose every reader sees everything; with one reader it is also a queue for one receiver.
//!
//! Its pollers do not wait, and its own threads do not return messages, so it has no waiting cells. With
//! several producers each poll looks through all that was published and not yet read, so that taking one at a
//! time is slow by nature: its batch cells are what it is made for.

use crate::rings::message::Message;
use crate::rings::peer::{Kind, Peer, Side};
use crate::rings::verbs::{Ends, flavour, many_to_one, one_each, put, put_batch, take, take_batch};
use disruptor::{
    BusySpin, EventPoller, MultiConsumerBarrier, MultiProducer, MultiProducerBarrier, Producer,
    SingleConsumerBarrier, SingleProducer, SingleProducerBarrier, build_multi_producer,
    build_single_producer,
};

flavour! {
    /// One producer, one reader.
    Sp, SingleProducer<M, SingleConsumerBarrier>, Poller<M, SingleProducerBarrier>, |shape| {
        let builder = build_single_producer(shape.capacity, M::default, BusySpin);
        let (poller, builder) = builder.new_event_poller();
        one_each(shape, (builder.build(), Poller(poller)))
    }
}
flavour! {
    /// One producer, any number of readers.
    SpMany, SingleProducer<M, MultiConsumerBarrier>, Poller<M, SingleProducerBarrier>, |shape| {
        let mut builder = build_single_producer(shape.capacity, M::default, BusySpin).with_multi_consumer();
        let mut receivers = Vec::new();
        for _ in 0..shape.consumers {
            let (poller, next) = builder.new_event_poller();
            receivers.push(Poller(poller));
            builder = next;
        }
        Ends { senders: vec![builder.build()], receivers }
    }
}
flavour! {
    /// Many producers, one reader.
    Mp, MultiProducer<M, SingleConsumerBarrier>, Poller<M, MultiProducerBarrier>, |shape| {
        let builder = build_multi_producer(shape.capacity, M::default, BusySpin);
        let (poller, builder) = builder.new_event_poller();
        many_to_one(shape, (builder.build(), Poller(poller)))
    }
}
flavour! {
    /// Made for many producers, any number of readers.
    MpMany, MultiProducer<M, MultiConsumerBarrier>, Poller<M, MultiProducerBarrier>, |shape| {
        let mut builder = build_multi_producer(shape.capacity, M::default, BusySpin).with_multi_consumer();
        let mut receivers = Vec::new();
        for _ in 0..shape.consumers {
            let (poller, next) = builder.new_event_poller();
            receivers.push(Poller(poller));
            builder = next;
        }
        Ends { senders: vec![builder.build()], receivers }
    }
}

/// A reader.
pub struct Poller<M, B>(EventPoller<M, B>);

impl<M, B> std::fmt::Debug for Poller<M, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Poller")
    }
}

fn put_one<M: Message>(producer: &mut impl Producer<M>, message: M) -> bool {
    producer.try_publish(|slot| *slot = message).is_ok()
}

/// As many as there is room for, if it is not the whole batch: the refusal says how many are missing.
fn put_some<M: Message>(producer: &mut impl Producer<M>, numbers: std::ops::Range<u64>) -> usize {
    let wanted = (numbers.end - numbers.start) as usize;
    let mut write = |count: usize| {
        producer.try_batch_publish(count, |slots| {
            for (slot, number) in slots.zip(numbers.clone()) {
                *slot = M::numbered(number);
            }
        })
    };
    match write(wanted) {
        Ok(_) => wanted,
        Err(refusal) => {
            let count = wanted.saturating_sub(refusal.0 as usize);
            if count > 0 && write(count).is_ok() { count } else { 0 }
        }
    }
}

put!(SingleProducer<M, SingleConsumerBarrier>, |sender, message| put_one(sender, message));
put!(SingleProducer<M, MultiConsumerBarrier>, |sender, message| put_one(sender, message));
put!(MultiProducer<M, SingleConsumerBarrier>, |sender, message| put_one(sender, message));
put!(MultiProducer<M, MultiConsumerBarrier>, |sender, message| put_one(sender, message));
put_batch!(SingleProducer<M, SingleConsumerBarrier>, |sender, numbers| put_some(sender, numbers));
put_batch!(SingleProducer<M, MultiConsumerBarrier>, |sender, numbers| put_some(sender, numbers));
put_batch!(MultiProducer<M, SingleConsumerBarrier>, |sender, numbers| put_some(sender, numbers));
put_batch!(MultiProducer<M, MultiConsumerBarrier>, |sender, numbers| put_some(sender, numbers));
take!(Poller<M, SingleProducerBarrier>, |poller| {
    poller.0.take(1).ok().and_then(|mut one| (&mut one).next().copied())
});
take!(Poller<M, MultiProducerBarrier>, |poller| {
    poller.0.take(1).ok().and_then(|mut one| (&mut one).next().copied())
});
take_batch!(Poller<M, SingleProducerBarrier>, |poller, count_max, each| {
    poller.0.take(count_max as u64).map_or(0, |mut some| (&mut some).inspect(|message| each(message)).count())
});
take_batch!(Poller<M, MultiProducerBarrier>, |poller, count_max, each| {
    poller.0.take(count_max as u64).map_or(0, |mut some| (&mut some).inspect(|message| each(message)).count())
});

pub fn peers() -> Vec<Peer> {
    let one_reader = |name| Peer::new(name, Kind::Broadcast, Side::One, Side::One);
    vec![
        Peer::spsc("disruptor SP").single::<Sp>().batch::<Sp>(),
        Peer::mpsc("disruptor MP").single::<Mp>().single_up_to(1024).batch::<Mp>(),
        one_reader("disruptor SP, one reader").single::<Sp>().batch::<Sp>(),
        Peer::broadcast("disruptor SP").single::<SpMany>().batch::<SpMany>(),
        Peer::broadcast("disruptor MP").single::<MpMany>().single_up_to(1024).batch::<MpMany>(),
    ]
}
