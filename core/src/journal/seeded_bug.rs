//! Bugs planted on purpose, to show that the crash tests catch them. Awake only in builds with the feature `seeded-bugs`.

/// A bug planted on purpose, to show that a gate catches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeededBug {
    /// Waiters are told that their data is durable before it was synced.
    AckBeforeSync,
    /// The name of a journal file is not made durable.
    NoDirectorySync,
    /// A batch is believed without its checksum.
    NoChecksum,
    /// A failed sync is tried again, and believed then.
    RetryAfterFailedSync,
    /// The journal says that a batch is home which is not.
    HomedAhead,
    /// A journal file is used again before what it holds is home.
    RecycledBeforeHome,
    /// Pieces are copied home last to first.
    ReplayedOutOfOrder,
    /// What is streamed counts as durable when it was handed to the disk.
    StreamedAhead,
    /// A dead letter or a copy that is there is written once more when its queue is opened after a crash.
    CarriedAgain,
    /// Segments go before what was moved out of them is durable.
    ReleasedAhead,
    /// How far the logs go that a snapshot copies is looked at one after the other.
    SnapshotInTurn,
}

/// What is planted, if anything.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Planted(pub(crate) Option<SeededBug>);

impl Planted {
    /// Whether this one is planted and awake.
    #[inline]
    pub(crate) fn is(self, bug: SeededBug) -> bool {
        cfg!(feature = "seeded-bugs") && self.0 == Some(bug)
    }
}
