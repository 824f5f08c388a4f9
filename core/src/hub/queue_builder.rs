//! Opening or making a queue.

use crate::error::{Error, Result};
use crate::hub::catalogue::{Catalogue, QueueEntry};
use crate::hub::registry::Registry;
use crate::hub::{Hub, Inner};
use crate::name::Name;
use crate::notice::{self, Notice};
use crate::queue::{
    self, Capacity, Dedup, ErrorClass, HistoryOptions, OnBreach, OnExhausted, OnGroupDeath, Overflow, Queue,
    QueueOptions, Queues, Rate, Retry,
};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// A queue to open or make. An option that is not given keeps its stored value, or its default if the queue is new.
#[derive(Debug, Clone)]
pub struct QueueBuilder {
    hub: Hub,
    name: String,
    lease: Option<Duration>,
    max_failures: Option<u32>,
    on_exhausted: Option<OnExhausted>,
    retry: Option<Retry>,
    ttl: Option<Duration>,
    lease_total_max: Option<Duration>,
    on_breach: Option<OnBreach>,
    error_classes: BTreeMap<String, ErrorClass>,
    dedup: Option<Dedup>,
    capacity: Option<Capacity>,
    history: Option<HistoryOptions>,
    concurrency_max: Option<u32>,
    concurrency_max_per_key: Option<u32>,
    rate: Option<Rate>,
    rate_per_key: Option<Rate>,
    single_active_consumer: Option<bool>,
    age_step: Option<Duration>,
    group_parallelism: Option<u32>,
    on_group_death: Option<OnGroupDeath>,
}

impl QueueBuilder {
    pub(super) fn new(hub: Hub, name: &str) -> Self {
        Self {
            hub,
            name: name.to_owned(),
            lease: None,
            max_failures: None,
            on_exhausted: None,
            retry: None,
            ttl: None,
            lease_total_max: None,
            on_breach: None,
            error_classes: BTreeMap::new(),
            dedup: None,
            capacity: None,
            history: None,
            concurrency_max: None,
            concurrency_max_per_key: None,
            rate: None,
            rate_per_key: None,
            single_active_consumer: None,
            age_step: None,
            group_parallelism: None,
            on_group_death: None,
        }
    }

