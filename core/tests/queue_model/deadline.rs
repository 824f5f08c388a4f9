//! What time brings: messages are due, expire, miss their deadlines; leases run out.

use crate::model::{Late, Model, Status};
use ringmain::{Deadline, OnBreach, OnExhausted};

/// In the order in which they come, if they come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Brought {
    Due,
    Expired,
    Missed(Deadline),
}

impl Model {
    /// Time has passed: what is due is ready, or expires, or is late, each at its time; then leases that have run out fail in
    /// the order of their deadlines.
    pub fn tick(&mut self) {
        while self.wait_is_over() || self.lease_is_over() {}
    }

    fn wait_is_over(&mut self) -> bool {
        let mut brought = Vec::new();
        for (id, entry) in &self.kept.messages {
            if let Status::Scheduled { due_ms } = entry.status {
                brought.push((due_ms, *id, Brought::Due));
            }
            if !entry.is_leased() {
                brought.push((entry.expires_ms, *id, Brought::Expired));
            }
            if !entry.is_leased() && entry.attempts == 0 {
                brought.push((entry.start_by_ms, *id, Brought::Missed(Deadline::Start)));
            }
            brought.push((entry.complete_by_ms, *id, Brought::Missed(Deadline::Complete)));
        }
        brought.retain(|(at_ms, ..)| *at_ms <= self.now_ms);
        brought.sort_unstable();
        for (_, id, what) in &brought {
            let Some(entry) = self.kept.messages.get_mut(id) else { continue };
            match what {
                Brought::Due => entry.status = Status::Ready,
                Brought::Expired => {
                    self.totals.expired += 1;
                    self.die(*id, "expired");
                }
                Brought::Missed(deadline) => self.miss(*id, *deadline),
            }
        }
        !brought.is_empty()
    }

    fn miss(&mut self, id: u64, deadline: Deadline) {
        let Some(entry) = self.kept.messages.get_mut(&id) else { return };
        let reason = match deadline {
            Deadline::Start => {
                entry.start_by_ms = u64::MAX;
                self.totals.start_breaches += 1;
                "not received by its deadline"
            }
            Deadline::Complete => {
                entry.complete_by_ms = u64::MAX;
                self.totals.complete_breaches += 1;
                "not acked by its deadline"
            }
        };
        self.breaches.push((id, deadline));
        let (value, attempts, failures) = (entry.value.clone(), entry.attempts, entry.failures);
        let copy = Late { value, id, deadline, attempts, failures, key: entry.key };
        match self.setup.on_breach {
            OnBreach::None => {}
            OnBreach::EscalateTo(_) => self.kept.late.push(copy),
            OnBreach::MoveTo(_) => {
                self.kept.late.push(copy);
                self.take_out(id);
            }
            OnBreach::Dead => {
                entry.error = reason.into();
                self.die(id, "deadline");
            }
            OnBreach::Cancel if entry.is_leased() => entry.is_recalled = true,
            OnBreach::Cancel => self.cancel_now(id),
        }
    }

    fn lease_is_over(&mut self) -> bool {
        let mut over = Vec::new();
        for (id, entry) in &self.kept.messages {
            if let Status::Leased { deadline_ms } = entry.status
                && deadline_ms <= self.now_ms
            {
                over.push((deadline_ms, *id));
            }
        }
        over.sort_unstable();
        for (_, id) in &over {
            self.totals.leases_expired += u64::from(!self.kept.messages[id].is_recalled);
            self.fail(*id, "the lease ran out", None);
        }
        !over.is_empty()
    }

    /// Failures of which the last kills; `u32::MAX` where none does.
    pub fn failures_max(&self) -> u32 {
        if self.setup.on_exhausted == OnExhausted::Keep { u32::MAX } else { self.setup.failures_max }
    }
}
