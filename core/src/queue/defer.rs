//! Setting a message aside until somebody asks for it by its id.

use crate::error::Result;
use crate::limits::LEASE_COUNT_MAX;
use crate::queue::delivery::Delivery;
use crate::queue::lease::{Grant, Term};
use crate::queue::receive::Start;
use crate::queue::settle::Token;
use crate::queue::settlement::Event;
use crate::queue::shared::Shared;
use crate::queue::state::Status;
use crate::sync::lock;
use std::sync::Arc;

impl Shared {
    /// Sets a leased message aside.
    pub(crate) fn defer(&self, token: Token) -> Result<()> {
        self.settle(token, |state, _| {
            if state.is_recalled(token.id) {
                return self.cancel_locked(state, token.id);
            }
            let end = self.append_event(&Event::Deferred { id: token.id })?;
            state.set_status(token.id, Status::Deferred);
            Ok(end)
        })
    }

    /// Leases a message that was set aside, unless it has expired by now, or a limit or a halt is in its way: then it stays where it is.
    pub(crate) fn take_deferred(
        self: &Arc<Self>,
        id: u64,
        consumer: Option<u64>,
    ) -> Result<Option<Delivery>> {
        self.check_open()?;
        let term = Term::of(&lock(&self.options), None)?;
        let (mut state, now_ns) = self.state_now();
        let is_active = self.is_active(&state, consumer);
        if !matches!(is_active, Ok(true)) {
            self.unlock(state);
            return is_active.map(|_| None);
        }
        let place = state.messages.get(&id).filter(|message| message.status == Status::Deferred);
        let taken = match place.map(|message| message.place) {
            Some(place)
                if state.leased_count() < LEASE_COUNT_MAX
                    && state.halt_before(id).is_none()
                    && state.is_open(now_ns) =>
            {
                self.payload_at(place, id).and_then(|payload| {
                    if state.ask_key(id, &payload, now_ns).is_some() {
                        return Ok(None);
                    }
                    let mut grant = Grant::new(now_ns, term, Start::Now);
                    self.lease_locked(&mut state, id, payload, &mut grant);
                    Ok(self.note_leases(grant)?.pop())
                })
            }
            _ => Ok(None),
        };
        self.unlock(state);
        taken
    }
}
