//! The ring for many senders and many receivers.

mod ring_behaviour;

behaviours!(mpmc);
fan_in_behaviours!(mpmc);
competing_behaviours!(ringmain::ring::mpmc::bounded);
