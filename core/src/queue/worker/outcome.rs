//! What a handler says of a message, and what it may return instead.

use std::fmt::Display;
use std::time::Duration;

/// What becomes of a message that was handled.
///
/// ```
/// use ringmain::Outcome;
/// use std::time::Duration;
/// let busy = Outcome::release_after(Duration::from_secs(5));
/// assert_eq!(busy, Outcome::Release { delay: Duration::from_secs(5) });
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Done, as by [`ack`](crate::Delivery::ack).
    Ack,
    /// Counts towards `max_failures`, as by [`fail`](crate::Delivery::fail).
    Fail {
        /// Why.
        reason: String,
        /// When it is tried again, if not after the queue's retry delay.
        delay: Option<Duration>,
    },
    /// Handed back without penalty, as by [`release`](crate::Delivery::release).
    Release {
        /// When it is delivered again at the earliest.
        delay: Duration,
    },
    /// Dead letter now, as by [`reject`](crate::Delivery::reject).
    Reject {
        /// Why.
        reason: String,
    },
}

impl Outcome {
    /// Counts as a failure: tried again after the queue's retry delay, or dead.
    pub fn fail(reason: impl Display) -> Self {
        Self::Fail { reason: reason.to_string(), delay: None }
    }

    /// The same, with a retry delay of its own, at most ten years.
    pub fn fail_after(reason: impl Display, delay: Duration) -> Self {
        Self::Fail { reason: reason.to_string(), delay: Some(delay) }
    }

    /// Handed back without penalty, ready again at once.
    pub fn release() -> Self {
        Self::release_after(Duration::ZERO)
    }

    /// The same, delivered again after a delay of at most ten years.
    pub fn release_after(delay: Duration) -> Self {
        Self::Release { delay }
    }

    /// Dead letter now, whatever its failures.
    pub fn reject(reason: impl Display) -> Self {
        Self::Reject { reason: reason.to_string() }
    }
}

/// What a handler may return: nothing, an [`Outcome`], or a `Result` of either, whose error is a failure with its text as
/// the reason.
pub trait IntoOutcome {
    /// What becomes of the message.
    fn into_outcome(self) -> Outcome;
}

impl IntoOutcome for () {
    fn into_outcome(self) -> Outcome {
        Outcome::Ack
    }
}

impl IntoOutcome for Outcome {
    fn into_outcome(self) -> Outcome {
        self
    }
}

impl<T: IntoOutcome, E: Display> IntoOutcome for Result<T, E> {
    fn into_outcome(self) -> Outcome {
        match self {
            Ok(said) => said.into_outcome(),
            Err(error) => Outcome::fail(error),
        }
    }
}
