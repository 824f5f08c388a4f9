//! A ring that takes part: its name, for how many threads it is, and what it can do.

use super::cell::{Payload, Topology, Use};
use super::message::Line;
use super::mode::{Batch, Blocking, Mode, Single};
use super::verbs::{Flavour, Put, PutBatch, PutWaiting, Shape, Take, TakeBatch, TakeWaiting};
use super::{idle_cpu, pair, ping_pong, slot_bytes, transfer, wake};
use crate::harness::{Role, Sample, Work};
use anyhow::Result;

/// How many threads may be on a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// One.
    One,
    /// Any number.
    Many,
}

/// What becomes of a message, and whether there is a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Each message goes to one receiver; a full ring holds the sender.
    Bounded,
    /// As bounded, but there is always room.
    Unbounded,
    /// Each message goes to every receiver.
    Broadcast,
}

/// A round of a transfer.
pub type Transfer = fn(Shape, Work) -> Result<Sample>;
/// A round of something whose shape is always the same.
pub type Round = fn(Work) -> Result<Sample>;

/// One thing for each payload.
#[derive(Clone, Copy, Debug)]
pub struct PerPayload<T> {
    word: T,
    line: T,
}

impl<T: Copy> PerPayload<T> {
    /// That of a payload.
    pub fn of(self, payload: Payload) -> T {
        match payload {
            Payload::Word => self.word,
            Payload::Line => self.line,
        }
    }
}

/// A ring that takes part.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Names it in the tables.
    pub name: &'static str,
    /// As what it takes part.
    pub role: Role,
    /// What becomes of a message.
    pub kind: Kind,
    /// How many senders.
    pub producers: Side,
    /// How many receivers.
    pub consumers: Side,
    /// The only capacity that it has, if it cannot be chosen.
    pub capacity: Option<usize>,
    /// Sends and receives one by one, if it can without waiting.
    pub single: Option<PerPayload<Transfer>>,
    /// Up to which capacity that can be waited for.
    pub single_capacity_max: usize,
    /// Sends and receives batches, if it can.
    pub batch: Option<PerPayload<Transfer>>,
    /// Waits, if it can.
    pub blocking: Option<PerPayload<Transfer>>,
    /// A send and a receive with nobody else there.
    pub pair: Option<Round>,
    /// Round trips without waiting calls.
    pub spinning: Option<Round>,
    /// What only a ring with waiting calls can do.
    pub waiting: Option<Waiting>,
    /// How much memory a slot takes.
    pub slot_bytes: Option<PerPayload<Round>>,
}

/// What only a ring with waiting calls can do.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// Round trips.
    pub ping_pong: Round,
    /// Waking a sleeper.
    pub wake: Round,
    /// What a sleeper costs.
    pub idle: Round,
}

impl Peer {
    /// A ring that cannot do anything yet.
    pub fn new(name: &'static str, kind: Kind, producers: Side, consumers: Side) -> Self {
        Self {
            name,
            role: Role::Rival,
            kind,
            producers,
            consumers,
            capacity: None,
            single: None,
            single_capacity_max: usize::MAX,
            batch: None,
            blocking: None,
            pair: None,
            spinning: None,
            waiting: None,
            slot_bytes: None,
        }
    }

    /// For one sender and one receiver.
    pub fn spsc(name: &'static str) -> Self {
        Self::new(name, Kind::Bounded, Side::One, Side::One)
    }

    /// For many senders and one receiver.
    pub fn mpsc(name: &'static str) -> Self {
        Self::new(name, Kind::Bounded, Side::Many, Side::One)
    }

    /// For one sender and many competing receivers.
    pub fn spmc(name: &'static str) -> Self {
        Self::new(name, Kind::Bounded, Side::One, Side::Many)
    }

    /// For many senders and many competing receivers.
    pub fn mpmc(name: &'static str) -> Self {
        Self::new(name, Kind::Bounded, Side::Many, Side::Many)
    }

    /// For one sender and many receivers that each read everything.
    pub fn broadcast(name: &'static str) -> Self {
        Self::new(name, Kind::Broadcast, Side::One, Side::Many)
    }