    /// How long a delivery is leased. Default 30 s, 1 ms to 7 days.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = Some(lease);
        self
    }

    /// Failures after which a message is exhausted. Default 5, at least 1.
    pub fn max_failures(mut self, count: u32) -> Self {
        self.max_failures = Some(count);
        self
    }

    /// Where exhausted and rejected messages go: `on_exhausted(OnExhausted::DeadLetter(queue))`. The queue is made if
    /// it does not exist, and keeps its own exhausted messages.
    pub fn dead_letter(self, queue: &str) -> Self {
        self.on_exhausted(OnExhausted::DeadLetter(queue.to_owned()))
    }

    /// What happens to exhausted messages. No default: a new queue must say.
    pub fn on_exhausted(mut self, policy: OnExhausted) -> Self {
        self.on_exhausted = Some(policy);
        self
    }

    /// Delay before a failed message is tried again.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = Some(retry);
        self
    }

    /// How long a message may wait before it expires, 1 ms to ten years. No limit by default. It counts for what is sent from
    /// then on, and for dead letters from their death on; [`Message::ttl`](crate::Message::ttl) can only shorten it. What expires
    /// goes where exhausted messages go; a queue that keeps those drops it.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// How long a delivery may be leased in all, however often its lease is extended. Default 1 hour, or the lease if that is
    /// longer; at most 7 days.
    pub fn lease_total_max(mut self, total: Duration) -> Self {
        self.lease_total_max = Some(total);
        self
    }

    /// What happens to a message that misses a deadline, beside being counted. Default: nothing. A queue that is named is made if
    /// it does not exist, and keeps its own exhausted messages; it finds in `rm-breach` headers which message of which queue
    /// missed what. A message that is moved or dead is taken from the worker that has it.
    pub fn on_breach(mut self, action: OnBreach) -> Self {
        self.on_breach = Some(action);
        self
    }

    /// What becomes of a message that failed with an error of this class
    /// ([`Delivery::fail_as`](crate::Delivery::fail_as)). At most 64 classes have a rule; `Retried` takes it away again.
    pub fn error_class(mut self, class: &str, rule: ErrorClass) -> Self {
        self.error_classes.insert(class.to_owned(), rule);
        self
    }

    /// What happens to messages with a [`dedup_key`](crate::Message::dedup_key). Altering it counts for keys that are
    /// remembered, too.
    pub fn dedup(mut self, dedup: Dedup) -> Self {
        self.dedup = Some(dedup);
        self
    }

    /// How much it may hold, and what happens to what does not fit. No limit by default. Altering it drops nothing by itself.
    pub fn capacity(mut self, capacity: Capacity) -> Self {
        self.capacity = Some(capacity);
        self
    }

    /// Keeps what becomes of messages that leave the queue, for [`finished`](Queue::finished) and [`explain`](Queue::explain): for that
    /// long, at most 30 days, and of that many, at most a million; with 0 of either none. Default none. Each takes about 200 bytes, its
    /// key and its result. It is kept in memory, also of a durable hub, and gone when that is closed. What was purged, sent back or
    /// moved is not in it. A queue that keeps it receives and acks more slowly.
    pub fn history(mut self, window: Duration, count_max: u32) -> Self {
        self.history = Some(HistoryOptions { window, count_max });
        self
    }

    /// Most messages out at a time, at least 1. No limit by default. It counts leases; whoever waits for one is woken when one ends.
    pub fn concurrency_max(mut self, count: u32) -> Self {
        self.concurrency_max = Some(count);
        self
    }

    /// Most messages of one [`key`](crate::Message::key) out at a time, at least 1; those without a key are not limited. Messages of
    /// other keys go ahead of those that wait, of which there may be 262,144 before the queue looks no further.
    ///
    /// It is the message's key that counts, not its [ordering key](crate::Message::ordering_key), of which one is out at a time
    /// anyway.
    pub fn concurrency_max_per_key(mut self, count: u32) -> Self {
        self.concurrency_max_per_key = Some(count);
        self
    }

    /// How often messages are delivered at most. No limit by default. A delivery counts when it begins, the second one of a message
    /// like the first. The bucket is full when the queue is opened.
    pub fn rate(mut self, rate: Rate) -> Self {
        self.rate = Some(rate);
        self
    }

    /// The same for the messages of each key, as [`concurrency_max_per_key`](Self::concurrency_max_per_key) says.
    pub fn rate_per_key(mut self, rate: Rate) -> Self {
        self.rate_per_key = Some(rate);
        self
    }

    /// Whether of several [consumers](crate::Queue::consumer) and [workers](crate::Queue::worker) only the oldest gets messages, until it
    /// is dropped or closed. Default no. If so, receiving without one is refused.
    pub fn single_active_consumer(mut self, is_single: bool) -> Self {
        self.single_active_consumer = Some(is_single);
        self
    }

    /// Has the priority of a message that waits rise by one for each such time, up to 9: since it was sent, or was last due. Of
    /// one priority those then come first that have waited longest. Those that ask for no priority rise from 4. Ordering keys
    /// still take turns: of the keys with the same priority only the next one's message is asked how old it is. 1 ms to ten
    /// years; by default priorities stay, and what is urgent may keep the rest waiting for ever.
    ///
    /// ```
    /// # use ringmain::{Clock, Hub, ManualClock, Message, OnExhausted};
    /// # use std::time::Duration;
    /// # let clock = ManualClock::new();
    /// # let hub = Hub::builder().clock(Clock::Manual(clock.clone())).memory()?;
    /// let minute = Duration::from_secs(60);
    /// let jobs = hub.queue("jobs").age_step(minute).on_exhausted(OnExhausted::Drop).open()?;
    /// jobs.send(Message::new("whenever").priority(0))?;
    /// clock.advance(6 * minute);
    /// jobs.send(Message::new("soon").priority(5))?;
    /// assert_eq!(jobs.try_receive()?.expect("two were sent").value(), b"whenever");
    /// # Ok::<(), ringmain::Error>(())
    /// ```
    pub fn age_step(mut self, step: Duration) -> Self {
        self.age_step = Some(step);
        self
    }

    /// Most messages of one [ordering key](crate::Message::ordering_key) out at a time, 1 to 1000. Default 1: strictly one after the
    /// other. With more only the first of a key are delivered, as many as that; one that waits for its retry or is set aside is one
    /// of them.
    pub fn group_parallelism(mut self, count: u32) -> Self {
        self.group_parallelism = Some(count);
        self
    }

    /// What happens to the other messages of an [ordering key](crate::Message::ordering_key) when one dies. Default: they go on. Keys
    /// that are halted stay so, whatever is said here later. 10,000 may be halted at a time; then messages of others are retried
    /// instead of dying, and to reject one is refused with [`Full`](crate::Error::Full).
    pub fn on_group_death(mut self, action: OnGroupDeath) -> Self {
        self.on_group_death = Some(action);
        self
    }

    /// Opens the queue, making it if it does not exist. Options given here are stored.
    ///
    /// # Errors
    /// `InvalidName`, `InvalidArgument`; `OptionMissing` for a new queue without `dead_letter` or `on_exhausted`;
    /// `Corrupt` saying where, `Io`.
    pub fn open(self) -> Result<Queue> {
        let inner = self.hub.inner();
        inner.check_open()?;
        let name = Name::new(&self.name)?;
        let mut registry = inner.registry_of_open()?;
        let stored = registry.catalogue.queues.get(name.as_str()).map(|entry| entry.options.clone());
        let options = self.merged(&name, stored.clone())?;
        options.check()?;
        if inner.directory.is_some() && options.capacity.is_some_and(|c| c.overflow == Overflow::Spill) {
            let detail = format!(
                "queue {name} cannot spill: its hub is durable, and its log is on disk already, of which only what is new is kept in \
                 memory; leave bytes unlimited, or choose another overflow"
            );
            return Err(Error::invalid("capacity overflow", detail));
        }
        check_dead_path(&registry.catalogue, &name, &options)?;
        if options.on_breach.target() == Some(name.as_str()) {
            return Err(Error::invalid("on_breach", format!("{name} names itself; name another queue")));
        }
        if stored.as_ref() != Some(&options) {
            inner.remove_deleted(&mut registry)?;
            let mut catalogue = registry.catalogue.clone();
            put(&mut catalogue, &name, options.clone())?;
            for needed in options.on_exhausted.dead_letter().into_iter().chain(options.on_breach.target()) {
                if !catalogue.queues.contains_key(needed) {
                    put(&mut catalogue, &Name::new(needed)?, QueueOptions::new(OnExhausted::Keep))?;
                }
            }
            inner.save(&catalogue)?;
            for queue in
                catalogue.queues.keys().filter(|queue| !registry.catalogue.queues.contains_key(*queue))
            {
                let queue = Name::new(queue)?;
                notice::later(|| Notice::QueueCreated { queue });
            }
            if stored.is_some() {
                notice::later(|| Notice::QueueAltered { queue: name.clone() });
            }
            registry.catalogue = catalogue;
        }
        let shared = open_shared(inner, &mut registry, &name)?;
        if stored.as_ref() != Some(&options) {
            let dead = dead_of(inner, &mut registry, &options)?;
            shared.set_options(options, dead)?;
        }
        drop(registry);
        Ok(Queue::new(shared, inner.clone()))
    }

    fn merged(&self, name: &Name, stored: Option<QueueOptions>) -> Result<QueueOptions> {
        let mut options = match (stored, &self.on_exhausted) {
            (Some(stored), None) => stored,
            (Some(stored), Some(policy)) => QueueOptions { on_exhausted: policy.clone(), ..stored },
            (None, Some(policy)) => QueueOptions::new(policy.clone()),
            (None, None) => {
                return Err(Error::OptionMissing {
                    noun: "queue",
                    name: name.clone(),
                    option: "dead_letter or on_exhausted",
                    advice: "say where messages go that keep failing; for instance .dead_letter(\"NAME.dead\")",
                });
            }
        };
        options.lease = self.lease.unwrap_or(options.lease);
        options.max_failures = self.max_failures.unwrap_or(options.max_failures);
        options.retry = self.retry.unwrap_or(options.retry);
        options.ttl = self.ttl.or(options.ttl);
        options.on_breach = self.on_breach.clone().unwrap_or(options.on_breach);
        options.lease_total_max = self.lease_total_max.or(options.lease_total_max);
        options.error_classes.extend(self.error_classes.clone());
        options.error_classes.retain(|_, rule| *rule != ErrorClass::Retried);
        options.dedup = self.dedup.or(options.dedup);
        options.capacity = self.capacity.or(options.capacity);
        options.history = self.history.or(options.history).filter(|history| !history.is_none());
        let limits = &mut options.limits;
        limits.concurrency_max = self.concurrency_max.or(limits.concurrency_max);
        limits.concurrency_max_per_key = self.concurrency_max_per_key.or(limits.concurrency_max_per_key);
        limits.rate = self.rate.or(limits.rate);
        limits.rate_per_key = self.rate_per_key.or(limits.rate_per_key);
        limits.single_active_consumer = self.single_active_consumer.unwrap_or(limits.single_active_consumer);
        options.groups.parallelism = self.group_parallelism.unwrap_or(options.groups.parallelism);
        options.groups.on_death = self.on_group_death.unwrap_or(options.groups.on_death);
        options.age_step = self.age_step.or(options.age_step);
        Ok(options)
    }
}

