//! The ring for many senders and one receiver.

mod ring_behaviour;

behaviours!(mpsc);
fan_in_behaviours!(mpsc);
