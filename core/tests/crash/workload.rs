//! A workload drawn from a seed: every verb of queues and streams, clean closes, killed processes, and a ledger of what
//! was acknowledged when.

use crate::dice::Dice;
use crate::house::{DEAD, GROUP, House, JOBS, LEASE, MAIL, PARTITIONS, Plan};
use crate::ledger::{Commit, Event, Ledger, Span, Task, serial, value};
use crate::mount::Mount;
use ringmain::storage::sim::SimDisk;
use ringmain::{Delivery, Error, Hub, ManualClock, Member, Message, Result};
use std::sync::Arc;
use std::time::Duration;

/// A delivery that the workload holds.
#[derive(Debug)]
struct Held {
    delivery: Delivery,
    serial: usize,
    letter: bool,
    deadline_ns: u64,
}

/// See the module's description.
#[derive(Debug)]
pub struct Workload {
    pub disk: SimDisk,
    pub ledger: Ledger,
    pub clock: ManualClock,
    /// Verbs that returned an error of the storage.
    pub refused_count: u64,
    /// Calls after which the first process is killed.
    pub first_killed_after: Option<i64>,
    plan: Plan,
    dice: Dice,
    held: Vec<Held>,
    member: Option<Member>,
    polled: Vec<Option<u64>>,
    open: Option<(House, Mount)>,
    /// Tasks that were leased since the process began: what recovery may find leased.
    touched: Vec<usize>,
}

/// Whether an error says that the storage failed, now or before.
pub fn is_of_storage(error: &Error) -> bool {
    matches!(error, Error::Io { .. } | Error::Poisoned { .. })
}

impl Workload {
    pub fn new(plan: Plan, seed: u64, disk: &SimDisk) -> Self {
        Self {
            disk: disk.clone(),
            ledger: Ledger::default(),
            clock: ManualClock::new(),
            refused_count: 0,
            first_killed_after: None,
            plan,
            dice: Dice::new(seed),
            held: Vec::new(),
            member: None,
            polled: vec![None; PARTITIONS as usize],
            open: None,
            touched: Vec::new(),
        }
    }

    /// Does `count` verbs, and ends as a killed process.
    pub fn run(&mut self, count: u64) {
        for _ in 0..count {
            self.step();
            if self.open.as_ref().is_some_and(|(_, mount)| mount.is_killed()) {
                self.kill();
            }
        }
        self.kill();
    }

    fn span<T>(&mut self, verb: impl FnOnce(&House) -> Result<T>) -> (Span, Option<T>) {
        let from = self.disk.operation_count();
        let Some((house, _)) = &self.open else { return (Span { from, by: u64::MAX }, None) };
        match verb(house) {
            Ok(done) => (Span { from, by: self.disk.operation_count() }, Some(done)),
            Err(error) => {
                assert!(is_of_storage(&error), "no verb of this workload may bring {error:?}");
                self.refused_count += 1;
                (Span { from, by: u64::MAX }, None)
            }
        }
    }

    fn step(&mut self) {
        if self.open.is_none() {
            return self.mount();
        }
        match self.dice.below(100) {
            97 => self.close(),
            98 => self.kill(),
            99 => self.kill_soon(),
            verb => self.verb(verb),
        }
    }

    /// A process that lives on, with everything open.
    pub fn reopen(&mut self) -> Hub {
        self.kill();
        let mount = Mount::new(&self.disk);
        let house = House::open(self.plan, Arc::new(mount.clone()), &self.clock).expect("a sound disk");
        let hub = house.hub.clone();
        self.open = Some((house, mount));
        hub
    }

    /// One of the verbs that need an open hub.
    pub fn any_verb(&mut self) {
        let verb = self.dice.below(97);
        self.verb(verb);
    }

    fn verb(&mut self, verb: u64) {
        match verb {
            0..20 => self.send(),
            20..26 => self.send_batch(),
            26..44 => self.receive(),
            44..54 => self.ack(),
            54..58 => self.ack_batch(),
            58..64 => self.fail(),
            64..67 => self.reject(),
            67..69 => self.release(),
            69..70 => drop(self.take_held()),
            70..71 => self.extend(),
            71..78 => self.advance(),
            78..87 => self.append(),
            87..91 => self.append_batch(),
            _ => self.poll_and_commit(),
        }
    }

    fn mount(&mut self) {
        let mount = Mount::new(&self.disk);
        if let Some(calls) = self.first_killed_after.take() {
            mount.kill_after(calls);
        } else if self.dice.once_in(6) {
            // While it recovers.
            mount.kill_after(self.dice.below(60) as i64);
        }
        let opened = House::open(self.plan, Arc::new(mount.clone()), &self.clock);
        match opened {
            Ok(house) => {
                self.open = Some((house, mount));
            }
            Err(error) => {
                assert!(is_of_storage(&error), "opening brought {error:?}");
                self.refused_count += 1;
            }
        }
    }