fn put(catalogue: &mut Catalogue, name: &Name, options: QueueOptions) -> Result<()> {
    if let Some(entry) = catalogue.queues.get_mut(name.as_str()) {
        entry.options = options;
        return Ok(());
    }
    Catalogue::check_case(name, catalogue.queues.keys())?;
    Catalogue::check_removed(name, &catalogue.deleted)?;
    let log = catalogue.next_log();
    catalogue.queues.insert(name.to_string(), QueueEntry { log, options });
    Ok(())
}

/// A message must not be dead-lettered into a queue that it died in before.
fn check_dead_path(catalogue: &Catalogue, name: &Name, options: &QueueOptions) -> Result<()> {
    let mut policy = &options.on_exhausted;
    let mut path = vec![name.as_str()];
    while let OnExhausted::DeadLetter(dead) = policy {
        path.push(dead);
        if dead == name.as_str() {
            return Err(Error::invalid(
                "dead_letter",
                format!("messages would go round: {}", path.join(" -> ")),
            ));
        }
        match catalogue.queues.get(dead) {
            Some(entry) => policy = &entry.options.on_exhausted,
            None => break,
        }
    }
    Ok(())
}

/// The open queue of that name, which is in the catalogue; the queues that it names are opened with it, and those that letters
/// are on their way to.
pub(super) fn open_shared(inner: &Inner, registry: &mut Registry, name: &Name) -> Result<Arc<queue::Shared>> {
    // Queues may name each other as where late messages go: each is opened before it is told.
    let (mut told, mut left) = (HashSet::new(), vec![name.clone()]);
    while let Some(name) = left.pop() {
        if told.contains(&name) {
            continue;
        }
        open_with_letters(inner, registry, &name)?;
        let Some(queue) = registry.queues.get(&name).cloned() else { continue };
        let Some(entry) = registry.catalogue.queues.get(name.as_str()) else { continue };
        let target = entry.options.on_breach.target().map(Name::new).transpose()?;
        let dead = entry.options.on_exhausted.dead_letter().map(Name::new).transpose()?;
        left.extend(dead.into_iter().chain(target.clone()));
        let target = target.map(|target| open_with_letters(inner, registry, &target)).transpose()?;
        queue.set_breach_target(target.as_ref())?;
        told.insert(name);
    }
    open_one(inner, registry, name).map(|(queue, _)| queue)
}

