//! The verbs on what is leased.

use super::Call;
use super::leases::{Lease, Place};
use super::room::{CLASS_BYTES, COUNT, MS, Room, VERB};
use crate::error::internal;
use crate::{argument, queue};
use ringmain::{Delivery, Error, Queue, Result};
use std::time::Duration;

/// One of the verbs with what it takes.
pub(crate) enum Settlement {
    Ack,
    AckWith { result: Vec<u8> },
    Fail { reason: String, delay: Option<Duration> },
    FailAs { class: String, reason: String },
    Release { delay: Option<Duration> },
    Reject { reason: String },
    Extend { duration: Duration },
    RateLimited { retry_after: Duration },
    Defer,
}

impl Settlement {
    /// The verb that `lib/job.js` calls by this number. `ms` is not a number where there is none; `class` is also whether there is a result.
    pub(crate) fn new(verb: u32, text: &[u8], class: Option<&[u8]>, ms: f64) -> Result<Self> {
        let delay = || if ms.is_nan() { Ok(None) } else { argument::milliseconds("delayMs", ms).map(Some) };
        let words = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(match (verb, class) {
            (0, None) => Self::Ack,
            (0, Some(_)) => Self::AckWith { result: text.to_vec() },
            (1, None) => Self::Fail { reason: words(text), delay: delay()? },
            (1, Some(class)) => Self::FailAs { class: words(class), reason: words(text) },
            (2, _) => Self::Release { delay: delay()? },
            (3, _) => Self::Reject { reason: words(text) },
            (4, _) => Self::Extend { duration: argument::milliseconds("ms", ms)? },
            (5, _) => Self::RateLimited { retry_after: argument::milliseconds("retryAfterMs", ms)? },
            (6, _) => Self::Defer,
            (verb, _) => return Err(internal(format!("verb {verb} of lib/job.js is not known here"))),
        })
    }

    /// Says it of one delivery.
    pub(crate) fn apply(&self, delivery: &Delivery) -> Result<()> {
        match self {
            Self::Ack => delivery.ack(),
            Self::AckWith { result } => delivery.ack_with(result),
            Self::Fail { reason, delay: None } => delivery.fail(reason),
            Self::Fail { reason, delay: Some(delay) } => delivery.fail_after(reason, *delay),
            Self::FailAs { class, reason } => delivery.fail_as(class, reason),
            Self::Release { delay: None } => delivery.release(),
            Self::Release { delay: Some(delay) } => delivery.release_after(*delay),
            Self::Reject { reason } => delivery.reject(reason),
            Self::Extend { duration } => delivery.extend(*duration),
            Self::RateLimited { retry_after } => delivery.rate_limited(*retry_after),
            Self::Defer => delivery.defer(),
        }
    }

    /// Says it of many with one commit; those that can.
    pub(crate) fn apply_many(&self, queue: &Queue, deliveries: &[&Delivery]) -> Vec<Result<()>> {
        match self {
            Self::Ack => queue.ack_batch(deliveries),
            Self::Fail { reason, delay: None } => queue.fail_batch(deliveries, reason),
            Self::Release { delay: None } => queue.release_batch(deliveries),
            _ => deliveries.iter().map(|delivery| self.apply(delivery)).collect(),
        }
    }

    fn settles(&self) -> bool {
        !matches!(self, Self::Extend { .. })
    }
}

impl Room {
    /// `ack()`: of the job in `SLOT` and `GENERATION`.
    pub(super) fn ack(&self, _: &Call) -> Result<()> {
        let place = self.place();
        self.said(place, true, |delivery| delivery.ack())
    }

    /// `settle()`: the same with the verb in `VERB`; the window is its text, of which the first `CLASS_BYTES - 1` are a class.
    pub(super) fn settle(&self, _: &Call) -> Result<()> {
        let settlement = self.settlement()?;
        self.said(self.place(), settlement.settles(), |delivery| settlement.apply(delivery))
    }

