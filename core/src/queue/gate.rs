//! Asking the limits before a message is leased, and telling them what became of it.
//!
//! **Promise.** A queue without limits pays nothing: one that has any takes its messages by the detour of those with options. A
//! message that its key's limit holds is taken into the index and waits there; receivers are woken when that ends, by an ack
//! or by the clock.

use crate::error::Result;
use crate::limits::HELD_COUNT_MAX;
use crate::log::{INDEXED, Payload, Place};
use crate::notice::{self, Notice};
use crate::queue::limits::{Limit, LimitOptions, Limits};
use crate::queue::settlement::Event;
use crate::queue::shared::Shared;
use crate::queue::state::{DETOUR_LIMITED, State, Status};

impl Shared {
    /// Whether a message that is about to be leased may be: otherwise it waits for its key.
    pub(crate) fn let_through(
        &self,
        state: &mut State,
        id: u64,
        payload: &Payload,
        now_ns: u64,
    ) -> Result<bool> {
        let Some((number, limit)) = state.ask_key(id, payload, now_ns) else { return Ok(true) };
        if let (Some(limits), Some(until_ns)) = (&mut state.limits, limit.until_ns()) {
            limits.shut(number, until_ns);
            self.journal.alarm().arm(until_ns);
        }
        self.set_aside(state, id, payload, Status::Held)?;
        notice::later(|| Notice::KeyHeld { queue: self.name.clone(), id, limit: limit.as_str() });
        Ok(false)
    }

    /// Counts what is out already against the limits of its keys.
    pub(crate) fn count_out(&self, state: &mut State) {
        let now_ns = self.journal.now_ns();
        for id in state.leased_ids() {
            // Unless it cannot be read: then it does not count.
            if let Some(message) = state.messages.get(&id).filter(|message| message.key.is_none())
                && let Ok(payload) = self.log.payload_at(message.place, id)
            {
                state.join_key_leased(id, &payload, now_ns);
            }
        }
    }

    /// Gives a message that is not leased after all a place in the index: the cursor has passed it.
    pub(crate) fn set_aside(
        &self,
        state: &mut State,
        id: u64,
        payload: &Payload,
        status: Status,
    ) -> Result<()> {
        let Some(message) = state.messages.get_mut(&id) else { return Ok(()) };
        let (place, is_told) = (message.place, message.is_told);
        message.is_told = true;
        state.set_status(id, status);
        if self.log.is_durable() && !is_told && !payload.frame().has(INDEXED) {
            self.append_event(&Event::Adopted { id, place })?;
        }
        Ok(())
    }
}

impl State {
    /// Alters the limits; those that waited for the old ones may go.
    pub(crate) fn set_limits(&mut self, options: &LimitOptions) {
        match &mut self.limits {
            Some(limits) if limits.options() == options => {}
            Some(limits) => {
                let opened = limits.set_options(options.clone());
                opened.into_iter().for_each(|number| self.offer(number));
            }
            None if options.is_default() => {}
            None => drop(self.limited().set_options(options.clone())),
        }
    }

    /// Has a key, or the queue, rest, as was told there.
    pub(crate) fn rest(&mut self, key: Option<&[u8]>, until_ns: u64, told: Place) {
        self.limited().rest(key, until_ns, told);
    }

    /// The limits, which every receive asks from now on.
    fn limited(&mut self) -> &mut Limits {
        self.set_detour(DETOUR_LIMITED, true);
        self.limits.get_or_insert_with(|| Box::new(Limits::new(LimitOptions::default())))
    }

    /// What keeps a message of its key from being leased, which is about to be; if nothing does, it counts against the rates.
    pub(crate) fn ask_key(&mut self, id: u64, payload: &Payload, now_ns: u64) -> Option<(u64, Limit)> {
        let limits = self.limits.as_mut()?;
        let message = self.messages.get_mut(&id)?;
        if message.key.is_none() {
            message.key = payload.frame().key().and_then(|name| limits.join(name, now_ns));
            let is_offered = message.status == Status::Ready && !message.is_grouped();
            if let Some(number) = message.key.filter(|_| is_offered) {
                limits.note_offered(number, message.rank(id), true);
            }
        }
        let key = message.key;
        let held = key.and_then(|number| Some((number, limits.of_key(number, now_ns)?)));
        if held.is_none() {
            limits.spend(key, now_ns);
        }
        held
    }

    /// Tells the limits of a message that is out.
    fn join_key_leased(&mut self, id: u64, payload: &Payload, now_ns: u64) {
        if let (Some(limits), Some(message)) = (&mut self.limits, self.messages.get_mut(&id)) {
            message.key = payload.frame().key().and_then(|name| limits.join(name, now_ns));
            if let Some(number) = message.key {
                limits.count_leased(number, 1);
            }
        }
    }

    /// Whether the limits of the whole queue let it deliver one more.
    pub(crate) fn is_open(&mut self, now_ns: u64) -> bool {
        let leased = self.leased_count();
        let Some(limits) = &mut self.limits else { return true };
        let limit = limits.of_queue(leased, now_ns);
        if let Some(until_ns) = limit.and_then(|limit| limit.until_ns()) {
            limits.wait_until(until_ns);
        }
        limit.is_none()
    }

    /// So many messages wait for their keys that the cursor stays where it is.
    pub(crate) fn is_crowded(&self) -> bool {
        self.limits.as_ref().is_some_and(|limits| limits.held_count() >= HELD_COUNT_MAX)
    }

    /// Lets the first of a key's messages go, if it has room.
    pub(crate) fn offer(&mut self, key: u64) {
        while let Some(id) = self.limits.as_ref().and_then(|limits| limits.next_of(key)) {
            self.put(id, Status::Ready);
        }
    }

    /// Lets go what waited for a time that has come. True: there may be something to deliver.
    pub(crate) fn open_limits(&mut self, now_ns: u64) -> bool {
        let Some(limits) = &mut self.limits else { return false };
        let due = limits.due(now_ns);
        due.iter().flatten().for_each(|number| self.offer(*number));
        if self.limits.as_ref().is_some_and(|limits| limits.is_idle(now_ns)) {
            self.limits = None;
            self.set_detour(DETOUR_LIMITED, false);
        }
        !due.is_empty()
    }
}