/// The same with its dead letter queues only, and those that letters are on their way to.
fn open_with_letters(inner: &Inner, registry: &mut Registry, name: &Name) -> Result<Arc<queue::Shared>> {
    let mut opened = open_path(inner, registry, name)?;
    while let Some(queue) = opened.pop() {
        for terms in queue.unfinished() {
            match open_path(inner, registry, &terms.to) {
                Ok(more) => opened.extend(more),
                // It was deleted meanwhile.
                Err(Error::NotFound { .. }) => {}
                // Its files are damaged: those letters stay on their way until it can be opened, and this queue is usable.
                Err(_) => continue,
            }
            queue.finish_redrive(&terms, registry.queues.get(&terms.to).map(|target| &**target))?;
        }
    }
    open_one(inner, registry, name).map(|(queue, _)| queue)
}

/// Opens a queue and its dead letter queues; returns those that were not open.
fn open_path(inner: &Inner, registry: &mut Registry, name: &Name) -> Result<Vec<Arc<queue::Shared>>> {
    // A dead path may be long: no recursion.
    let mut path = vec![name.clone()];
    while let Some(last) = path.last()
        && !registry.queues.contains_key(last)
        && let Some(entry) = registry.catalogue.queues.get(last.as_str())
        && let OnExhausted::DeadLetter(dead) = &entry.options.on_exhausted
    {
        path.push(Name::new(dead)?);
    }
    let mut opened = Vec::new();
    // From its end, for each needs the next.
    for name in path.iter().rev() {
        let (queue, is_new) = open_one(inner, registry, name)?;
        opened.extend(Some(queue).filter(|_| is_new));
    }
    Ok(opened)
}

