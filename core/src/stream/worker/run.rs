//! A thread of a worker: takes records, runs the handler, and says what became of them.

use crate::error::{Error, Result, panic_text};
use crate::limits::REASON_BYTES_MAX;
use crate::message::cut;
use crate::notice::{self, Notice};
use crate::stream::record::Record;
use crate::stream::worker::crew::{Crew, Exhausted, Sink};
use crate::stream::worker::lane::Job;
use crate::sync::lock;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Handles records until the worker ends.
pub(super) fn run(crew: &Crew) {
    while let Some(job) = crew.wait_for_job() {
        crew.handle(job);
    }
}

impl Crew {
    fn handle(&self, mut job: Job) {
        let Some(partition) = job.records.first().map(Record::partition) else { return };
        // However long it takes, the member is not taken for dead.
        let _processing = self.processing();
        let again = match self.call(&job) {
            Ok(()) => {
                let count = self.done(&job.records);
                lock(&self.state).stats.done_total += count;
                None
            }
            Err(reason) => {
                lock(&self.state).stats.failed_total += job.records.len() as u64;
                job.failures += 1;
                if job.failures < self.options.max_failures {
                    let due_ns = self.clock().now_ns().saturating_add(self.delay_ns(job.failures));
                    Some((job, due_ns))
                } else {
                    self.give_up(&job, &reason);
                    None
                }
            }
        };
        self.end_job(partition, again);
    }

    /// What the handler says; a panic is a failure.
    fn call(&self, job: &Job) -> Result<(), String> {
        catch_unwind(AssertUnwindSafe(|| (self.handler)(&job.records))).unwrap_or_else(|panic| {
            lock(&self.state).stats.panics_total += 1;
            let error = panic_text(panic);
            if let Some(record) = job.records.first() {
                let (stream, partition, offset) =
                    (self.stream.shared.name.clone(), record.partition(), record.offset());
                notice::now(|| Notice::RecordHandlerPanicked {
                    stream,
                    partition,
                    offset,
                    error: error.clone(),
                });
            }
            Err(format!("panicked: {error}"))
        })
    }

    fn delay_ns(&self, failures: u32) -> u64 {
        let (first_ns, max_ns) = self.options.retry_ns;
        let factor = 1u64.checked_shl(failures - 1).unwrap_or(u64::MAX);
        first_ns.saturating_mul(factor).min(max_ns)
    }

    /// The records have failed too often.
    fn give_up(&self, job: &Job, reason: &str) {
        match &self.options.exhausted {
            Exhausted::Stop => self.stop(job, reason),
            Exhausted::Skip => {
                let count = self.done(&job.records);
                lock(&self.state).stats.skipped_total += count;
            }
            Exhausted::HandOver(sink) => {
                for record in &job.records {
                    if let Err(error) = hand_over(sink, record, reason) {
                        return self.end(Some(error));
                    }
                    let count = self.done(std::slice::from_ref(record));
                    lock(&self.state).stats.handed_over_total += count;
                }
            }
        }
    }

    fn stop(&self, job: &Job, reason: &str) {
        let Some(record) = job.records.first() else { return };
        self.end(Some(Error::HandlerFailed {
            stream: self.stream.shared.name.clone(),
            partition: record.partition(),
            offset: record.offset(),
            failures: job.failures,
            reason: cut(reason, REASON_BYTES_MAX).to_owned(),
        }));
    }
}

fn hand_over(sink: &Sink, record: &Record, reason: &str) -> Result<()> {
    catch_unwind(AssertUnwindSafe(|| sink(record, reason)))
        .unwrap_or_else(|panic| Err(Error::invalid("sink", format!("panicked: {}", panic_text(panic)))))
}