    fn settlement(&self) -> Result<Settlement> {
        let (text, class_bytes) = (self.window()?, self.number(CLASS_BYTES) as usize);
        let (class, text) = match class_bytes.checked_sub(1) {
            None => (None, text),
            Some(bytes) => text
                .split_at_checked(bytes)
                .map(|(class, text)| (Some(class), text))
                .ok_or_else(|| internal("the class is longer than the window"))?,
        };
        Settlement::new(self.number(VERB), text, class, self.double(MS))
    }

    #[inline]
    fn said(&self, place: Place, settles: bool, verb: impl FnOnce(&Delivery) -> Result<()>) -> Result<()> {
        let result = match self.leases.borrow().delivery(place) {
            Ok(delivery) => verb(delivery),
            // Closing the hub handle took it away.
            Err(missing) => return self.with_queue(|_| Err(missing)),
        };
        if is_over(&result, settles) {
            let lease = self.leases.borrow_mut().take(place);
            drop(lease);
        }
        result
    }

    /// `settleMany(places)`: slot and generation of each, of one queue. `COUNT` becomes how many could not be; the `failures` of the queue
    /// tell which.
    pub(super) fn settle_many(&self, call: &Call) -> Result<()> {
        let [places] = call.arrays()?;
        let settlement = self.settlement()?;
        let place = |index: usize| -> Result<Place> {
            Ok(Place { slot: places.u32(2 * index)?, generation: places.u32(2 * index + 1)? })
        };
        let places = (0..places.bytes().len() / 8).map(place).collect::<Result<Vec<_>>>()?;
        let results = self.with_queue(|open| {
            let leases = self.leases.borrow();
            let deliveries =
                places.iter().map(|place| leases.delivery(*place)).collect::<Result<Vec<_>>>()?;
            Ok(settlement.apply_many(&open.queue, &deliveries))
        })?;
        for (place, result) in places.iter().zip(&results) {
            if is_over(result, settlement.settles()) {
                let lease = self.leases.borrow_mut().take(*place);
                drop(lease);
            }
        }
        self.tell_failures(&results);
        Ok(())
    }

    /// `settlePacked()`: of the lease of a packed receive, the messages from `AT` up to `BYTES`.
    pub(super) fn settle_packed(&self, _: &Call) -> Result<()> {
        use super::room::{AT, BYTES};
        let settlement = self.settlement()?;
        let (from, to) = (self.number(AT) as usize, self.number(BYTES) as usize);
        let found = self.leases.borrow().many(self.place());
        let results = self.with_queue(|open| {
            let deliveries = found?;
            let range = deliveries.get(from..to).ok_or_else(|| {
                let count = deliveries.len();
                Error::invalid("range", format!("{from} to {to} is not within the {count} messages"))
            })?;
            Ok(settlement.apply_many(&open.queue, &range.iter().collect::<Vec<_>>()))
        })?;
        self.tell_failures(&results);
        Ok(())
    }

    /// `drop()`: a lease that nobody has any more; what is not settled is released.
    pub(super) fn forget(&self, _: &Call) -> Result<()> {
        let lease: Option<Lease> = self.leases.borrow_mut().take(self.place());
        drop(lease);
        Ok(())
    }

    /// `isCancelled()`: `COUNT` becomes 1 or 0.
    pub(super) fn is_cancelled(&self, _: &Call) -> Result<()> {
        let found = self.leases.borrow().delivery(self.place()).map(Delivery::is_cancelled);
        self.set_number(COUNT, u32::from(found.unwrap_or(false)));
        Ok(())
    }

    fn tell_failures(&self, results: &[Result<()>]) {
        let failures = queue::failures(results);
        self.set_number(COUNT, failures.len() as u32);
        if !failures.is_empty() {
            *self.failures.borrow_mut() = failures;
        }
    }
}

/// Whether a delivery has no lease any more.
pub(crate) fn is_over(result: &Result<()>, settles: bool) -> bool {
    match result {
        Ok(()) => settles,
        Err(error) => matches!(error, Error::LeaseLost { .. }),
    }
}