/// Opens a queue whose dead letter queue is open; tells whether it was not.
fn open_one(inner: &Inner, registry: &mut Registry, name: &Name) -> Result<(Arc<queue::Shared>, bool)> {
    if let Some(open) = registry.queues.get(name) {
        return Ok((open.clone(), false));
    }
    let Some(entry) = registry.catalogue.queues.get(name.as_str()).cloned() else {
        return Err(Error::NotFound { noun: "queue", name: name.to_string(), advice: "" });
    };
    let dead = match &entry.options.on_exhausted {
        OnExhausted::DeadLetter(dead) => registry.queues.get(&Name::new(dead)?).cloned(),
        OnExhausted::Drop | OnExhausted::Keep => None,
    };
    let log = inner.open_log(registry, entry.log, Arc::default(), |directory| directory.queue(name))?;
    let shared = queue::Shared::open(name.clone(), log, inner.journal.clone(), entry.options, dead)?;
    shared.retain_fired(|id| registry.catalogue.schedules_of(name).any(|schedule| schedule.id == id));
    registry.queues.insert(name.clone(), shared.clone());
    shared.tell_of_letters();
    Ok((shared, true))
}

fn dead_of(
    inner: &Inner,
    registry: &mut Registry,
    options: &QueueOptions,
) -> Result<Option<Arc<queue::Shared>>> {
    match &options.on_exhausted {
        OnExhausted::DeadLetter(dead) => open_shared(inner, registry, &Name::new(dead)?).map(Some),
        OnExhausted::Drop | OnExhausted::Keep => Ok(None),
    }
}

impl Queues for Inner {
    fn open_queue(&self, name: &Name) -> Result<Arc<queue::Shared>> {
        let mut registry = self.registry_of_open()?;
        open_shared(self, &mut registry, name)
    }

    fn alter(&self, queue: &Name, change: &dyn Fn(&mut QueueOptions)) -> Result<()> {
        let mut registry = self.registry_of_open()?;
        let mut catalogue = registry.catalogue.clone();
        let Some(entry) = catalogue.queues.get_mut(queue.as_str()) else {
            return Err(Error::NotFound { noun: "queue", name: queue.to_string(), advice: "" });
        };
        change(&mut entry.options);
        entry.options.check()?;
        let options = entry.options.clone();
        if catalogue != registry.catalogue {
            self.save(&catalogue)?;
            registry.catalogue = catalogue;
            notice::later(|| Notice::QueueAltered { queue: queue.clone() });
            if let Some(open) = registry.queues.get(queue) {
                open.set_limits(options);
            }
        }
        Ok(())
    }
}