    /// The same without a bound.
    pub fn unbounded(self) -> Self {
        Self { kind: Kind::Unbounded, ..self }
    }

    /// It does less than ours, or nothing that can be compared.
    pub fn reference(self) -> Self {
        Self { role: Role::Reference, ..self }
    }

    /// Its capacity cannot be chosen.
    pub fn only_at(self, capacity: usize) -> Self {
        Self { capacity: Some(capacity), ..self }
    }

    /// With more room its calls for one message take too long to be measured.
    pub fn single_up_to(self, capacity: usize) -> Self {
        Self { single_capacity_max: capacity, ..self }
    }

    /// It has calls that do not wait.
    pub fn single<F>(self) -> Self
    where
        F: Flavour<u64, Sender: Put<u64>, Receiver: Take<u64>>
            + Flavour<Line, Sender: Put<Line>, Receiver: Take<Line>>,
    {
        Self {
            single: Some(self.transfer::<F, Single>()),
            pair: Some(pair::uncontended::<u64, F>),
            spinning: Some(ping_pong::spinning::<u64, F>),
            slot_bytes: Some(PerPayload {
                word: slot_bytes::bytes::<u64, F>,
                line: slot_bytes::bytes::<Line, F>,
            }),
            ..self
        }
    }

    /// It can only be compared by its round trips.
    pub fn round_trips<F: Flavour<u64, Sender: Put<u64>, Receiver: Take<u64>>>(self) -> Self {
        Self { spinning: Some(ping_pong::spinning::<u64, F>), ..self }
    }

    /// It has calls for several messages that do not wait.
    pub fn batch<F>(self) -> Self
    where
        F: Flavour<u64, Sender: PutBatch<u64>, Receiver: TakeBatch<u64>>
            + Flavour<Line, Sender: PutBatch<Line>, Receiver: TakeBatch<Line>>,
    {
        Self { batch: Some(self.transfer::<F, Batch>()), ..self }
    }

    /// It has calls that wait.
    pub fn blocking<F>(self) -> Self
    where
        F: Flavour<u64, Sender: PutWaiting<u64>, Receiver: TakeWaiting<u64>>
            + Flavour<Line, Sender: PutWaiting<Line>, Receiver: TakeWaiting<Line>>,
    {
        let waiting = Waiting {
            ping_pong: ping_pong::blocking::<u64, F>,
            wake: wake::latency::<u64, F>,
            idle: idle_cpu::cost::<u64, F>,
        };
        Self { blocking: Some(self.transfer::<F, Blocking>()), waiting: Some(waiting), ..self }
    }

    fn transfer<F, W>(&self) -> PerPayload<Transfer>
    where
        F: Flavour<u64> + Flavour<Line>,
        W: Mode<u64, F> + Mode<Line, F>,
    {
        match self.kind {
            Kind::Broadcast => {
                PerPayload { word: transfer::fan_out::<u64, F, W>, line: transfer::fan_out::<Line, F, W> }
            }
            _ => {
                PerPayload { word: transfer::competing::<u64, F, W>, line: transfer::competing::<Line, F, W> }
            }
        }
    }

    /// How it does a transfer of this kind. Who has no calls for batches sends and receives one by one, as
    /// its users have to.
    pub fn transfers(&self, how: Use, payload: Payload, capacity: usize) -> Option<Transfer> {
        let single = self.single.filter(|_| capacity <= self.single_capacity_max);
        let transfers = match how {
            Use::Single => single,
            Use::Batch => self.batch.or(single),
            Use::Blocking => self.blocking,
        };
        transfers.map(|transfers| transfers.of(payload))
    }

    /// Whether it is made for that many threads, and for that many messages.
    pub fn fits(&self, topology: Topology, capacity: usize) -> bool {
        let enough = |side, threads| side == Side::Many || threads == 1;
        enough(self.producers, topology.producers)
            && enough(self.consumers, topology.consumers)
            && self.capacity.is_none_or(|only| only == capacity)
    }
}
