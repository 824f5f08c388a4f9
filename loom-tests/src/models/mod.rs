//! The models. Each is one race, named `FLAVOUR::PROTOCOL` and what about it: the protocols are those of the module
//! headers of the rings, the log, the journal and the handles of the C surface.

/// The table of a file's models, each a function of that file.
macro_rules! models_of {
    ($file:literal; $($name:ident $size:expr,)*) => {
        pub const MODELS: &[Model] = &[$(
            Model {
                name: concat!($file, "::", stringify!($name)),
                size: $size,
                body: $name,
                after: || {},
            },
        )*];
    };
}

mod broadcast;
mod crowd;
mod disk;
mod event_count;
mod handles;
mod journal;
mod log;
mod pair;
mod probe;
mod queue;
mod stream;
mod unbounded;

use crate::thread;

/// A small concurrent program that asserts what the protocol promises.
#[derive(Debug)]
pub struct Model {
    pub name: &'static str,
    pub size: Size,
    pub body: fn(),
    /// What must be true when every execution is over.
    pub after: fn(),
}

/// How far a model can be explored.
#[derive(Debug, Clone, Copy)]
#[allow(dead_code, reason = "not every scheduler asks for the bound")]
pub enum Size {
    /// Every interleaving: two threads, or three with one operation each.
    Small,
    /// Every interleaving with so many preemptions.
    Bounded(usize),
    /// Schedules only.
    Large,
}

/// All of them.
pub const MODELS: &[&[Model]] = &[
    probe::MODELS,
    event_count::MODELS,
    pair::SPSC,
    pair::SPSC_BOUNDED,
    pair::MPSC,
    pair::MPSC_BOUNDED,
    crowd::MPSC,
    crowd::MPSC_BOUNDED,
    pair::MPMC,
    pair::MPMC_BOUNDED,
    crowd::MPMC_SENDERS,
    crowd::MPMC_BOUNDED,
    crowd::MPMC_RECEIVERS,
    crowd::MPMC_HOLD,
    pair::UNBOUNDED,
    crowd::UNBOUNDED_SENDERS,
    crowd::UNBOUNDED_RECEIVERS,
    unbounded::MODELS,
    broadcast::BROADCAST,
    log::MODELS,
    journal::MODELS,
    queue::MODELS,
    stream::MODELS,
    handles::MODELS,
];

/// A list of models of one flavour, out of functions generic over flavours.
macro_rules! models {
    ($list:ident, $flavour:ident, $prefix:literal: $($name:ident $size:expr,)*) => {
        pub const $list: &[Model] = &[$(
            Model {
                name: concat!($prefix, "::", stringify!($name)),
                size: $size,
                body: $name::<$flavour>,
                after: || {},
            },
        )*];
    };
}
use models;

/// Waits for all of them.
fn join<T, const N: usize>(threads: [thread::JoinHandle<T>; N]) -> [T; N] {
    threads.map(|thread| thread.join().unwrap())
}

/// A message that counts how many of its kind are alive, out of sight of the scheduler.
#[derive(Debug, Clone)]
pub struct Token {
    pub number: u32,
    _alive: std::sync::Arc<()>,
}

/// Makes tokens.
#[derive(Debug, Clone, Default)]
pub struct Mint(std::sync::Arc<()>);

impl Mint {
    pub fn token(&self, number: u32) -> Token {
        Token { number, _alive: self.0.clone() }
    }

    /// How many tokens there are, if this is the only mint left.
    pub fn alive(&self) -> usize {
        std::sync::Arc::strong_count(&self.0) - 1
    }
}