    /// The process is gone: leases that were out will count as failures.
    pub fn kill(&mut self) {
        if let Some((_, mount)) = &self.open {
            mount.kill();
        }
        self.lose_leases();
        self.member = None;
        self.open = None;
    }

    /// In the middle of one of the next verbs.
    fn kill_soon(&mut self) {
        let calls = 1 + self.dice.below(12) as i64;
        if let Some((_, mount)) = &self.open {
            mount.kill_after(calls);
        }
    }

    fn lose_leases(&mut self) {
        let from = self.disk.operation_count();
        self.held.clear();
        for serial in std::mem::take(&mut self.touched) {
            self.ledger.tasks[serial].failed.push(Span { from, by: u64::MAX });
        }
    }

    fn close(&mut self) {
        let (_, closed) = self.span(|house| house.hub.close(Duration::from_secs(60)));
        if closed.is_none() {
            self.lose_leases();
        }
        self.held.clear();
        self.touched.clear();
        self.member = None;
        self.open = None;
    }

    fn bytes(&mut self) -> usize {
        let most = if self.dice.once_in(12) { 6000 } else { 900 };
        self.dice.below(most) as usize
    }

    fn queue_name(&mut self) -> &'static str {
        if self.dice.below(3) < 2 { JOBS } else { MAIL }
    }

    fn task(&mut self, queue: &'static str, batch: u64) -> u64 {
        let serial = self.ledger.tasks.len() as u64;
        let value = value(serial, self.bytes());
        let sent = Span { from: self.disk.operation_count(), by: u64::MAX };
        let (leased, acked, failed) = (vec![], vec![], vec![]);
        let (rejected, letter_acked, id) = (vec![], vec![], None);
        let task = Task { queue, value, id, sent, batch, leased, acked, failed, rejected, letter_acked };
        self.ledger.tasks.push(task);
        serial
    }

    fn send(&mut self) {
        let queue = self.queue_name();
        let serial = self.task(queue, self.ledger.tasks.len() as u64);
        let value = self.ledger.tasks[serial as usize].value.clone();
        let delay = self.dice.once_in(5).then(|| Duration::from_millis(self.dice.below(5000)));
        let (span, id) = self.span(|house| {
            let mut message = Message::new(&value).header("serial", b"yes");
            if let Some(delay) = delay {
                message = message.delay(delay);
            }
            house.queue(queue).send(message)
        });
        let task = &mut self.ledger.tasks[serial as usize];
        (task.sent, task.id) = (span, id);
    }

    fn send_batch(&mut self) {
        let queue = self.queue_name();
        let batch = self.ledger.tasks.len() as u64;
        let serials: Vec<u64> = (0..2 + self.dice.below(6)).map(|_| self.task(queue, batch)).collect();
        let values: Vec<_> =
            serials.iter().map(|serial| self.ledger.tasks[*serial as usize].value.clone()).collect();
        let messages: Vec<_> = values.iter().map(Message::new).collect();
        let (span, ids) = self.span(|house| house.queue(queue).send_batch(&messages));
        for (index, serial) in serials.iter().enumerate() {
            let task = &mut self.ledger.tasks[*serial as usize];
            (task.sent, task.id) = (span, ids.as_ref().map(|ids| ids[index]));
        }
    }

    fn receive(&mut self) {
        let queue = match self.dice.below(8) {
            0 | 1 => MAIL,
            2 => DEAD,
            _ => JOBS,
        };
        let count = 1 + self.dice.below(5) as usize;
        let (span, taken) = self.span(|house| house.queue(queue).receive_batch(count, Duration::ZERO));
        let lease = if queue == DEAD { Duration::from_secs(30) } else { LEASE };
        let deadline_ns = self.clock.now_ns() + lease.as_nanos() as u64;
        for delivery in taken.unwrap_or_default() {
            let serial = serial(delivery.value()).expect("every value begins with its serial");
            let letter = queue == DEAD;
            if !letter {
                self.ledger.tasks[serial].leased.push(span);
                self.touched.push(serial);
            }
            self.held.push(Held { delivery, serial, letter, deadline_ns });
        }
    }

    /// A delivery whose lease is still held.
    fn take_held(&mut self) -> Option<Held> {
        let index = self.dice.below(self.held.len() as u64) as usize;
        (!self.held.is_empty()).then(|| self.held.swap_remove(index))
    }

    fn ack(&mut self) {
        let Some(held) = self.take_held() else { return };
        let (span, _) = self.span(|_| held.delivery.ack());
        self.acked(&held, span);
    }

    fn ack_batch(&mut self) {
        let (jobs, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.held).into_iter().partition(|held| held.delivery.queue() == JOBS);
        self.held = others;
        let (span, _) = self.span(|house| {
            let deliveries: Vec<&Delivery> = jobs.iter().map(|held| &held.delivery).collect();
            house.jobs.ack_batch(&deliveries).into_iter().collect::<Result<()>>()
        });
        jobs.iter().for_each(|held| self.acked(held, span));
    }

    fn acked(&mut self, held: &Held, span: Span) {
        let task = &mut self.ledger.tasks[held.serial];
        if held.letter { task.letter_acked.push(span) } else { task.acked.push(span) }
    }

    fn fail(&mut self) {
        let Some(held) = self.take_held() else { return };
        let own_delay = self.dice.once_in(3).then(|| Duration::from_millis(self.dice.below(3000)));
        let (span, _) = self.span(|_| match own_delay {
            None => held.delivery.fail("no luck"),
            Some(delay) => held.delivery.fail_after("no luck", delay),
        });
        if !held.letter {
            self.ledger.tasks[held.serial].failed.push(span);
        }
    }

    fn reject(&mut self) {
        let Some(held) = self.take_held() else { return };
        if held.letter {
            self.held.push(held);
            return;
        }
        let (span, _) = self.span(|_| held.delivery.reject("never"));
        self.ledger.tasks[held.serial].rejected.push(span);
    }

    fn release(&mut self) {
        let Some(held) = self.take_held() else { return };
        let delay = Duration::from_millis(self.dice.below(2) * 700);
        self.span(|_| held.delivery.release_after(delay));
    }

    fn extend(&mut self) {
        let Some(mut held) = self.take_held() else { return };
        let (_, extended) = self.span(|_| held.delivery.extend(2 * LEASE));
        if extended.is_some() {
            held.deadline_ns = held.deadline_ns.max(self.clock.now_ns() + 2 * LEASE.as_nanos() as u64);
        }
        self.held.push(held);
    }

    /// Time passes; leases run out, and what is stale is refused.
    fn advance(&mut self) {
        let by_ms = if self.dice.once_in(8) { 31_000 } else { 1 + self.dice.below(3000) };
        let clock = self.clock.clone();
        let (span, _) = self.span(|house| {
            clock.advance(Duration::from_millis(by_ms));
            house.hub.flush()
        });
        let now_ns = self.clock.now_ns();
        let (expired, held): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.held).into_iter().partition(|held| held.deadline_ns <= now_ns);
        self.held = held;
        for stale in expired {
            if span.by != u64::MAX {
                let refused = stale.delivery.ack();
                assert!(refused.is_err(), "message {} was acked after its lease ran out", stale.serial);
            }
            if !stale.letter {
                self.ledger.tasks[stale.serial].failed.push(span);
            }
        }
    }

    fn event(&mut self, batch: u64) -> u64 {
        let serial = self.ledger.events.len() as u64;
        let value = value(serial, self.bytes());
        let appended = Span { from: self.disk.operation_count(), by: u64::MAX };
        self.ledger.events.push(Event { value, position: None, appended, batch });
        serial
    }

    fn append(&mut self) {
        let serial = self.event(self.ledger.events.len() as u64);
        let value = self.ledger.events[serial as usize].value.clone();
        let key = self.dice.once_in(2).then(|| self.dice.below(5).to_string());
        let (span, position) = self.span(|house| {
            let mut message = Message::new(&value);
            if let Some(key) = &key {
                message = message.key(key);
            }
            house.events.append(message)
        });
        let event = &mut self.ledger.events[serial as usize];
        (event.appended, event.position) = (span, position.map(|p| (p.partition, p.offset)));
    }

    /// All of them go to one partition: one atomic batch.
    fn append_batch(&mut self) {
        let batch = self.ledger.events.len() as u64;
        let serials: Vec<u64> = (0..2 + self.dice.below(8)).map(|_| self.event(batch)).collect();
        let values: Vec<_> =
            serials.iter().map(|serial| self.ledger.events[*serial as usize].value.clone()).collect();
        let messages: Vec<_> = values.iter().map(Message::new).collect();
        let (span, positions) = self.span(|house| house.events.append_batch(&messages));
        for (index, serial) in serials.iter().enumerate() {
            let event = &mut self.ledger.events[*serial as usize];
            event.appended = span;
            event.position = positions.as_ref().map(|p| (p[index].partition, p[index].offset));
        }
    }

    fn poll_and_commit(&mut self) {
        if self.member.is_none() {
            let (span, member) = self.span(|house| house.events.group(GROUP).join());
            self.member = member;
            self.polled.fill(None);
            let first = (0..PARTITIONS).map(|partition| Commit { partition, offset: 0, span });
            // A later join commits nothing; that it might have changes nothing that is checked.
            if self.ledger.commits.is_empty() {
                self.ledger.commits.extend(first);
            }
        }
        let Some(mut member) = self.member.take() else { return };
        let count = 1 + self.dice.below(12) as usize;
        let (_, records) = self.span(|_| member.poll(count, Duration::ZERO));
        for record in records.unwrap_or_default() {
            self.polled[record.partition() as usize] = Some(record.offset() + 1);
        }
        let (span, _) = self.span(|_| member.commit());
        for (partition, offset) in (0..PARTITIONS).zip(&self.polled) {
            self.ledger.commits.extend(offset.map(|offset| Commit { partition, offset, span }));
        }
        self.member = Some(member);
    }
}
