//! A thread of a worker: takes a message, runs the handler, and says to the queue what the handler said.

use crate::error::{Error, Result, panic_text};
use crate::notice::{self, Notice};
use crate::queue::worker::crew::Crew;
use crate::queue::worker::job::Job;
use crate::queue::worker::outcome::Outcome;
use crate::queue::worker::stats::WorkerStats;
use crate::sync::lock;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Handles messages until the worker ends.
pub(super) fn run(crew: &Crew) {
    while let Some(job) = crew.wait_for_job() {
        let ran = catch_unwind(AssertUnwindSafe(|| (crew.handler)(&job)));
        let outcome = ran.unwrap_or_else(|panic| {
            lock(&crew.state).stats.panics_total += 1;
            let (queue, id, text) = (crew.queue.shared.name.clone(), job.id(), panic_text(panic));
            notice::now(|| Notice::HandlerPanicked { queue, id, error: text.clone() });
            Outcome::fail(format!("panicked: {text}"))
        });
        crew.finish(&job, outcome);
    }
}

type Counter = fn(&mut WorkerStats) -> &mut u64;

impl Crew {
    /// Settles a job that was handled, as the handler said.
    fn finish(&self, job: &Arc<Job>, outcome: Outcome) {
        let (settled, counter) = settle(job, outcome);
        let (counter, failed) = match settled {
            Ok(()) => (counter, None),
            Err(Error::LeaseLost { .. }) => (lost as Counter, None),
            Err(error) => (lost as Counter, Some(error)),
        };
        {
            let mut state = lock(&self.state);
            state.running.retain(|(other, _)| !Arc::ptr_eq(other, job));
            *counter(&mut state.stats) += 1;
        }
        if failed.is_some() {
            self.drain(failed);
        }
    }
}

fn lost(stats: &mut WorkerStats) -> &mut u64 {
    &mut stats.lost_total
}

fn settle(job: &Job, outcome: Outcome) -> (Result<()>, Counter) {
    if job.is_ended() {
        return (Ok(()), |stats| &mut stats.settled_by_handler_total);
    }
    let (said, counter): (_, Counter) = match outcome {
        Outcome::Ack => (job.ack(), |stats| &mut stats.acked_total),
        Outcome::Fail { reason, delay: None } => (job.fail(reason), |stats| &mut stats.failed_total),
        Outcome::Fail { reason, delay: Some(delay) } => {
            (job.fail_after(reason, delay), |stats| &mut stats.failed_total)
        }
        Outcome::Release { delay } => (job.release_after(delay), |stats| &mut stats.released_total),
        Outcome::Reject { reason } => (job.reject(reason), |stats| &mut stats.rejected_total),
    };
    match said {
        // The queue does not allow that outcome: the message is tried again, with the refusal as the reason.
        Err(refused @ (Error::InvalidArgument { .. } | Error::OptionMissing { .. } | Error::Full { .. })) => {
            (job.fail(refused), |stats| &mut stats.failed_total)
        }
        said => (said, counter),
    }
}
