//! A program written for crossbeam-channel's bounded flavour works with ours after changing a `use`: the same
//! tests, compiled once against each.
//!
//! Capacities of at least 1: a ring without room is no ring. `select!`, `after`, `tick` and `never` have no
//! equivalent.

/// Theirs, to show that the tests are right about it.
mod crossbeam {
    use crossbeam_channel::{
        Receiver, RecvError, RecvTimeoutError, SendError, SendTimeoutError, Sender, TryRecvError,
        TrySendError, bounded,
    };

    include!("channel_surface/suite.rs");
}

/// Ours.
mod ours {
    use ringmain::ring::mpmc::{
        Receiver, RecvError, RecvTimeoutError, SendError, SendTimeoutError, Sender, TryRecvError,
        TrySendError, bounded,
    };

    include!("channel_surface/suite.rs");
}
