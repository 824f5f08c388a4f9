//! Rings with a planted fault, to show that the harness tells it: the suite `seeded`, which only a test runs.

use super::cell::Topology;
use super::message::Message;
use super::mode::Single;
use super::transfer;
use super::verbs::{Ends, Flavour, Put, Shape, Take, flavour, many_each};
use crate::harness::{Effort, Entrant, Experiment, Goal, Metric, Role};
use crossbeam_queue::ArrayQueue;
use std::sync::Arc;

/// What happens to one of the messages.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// It is lost.
    Lost,
    /// It comes twice.
    Doubled,
    /// Another one comes again in its place.
    Replaced,
    /// The sender waits for ever.
    Stuck,
    /// The process dies.
    Fatal,
}

/// The message that it happens to: past the warm-up and in every round.
const UNLUCKY: u64 = 777;
const CAPACITY: usize = 1024;

flavour! {
    /// Without a fault.
    Sound, Faulty<M>, Faulty<M>, |shape| faulty(shape, None)
}
flavour! {
    /// With [`Fault::Lost`].
    Losing, Faulty<M>, Faulty<M>, |shape| faulty(shape, Some(Fault::Lost))
}
flavour! {
    /// With [`Fault::Doubled`].
    Doubling, Faulty<M>, Faulty<M>, |shape| faulty(shape, Some(Fault::Doubled))
}
flavour! {
    /// With [`Fault::Replaced`].
    Replacing, Faulty<M>, Faulty<M>, |shape| faulty(shape, Some(Fault::Replaced))
}
flavour! {
    /// With [`Fault::Stuck`].
    Sticking, Faulty<M>, Faulty<M>, |shape| faulty(shape, Some(Fault::Stuck))
}
flavour! {
    /// With [`Fault::Fatal`].
    Dying, Faulty<M>, Faulty<M>, |shape| faulty(shape, Some(Fault::Fatal))
}

/// A sound queue, in which the unlucky message goes wrong.
#[derive(Clone, Debug)]
pub struct Faulty<M> {
    queue: Arc<ArrayQueue<M>>,
    fault: Option<Fault>,
}

fn faulty<M: Message>(shape: Shape, fault: Option<Fault>) -> Ends<Faulty<M>, Faulty<M>> {
    let faulty = Faulty { queue: Arc::new(ArrayQueue::new(shape.capacity)), fault };
    many_each(shape, (faulty.clone(), faulty))
}

impl<M: Message> Put<M> for Faulty<M> {
    fn put(&mut self, message: M) -> bool {
        let push = |message| self.queue.push(message).is_ok();
        match self.fault {
            Some(fault) if message.number() == UNLUCKY => match fault {
                Fault::Lost => true,
                Fault::Doubled => push(message) && push(message),
                Fault::Replaced => push(M::numbered(UNLUCKY - 1)),
                Fault::Stuck => false,
                Fault::Fatal => std::process::abort(),
            },
            _ => push(message),
        }
    }
}

impl<M: Message> Take<M> for Faulty<M> {
    fn take(&mut self) -> Option<M> {
        self.queue.pop()
    }
}

/// A contest among the faults.
pub fn experiments() -> Vec<Experiment> {
    fn entrant<F: Flavour<u64, Sender: Put<u64>, Receiver: Take<u64>>>(name: &str, role: Role) -> Entrant {
        let Topology { producers, consumers } = Topology::TWO_TWO;
        let shape = Shape { producers, consumers, capacity: CAPACITY };
        Entrant::new(name, role, move |work| transfer::competing::<u64, F, Single>(shape, work))
    }
    vec![Experiment {
        name: "faults".to_owned(),
        group: "faults".to_owned(),
        metrics: vec![Metric {
            cell: "faults".to_owned(),
            unit: "M msgs/s",
            higher_is_better: true,
            goal: Goal::Ratio(0.0),
        }],
        entrants: vec![
            entrant::<Sound>("ours", Role::Ours),
            entrant::<Sound>("sound", Role::Rival),
            entrant::<Losing>("losing", Role::Rival),
            entrant::<Doubling>("doubling", Role::Rival),
            entrant::<Replacing>("replacing", Role::Rival),
            entrant::<Sticking>("sticking", Role::Rival),
            entrant::<Dying>("dying", Role::Rival),
        ],
        effort: Effort::Scaled { amount_min: 1, stretch: 1 },
    }]
}
